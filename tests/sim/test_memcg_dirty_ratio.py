"""C14: a container's dirtiers are throttled at the container's own dirty limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sim.policy.rules
from sim.machine.dirty_limits import memcg_dirty_limits
from sim.result import Result
from sim.runner import run
from sim.scenario import MemcgAnswer, MemcgSpec, Patch, VmSysctl, WorkloadKind, WorkloadSpec
from tests.support.small import finished, small

SCENARIO = small(
    duration_ms=1000,
    patches=frozenset({Patch.P6}),
    vm=VmSysctl(dirty_ratio=40, dirty_background_ratio=20),
    memcgs=(MemcgSpec(name="g1", limit_mib=8),),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", file_mib=96),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="g1", file_mib=24, run_pages=8),
    ),
)
ANSWER = replace(SCENARIO, memcg_answers=frozenset({MemcgAnswer.DIRTY_RATIO}))


@pytest.fixture(scope="module")
def without() -> Result:
    return run(SCENARIO)


@pytest.fixture(scope="module")
def limited() -> Result:
    return run(ANSWER)


def test_reclaim_meets_fewer_dirty_pages_and_dirtiers_wait_instead(
    without: Result, limited: Result
) -> None:
    def not_clean(result: Result) -> int:
        return result.counters["dirty_met_memcg"] + result.counters["writeback_met_memcg"]

    assert not_clean(without) > 10 * not_clean(limited)
    assert limited.counters["balance_dirty_ns"] > without.counters["balance_dirty_ns"]
    assert limited.counters["memcg_dirty_throttled"] > 0
    assert limited.counters["memcg_flusher_kicks"] > 0
    assert without.counters["memcg_dirty_throttled"] == 0


def test_the_container_stays_near_its_dirty_limit(without: Result, limited: Result) -> None:
    def most(result: Result) -> int:
        dirty = result.series["memcg.g1.nr_dirty"] + result.series["memcg.g1.nr_writeback"]
        return int(dirty.max())

    limit = 40 * (8 << 8) // 100
    assert most(limited) < limit + 2 * 256, "two tasks look every 16 to 256 pages"
    assert most(without) > limit + 2 * 256


def test_without_its_rule_the_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, without: Result
) -> None:
    monkeypatch.setitem(sim.policy.rules.ANSWER_RULES, MemcgAnswer.DIRTY_RATIO, {})
    assert run(ANSWER).counters == without.counters


def test_the_limits_are_the_machines_ratios_of_what_the_container_can_dirty() -> None:
    simulation = finished(replace(ANSWER, duration_ms=100))
    memcg = simulation.system.arrays.memcg
    memcg["usage"][1], memcg["nr_file"][1] = 1000, 300
    available = int(memcg["limit"][1]) - 1000 + 300
    assert memcg_dirty_limits(simulation.system.m, 1) == (
        40 * available // 100,
        20 * available // 100,
    )
