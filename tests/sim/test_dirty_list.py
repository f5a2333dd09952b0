"""C10: a list of their own for dirty pages that reclaim may not write, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sim.policy.rules
from sim.machine.cost import COST_LRU_COUNTER, COST_LRU_MOVE, costs_ns
from sim.runner import run
from sim.scenario import MemcgSpec, Patch, WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import SMALL, stepped

LIMIT_MIB = 8
P6 = replace(
    SMALL,
    patches=frozenset({Patch.P6}),
    disk=replace(SMALL.disk, transfer_kb_per_s=0),
    memcgs=(MemcgSpec(name="g1", limit_mib=LIMIT_MIB),),
    workloads=tuple(
        WorkloadSpec(kind=kind, memcg=memcg, file_mib=64)
        for kind in (WorkloadKind.RAND_WRITER, WorkloadKind.SEQ_WRITER)
        for memcg in ("g1", "root")
    ),
)
LISTED = replace(P6, patches=P6.patches | {Patch.DIRTYLIST})


@pytest.fixture(scope="module")
def p6() -> dict[str, int]:
    return run(P6).counters


@pytest.fixture(scope="module")
def listed() -> dict[str, int]:
    return run(LISTED).counters


def test_dirty_pages_are_met_once_instead_of_lap_after_lap(
    p6: dict[str, int], listed: dict[str, int]
) -> None:
    assert p6["dirty_list_put"] == p6["dirty_list_passed"] == 0
    assert listed["dirty_list_put"] > 0
    assert listed["dirty_list_passed"] > 0
    laps = [c["dirty_skipped"] / c["pgsteal_memcg"] for c in (p6, listed)]
    assert laps[1] < laps[0]


def test_each_way_back_costs_a_move_and_the_counters_of_two_lists(listed: dict[str, int]) -> None:
    cost = costs_ns(LISTED.cpu.mips)
    moves, counters = listed["dirty_list_returned"], listed["dirty_list_counters"]
    assert 0 < moves <= listed["dirty_list_put"]
    assert 2 * moves < counters <= 4 * moves  # pages of the container have two more
    assert (
        listed["dirty_list_ns"] == moves * cost[COST_LRU_MOVE] + counters * cost[COST_LRU_COUNTER]
    )


def test_no_page_waits_clean_and_nobody_waits_for_ever() -> None:
    for simulation in stepped(replace(LISTED, duration_ms=800)):
        check_machine(simulation)
    assert simulation.system.arrays.memcg["oom_kills"].sum() == 0


def test_without_its_rule_the_patch_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, p6: dict[str, int], listed: dict[str, int]
) -> None:
    assert listed != p6
    monkeypatch.setitem(sim.policy.rules.PATCH_RULES, Patch.DIRTYLIST, {})
    assert run(LISTED).counters == p6
