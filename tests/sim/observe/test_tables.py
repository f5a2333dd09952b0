"""mmtests' rows, stall CDF and latency summary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machine.vmstat import NAMES
from sim.observe.metrics import latency_summary, mmtests_rows, stall_cdf
from sim.observe.tables import latency_upper_us, victim_cells
from sim.result import VICTIM, Issuer, StallKind
from tests.support.results import MS, result, stalls


def test_mmtests_rows_read_as_mmtests_prints_them() -> None:
    counters = dict.fromkeys(NAMES, 0) | {
        "pgscan_direct": 1000, "pgsteal_direct": 900, "pgscan_kswapd": 3000,
        "pgsteal_kswapd": 1500, "nr_vmscan_write": 70, "pswpout": 20, "pgfault": 50,
        "pgmajfault": 5, "direct_congestion_waits": 2, "kswapd_congestion_waits": 3,
        "direct_congestion_wait_ns": 5 * MS, "kswapd_congestion_wait_ns": 7 * MS,
        "direct_stall_ns": 9 * MS,
    }  # fmt: skip
    rows = {row.name: row.value for row in mmtests_rows(result(2000, counters=counters))}
    assert rows["Direct pages scanned"] == 1000
    assert rows["Direct efficiency %"] == 90
    assert rows["Kswapd efficiency %"] == 50
    assert rows["Kswapd velocity"] == 1500
    assert rows["Percentage direct scans"] == 25
    assert rows["Page writes file"] == 50
    assert rows["Page writes anon"] == 20
    assert rows["Minor Faults"] == 45
    assert rows["FullCongest waits"] == 5
    assert rows["FullCongest time waited"] == 12
    assert rows["FullCongest kswapd waited"] == 7
    assert rows["Time direct reclaim stalled"] == 9
    assert rows["Page reclaim immediate"] is None


def test_nothing_scanned_is_fully_efficient_as_in_mmtests() -> None:
    rows = {r.name: r.value for r in mmtests_rows(result(counters=dict.fromkeys(NAMES, 0)))}
    assert rows["Direct efficiency %"] == 100
    assert rows["Percentage direct scans"] == 0


def test_rows_without_counters_have_no_value() -> None:
    run = result(families={"counters": "not recorded"})
    assert {row.value for row in mmtests_rows(run)} == {None}


def test_the_cdf_has_one_curve_per_kind_of_stall() -> None:
    run = result(
        stalls=stalls(
            {"t_end_ns": 3 * MS, "kind": StallKind.DIRECT_RECLAIM},
            {"t_end_ns": MS, "kind": StallKind.DIRECT_RECLAIM},
            {"t_end_ns": 5 * MS, "kind": StallKind.BALANCE_DIRTY},
        )
    )
    curves = stall_cdf(run)
    assert set(curves) == {"direct", "balance_dirty"}
    assert curves["direct"].length_ms.tolist() == [1.0, 3.0]
    assert curves["direct"].share.tolist() == [0.5, 1.0]


def test_unrecorded_stalls_have_no_cdf() -> None:
    assert stall_cdf(result(families={"stalls": "not recorded"})) == {}


@given(st.integers(1, 5000), st.integers(10, 400))
def test_a_thinned_cdf_keeps_both_ends_and_stays_monotone(n: int, most: int) -> None:
    run = result(
        stalls=stalls(
            *({"t_end_ns": i + 1} for i in range(0)),
        )
    )
    run.stalls = np.zeros(n, run.stalls.dtype)
    run.stalls["t_end_ns"] = np.arange(1, n + 1)
    length, share = stall_cdf(run, most)["direct"]
    assert len(length) <= max(most, n if n <= most else 0)
    assert length[0] == 1 / MS
    assert length[-1] == n / MS
    assert share[-1] == 1.0
    assert (np.diff(share) > 0).all()


def test_latency_edges_are_four_to_every_doubling() -> None:
    assert [latency_upper_us(b) for b in (0, 4, 6, 8, 9, 12, 25)] == [2, 3, 4, 5, 6, 10, 96]


def test_latencies_are_summed_up_per_task() -> None:
    tasks = [
        {"comm": "seqw", "latency": {8: 98, "40": 2}, "op_max_ns": 1_050_000},
        {"comm": "idle", "latency": {}},
        {"comm": "kswapd0"},
    ]
    (row,) = latency_summary(result(tasks=tasks))
    assert row.comm == "seqw"
    assert row.operations == 100
    assert (row.p50_us, row.p99_us) == (5.0, 1280.0)
    assert row.max_us == pytest.approx(1050.0)


def test_all_but_the_containers_concerned_most_are_counted_as_one() -> None:
    few = result(1000)
    few.meta["memcgs"] = ["root", "a", "b", "c"]
    few.victims = np.array(
        [(Issuer.DIRECT, 1, 2, 5, 1), (Issuer.DIRECT, 3, 2, 7, 0), (Issuer.KSWAPD, 0, 3, 9, 2)],
        VICTIM,
    )
    assert victim_cells(few).tolist() == few.victims.tolist()
    assert victim_cells(few, most=1).tolist() == [
        (Issuer.KSWAPD, 0, 3, 9, 2), (Issuer.DIRECT, -1, -1, 5, 1), (Issuer.DIRECT, 3, -1, 7, 0),
    ]  # fmt: skip
