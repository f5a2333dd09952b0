"""The flusher's lists, turns and works."""

from __future__ import annotations

import pytest

from sim.fs.dirty_inodes import mark_inode_dirty, queue_io, redirty_tail, requeue_io
from sim.fs.fs_writeback import begin_pass, begin_work, wakeup_flusher_threads, writeback_inodes_wb
from sim.machine.address_space import B_DIRTY, B_IO, B_MORE_IO, B_NONE, I_DIRTY, I_SYNC
from sim.machine.machine import ANY_WAKE, BACKGROUND_WANTED, NOW, WAKE_FLUSHER
from sim.machine.request import ISSUER_DIRTIER
from sim.machine.rules import ReclaimRules
from sim.machine.vmstat import (
    FLUSHER_WAKEUPS,
    NR_FILE_DIRTY,
    NR_WRITEBACK,
    WRITTEN_DIRTIER,
    WRITTEN_FLUSHER,
)

T = 2
JIFFY = 4_000_000
SECOND = 1_000_000_000


def listed(x, which):
    """Inodes of a list, oldest first, checked in both directions."""
    bdi, inode = x.arrays.bdi[0], x.arrays.inode
    found, before, ino = [], -1, int(bdi.head[which])
    while ino >= 0:
        assert inode["prev"][ino] == before
        assert inode["bdi_list"][ino] == which
        found.append(ino)
        before, ino = ino, int(inode["next"][ino])
    assert bdi.tail[which] == before
    assert bdi.nr[which] == len(found)
    return found


def dirty_at(x, ino, jiffy):
    x.clock[NOW] = jiffy * JIFFY
    mark_inode_dirty(x.m, ino)


