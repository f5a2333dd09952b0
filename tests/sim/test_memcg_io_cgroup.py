"""C18: works for a container take its inodes, and the search for them costs CPU time."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sim.policy.rules
from sim.fs.dirty_inodes import queue_memcg_io
from sim.fs.fs_writeback import kick_flusher, next_work
from sim.machine.address_space import B_DIRTY, B_IO, I_MEMCG_SHARED
from sim.machine.cost import COST_FOREIGN_INODE
from sim.machine.rules import ReclaimRules, rules_array
from sim.machine.vmstat import FLUSHER_FOREIGN_INODES, FLUSHER_SEARCH_NS
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    CpuSpec,
    MemcgAnswer,
    MemcgSpec,
    Patch,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.bare_machine import Machine, make
from tests.support.small import small

FLUSHER, G = 0, 1
SCENARIO = small(
    duration_ms=1000,
    patches=frozenset({Patch.P6}),
    vm=VmSysctl(dirty_ratio=40, dirty_background_ratio=20),
    memcgs=(MemcgSpec(name="g1", limit_mib=8),),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", file_mib=96),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES, rate_kib_per_s=2048, block_kib=4),
    ),
)
ANSWERS = frozenset({MemcgAnswer.DIRTY_RATIO, MemcgAnswer.IO_CGROUP})
ANSWER = replace(SCENARIO, memcg_answers=ANSWERS)


@pytest.fixture(scope="module")
def anybody() -> Result:
    return run(replace(SCENARIO, memcg_answers=frozenset({MemcgAnswer.DIRTY_RATIO})))


@pytest.fixture(scope="module")
def own() -> Result:
    return run(ANSWER)


def of_root(result: Result) -> int:
    """Pages of the root that were cleaned: all but what the container's tasks dirtied."""
    in_box = int(result.series["memcg.g1.nr_dirty"][-1])
    return result.counters["nr_file_dirty"] - in_box


def test_the_flusher_leaves_other_peoples_pages_alone(anybody: Result, own: Result) -> None:
    assert own.counters["memcg_flusher_works"] > 0
    assert own.counters["flusher_foreign_inodes"] > 0
    assert anybody.counters["flusher_foreign_inodes"] == 0
    assert of_root(own) > 2 * of_root(anybody), "foreign pages stay dirty"


def test_the_search_costs_cpu_time_by_the_foreign_inode(own: Result) -> None:
    mips = ANSWER.cpu.mips
    per_inode_ns = 2320 * 1000 // mips
    foreign = own.counters["flusher_foreign_inodes"]
    assert own.counters["flusher_search_ns"] == foreign * per_inode_ns


def test_a_hundred_thousand_foreign_inodes_cost_58_ms_on_the_default_cpu() -> None:
    x = make((64,), mips=CpuSpec().mips)
    assert 100_000 * int(x.arrays.cost[COST_FOREIGN_INODE]) == 58_000_000


def test_without_its_rule_the_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, anybody: Result
) -> None:
    monkeypatch.setitem(sim.policy.rules.ANSWER_RULES, MemcgAnswer.IO_CGROUP, {})
    assert run(ANSWER).counters == anybody.counters


# ---- on a bare machine


@pytest.fixture
def searched() -> Machine:
    """Inode 0 is the root's, 1 and 3 are memcg 1's, 2 is shared, in order of dirtying."""
    x = make((64,) * 4)
    for ino, owners in enumerate(((0, 0), (G, G), (0, G), (G,))):
        for index, memcg in enumerate(owners):
            x.arrays.page["memcg"][x.page_of(ino, index)] = memcg
            x.dirty(ino, index)
    return x


def listed(x: Machine, which: int) -> list[int]:
    found, ino = [], int(x.arrays.bdi[0].head[which])
    while ino >= 0:
        found.append(ino)
        ino = int(x.arrays.inode["next"][ino])
    return found


def search(x: Machine, *, shared: bool) -> None:
    x.arrays.task[FLUSHER].wbc_memcg = G
    x.arrays.task[FLUSHER].wbc_shared = int(shared)
    queue_memcg_io(x.m, FLUSHER)


def test_an_inode_is_of_who_dirtied_it_and_shared_by_several(searched: Machine) -> None:
    assert searched.arrays.inode["i_memcg"].tolist() == [0, G, I_MEMCG_SHARED, G]


def test_its_own_inodes_come_first_then_the_shared(searched: Machine) -> None:
    search(searched, shared=False)
    assert listed(searched, B_IO) == [1, 3]
    assert listed(searched, B_DIRTY) == [0, 2]
    assert searched.vm[FLUSHER_FOREIGN_INODES] == 2
    cost_ns = int(searched.arrays.cost[COST_FOREIGN_INODE])
    assert searched.vm[FLUSHER_SEARCH_NS] == 2 * cost_ns
    assert searched.arrays.task[FLUSHER].debt_ns == 2 * cost_ns
    search(searched, shared=True)
    assert listed(searched, B_IO) == [1, 3, 2]
    assert listed(searched, B_DIRTY) == [0]


def test_one_work_of_a_memcg_waits_and_the_largest_wish_holds(searched: Machine) -> None:
    searched.arrays.rules[:] = rules_array(ReclaimRules(memcg_writeback=1))
    for pages in (100, 700, 300):
        kick_flusher(searched.m, G, pages)
    kick_flusher(searched.m, 0, 50)
    fs = searched.arrays.fs
    assert int(fs["nr_works"][0]) == 2
    assert (int(next_work(searched.m)), int(fs["work_for"][0])) == (700, G)
    assert (int(next_work(searched.m)), int(fs["work_for"][0])) == (50, 0)
    assert int(next_work(searched.m)) == 0
