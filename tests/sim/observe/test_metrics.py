"""Metrics: counters first, then stalls and log; None only where nothing was recorded."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machine.request import Issuer
from sim.machine.vmstat import NAMES
from sim.observe.metrics import HEADLINE, METRICS, headline, metrics, percentile_ns
from sim.observe.sources import counted, divided, duration_ns, ratio
from sim.result import SleepCause, StallKind
from tests.support.results import MS, requests, result, sleeps, stalls

ALL_COUNTERS = {name: i + 1 for i, name in enumerate(NAMES)}
UNRECORDED = dict.fromkeys(("series", "io", "stalls", "sleeps", "trace", "counters", "tasks"), "no")


def test_every_metric_names_unit_formula_and_direction() -> None:
    for name, metric in METRICS.items():
        assert metric.unit, name
        assert metric.formula, name
        assert metric.better in ("lower", "higher", ""), name
        assert metric.title[:1].isupper() or metric.title[:1].isdigit() or name.islower(), name


def test_every_counter_a_formula_names_exists() -> None:
    words = {
        word
        for metric in METRICS.values()
        if " of " not in metric.formula and "sleeps" not in metric.formula
        for word in metric.formula.replace("(", " ").replace(")", " ").split()
        if word[0].isalpha()
    }
    assert words - set(NAMES) == {"duration_s", "duration_ns"}


def test_a_run_that_recorded_nothing_has_no_numbers() -> None:
    values = metrics(result(families=dict(UNRECORDED)))
    assert set(values) == set(METRICS)
    assert set(values.values()) == {None}


def test_all_counters_give_every_metric_but_those_of_empty_logs() -> None:
    values = metrics(result(counters=ALL_COUNTERS))
    missing = {name for name, value in values.items() if value is None}
    # Equal counts put the 99th percentile of ages into the last bucket, which has no end.
    endless = {"reclaim_age_ms_p99"}
    assert missing == endless | {f"write_request_kib_mean_by_{i.name.lower()}" for i in Issuer}
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("direct_reclaims", 3),
        ("direct_reclaim_stall_ms_total", 2.5),
        ("direct_reclaim_pages_scanned", 40),
        ("kswapd_write_file_async", 11),
        ("reclaim_efficiency", 0.25),
        ("write_request_kib_mean", 8.0),
        ("disk_write_mib_per_s", 0.5),
        ("app_write_mib_per_s", 0.5),
        ("disk_busy_share", 0.25),
        ("range_unasked_share", 0.2),
        ("congestion_wait_ms_total", 6.0),
        ("oom_kills", 1),
    ],
)
def test_counters_become_metrics(name: str, expected: float) -> None:
    counters = dict.fromkeys(NAMES, 0) | {
        "direct_reclaims": 3, "direct_stall_ns": 2_500_000, "pgscan_direct": 40,
        "pgsteal_direct": 10, "kswapd_write_file": 11, "sectors_written": 2048,
        "requests_written": 128, "app_pages_written": 256, "disk_busy_ns": 500 * MS,
        "range_pages": 10, "range_pages_unasked": 2, "kswapd_congestion_wait_ns": MS,
        "direct_congestion_wait_ns": 2 * MS, "memcg_congestion_wait_ns": 3 * MS, "oom_kills": 1,
    }  # fmt: skip
    assert metrics(result(2000, counters=counters))[name] == expected


def test_stalls_stand_in_for_missing_counters() -> None:
    run = result(
        stalls=stalls(
            {"t_end_ns": 4 * MS, "kind": StallKind.DIRECT_RECLAIM, "nr_scanned": 32},
            {"t_end_ns": 2 * MS, "kind": StallKind.DIRECT_RECLAIM, "nr_scanned": 64},
            {"t_end_ns": 9 * MS, "kind": StallKind.BALANCE_DIRTY},
        )
    )
    values = metrics(run)
    assert values["direct_reclaims"] == 2
    assert values["direct_reclaim_pages_scanned"] == 96
    assert values["direct_reclaim_stall_ms_total"] == 6.0
    assert values["balance_dirty_pages_ms_total"] == 9.0
    assert values["memcg_reclaims"] == 0
    assert values["kswapd_wakeups"] is None


def test_an_unknown_field_of_stalls_is_no_number() -> None:
    run = result(stalls=stalls({"t_end_ns": 4, "nr_scanned": -1}))
    assert metrics(run)["direct_reclaim_pages_scanned"] is None
    assert metrics(run)["direct_reclaims"] == 1


def test_throttled_writers_are_not_reclaim_stalls() -> None:
    run = result(
        stalls=stalls(
            {"t_end_ns": 4 * MS, "kind": StallKind.MEMCG_RECLAIM},
            {"t_end_ns": 900 * MS, "kind": StallKind.BALANCE_DIRTY},
        )
    )
    values = metrics(run)
    assert values["stall_ms_max"] == values["memcg_stall_ms_max"] == 4.0
    assert values["balance_dirty_stall_ms_max"] == 900.0
    assert values["direct_stall_ms_max"] == 0


def test_the_request_log_stands_in_for_missing_counters() -> None:
    log = requests(
        {"t_issue_ns": 0, "t_done_ns": MS, "sector": 0, "nr_sectors": 8, "write": 1,
         "issuer": Issuer.FLUSHER, "positioned": 1},
        {"t_issue_ns": MS, "t_done_ns": 2 * MS, "sector": 8, "nr_sectors": 8, "write": 1,
         "issuer": Issuer.FLUSHER},
        {"t_issue_ns": 2 * MS, "t_done_ns": 3 * MS, "sector": 800, "nr_sectors": 8, "write": 1,
         "issuer": Issuer.JOURNAL, "meta": 1, "positioned": 1},
        {"t_issue_ns": 3 * MS, "t_done_ns": 5 * MS, "sector": 80, "nr_sectors": 8},
    )  # fmt: skip
    values = metrics(result(10, io=log))
    assert values["write_requests"] == 3
    assert values["write_requests_by_flusher"] == 2
    assert values["read_requests"] == 1
    assert values["write_request_kib_mean"] == 4.0
    assert values["write_request_kib_mean_by_flusher"] == 4.0
    assert values["write_seeks"] == 2
    assert values["write_sequential_share"] == pytest.approx(1 / 3)
    assert values["disk_busy_share"] == 0.5
    assert values["flusher_pages_written"] == 2
    assert values["pages_written_by_journal"] == 0


def test_a_log_that_does_not_know_seeks_has_none() -> None:
    log = requests({"t_done_ns": MS, "write": 1, "nr_sectors": 8, "positioned": -1})
    assert metrics(result(io=log))["write_seeks"] is None


def test_sleeps_add_up_per_cause() -> None:
    run = result(
        sleeps=sleeps(
            {"t_end_ns": 3 * MS, "cause": SleepCause.GET_REQUEST},
            {"t_begin_ns": MS, "t_end_ns": 3 * MS, "cause": SleepCause.GET_REQUEST},
            {"t_end_ns": 7 * MS, "cause": SleepCause.JOURNAL},
        )
    )
    values = metrics(run)
    assert values["sleep_ms_get_request"] == 5.0
    assert values["sleep_ms_journal"] == 7.0
    assert values["sleep_ms_oom"] == 0.0
    assert "sleep_ms_idle" not in values


def test_ratios_and_scales_pass_on_what_is_missing() -> None:
    missing, two = counted("nothing"), counted("two")
    run = result(counters={"two": 2, "zero": 0})
    assert ratio(missing, two)(run) is None
    assert ratio(two, counted("zero"))(run) is None
    assert ratio(two, two, 10)(run) == 10
    assert divided(missing, 5)(run) is None
    assert duration_ns(run) == 1000 * MS
    assert counted("two", "two")(run) == 4


@given(st.lists(st.integers(0, 10**12), min_size=1), st.integers(1, 100))
def test_percentiles_are_nearest_rank(lengths: list[int], percent: int) -> None:
    value = percentile_ns(np.array(lengths, np.int64), percent)
    at_most = sum(x <= value for x in lengths)
    assert value in lengths
    assert 100 * at_most >= percent * len(lengths)
    assert 100 * sum(x < value for x in lengths) < percent * len(lengths)


def test_no_stall_has_percentile_zero() -> None:
    assert percentile_ns(np.zeros(0, np.int64), 99) == 0


def test_the_headline_is_short_and_keeps_its_order() -> None:
    rows = headline(result(counters=ALL_COUNTERS))
    assert tuple(row.name for row in rows) == HEADLINE
    assert 5 <= len(rows) <= 9
    assert all(row.unit == METRICS[row.name].unit for row in rows)