def jiffies_of(x):
    return (x.arrays.inode["dirtied_when"] // JIFFY).tolist()


def writeback(x, nr_to_write=1024, *, older_than=-1, kupdate=0, cyclic=1):
    task = x.arrays.task[T]
    task.wbc_nr_to_write, task.wbc_older_than_ns = nr_to_write, older_than
    task.wbc_for_kupdate, task.wbc_range_cyclic = kupdate, cyclic
    task.wbc_start_ns, task.wbc_step = x.clock[NOW], 0
    x.finish(writeback_inodes_wb)
    return nr_to_write - int(task.wbc_nr_to_write)


def test_an_inode_is_listed_by_the_time_of_its_first_dirty_page(machine):
    x = machine((64,) * 4)
    for ino, jiffy in ((2, 10), (0, 20), (2, 30), (1, 40)):
        dirty_at(x, ino, jiffy)
    assert listed(x, B_DIRTY) == [2, 0, 1]
    assert jiffies_of(x) == [20, 40, 10, 0]


def test_queue_io_takes_b_more_io_first_then_b_io_then_the_old_of_b_dirty(machine):
    x = machine((64,) * 6)
    for ino in range(6):
        dirty_at(x, ino, 10 * (ino + 1))
    queue_io(x.m, 20 * JIFFY)
    assert (listed(x, B_IO), listed(x, B_DIRTY)) == ([0, 1], [2, 3, 4, 5])
    requeue_io(x.m, 4)
    requeue_io(x.m, 5)
    queue_io(x.m, 30 * JIFFY)
    assert (listed(x, B_IO), listed(x, B_DIRTY)) == ([4, 5, 0, 1, 2], [3])
    queue_io(x.m, -1)
    assert listed(x, B_IO) == [4, 5, 0, 1, 2, 3]


def test_redirty_tail_makes_an_inode_the_youngest_and_keeps_times_in_order(machine):
    x = machine((64,) * 3)
    for ino in range(3):
        dirty_at(x, ino, 10 * (ino + 1))
    x.clock[NOW] = 100 * JIFFY
    redirty_tail(x.m, 0)
    assert listed(x, B_DIRTY) == [1, 2, 0]
    assert jiffies_of(x) == [100, 20, 30]


def test_an_inode_dirtied_while_it_is_written_is_not_moved_then(machine):
    x = machine((64,))
    dirty_at(x, 0, 10)
    queue_io(x.m, -1)
    x.arrays.inode[0].state = I_SYNC
    dirty_at(x, 0, 20)
    assert listed(x, B_IO) == [0]
    assert x.arrays.inode[0].state == I_SYNC | I_DIRTY
    assert jiffies_of(x) == [10]


def test_leftovers_of_a_used_up_turn_go_to_the_young_end_of_b_dirty(machine):
    x = machine((4096, 4096))
    x.dirty(0, *range(2000))
    x.dirty(1, *range(10))
    assert writeback(x) == 1024
    assert (listed(x, B_DIRTY), listed(x, B_IO)) == ([0], [1])
    assert x.arrays.task[T].wbc_more_io == 1


def test_leftovers_of_kupdate_go_to_b_more_io(machine):
    x = machine((4096, 4096))
    x.dirty(0, *range(2000))
    x.clock[NOW] = 100 * SECOND
    assert writeback(x, older_than=70 * SECOND, kupdate=1) == 1024
    assert listed(x, B_MORE_IO) == [0]


def test_leftovers_of_any_work_go_to_b_more_io_in_2_6_36(machine):
    x = machine((4096, 4096), rules=ReclaimRules(b_more_io_for_all=1))
    x.dirty(0, *range(2000))
    writeback(x)
    assert (listed(x, B_MORE_IO), listed(x, B_DIRTY)) == ([0], [])


def test_two_large_files_take_turns_of_1024_pages(machine):
    x = machine((4096, 4096))
    x.dirty(0, *range(3000))
    x.dirty(1, *range(3000))
    left = []
    for _ in range(4):
        writeback(x)
        left.append(tuple(x.arrays.inode["nr_dirty"].tolist()))
    assert left == [(1976, 3000), (1976, 1976), (952, 1976), (952, 952)]


def test_an_inode_dirtied_after_the_start_is_left_alone(machine):
    x = machine((64, 64))
    x.dirty(0, 1)
    x.arrays.inode[0].dirtied_when = int(x.clock[NOW]) + 10 * SECOND
    assert writeback(x) == 0
    assert listed(x, B_IO) == [0]


def test_an_inode_in_another_tasks_hands_is_put_off(machine):
    x = machine((64, 64))
    x.dirty(0, 1)
    x.dirty(1, 1)
    x.arrays.inode[0].state |= I_SYNC
    assert writeback(x) == 1
    assert listed(x, B_MORE_IO) == [0]
    assert x.arrays.task[T].wbc_more_io == 1


def test_an_inode_whose_pages_are_all_written_leaves_the_lists(machine):
    x = machine((64,))
    x.dirty(0, 1, 2, 3)
    writeback(x)
    assert x.arrays.inode["bdi_list"][0] == B_NONE
    assert not x.arrays.inode["state"][0] & (I_DIRTY | I_SYNC)
    assert [listed(x, which) for which in (B_DIRTY, B_IO, B_MORE_IO)] == [[], [], []]


def test_a_dirtier_writes_under_its_own_name(machine):
    x = machine((64,))
    x.dirty(0, *range(20))
    x.arrays.task[T].issuer = ISSUER_DIRTIER
    assert writeback(x, 12) == 12
    assert x.vm[WRITTEN_DIRTIER] == 12


def test_the_flusher_does_every_work_that_was_asked_for(machine):
    x = machine((4096, 4096))
    x.start_threads()
    x.run(0.1)
    x.dirty(0, *range(3000), allocate=False)
    x.clock[NOW] = x.s.engine.now_ns
    wakeup_flusher_threads(x.m, 1000)
    wakeup_flusher_threads(x.m, 500)
    assert x.clock[WAKE_FLUSHER] == 1
    x.s.drain(x.s.engine.now_ns)
    x.run(1.0)
    # Each work ends with the pass in which it has its pages: 1024 each.
    assert x.vm[WRITTEN_FLUSHER] == 2048
    assert x.vm[FLUSHER_WAKEUPS] == 1


def test_a_work_of_zero_pages_means_all_that_is_dirty(machine):
    x = machine((4096, 4096))
    x.start_threads()
    x.run(0.1)
    x.dirty(0, *range(3000), allocate=False)
    wakeup_flusher_threads(x.m, 0)
    x.s.drain(x.s.engine.now_ns)
    x.run(1.0)
    assert (x.vm[NR_FILE_DIRTY], x.vm[NR_WRITEBACK]) == (0, 0)


def test_background_work_stops_at_the_threshold(machine):
    x = machine((1 << 14,), nr_pages=1 << 15)
    x.start_threads()
    x.run(0.1)
    x.dirty(0, *range(8000), allocate=False)
    x.clock[BACKGROUND_WANTED] = x.clock[WAKE_FLUSHER] = x.clock[ANY_WAKE] = 1
    x.s.drain(x.s.engine.now_ns)
    x.run(3.0)
    threshold = (x.arrays.page.shape[0] + 1) // 10
    assert threshold - 1024 <= x.vm[NR_FILE_DIRTY] <= threshold


def test_old_data_is_written_by_age_and_young_data_is_not(machine):
    x = machine((64, 64))
    x.start_threads()
    x.run(0.1)
    x.clock[NOW] = x.s.engine.now_ns
    x.dirty(0, 1, allocate=False)
    x.run(20.0)
    x.clock[NOW] = x.s.engine.now_ns
    x.dirty(1, 1, allocate=False)
    x.run(9.0)
    assert x.dirty_pages() == 2
    x.run(8.0)
    assert x.arrays.inode["nr_dirty"].tolist() == [0, 1]
    x.run(20.0)
    assert x.dirty_pages() == 0


def test_every_dirty_page_is_written_in_the_end(machine):
    x = machine((4096,) * 6, nr_pages=1 << 15, nr_requests=16)
    x.start_threads()
    x.run(0.1)
    for ino in range(6):
        x.clock[NOW] = x.s.engine.now_ns
        x.dirty(ino, *range(ino, 4096, 5 + ino), allocate=bool(ino % 2))
        x.run(0.7)
        x.dirty(ino, *range(0, 300, 3), allocate=bool(ino % 2))
    x.run(80.0)
    assert x.dirty_pages() == x.pages_under_writeback() == 0
    assert not x.arrays.dirty_tag.any()
    assert x.vm[NR_FILE_DIRTY] == x.vm[NR_WRITEBACK] == 0
    assert not x.arrays.inode["nr_dirty"].any()
    bdi = x.arrays.bdi[0]
    assert (bdi.nr_reclaimable, bdi.nr_writeback, bdi.writeback_running) == (0, 0, 0)
    assert bdi.nr.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("per_work", "left"), [(1, 5), (0, 0)])
def test_what_is_dirtied_during_a_work_is_left_to_the_next_one_from_2_6_36_on(
    machine, per_work, left
):
    x = machine((64, 64), rules=ReclaimRules(b_more_io_for_all=1, wb_start_per_work=per_work))
    begin_work(x.m, T, -1, 0, 0)
    x.clock[NOW] += JIFFY
    x.dirty(0, *range(5))
    x.clock[NOW] += JIFFY
    assert begin_pass(x.m, T)
    x.finish(writeback_inodes_wb)
    assert x.arrays.inode[0].nr_dirty == left
