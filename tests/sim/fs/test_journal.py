"""kjournald: what a commit writes, in which order, and where."""

from __future__ import annotations

import numpy as np

from sim.fs.ext3_layout import in_shadow
from sim.fs.journal import begin_commit, journal_disk_block, submit_data
from sim.fs.transaction import journal_dirty_metadata
from sim.fs.writepage import begin_write_cache_pages, write_cache_pages, writepage
from sim.machine.address_space import I_ORDERED
from sim.machine.filesystem import META_CHECKPOINT, META_COMMITTING, META_RUNNING
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import PG_buffers_clean, PG_buffers_locked, PG_dirty, PG_writeback
from sim.machine.request import ISSUER_FLUSHER, ISSUER_JOURNAL, ISSUER_MEMCG
from sim.machine.task import BUDGET_SPENT, DONE, WANT_BUFFER
from sim.machine.vmstat import (
    JOURNAL_BLOCKS,
    JOURNAL_COMMITS,
    NR_FILE_DIRTY,
    WRITTEN_FLUSHER,
    WRITTEN_JOURNAL,
)
from tests.support.bare_machine import FLUSHER, KJOURNALD, WRITER

SECOND = 1_000_000_000
START = 759


def running(machine, *args, **kwargs):
    x = machine(*args, **kwargs)
    x.start_threads()
    x.run(0.1)
    x.clock[NOW] = x.s.engine.now_ns
    return x


def by_journal(x):
    return x.log()[x.log()["issuer"] == ISSUER_JOURNAL]


def in_log_area(x, rows):
    end = journal_disk_block(START, int(x.arrays.fs[0].journal_blocks) - 1)
    block = rows["sector"] // 8
    return (block >= START) & (block <= end)


def test_a_commit_comes_five_seconds_after_its_transaction_began(machine):
    x = running(machine)
    x.run(1.9)
    x.clock[NOW] = x.s.engine.now_ns
    x.dirty(0, *range(10))
    x.run(4.9)
    assert x.vm[JOURNAL_COMMITS] == 0
    x.run(0.3)
    assert x.vm[JOURNAL_COMMITS] == 1


def test_an_empty_transaction_is_not_committed(machine):
    x = running(machine)
    x.run(20.0)
    assert x.vm[JOURNAL_COMMITS] == 0
    assert len(x.log()) == 0


def test_data_comes_before_the_log_and_the_commit_block_is_last_and_sync(machine):
    x = running(machine)
    x.dirty(0, *range(2000))
    x.run(6.0)
    rows = by_journal(x)
    log = in_log_area(x, rows)
    superblock, rest, log = rows[0], rows[1:], log[1:]
    assert superblock["sector"] == 8 * START
    assert superblock["sync"] == 1
    assert log.tolist() == sorted(log.tolist()), "no data after the first block of the log"
    assert not rest["sync"][:-1].any()
    assert rest["sync"][-1] == 1
    assert rest["t_issue_ns"][-1] >= rest["t_done_ns"][-2]
    first_log = int(np.flatnonzero(log)[0])
    assert rest["t_issue_ns"][first_log] >= rest["t_done_ns"][:first_log].max()


