"""kjournald: ordered data, then the log, then the commit block (fs/jbd/commit.c of 2.6.35).

A commit runs five seconds after its transaction began. Ordered data is written buffer by buffer:
the pages stay dirty for the VM, and their next ->writepage has nothing to do; one that comes while
the buffers are being written waits for that, or, if it is reclaim's, leaves the page dirty.

While the log is written nobody may change the metadata that is in it: who wants to, to allocate a
block, sleeps until the writes have ended.

# Differs from 2.6.35: all data under IO of an inode with ordered data is the transaction's; a log
# block is copied at no cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.elevator import blk_unplug, submit_bio
from sim.engine.jit import njit
from sim.fs.checkpoint import BITS, add_checkpoint, begin_metadata_bio
from sim.fs.transaction import journal_dirty_data
from sim.fs.writepage import next_dirty
from sim.machine.address_space import I_ORDERED
from sim.machine.cost import COST_INODE, COST_WRITEPAGE
from sim.machine.filesystem import META_COMMITTING, META_RUNNING, WBUF_SIZE
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import (
    PG_buffers_clean,
    PG_buffers_locked,
    PG_dirty,
    PG_swapbacked,
    PG_writeback,
)
from sim.machine.request import ISSUER_JOURNAL, RQ_FREE
from sim.machine.system import System
from sim.machine.task import BUDGET_SPENT, DONE
from sim.machine.vmstat import JOURNAL_BLOCKS, JOURNAL_COMMITS, WRITTEN_JOURNAL
from sim.result import SleepCause
from sim.units import NSEC_PER_MSEC

TAGS_PER_DESCRIPTOR = 509
"""Metadata blocks that one descriptor block names."""
DIRECT_BLOCKS = 12
PTRS = 1024
COOKIE = 1


@njit
def journal_disk_block(start: Any, block: Any) -> Any:
    """Disk block of block ``block`` of the journal file: its indirect blocks lie between."""
    b = np.int64(block)
    if b < DIRECT_BLOCKS:
        return start + b
    nr_indirect = (b - DIRECT_BLOCKS) // PTRS + 1
    return start + b + nr_indirect + (1 if nr_indirect > 1 else 0)


@njit
def _wait_for_data_under_io(m: Any) -> Any:
    """Requests and bios with data of the transaction count as the journal's own (BJ_Locked)."""
    for r in range(m.request.shape[0]):
        rq = m.request[r]
        if rq.state == RQ_FREE or not rq.write or rq.nr_cookies > 0:
            continue
        pfn = np.int64(rq.first_page)
        while pfn >= 0:
            if _is_ordered(m, pfn):
                rq.cookie = COOKIE
                rq.nr_cookies = 1
                m.queue[0].nr_cookies += 1
                break
            pfn = np.int64(m.page[pfn].bio_next)
    for t in range(m.task.shape[0]):
        task = m.task[t]
        if task.bio_sectors > 0 and task.bio_write and task.bio_first_page >= 0:
            if _is_ordered(m, np.int64(task.bio_first_page)):
                task.bio_cookie = COOKIE


@njit
def _is_ordered(m: Any, pfn: Any) -> Any:
    page = m.page[pfn]
    return not page.page_flags & PG_swapbacked and m.inode[page.mapping].state & I_ORDERED


@njit
def begin_commit(m: Any) -> Any:
    """The running transaction becomes the committing one; a new one can begin."""
    fs = m.fs[0]
    _wait_for_data_under_io(m)
    n = fs.nr_running
    for i in range(n):
        block = np.int64(fs.running_meta[i])
        fs.committing_meta[i] = block
        m.block_used[block] = (m.block_used[block] & (BITS - META_RUNNING)) | META_COMMITTING
    fs.nr_committing = n
    fs.committing_head = fs.ordered_head
    fs.nr_running = 0
    fs.running = 0
    fs.ordered_head = -1
    fs.ordered_tail = -1
    fs.commit_wanted = 0
    fs.committing = 1
    fs.locked = 0
    fs.log_pos = 0
    fs.log_length = n + (n + TAGS_PER_DESCRIPTOR - 1) // TAGS_PER_DESCRIPTOR


