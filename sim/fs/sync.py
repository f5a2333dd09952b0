"""fsync(2) of a file: its pages, then the transaction that has its inode (fs/sync.c, ext3/fsync.c).

vfs_fsync writes the dirty pages as WRITE_SYNC and waits for all that are under writeback;
ext3_sync_file then asks for a commit of the transaction and waits for it (log_start_commit,
log_wait_commit). Pages that a commit is writing, or has written, are that commit's business.

# Differs from 2.6.35: the transaction is the running one if anything is in it, else the one that
# is being committed, whether or not the inode is in it; i_mutex and barriers are not modelled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.writepage import do_writepages_range, next_dirty
from sim.machine.machine import ANY_WAKE, LIMIT, NOW, WAKE_JOURNAL
from sim.machine.page import PG_buffers_locked, PG_writeback
from sim.machine.task import BUDGET_SPENT, DONE, WANT_COMMIT, WANT_PAGE_WRITEBACK
from sim.machine.vmstat import FSYNC_NS, FSYNCS, JOURNAL_COMMITS

SYNC_BEGIN = 0
SYNC_WRITE = 1
SYNC_WAIT = 2
SYNC_COMMIT = 3


@njit
def fsync(m: Any, t: Any, ino: Any) -> Any:
    """All of the file's data and its metadata on disk; a stop code."""
    task = m.task[t]
    last = np.int64(m.inode[ino].nr_pages) - 1
    while True:
        if task.sync_step == SYNC_BEGIN:
            task.sync_began_ns = m.clock[NOW]
            task.sync_step = SYNC_WRITE
        if task.sync_step == SYNC_WRITE:
            task.wbc_sync = 1
            stop = do_writepages_range(m, t, ino, 0, last)
            if stop != DONE:
                return stop
            task.wbc_sync = 0
            task.sync_index = 0
            task.sync_step = SYNC_WAIT
        if task.sync_step == SYNC_WAIT:
            stop = _wait_for_pages(m, t, ino)
            if stop != DONE:
                return stop
            if _left_dirty(m, ino, last):
                # Under writeback when they were to be written: now they can be.
                task.sync_step = SYNC_WRITE
                continue
            task.sync_commits = _commits_to_wait_for(m)
            task.sync_step = SYNC_COMMIT
        if m.vm[JOURNAL_COMMITS] < task.sync_commits:
            return WANT_COMMIT
        task.sync_step = SYNC_BEGIN
        m.vm[FSYNCS] += 1
        m.vm[FSYNC_NS] += m.clock[NOW] - task.sync_began_ns
        return DONE


@njit
def _wait_for_pages(m: Any, t: Any, ino: Any) -> Any:
    """filemap_fdatawait: one page after the other, as far as the file goes."""
    task = m.task[t]
    inode = m.inode[ino]
    while task.sync_index < inode.size_pages:
        pfn = np.int64(m.slot_pfn[inode.first_slot + task.sync_index])
        if pfn >= 0 and m.page[pfn].page_flags & PG_writeback:
            task.wait_pfn = pfn
            return WANT_PAGE_WRITEBACK
        task.sync_index += 1
        if task.sync_index & 1023 == 0 and m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT
    return DONE


@njit
def _left_dirty(m: Any, ino: Any, last: Any) -> Any:
    """Dirty pages that no commit is writing."""
    base = np.int64(m.inode[ino].first_slot)
    index = next_dirty(m.dirty_tag, base, 0, last)
    while index >= 0:
        pfn = np.int64(m.slot_pfn[base + index])
        if pfn >= 0 and not m.page[pfn].page_flags & PG_buffers_locked:
            return True
        index = next_dirty(m.dirty_tag, base, index + 1, last)
    return False


@njit
def _commits_to_wait_for(m: Any) -> Any:
    """The value that vm[JOURNAL_COMMITS] has when the transaction is on disk; asks for it."""
    fs = m.fs[0]
    commits = m.vm[JOURNAL_COMMITS] + fs.committing
    if fs.running:
        commits += 1
        fs.commit_wanted = 1
        m.clock[WAKE_JOURNAL] = 1
        m.clock[ANY_WAKE] = 1
    return commits