def test_the_log_is_contiguous_but_for_the_journals_own_indirect_blocks(machine):
    x = running(machine)
    x.dirty(0, *range(4000))
    for block in range(100_000, 100_040):
        journal_dirty_metadata(x.m, block)
    x.run(6.0)
    rows = by_journal(x)
    log = rows[in_log_area(x, rows)][1:]
    blocks = [int(r["sector"]) // 8 + i for r in log for i in range(int(r["nr_sectors"]) // 8)]
    assert blocks == [int(journal_disk_block(START, 1 + i)) for i in range(len(blocks))]
    assert len(blocks) == x.vm[JOURNAL_BLOCKS]


def test_the_log_wraps_to_its_second_block(machine):
    x = running(machine, journal_blocks=16)
    for commit in range(5):
        for block in range(3):
            journal_dirty_metadata(x.m, 50_000 + 10 * commit + block)
        x.run(6.0)
    assert x.vm[JOURNAL_COMMITS] == 5
    assert x.vm[JOURNAL_BLOCKS] == 5 * 5  # a descriptor, three blocks, the commit block
    assert x.arrays.fs[0].journal_head == 1 + 25 % 15


def test_pages_a_commit_wrote_stay_dirty_and_cost_no_second_write(machine):
    x = running(machine)
    x.dirty(0, *range(100))
    x.run(5.5)
    assert x.vm[WRITTEN_JOURNAL] == 100
    assert x.vm[NR_FILE_DIRTY] == 100
    assert all(x.flags(0, i) & PG_buffers_clean for i in range(100))
    before = len(x.log())
    x.finish(writepage, x.page_of(0, 7))
    assert not x.flags(0, 7) & (PG_dirty | PG_writeback | PG_buffers_clean)
    assert len(x.log()) == before


def test_a_page_dirtied_again_after_the_commit_is_written_again(machine):
    x = running(machine)
    x.dirty(0, *range(100))
    x.run(5.5)
    x.dirty(0, 7)
    x.finish(writepage, x.page_of(0, 7))
    assert x.flags(0, 7) & PG_writeback


def test_data_dirtied_after_the_commit_began_is_the_next_transactions(machine):
    x = running(machine)
    fs = x.arrays.fs[0]
    x.dirty(0, *range(10))
    begin_commit(x.m)
    x.clock[NOW] += SECOND // 100
    x.dirty(0, *range(10, 30))
    x.finish(submit_data, t=KJOURNALD)
    assert x.vm[WRITTEN_JOURNAL] == 10
    assert fs.ordered_head == 0, "the inode has data of the next transaction"
    assert x.arrays.inode["state"][0] & I_ORDERED
    begin_commit(x.m)
    x.finish(submit_data, t=KJOURNALD)
    assert x.vm[WRITTEN_JOURNAL] == 30


def test_a_commit_waits_for_data_of_its_transaction_that_others_write(machine):
    x = running(machine)
    x.dirty(0, 0, 1)
    x.dirty(1, 0, allocate=False)
    for ino, index in ((0, 0), (1, 0)):
        x.finish(writepage, x.page_of(ino, index))
    begin_commit(x.m)
    assert x.arrays.queue[0].nr_cookies > 0
    x.drain_disk()
    assert x.arrays.queue[0].nr_cookies == 0


def test_an_allocation_waits_for_the_log_only_where_there_is_no_copy(machine):
    x = running(machine)
    x.dirty(0, *range(4))
    begin_commit(x.m)
    x.arrays.fs[0].log_io = 1
    assert in_shadow(x.m, 0, 5)
    x.arrays.fs[0].log_io = 0
    x.clock[NOW] += SECOND // 100
    x.dirty(0, 4)  # before the log: the running transaction takes copies
    x.arrays.fs[0].log_io = 1
    assert not in_shadow(x.m, 0, 5)


def test_dirty_holes_of_a_mapping_are_not_ordered_data(machine):
    x = running(machine)
    x.dirty(0, *range(0, 100, 2), allocate=False)
    x.dirty(1, *range(10))
    x.run(5.5)
    assert x.vm[WRITTEN_JOURNAL] == 10
    assert not any(x.flags(0, i) & PG_buffers_clean for i in range(0, 100, 2))


def test_ordered_inodes_are_on_the_list_once_and_off_it_after_the_commit(machine):
    x = running(machine, (64,) * 5)
    for ino in (3, 1, 4, 1, 3):
        x.dirty(ino, *range(5))
    found, ino = [], int(x.arrays.fs[0].ordered_head)
    while ino >= 0:
        found.append(ino)
        ino = int(x.arrays.inode["ordered_next"][ino])
    assert found == [3, 1, 4]
    x.run(6.0)
    assert not (x.arrays.inode["state"] & I_ORDERED).any()
    assert x.arrays.fs[0].ordered_head == -1


def test_every_metadata_block_is_in_the_transaction_once(machine):
    x = machine((4096, 4096))
    x.dirty(0, *range(2000))
    x.dirty(1, *range(2000))
    fs = x.arrays.fs[0]
    blocks = fs.running_meta[: fs.nr_running].tolist()
    assert len(set(blocks)) == len(blocks)
    # bitmap, descriptors, one block of the inode table; two indirect blocks and a double for each
    assert len(blocks) == 3 + 2 * 3
    assert np.count_nonzero(x.arrays.block_used & META_RUNNING) == len(blocks)


def test_committed_metadata_is_written_in_place_by_the_flusher_after_thirty_seconds(machine):
    x = running(machine)
    x.dirty(0, *range(20))
    blocks = sorted(x.arrays.fs[0].running_meta[: x.arrays.fs[0].nr_running].tolist())
    x.run(32.0)
    used = x.arrays.block_used
    assert np.count_nonzero(used & META_CHECKPOINT) == len(blocks)
    x.run(12.0)
    assert np.count_nonzero(used & (META_RUNNING | META_COMMITTING | META_CHECKPOINT)) == 0
    rows = np.sort(x.log()[x.log()["issuer"] == ISSUER_FLUSHER], order="t_queue_ns")
    at = [int(r["sector"]) // 8 + i for r in rows for i in range(int(r["nr_sectors"]) // 8)]
    assert [b for b in at if b in blocks] == blocks, "ascending"


def test_a_transaction_of_a_quarter_of_the_journal_is_committed_at_once(machine):
    x = running(machine, journal_blocks=64)
    for block in range(50_000, 50_016):
        journal_dirty_metadata(x.m, block)
    x.s.drain(x.s.engine.now_ns)
    x.run(0.5)
    assert x.vm[JOURNAL_COMMITS] == 1


def _committing(machine, nr_pages=4):
    """A commit that has locked the buffers of dirty pages and submitted the first."""
    x = machine()
    x.dirty(0, *range(nr_pages))
    begin_commit(x.m)
    x.clock[LIMIT] = 0
    assert submit_data(x.m, KJOURNALD) == BUDGET_SPENT
    x.clock[LIMIT] = 1 << 60
    return x


def test_a_commit_locks_all_buffers_of_a_batch_before_it_submits_them(machine):
    x = _committing(machine, 600)
    locked = [i for i in range(600) if x.flags(0, i) & PG_buffers_locked]
    assert locked == list(range(512))
    x.finish(submit_data, t=KJOURNALD)
    x.drain_disk()
    assert not any(x.flags(0, i) & PG_buffers_locked for i in range(600))
    assert x.vm[WRITTEN_JOURNAL] == 600


def test_the_flusher_waits_for_buffers_that_a_commit_has_locked(machine):
    x = _committing(machine)
    task = x.arrays.task[FLUSHER]
    task.issuer = ISSUER_FLUSHER
    task.wbc_nr_to_write = 1024
    begin_write_cache_pages(x.m, FLUSHER, 0)
    assert write_cache_pages(x.m, FLUSHER) == WANT_BUFFER
    assert task.wait_pfn == x.page_of(0, 0)
    x.finish(submit_data, t=KJOURNALD)
    x.drain_disk()
    x.finish(write_cache_pages, t=FLUSHER)
    assert x.vm[NR_FILE_DIRTY] == 0
    assert x.vm[WRITTEN_FLUSHER] == 0, "the commit has written them"


def test_reclaim_leaves_a_page_dirty_whose_buffers_a_commit_has_locked(machine):
    x = _committing(machine)
    x.arrays.task[WRITER].issuer = ISSUER_MEMCG
    assert writepage(x.m, WRITER, x.page_of(0, 1)) == DONE
    assert x.flags(0, 1) & PG_dirty
    assert not x.flags(0, 1) & PG_writeback
