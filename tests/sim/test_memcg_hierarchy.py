"""Limits above a container, and soft limits: who is charged, who reclaims, whose pages go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.build import KERNEL_TASKS, _oom_kill, build
from sim.machine.zone import ZONE_DMA32
from sim.mm.memcg_hierarchy import mem_cgroup_select_victim
from sim.mm.res_counter import (
    SOFTLIMIT_EVENTS,
    insert_exceeded,
    is_under,
    largest_soft_limit_node,
    memcg_check_events,
    res_counter_charge,
    res_counter_uncharge,
    use_charge,
)
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    Intervention,
    InterventionKind,
    MemcgSpec,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from sim.workload.files import FilePlan
from tests.support.checkers import check_machine
from tests.support.small import SMALL, stepped

BOX, WEB, JOB, ALONE = 1, 2, 3, 4
FAMILY = replace(
    SMALL,
    duration_ms=800,
    memcgs=(
        MemcgSpec(name="box", limit_mib=8),
        MemcgSpec(name="web", limit_mib=8, parent="box"),
        MemcgSpec(name="job", limit_mib=8, parent="box"),
        MemcgSpec(name="alone", limit_mib=8),
    ),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, memcg="web", file_mib=4, rate_kib_per_s=16_384),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="job", file_mib=64),
    ),
)


def without_parents(scenario: Scenario) -> Scenario:
    memcgs = tuple(replace(g, parent="root") for g in scenario.memcgs)
    return replace(scenario, memcgs=memcgs)


@pytest.fixture
def machine() -> Any:
    return build(FAMILY).system


def pages_lost(result: Result, name: str) -> int:
    """Pages of a container that others than itself reclaimed."""
    owner = result.meta["memcgs"].index(name)
    rows = result.victims
    return int(rows["reclaimed"][(rows["owner"] == owner) & (rows["group"] != owner)].sum())


def test_a_charge_goes_to_everybody_above_and_comes_back(machine: Any) -> None:
    m, memcg = machine.m, machine.arrays.memcg
    assert res_counter_charge(m, WEB, 32) == -1
    use_charge(m, WEB, 31)
    use_charge(m, WEB, -1)
    assert memcg["usage"].tolist() == [0, 2, 2, 0, 0]
    assert memcg["stock"].tolist() == [0, 0, 30, 0, 0]
    assert memcg["child_stock"].tolist() == [0, 30, 0, 0, 0]
    res_counter_uncharge(m, WEB)
    assert memcg["usage"].tolist() == [0, 1, 1, 0, 0]
    memcg["usage"][BOX] = memcg["limit"][BOX] - 40
    assert res_counter_charge(m, WEB, 32) == BOX
    assert res_counter_charge(m, ALONE, 32) == -1
    assert memcg["failcnt"].tolist() == [0, 1, 0, 0, 0]


def test_victims_take_turns_by_css_id(machine: Any) -> None:
    m = machine.m
    assert [mem_cgroup_select_victim(m, BOX) for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    assert [mem_cgroup_select_victim(m, ALONE) for _ in range(2)] == [ALONE, ALONE]
    assert [g for g in range(5) if is_under(m, g, BOX)] == [BOX, WEB, JOB]


def test_reclaim_for_the_limit_above_takes_the_other_childs_pages() -> None:
    *_, last = stepped(FAMILY)
    check_machine(last)
    together, apart = run(FAMILY), run(without_parents(FAMILY))
    assert together.counters["memcg_reclaims_of_others"] > 0
    assert pages_lost(together, "web") > 0
    assert apart.counters["memcg_reclaims_of_others"] == 0
    assert pages_lost(apart, "web") == 0


def test_a_lower_limit_above_is_reclaimed_in_the_children() -> None:
    lower = Intervention(at_ms=400, what=InterventionKind.LIMIT, whose="box", value=4)
    reader, writer = FAMILY.workloads
    paced = (reader, replace(writer, rate_kib_per_s=8192))
    *_, last = stepped(replace(FAMILY, workloads=paced, interventions=(lower,)))
    check_machine(last)
    memcg = last.system.arrays.memcg
    assert int(memcg["limit"][BOX]) == 4 << 8
    assert int(memcg["usage"][[WEB, JOB]].sum()) == int(memcg["usage"][BOX]) <= 4 << 8


# ---- soft limits


def test_every_1024th_event_puts_a_group_and_those_above_it_in_the_tree(machine: Any) -> None:
    memcg, zone = machine.arrays.memcg, machine.arrays.zone
    memcg["usage"][[BOX, WEB]] = 1000
    memcg["soft_limit"][[BOX, WEB]] = 900, 1000
    for _ in range(SOFTLIMIT_EVENTS - 1):
        memcg_check_events(machine.m, WEB, ZONE_DMA32)
    assert memcg["soft_on_tree"].sum() == 0
    memcg_check_events(machine.m, WEB, ZONE_DMA32)
    assert memcg["soft_on_tree"][:, ZONE_DMA32].tolist() == [0, 1, 0, 0, 0]
    assert int(zone["nr_soft_exceeded"][ZONE_DMA32]) == 1


def test_the_largest_excess_goes_first_and_of_equals_the_last(machine: Any) -> None:
    m, memcg = machine.m, machine.arrays.memcg
    memcg["soft_limit"][[WEB, JOB, ALONE]] = 100
    memcg["usage"][[WEB, JOB, ALONE]] = 150, 200, 150
    for g in (ALONE, JOB, WEB):
        insert_exceeded(m, g, ZONE_DMA32)
    assert [largest_soft_limit_node(m, ZONE_DMA32) for _ in range(4)] == [JOB, WEB, ALONE, 0]
    insert_exceeded(m, JOB, ZONE_DMA32)
    memcg["usage"][JOB] = 50  # no longer over it
    assert largest_soft_limit_node(m, ZONE_DMA32) == 0


def test_kswapd_takes_the_excess_before_anybody_elses_pages() -> None:
    soft = replace(PRESETS["global-soft-limit"].scenario, duration_ms=4000)
    greedy, modest = soft.memcgs
    none = replace(soft, memcgs=(replace(greedy, soft_limit_mib=0), modest))
    with_it, without = run(soft), run(none)
    assert with_it.counters["soft_limit_reclaimed"] > 0
    assert without.counters["soft_limit_reclaims"] == 0
    assert pages_lost(with_it, "modest") < pages_lost(without, "modest") // 10


def test_oom_at_a_limit_kills_the_largest_below_it() -> None:
    hog = WorkloadSpec(kind=WorkloadKind.ANON_HOG, memcg="web", file_mib=4)
    others = tuple(replace(FAMILY.workloads[1], memcg=name) for name in ("job", "alone"))
    system = build(replace(FAMILY, workloads=(hog, *others))).system
    first = len(KERNEL_TASKS)
    files = FilePlan({}, anon_areas={first: int(system.tcol["op_inode"][first])})
    system.arrays.inode["nr_cached"][files.anon_areas[first]] = 100
    system.tcol["hr_root"][first + 1], system.tcol["hr_root"][first + 2] = BOX, ALONE
    assert _oom_kill(system, files, first + 1, True) == first
    assert _oom_kill(system, files, first + 2, True) == first + 2
