"""C15: a thread of the container's own cleans its LRU when a reclaimer finds it too dirty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.policy.rules
from sim.machine.request import Issuer
from sim.policy.memcg_flusher import nr_memcg_flushers
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    Intervention,
    InterventionKind,
    MemcgAnswer,
    MemcgSpec,
    Patch,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.small import small

SCENARIO = small(
    duration_ms=1000,
    patches=frozenset({Patch.P6}),
    vm=VmSysctl(dirty_ratio=40, dirty_background_ratio=20),
    memcgs=(MemcgSpec(name="g1", limit_mib=8), MemcgSpec(name="g2", limit_mib=8)),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", file_mib=96),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="g1", file_mib=24, run_pages=8),
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, memcg="g2", file_mib=24),
    ),
)
ANSWER = replace(SCENARIO, memcg_answers=frozenset({MemcgAnswer.MEMCG_FLUSHER}))


@pytest.fixture(scope="module")
def without() -> Result:
    return run(SCENARIO)


@pytest.fixture(scope="module")
def with_thread() -> Result:
    return run(ANSWER)


def test_the_thread_cleans_instead_of_the_flusher(without: Result, with_thread: Result) -> None:
    assert without.counters["written_memcg_flusher"] == 0
    assert with_thread.counters["written_memcg_flusher"] > 500
    assert with_thread.counters["memcg_flusher_wakeups"] > 0
    assert with_thread.counters["memcg_write_file"] == 0, "patch 6 still holds for reclaim"
    assert with_thread.counters["written_flusher"] < without.counters["written_flusher"]


def test_a_container_without_dirty_pages_wakes_no_thread(with_thread: Result) -> None:
    asleep = {t["comm"]: t["run_ns"] for t in with_thread.tasks if t["comm"].startswith("flush-m")}
    assert asleep["flush-memcg-1"] > 0
    assert asleep["flush-memcg-2"] == 0


def test_patch_5_makes_its_scattered_writes_larger() -> None:
    writer = WorkloadSpec(kind=WorkloadKind.RAND_WRITER, memcg="g1", file_mib=12, block_kib=4)
    scattered = replace(ANSWER, workloads=(writer,))

    def mean_sectors(result: Result) -> float:
        mine = result.io[result.io["issuer"] == Issuer.MEMCG_FLUSHER]
        return float(np.mean(mine["nr_sectors"]))

    ranges = run(replace(scattered, patches=frozenset({Patch.P5, Patch.P6})))
    assert ranges.counters["range_pages"] > 0
    assert mean_sectors(ranges) > 1.5 * mean_sectors(run(scattered))


def test_without_its_rule_the_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, without: Result
) -> None:
    monkeypatch.setitem(sim.policy.rules.ANSWER_RULES, MemcgAnswer.MEMCG_FLUSHER, {})
    assert run(ANSWER).counters == without.counters


def test_threads_are_ready_where_the_answer_may_come_into_force() -> None:
    later = Intervention(at_ms=500, what=InterventionKind.ANSWER, whose="memcg-flusher", value=1)
    assert nr_memcg_flushers(SCENARIO) == 0
    assert nr_memcg_flushers(ANSWER) == 2
    changed = replace(SCENARIO, interventions=(later,))
    assert nr_memcg_flushers(changed) == 2
    assert run(changed).counters["written_memcg_flusher"] > 0
