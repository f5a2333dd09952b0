"""Where tasks' time goes, and that logs, counters and series tell one story."""

from __future__ import annotations

import numpy as np
import pytest

from sim.machine.vmstat import GAUGES, NAMES
from sim.result import Result, SleepCause, StallKind
from sim.runner import run
from sim.scenario import CpuSpec
from tests.support.small import MS, SMALL, small

NOT_LOGGED = ("idle", "think")


@pytest.fixture(scope="module", params=[1, 2, 4])
def result(request: pytest.FixtureRequest) -> Result:
    return run(small(cpu=CpuSpec(nr_cpus=request.param, mips=2000)))


def test_a_tasks_time_is_the_length_of_the_run_to_the_nanosecond(result: Result) -> None:
    for task in result.tasks:
        spent = task["run_ns"] + task["runnable_ns"] + sum(task["sleep_ns"].values())
        assert task["finished"] or spent == result.duration_ns, task["name"]
        assert spent <= result.duration_ns


def test_tasks_run_no_longer_than_the_processors_there_are(result: Result) -> None:
    nr_cpus = result.meta["scenario"]["cpu"]["nr_cpus"]
    running = sum(task["run_ns"] for task in result.tasks)
    assert 0 < running <= nr_cpus * result.duration_ns


def test_logged_sleeps_are_the_tasks_sleeps_but_for_those_under_way_at_the_end(
    result: Result,
) -> None:
    for number, task in enumerate(result.tasks):
        mine = result.sleeps[result.sleeps["task"] == number]
        for name, total in task["sleep_ns"].items():
            if name in NOT_LOGGED:
                continue
            of_cause = mine[mine["cause"] == SleepCause[name.upper()]]
            logged = int((of_cause["t_end_ns"] - of_cause["t_begin_ns"]).sum())
            assert logged <= total
            ends = int(mine["t_end_ns"].max(initial=0))
            assert total - logged <= result.duration_ns - ends
        slept = mine[mine["t_end_ns"] > mine["t_begin_ns"]]  # some are woken at once
        causes = {SleepCause(int(c)).name.lower() for c in np.unique(slept["cause"])}
        assert causes <= set(task["sleep_ns"])


def test_a_task_sleeps_one_sleep_at_a_time(result: Result) -> None:
    for number in range(len(result.tasks)):
        mine = result.sleeps[result.sleeps["task"] == number]
        assert (mine["t_begin_ns"] <= mine["t_end_ns"]).all()
        assert (mine["t_begin_ns"][1:] >= mine["t_end_ns"][:-1]).all()


def test_time_never_runs_back(result: Result) -> None:
    assert (np.diff(result.series["t_ns"]) > 0).all()
    assert (np.diff(result.trace["t_ns"]) >= 0).all()
    io, stalls = result.io, result.stalls
    assert (io["t_queue_ns"] <= io["t_issue_ns"]).all()
    assert (io["t_issue_ns"] < io["t_done_ns"]).all()
    assert (np.diff(io["t_done_ns"]) > 0).all(), "one request is served at a time"
    assert (stalls["t_begin_ns"] <= stalls["t_end_ns"]).all()
    last = max(int(io["t_done_ns"].max()), int(stalls["t_end_ns"].max(initial=0)))
    assert last <= result.duration_ns + MS


def test_counters_only_grow_and_end_as_the_last_sample(result: Result) -> None:
    for name in NAMES:
        column = result.series[name]
        if name not in GAUGES:
            assert (np.diff(column) >= 0).all(), name
            assert column[-1] == result.counters[name], name


def test_bytes_completed_are_the_sizes_of_the_logged_requests(result: Result) -> None:
    io, counters = result.io, result.counters
    for write, names in ((1, ("written", "written")), (0, ("read", "read"))):
        mine = io[io["write"] == write]
        assert len(mine) == counters[f"requests_{names[0]}"]
        assert int(mine["nr_sectors"].sum()) == counters[f"sectors_{names[1]}"]
        assert int((mine["positioned"] == 1).sum()) == counters[f"seeks_{names[0]}"]
    assert result.meta["lost"] == {"io": 0, "trace": 0, "stalls": 0}


def test_the_disk_is_busy_for_no_longer_than_the_run(result: Result) -> None:
    assert 0 < result.counters["disk_busy_ns"] <= result.duration_ns


@pytest.mark.parametrize(("comm", "counter"), [("kswapd0", "kswapd"), ("flush-8-0", "flusher")])
def test_cpu_time_of_kernel_threads_is_their_tasks(result: Result, comm: str, counter: str) -> None:
    (task,) = [one for one in result.tasks if one["comm"] == comm]
    assert result.counters[f"{counter}_run_ns"] == task["run_ns"] > 0
    series = result.series[f"{counter}_run_ns"]
    assert (np.diff(series) >= 0).all()
    assert series[-1] > 0


def test_stalls_add_up_to_the_counters(result: Result) -> None:
    stalls, counters = result.stalls, result.counters
    lengths = stalls["t_end_ns"] - stalls["t_begin_ns"]
    for kind, calls, total in (
        (StallKind.DIRECT_RECLAIM, "direct_reclaims", "direct_stall_ns"),
        (StallKind.MEMCG_RECLAIM, "memcg_reclaims", "memcg_stall_ns"),
    ):
        mine = stalls["kind"] == kind
        assert int(mine.sum()) == counters[calls]
        assert int(lengths[mine].sum()) == counters[total]
    asleep = sum(
        stalls[name].astype(np.int64)
        for name in ("congestion_wait_ns", "writepage_ns", "page_wait_ns", "pause_ns")
    )
    assert (asleep <= lengths).all(), "a stall is shorter than its sleeps"


def test_memcg_counters_are_those_of_its_stalls() -> None:
    result = run(SMALL)
    names = result.meta["memcgs"]
    for g in range(1, len(names)):
        mine = result.stalls[
            (result.stalls["kind"] == StallKind.MEMCG_RECLAIM) & (result.stalls["memcg"] == g)
        ]
        assert len(mine) == result.series[f"memcg.{names[g]}.reclaims"][-1]
        lengths = mine["t_end_ns"] - mine["t_begin_ns"]
        assert int(lengths.sum()) == result.series[f"memcg.{names[g]}.stall_ns"][-1]
