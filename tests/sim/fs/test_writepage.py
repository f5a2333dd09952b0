"""write_cache_pages and ->writepage: order, limits, wrapping, what is passed over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fs.writepage import (
    LONG_MAX,
    begin_write_cache_pages,
    do_writepages_range,
    next_dirty,
    write_cache_pages,
    writepage,
)
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import PG_dirty, PG_swapbacked, PG_swapcache, PG_writeback
from sim.machine.request import ISSUER_DIRTIER
from sim.machine.task import BUDGET_SPENT
from sim.machine.vmstat import (
    NR_FILE_DIRTY,
    NR_WRITEBACK,
    PSWPOUT,
    WRITTEN_DIRTIER,
    WRITTEN_OTHER,
)

T = 2


def write(x, ino, nr_to_write=LONG_MAX, cyclic=0):
    """One inode's pages, to the end of the call; how often it had to sleep."""
    task = x.arrays.task[T]
    task.wbc_nr_to_write, task.wbc_range_cyclic, task.wbc_written = nr_to_write, cyclic, 0
    begin_write_cache_pages(x.m, T, ino)
    return x.finish(write_cache_pages)


def written(x, ino, indices):
    return [i for i in indices if x.flags(ino, i) & PG_writeback]


def sectors_in_order(x):
    return [int(r["sector"]) for r in x.log()]


@given(
    tags=st.lists(st.integers(0, 300), max_size=20),
    index=st.integers(0, 320),
    end=st.integers(0, 320),
)
def test_next_dirty_is_the_lowest_tagged_index_in_the_range(tags, index, end):
    words = np.zeros(8, np.uint64)
    for tag in tags:
        words[(64 + tag) >> 6] |= np.uint64(1 << ((64 + tag) & 63))
    expected = min((tag for tag in tags if index <= tag <= end), default=-1)
    assert next_dirty(words.view(np.int64), 64, index, end) == expected


def test_pages_go_out_in_ascending_order(machine):
    x = machine()
    x.dirty(0, 9, 2, 700, 63, 64, 128, 5, allocate=False)
    write(x, 0)
    blocks = [x.block(0, i) for i in (2, 5, 9, 63, 64, 128, 700)]
    assert blocks == sorted(blocks), "blocks are given in the order of writing"
    assert min(blocks) > 0
    assert x.vm[NR_FILE_DIRTY] == 0


def test_no_more_than_nr_to_write_pages_are_written(machine):
    x = machine()
    x.dirty(0, *range(100))
    write(x, 0, nr_to_write=40)
    assert written(x, 0, range(100)) == list(range(40))
    assert x.arrays.task[T].wbc_nr_to_write == 0
    assert x.vm[NR_FILE_DIRTY] == 60


def test_a_cyclic_writer_goes_on_where_it_stopped_and_wraps_once(machine):
    x = machine()
    x.dirty(0, *range(100))
    write(x, 0, nr_to_write=60, cyclic=1)
    x.drain_disk()
    x.dirty(0, *range(10))
    write(x, 0, nr_to_write=45, cyclic=1)
    assert written(x, 0, range(100)) == [*range(5), *range(60, 100)]
    assert x.arrays.inode[0].writeback_index == 5


def test_pages_under_writeback_are_passed_over_and_stay_dirty(machine):
    x = machine()
    x.dirty(0, *range(10))
    write(x, 0)
    x.dirty(0, 3, 4)
    write(x, 0)
    assert x.vm[NR_FILE_DIRTY] == 2
    assert all(x.flags(0, i) & PG_dirty for i in (3, 4))
    x.drain_disk()
    write(x, 0)
    assert x.vm[NR_FILE_DIRTY] == 0


def test_a_full_queue_stops_the_writer_and_loses_nothing(machine):
    x = machine((4096,), nr_requests=16)
    x.dirty(0, *range(0, 4096, 7))
    for index in range(0, 4096, 7):  # scattered blocks: no merges
        x.arrays.slot_block[index] = 20_000 + 3 * index
    assert write(x, 0) > 10
    x.drain_disk()
    assert x.vm[NR_FILE_DIRTY] == x.vm[NR_WRITEBACK] == 0
    assert sorted(sectors_in_order(x)) == [8 * (20_000 + 3 * i) for i in range(0, 4096, 7)]


def test_a_spent_budget_stops_the_writer_before_the_next_page(machine):
    x = machine()
    x.dirty(0, *range(50))
    task = x.arrays.task[T]
    task.wbc_nr_to_write = LONG_MAX
    begin_write_cache_pages(x.m, T, 0)
    x.clock[LIMIT] = x.clock[NOW] + 1
    assert write_cache_pages(x.m, T) == BUDGET_SPENT
    assert x.vm[NR_FILE_DIRTY] == 49
    x.finish(write_cache_pages)
    assert x.vm[NR_FILE_DIRTY] == 0


def test_a_range_write_takes_every_dirty_page_of_the_range_and_no_other(machine):
    x = machine()
    x.dirty(0, *range(0, 100, 2))
    x.finish(do_writepages_range, 0, 10, 21)
    assert written(x, 0, range(100)) == list(range(10, 22, 2))
    assert x.arrays.task[T].wbc_written == 6
    assert x.arrays.task[T].wbc_step == 0, "ready for the next call"


def test_writepage_counts_for_its_issuer(machine):
    x = machine()
    x.dirty(0, 1, 2)
    x.finish(writepage, x.page_of(0, 1))
    x.arrays.task[T].issuer = ISSUER_DIRTIER
    x.finish(writepage, x.page_of(0, 2))
    assert (x.vm[WRITTEN_OTHER], x.vm[WRITTEN_DIRTIER]) == (1, 1)


def test_writing_a_clean_page_does_nothing(machine):
    x = machine()
    pfn = x.page_of(0, 1)
    assert x.finish(writepage, pfn) == 0
    assert x.vm[NR_WRITEBACK] == 0


def test_a_swap_page_goes_to_its_slot_in_the_swap_area(machine):
    x = machine(swap_pages=1000)
    pfn = x.page_of(0, 0)
    page = x.arrays.page[pfn]
    page.page_flags |= PG_swapbacked | PG_swapcache | PG_dirty
    page.block = 37
    x.finish(writepage, pfn)
    x.drain_disk()
    assert sectors_in_order(x) == [8 * int(x.arrays.swap_block[37])]
    assert x.vm[PSWPOUT] == 1
    assert page.block == 37


@pytest.mark.parametrize("allocate", [True, False])
def test_on_a_full_disk_pages_become_clean_without_io(machine, allocate):
    x = machine((40_000, 64), nr_blocks=1 << 15, nr_pages=1 << 16)
    x.dirty(0, *range(40_000))
    assert x.arrays.fs[0].nr_free == 0
    x.dirty(1, 0, allocate=allocate)
    write(x, 1)
    assert x.vm[NR_WRITEBACK] == 0
    assert not x.flags(1, 0) & PG_dirty
    assert x.arrays.fs[0].nr_enospc > 0
