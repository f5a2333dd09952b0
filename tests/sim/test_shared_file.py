"""Writers that share a file: one inode, pages of two containers, races for one page (C18)."""

from __future__ import annotations

from dataclasses import replace

from sim.build import build
from sim.machine.address_space import I_MEMCG_SHARED
from sim.machine.page import LRU_INACTIVE_FILE
from sim.machine.task import DONE
from sim.mm.page_cache import new_page
from sim.presets import PRESETS
from sim.runner import run
from sim.scenario import CpuSpec, MemcgSpec, MemorySpec, WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import SMALL, stepped

WRITER = WorkloadSpec(kind=WorkloadKind.RAND_WRITER, memcg="g1", file_mib=16, shared_file=1)
SHARED = replace(
    SMALL,
    duration_ms=600,
    cpu=CpuSpec(nr_cpus=3, mips=2000),
    memory=MemorySpec(ram_mib=64, kernel_mib=20, swap_mib=0),
    memcgs=tuple(MemcgSpec(name=name, limit_mib=6) for name in ("g1", "g2")),
    workloads=(
        replace(WRITER, threads=2),
        replace(WRITER, memcg="g2", kind=WorkloadKind.SEQ_WRITER, file_mib=24),
        replace(WRITER, shared_file=0),
    ),
)


def test_tasks_with_a_number_have_one_inode_as_long_as_the_longest() -> None:
    system = build(SHARED).system
    inode_of = system.tcol["op_inode"][3:7].tolist()
    assert len(set(inode_of[:3])) == 1
    assert inode_of[3] != inode_of[0]
    assert int(system.arrays.inode["nr_pages"][inode_of[0]]) == 24 << 8


def test_who_comes_second_takes_the_page_of_the_first_and_gives_its_own_back() -> None:
    system = build(SHARED).system
    m, arrays = system.m, system.arrays
    ino = int(arrays.task["op_inode"][3])
    assert new_page(m, 3, ino, 7, 0, LRU_INACTIVE_FILE) == DONE
    assert new_page(m, 4, ino, 7, 0, LRU_INACTIVE_FILE) == DONE
    assert arrays.task["alloc_pfn"][4] == arrays.task["alloc_pfn"][3]
    assert int(arrays.memcg["usage"][1]) == int(arrays.memcg["nr_file"][1]) == 1
    assert int(arrays.inode["nr_cached"][ino]) == 1


def test_everybody_races_for_pages_and_none_is_lost() -> None:
    owners = set()
    for simulation in stepped(SHARED):
        check_machine(simulation)
        arrays = simulation.system.arrays
        shared = int(arrays.task["op_inode"][3])
        mine = arrays.page["memcg"][arrays.page["mapping"] == shared]
        owners |= set(mine.tolist())
        if {1, 2} <= set(mine.tolist()):
            assert int(arrays.inode["i_memcg"][shared]) in (1, 2, I_MEMCG_SHARED)
    assert owners == {1, 2}


def test_works_for_a_container_come_to_the_inodes_it_shares() -> None:
    shared = replace(PRESETS["container-shared-file"].scenario, duration_ms=6000)
    apart = tuple(replace(w, shared_file=0) for w in shared.workloads)
    counts = [
        run(scenario).counters["flusher_shared_inodes"]
        for scenario in (shared, replace(shared, workloads=apart))
    ]
    assert counts[0] > 0 == counts[1]
