"""One page at a time through write(2), read(2), mapped and anonymous stores (filemap.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim.build import Simulation, build
from sim.machine.filesystem import BUFFER_UPTODATE
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import (
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_FILE,
    PG_dirty,
    PG_referenced,
    PG_swapbacked,
    PG_uptodate,
    PG_writable,
    PG_young,
)
from sim.machine.task import DONE, WANT_PAGE_READ
from sim.machine.vmstat import (
    APP_PAGES_TOUCHED,
    APP_PAGES_WRITTEN,
    NR_FILE_DIRTY,
    PAGES_DIRTIED,
    PGFAULT,
)
from sim.machine.writeback import clear_page_dirty_for_io
from sim.mm.filemap import (
    read_page,
    read_page_again,
    touch_anon_page,
    touch_file_page,
    write_page,
)
from sim.runner import run
from sim.scenario import MemorySpec, WorkloadKind, WorkloadSpec
from sim.workload.directories import FILES_OPEN
from tests.support.checkers import check_machine
from tests.support.small import small

T = 3


class Files:
    """One task and its file, called page by page."""

    def __init__(self, kind: WorkloadKind) -> None:
        group = WorkloadSpec(kind=kind, file_mib=4)
        self.simulation: Simulation = build(small(memcgs=(), workloads=(group,)))
        self.s = self.simulation.system
        self.arrays = self.s.arrays
        self.s.clock[LIMIT] = 1 << 60
        self.arrays.task["open_step"][T] = FILES_OPEN
        self.arrays.inode["group"] = 0
        self.arrays.fs[0].counts_slab = 0
        self.arrays.block_used[self.arrays.fs[0]["group_bitmap"]] |= BUFFER_UPTODATE

    def do(self, kernel: Callable[[Any, int], int], index: int) -> int:
        self.arrays.task["op_index"][T] = index
        return kernel(self.s.m, T)

    def check(self) -> None:
        self.s.drain(self.s.clock[NOW])  # whom the kernels woke is no part of these tests
        check_machine(self.simulation)

    def pfn(self, index: int) -> int:
        ino = int(self.arrays.task["op_inode"][T])
        return int(self.arrays.slot_pfn[int(self.arrays.inode["first_slot"][ino]) + index])

    def flags(self, index: int) -> int:
        return int(self.arrays.page["page_flags"][self.pfn(index)])

    def lru(self, index: int) -> int:
        return int(self.arrays.page["lru"][self.pfn(index)])


@pytest.fixture
def writer() -> Files:
    return Files(WorkloadKind.SEQ_WRITER)


def test_a_written_page_is_dirty_once_however_often_it_is_written(writer: Files) -> None:
    for _ in range(3):
        assert writer.do(write_page, 7) == DONE
    vm = writer.s.vm
    assert vm[NR_FILE_DIRTY] == vm[PAGES_DIRTIED] == 1
    assert vm[APP_PAGES_WRITTEN] == 3
    assert writer.flags(7) & (PG_dirty | PG_uptodate) == PG_dirty | PG_uptodate
    writer.check()


def test_a_page_written_twice_is_activated(writer: Files) -> None:
    writer.do(write_page, 0)
    assert writer.lru(0) == LRU_INACTIVE_FILE
    assert writer.flags(0) & PG_referenced
    writer.do(write_page, 0)
    assert writer.lru(0) == LRU_ACTIVE_FILE
    assert not writer.flags(0) & PG_referenced
    writer.check()


def test_a_written_page_has_a_block_at_once(writer: Files) -> None:
    writer.do(write_page, 3)
    ino = int(writer.arrays.task["op_inode"][T])
    assert int(writer.arrays.slot_block[int(writer.arrays.inode["first_slot"][ino]) + 3]) > 0


def test_a_mapped_page_faults_again_only_after_it_was_cleaned() -> None:
    files = Files(WorkloadKind.MMAP_DIRTIER)
    for _ in range(3):
        assert files.do(touch_file_page, 5) == DONE
    vm = files.s.vm
    assert vm[PGFAULT] == 1
    assert vm[APP_PAGES_TOUCHED] == 3
    assert files.flags(5) & PG_young
    assert clear_page_dirty_for_io(files.s.m, files.pfn(5))
    assert not files.flags(5) & PG_writable
    assert files.do(touch_file_page, 5) == DONE
    assert vm[PGFAULT] == 2
    assert vm[PAGES_DIRTIED] == 2


def test_an_anonymous_page_begins_on_the_active_list() -> None:
    files = Files(WorkloadKind.ANON_HOG)
    assert files.do(touch_anon_page, 9) == DONE
    assert files.lru(9) == LRU_ACTIVE_ANON
    assert files.flags(9) & PG_swapbacked
    assert files.s.vm[NR_FILE_DIRTY] == 0
    files.check()


def test_a_read_of_a_page_that_is_not_there_waits_for_that_page() -> None:
    files = Files(WorkloadKind.SEQ_READER)
    assert files.do(read_page, 0) == WANT_PAGE_READ
    assert int(files.arrays.task["wait_pfn"][T]) == files.pfn(0)


def test_a_reader_whose_page_was_taken_again_waits_for_no_page() -> None:
    # Reclaim inside its own readahead can take the page: then there is none to sleep on.
    files = Files(WorkloadKind.SEQ_READER)
    task = files.arrays.task[T]
    task.ra_step, task.ra_next, task.ra_end, task.ra_run_start = 1, 0, 0, -1
    stop = files.do(read_page_again, 0)
    assert files.pfn(0) < 0
    assert stop != WANT_PAGE_READ or int(task.wait_pfn) >= 0


def test_a_file_that_fits_is_read_from_disk_once() -> None:
    reader = WorkloadSpec(kind=WorkloadKind.SEQ_READER, file_mib=4)
    room = MemorySpec(ram_mib=64, kernel_mib=16)
    counters = run(small(memcgs=(), workloads=(reader,), memory=room)).counters
    assert counters["app_pages_read"] > 3 * 1024
    assert counters["sectors_read"] == 4 * 2048


def test_swapped_in_pages_were_swapped_out_before() -> None:
    hogs = WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=30, threads=2)
    counters = run(small(memcgs=(), workloads=(hogs,), duration_ms=1500)).counters
    assert 0 < counters["pswpin"] <= counters["pswpout"]
    assert counters["pgmajfault"] >= counters["pswpin"]
