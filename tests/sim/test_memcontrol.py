"""Charging: never over the limit, reclaim at it, and OOM that kills the hog and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.build import build
from sim.machine.page import PG_swapbacked
from sim.machine.task import DONE
from sim.mm.memcontrol import mem_cgroup_try_charge
from sim.result import Result
from sim.runner import run
from sim.scenario import MemcgSpec, MemorySpec, Scenario, WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import SMALL, finished, small

NO_SWAP = MemorySpec(ram_mib=64, kernel_mib=20, swap_mib=0)
BYSTANDER = WorkloadSpec(kind=WorkloadKind.SEQ_READER, file_mib=8, rate_kib_per_s=8192)
IN_MEMCG = small(
    memory=NO_SWAP,
    memcgs=(MemcgSpec(name="g1", limit_mib=8),),
    workloads=(
        BYSTANDER,
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, memcg="g1", file_mib=24),
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, memcg="g1", file_mib=1, rate_kib_per_s=2048),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=4, think_us=500),
    ),
)
GLOBAL = small(
    memory=NO_SWAP,
    memcgs=(),
    workloads=(
        BYSTANDER,
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=96),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=1, think_us=500),
    ),
)
HOG = "anon-0"


def ended(result: Result) -> list[str]:
    return [task["name"] for task in result.tasks if task["finished"]]


def test_usage_follows_the_workload_up_to_the_limit_and_no_further() -> None:
    result = run(replace(SMALL, sample_interval_ms=10, duration_ms=3000))
    victims_last_pages = result.counters["memcg_oom_kills"]
    for name in ("g1", "g2"):
        usage, limit = result.series[f"memcg.{name}.usage"], result.series[f"memcg.{name}.limit"]
        assert limit[0] - 64 <= usage.max() <= limit[0] + victims_last_pages


def test_a_memcg_with_nothing_to_reclaim_kills_its_hog_and_nobody_else() -> None:
    result = run(IN_MEMCG)
    assert (result.counters["memcg_oom_kills"], result.counters["oom_kills"]) == (1, 0)
    assert ended(result) == [HOG]


def test_a_machine_with_nothing_to_reclaim_kills_its_hog_and_nobody_else() -> None:
    result = run(GLOBAL)
    assert (result.counters["memcg_oom_kills"], result.counters["oom_kills"]) == (0, 1)
    assert ended(result) == [HOG]


@pytest.mark.parametrize("scenario", [IN_MEMCG, GLOBAL], ids=["memcg", "global"])
def test_a_killed_hog_leaves_no_page_behind(scenario: Scenario) -> None:
    simulation = finished(scenario)
    check_machine(simulation)
    arrays = simulation.system.arrays
    t = [info["name"] for info in simulation.task_info].index(HOG)
    area = int(arrays.task["op_inode"][t])
    assert simulation.system.engine.tasks[t].finished
    assert int(arrays.inode["nr_cached"][area]) == 0


def test_a_hog_that_fits_is_not_killed() -> None:
    result = run(small(memcgs=(), workloads=(BYSTANDER,), memory=NO_SWAP))
    assert ended(result) == []


def test_pages_are_charged_in_batches_of_32_while_there_is_room() -> None:
    simulation = build(SMALL)
    m, memcg = simulation.system.m, simulation.system.arrays.memcg
    writer = simulation.system.arrays.task["memcg"].tolist().index(1)
    for charged in range(1, 34):
        assert mem_cgroup_try_charge(m, writer) == DONE
        assert int(memcg["usage"][1]) == charged
        assert int(memcg["stock"][1]) == -charged % 32
        assert int(memcg["max_usage"][1]) == (32 if charged <= 32 else 64)


def test_the_last_pages_below_the_limit_are_charged_singly() -> None:
    simulation = build(SMALL)
    m, memcg = simulation.system.m, simulation.system.arrays.memcg
    writer = simulation.system.arrays.task["memcg"].tolist().index(1)
    memcg["usage"][1] = memcg["limit"][1] - 2
    assert mem_cgroup_try_charge(m, writer) == DONE
    assert int(memcg["stock"][1]) == 0
    assert mem_cgroup_try_charge(m, writer) == DONE
    assert int(memcg["usage"][1]) == int(memcg["limit"][1])


def test_root_has_no_limit() -> None:
    simulation = build(SMALL)
    m, arrays = simulation.system.m, simulation.system.arrays
    arrays.memcg["usage"][0] = 1 << 40
    root = arrays.task["memcg"].tolist().index(0)
    assert mem_cgroup_try_charge(m, root) == DONE
    assert not arrays.page["page_flags"].any() & PG_swapbacked