@njit
def _begin_ordered(m: Any, t: Any, ino: Any) -> Any:
    """Take an inode off the committing list; later data of it belongs to the next transaction."""
    task = m.task[t]
    inode = m.inode[ino]
    inode.state &= ~I_ORDERED
    m.fs[0].committing_head = inode.ordered_next
    inode.ordered_next = -1
    task.wbc_inode = ino
    task.wbc_index = 0
    task.wbc_end = np.int64(inode.nr_pages) - 1
    m.clock[NOW] += m.cost[COST_INODE]


@njit
def _lock_buffers(m: Any, t: Any) -> Any:
    """Lock the dirty buffers of the committing transaction until there are WBUF_SIZE of them.

    What was dirtied since the next transaction began is that one's. ``task.wbc_step`` is 1 within
    an inode. Dirty pages without a block (holes of a mapping) do not belong to any transaction yet.
    """
    task = m.task[t]
    fs = m.fs[0]
    page = m.page
    while fs.nr_wbuf < WBUF_SIZE:
        if task.wbc_step == 0:
            if fs.committing_head < 0:
                return
            _begin_ordered(m, t, np.int64(fs.committing_head))
            task.wbc_step = 1
        base = np.int64(m.inode[task.wbc_inode].first_slot)
        index = next_dirty(m.dirty_tag, base, task.wbc_index, task.wbc_end)
        if index < 0:
            task.wbc_step = 0
            continue
        task.wbc_index = index + 1
        pfn = np.int64(m.slot_pfn[base + index])
        if fs.running and page[pfn].dirtied_ms * np.int64(NSEC_PER_MSEC) >= fs.started_ns:
            journal_dirty_data(m, task.wbc_inode)  # data of the next transaction
            continue
        flags = page[pfn].page_flags
        if (
            m.slot_block[base + index] < 0
            or flags & (PG_writeback | PG_buffers_clean | PG_buffers_locked)
            or not flags & PG_dirty
        ):
            continue
        page[pfn].page_flags |= PG_buffers_clean | PG_buffers_locked
        fs.wbuf[fs.nr_wbuf] = pfn
        fs.nr_wbuf += 1


@njit
def submit_data(m: Any, t: Any) -> Any:
    """Write the dirty buffers of the committing transaction's inodes; a stop code.

    Many are locked, then submitted one by one (journal_submit_data_buffers): whoever wants to lock
    one of them waits until all before it have found room in the queue, and its own write has ended.
    """
    task = m.task[t]
    fs = m.fs[0]
    page = m.page
    while True:
        if task.bio_sectors != 0:
            stop = submit_bio(m, t)
            if stop != DONE:
                return stop
        if fs.wbuf_pos >= fs.nr_wbuf:
            fs.wbuf_pos = fs.nr_wbuf = 0
            _lock_buffers(m, t)
            if fs.nr_wbuf == 0:
                return DONE
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT
        pfn = np.int64(fs.wbuf[fs.wbuf_pos])
        fs.wbuf_pos += 1
        m.clock[NOW] += m.cost[COST_WRITEPAGE]
        m.vm[WRITTEN_JOURNAL] += 1
        inode = m.inode[page[pfn].mapping]
        begin_metadata_bio(m, t, m.slot_block[inode.first_slot + page[pfn].index])
        task.bio_first_page = pfn
        task.bio_last_page = pfn
        task.bio_cookie = COOKIE


@njit
def _submit_log_block(m: Any, t: Any, sync: Any) -> Any:
    """The block at the journal's head; the head moves on, round the end."""
    fs = m.fs[0]
    task = m.task[t]
    begin_metadata_bio(m, t, journal_disk_block(fs.journal_start, fs.journal_head))
    task.bio_sync = sync
    task.bio_cookie = COOKIE
    fs.journal_head += 1
    if fs.journal_head >= fs.journal_blocks:
        fs.journal_head = 1
    m.vm[JOURNAL_BLOCKS] += 1


