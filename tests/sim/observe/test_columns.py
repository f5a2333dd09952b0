"""Columns: rates, gauges, binning of requests, and chunks that add up to the run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machine.request import Issuer
from sim.machine.vmstat import NAMES
from sim.observe.columns import columns
from sim.result import Result
from tests.support.results import MS, requests, result


def _series(*times_ms: int, **counters: list[int]) -> dict[str, np.ndarray]:
    t_ns = np.array(times_ms, np.int64) * MS
    return {"t_ns": t_ns, **{name: np.array(v, np.int64) for name, v in counters.items()}}


def test_a_run_without_series_has_no_columns() -> None:
    bare = result()
    assert list(columns(bare)) == ["t_s"]
    bare.families["series"] = "not recorded"
    assert len(columns(bare)["t_s"].values) == 0


def test_rates_are_differences_over_the_time_between_samples() -> None:
    run = result(series=_series(0, 100, 300, pgscan_direct=[5, 15, 15]))
    line = columns(run)["scan_pages_per_s.direct"]
    assert line.unit == "pages/s"
    assert line.values.tolist() == [100.0, 0.0]
    assert columns(run)["t_s"].values.tolist() == [0.1, 0.3]


def test_gauges_are_the_later_sample_in_mib() -> None:
    run = result(series=_series(0, 100, nr_file_dirty=[0, 512]))
    assert columns(run)["memory_mib.dirty"] == ("MiB", [2.0])


def test_what_was_not_sampled_has_no_column() -> None:
    lines = columns(result(series=_series(0, 100), families={"series": "present"}))
    assert set(lines) == {"t_s"}


def test_a_ratio_without_a_denominator_is_no_number() -> None:
    run = result(series=_series(0, 1, 2, sectors_written=[0, 0, 32], requests_written=[0, 0, 2]))
    mean = columns(run)["write_request_kib_mean"].values
    assert np.isnan(mean[0])
    assert mean[1] == 8.0


def test_large_ns_counters_lose_nothing() -> None:
    start = 2**53
    run = result(series=_series(0, 1000, disk_busy_ns=[start, start + 500_000_001]))
    assert columns(run)["disk_busy_share"].values == pytest.approx(0.500000001, rel=1e-12)


def test_requests_count_in_the_interval_in_which_they_end() -> None:
    log = requests(
        {"t_done_ns": 100 * MS, "nr_sectors": 2048, "write": 1, "issuer": Issuer.FLUSHER},
        {"t_done_ns": 101 * MS, "nr_sectors": 2048, "write": 1, "issuer": Issuer.KSWAPD},
        {"t_done_ns": 150 * MS, "nr_sectors": 2048, "write": 0, "issuer": Issuer.OTHER},
        {"t_done_ns": 999 * MS, "nr_sectors": 2048, "write": 1, "issuer": Issuer.KSWAPD},
    )
    lines = columns(result(series=_series(0, 100, 200), io=log))
    assert lines["write_mib_per_s.flusher"].values.tolist() == [10.0, 0.0]
    assert lines["write_mib_per_s.kswapd"].values.tolist() == [0.0, 10.0]
    assert lines["read_mib_per_s"].values.tolist() == [0.0, 10.0]


def test_a_request_log_stands_in_for_missing_counters_only() -> None:
    log = requests({"t_done_ns": 50 * MS, "nr_sectors": 16, "write": 1, "positioned": 1})
    counted = _series(
        0, 100, requests_written=[0, 7], sectors_written=[0, 56], seeks_read=[0, 0],
        seeks_written=[0, 3],
    )  # fmt: skip
    assert columns(result(series=counted, io=log))["write_requests_per_s"].values == [70.0]
    lines = columns(result(series=_series(0, 100), io=log))
    assert lines["write_requests_per_s"].values == [10.0]
    assert lines["write_request_kib_mean"].values == [8.0]
    assert lines["seeks_per_s"].values == [10.0]


def test_pages_put_under_writeback_stand_in_for_a_missing_log() -> None:
    run = result(series=_series(0, 1000, written_kswapd=[0, 256]))
    run.families["io"] = "not recorded"
    assert columns(run)["write_mib_per_s.kswapd"].values == [1.0]


def test_memcgs_and_zones_have_columns_by_name() -> None:
    series = _series(0, 1000)
    series["memcg.box-1.usage"] = np.array([0, 256])
    series["memcg.box-1.failcnt"] = np.array([0, 9])
    series["zone.DMA32.nr_free"] = np.array([0, 512])
    zones = {"DMA32": {"min_pages": 256, "low_pages": 512, "high_pages": 768, "present_pages": 1}}
    lines = columns(result(series=series, meta={"zones": zones}))
    assert lines["memcg.box-1.usage_mib"] == ("MiB", [1.0])
    assert lines["memcg.box-1.failcnt_per_s"] == ("failures/s", [9.0])
    assert lines["zone.DMA32.free_mib"] == ("MiB", [2.0])
    assert lines["wmark_mib.low"] == ("MiB", [2.0])
    assert lines["zone.DMA32.wmark_high_mib"] == ("MiB", [3.0])


def test_scanned_pages_that_are_neither_reclaimed_nor_isolated_were_put_back() -> None:
    counters = {f"pg{what}_{who}": [0, 0] for what in ("scan", "steal")
                for who in ("kswapd", "direct", "memcg")}  # fmt: skip
    counters |= {"pgscan_kswapd": [7, 107], "pgscan_direct": [0, 20], "pgsteal_kswapd": [0, 30]}
    counters |= {"nr_isolated_anon": [4, 32], "nr_isolated_file": [0, 0]}
    lines = columns(result(series=_series(0, 500, **counters)))
    assert lines["put_back_pages_per_s"] == ("pages/s", [(120 - 30 - 28) / 0.5])
    assert "came_pages_per_s" not in lines, "lists were not sampled"


def test_what_came_to_the_lists_is_their_growth_and_what_was_reclaimed() -> None:
    names = ("inactive_anon", "active_anon", "inactive_file", "active_file", "dirty_list",
             "unevictable", "isolated_anon", "isolated_file")  # fmt: skip
    counters = {f"nr_{name}": [10, 20] for name in names}
    counters |= {f"pgsteal_{who}": [0, 5] for who in ("kswapd", "direct", "memcg")}
    lines = columns(result(series=_series(0, 1000, **counters)))
    assert lines["came_pages_per_s"] == ("pages/s", [8 * 10 + 3 * 5])


def _full(n: int, step: int) -> Result:
    series = {
        name: np.cumsum(np.full(n, 1 + (i + step) % 7)).astype(np.int64)
        for i, name in enumerate(NAMES)
    }
    series["t_ns"] = np.arange(n, dtype=np.int64) * 100 * MS
    rng = np.random.default_rng(step)
    done = np.sort(rng.integers(0, n * 100 * MS, 50))
    log = requests(
        *(
            {"t_done_ns": t, "nr_sectors": 8, "write": 1, "issuer": i % 8}
            for i, t in enumerate(done)
        )
    )
    return result(n * 100, series=series, io=log)


def test_every_column_has_one_value_per_interval_and_a_unit() -> None:
    run = _full(5, 1)
    for name, column in columns(run).items():
        assert column.values.shape == (4,), name
        assert column.values.dtype == np.float64, name
        assert column.unit, name


@given(st.integers(3, 12), st.integers(0, 6), st.data())
def test_the_columns_of_chunks_are_the_columns_of_the_run(
    n: int, step: int, data: st.DataObject
) -> None:
    run = _full(n, step)
    cut = data.draw(st.integers(1, n - 2))
    at = run.series["t_ns"][cut]
    parts = []
    for rows, mine in (
        (slice(0, cut + 1), run.io["t_done_ns"] <= at),
        (slice(cut, n), run.io["t_done_ns"] > at),
    ):
        series = {name: values[rows] for name, values in run.series.items()}
        parts.append(columns(result(series=series, io=run.io[mine])))
    whole = columns(run)
    for name, column in whole.items():
        joined = np.concatenate([part[name].values for part in parts])
        assert joined == pytest.approx(column.values, nan_ok=True), name


def test_free_blocks_of_all_zones_are_pages_by_band_of_orders() -> None:
    zones = {
        "zone.DMA.free_blocks_order0": [0, 256], "zone.DMA32.free_blocks_order0": [0, 256],
        "zone.DMA32.free_blocks_order3": [0, 32], "zone.DMA32.free_blocks_order10": [9, 2],
    }  # fmt: skip
    found = columns(result(series=_series(0, 100, **zones)))
    bands = {name: column.values.tolist() for name, column in found.items() if "buddy" in name}
    assert bands == {
        "buddy_mib.order_0": [2.0], "buddy_mib.order_1_3": [1.0], "buddy_mib.order_9_10": [8.0],
    }  # fmt: skip