@njit
def submit_log(m: Any, t: Any) -> Any:
    """Descriptors and metadata, one after the other in the journal; a stop code."""
    task = m.task[t]
    fs = m.fs[0]
    while True:
        if task.bio_sectors != 0:
            stop = submit_bio(m, t)
            if stop != DONE:
                return stop
        if fs.log_pos >= fs.log_length:
            return DONE
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT
        fs.log_pos += 1
        _submit_log_block(m, t, 0)


@njit
def submit_commit_block(m: Any, t: Any) -> Any:
    """The commit block, a sync write; a stop code."""
    if m.task[t].bio_sectors == 0:
        _submit_log_block(m, t, 1)
    return submit_bio(m, t)


@njit
def submit_superblock(m: Any, t: Any) -> Any:
    """The journal's superblock, a sync write, when the log was empty; a stop code."""
    if m.task[t].bio_sectors == 0:
        begin_metadata_bio(m, t, m.fs[0].journal_start)
        m.task[t].bio_sync = 1
        m.task[t].bio_cookie = COOKIE
    return submit_bio(m, t)


@njit
def end_commit(m: Any) -> Any:
    """The transaction is on disk: its metadata may go to its place."""
    fs = m.fs[0]
    for i in range(fs.nr_committing):
        block = np.int64(fs.committing_meta[i])
        m.block_used[block] &= BITS - META_COMMITTING
        add_checkpoint(m, block)
    fs.nr_committing = 0
    fs.committing = 0
    m.vm[JOURNAL_COMMITS] += 1


@njit
def journal_io_pending(m: Any) -> Any:
    """Bios of the journal that have not ended; starts the disk if there are any."""
    pending = m.queue[0].nr_cookies
    if pending > 0:
        blk_unplug(m)
    return pending


def _run(s: System, t: int, kernel: Any) -> Any:
    """Sleeps. A kernel to its end."""
    while (stop := kernel(s.m, t)) != DONE:
        yield from s.wait(t, stop)


def _wait_for_io(s: System) -> Any:
    """Sleeps. Until every bio of the journal has ended."""
    while journal_io_pending(s.m):
        yield from s.sleep(s.journal_wait, SleepCause.JOURNAL)


def _commit(s: System, t: int) -> Any:
    """Sleeps. journal_commit_transaction."""
    m = s.m
    fs = s.arrays.fs[0]
    if fs.journal_empty:
        fs.journal_empty = 0
        yield from _run(s, t, submit_superblock)
        yield from _wait_for_io(s)
    fs.locked = 1
    while fs.updates:
        yield from s.sleep(s.journal_wait, SleepCause.JOURNAL)
    begin_commit(m)
    s.shadow_wait.wake_up_all(s.clock[NOW])
    yield from _run(s, t, submit_data)
    yield from _wait_for_io(s)
    if fs.nr_committing:
        fs.log_io = 1
        yield from _run(s, t, submit_log)
        yield from _wait_for_io(s)
        fs.log_io = 0
        s.shadow_wait.wake_up_all(s.clock[NOW])
        yield from _run(s, t, submit_commit_block)
        yield from _wait_for_io(s)
    end_commit(m)
    s.commit_wait.wake_up_all(s.clock[NOW])


def kjournald(s: System, t: int) -> Any:
    """Sleeps. Commits a transaction one commit interval after it began, or when it is full."""
    s.tcol["issuer"][t] = ISSUER_JOURNAL
    fs = s.arrays.fs[0]
    while True:
        if not fs.running:
            yield from s.sleep(s.journal_wait, SleepCause.IDLE)
            continue
        due_ns = int(fs.started_ns + fs.commit_interval_ns)
        if s.clock[NOW] < due_ns and not fs.commit_wanted:
            ticks = -(-(due_ns - s.clock[NOW]) // s.jiffy_ns)
            yield from s.sleep(s.journal_wait, SleepCause.IDLE, s.jiffies(ticks))
            continue
        yield from _commit(s, t)
