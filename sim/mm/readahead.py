"""Reading pages in: readahead windows filled with pages, and their bios (readahead.c, mpage.c).

A window is allocated page by page, each locked, then submitted as one run of bios; the reader
meets the locked pages and sleeps on the one it needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.readpages import ondemand_readahead, start_read
from sim.machine.address_space import I_RANDOM
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import LRU_INACTIVE_FILE, PG_locked, PG_readahead, PG_writeback
from sim.machine.sysctl import READ_AHEAD_PAGES
from sim.machine.task import BUDGET_SPENT, DONE
from sim.mm.page_cache import new_page

RA_WINDOW = 0
RA_FILL = 1
RA_SUBMIT = 2
MMAP_LOTSAMISS = 100


@njit
def page_cache_readahead(m: Any, t: Any, ino: Any, index: Any) -> Any:
    """Start reading the window that ``index`` calls for; a stop code. Does not wait for it."""
    task = m.task[t]
    inode = m.inode[ino]
    if task.ra_step == RA_WINDOW:
        ondemand_readahead(m, t, ino, index, task.ra_async)
        task.ra_next = inode.ra_start
        task.ra_end = min(inode.ra_start + inode.ra_size, inode.size_pages)
        task.ra_run_start = -1
        task.ra_step = RA_FILL
    while True:
        if task.ra_step == RA_SUBMIT:
            stop = start_read(m, t, ino, task.ra_run_start, task.ra_next - task.ra_run_start)
            if stop != DONE:
                return stop
            task.ra_run_start = -1
            task.ra_step = RA_FILL
        if task.ra_next >= task.ra_end:
            if task.ra_run_start < 0:
                return DONE
            task.ra_step = RA_SUBMIT
            continue
        if not task.np_charging and m.slot_pfn[inode.first_slot + task.ra_next] >= 0:
            if task.ra_run_start >= 0:
                task.ra_step = RA_SUBMIT
            else:
                task.ra_next += 1
            continue
        stop = new_page(m, t, ino, task.ra_next, PG_locked, LRU_INACTIVE_FILE)
        if stop != DONE:
            return stop
        if task.ra_next == inode.ra_start + inode.ra_size - inode.ra_async_size:
            m.page[task.alloc_pfn].page_flags |= PG_readahead
        if task.ra_run_start < 0:
            task.ra_run_start = task.ra_next
        task.ra_next += 1
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def _begin_window(m: Any, t: Any, ino: Any, start: Any, size: Any, background: Any) -> None:
    """A window of a mapped file, to be filled by page_cache_readahead."""
    task = m.task[t]
    inode = m.inode[ino]
    inode.ra_start = start
    inode.ra_size = size
    inode.ra_async_size = background
    task.ra_next = start
    task.ra_end = min(start + size, np.int64(inode.nr_pages))
    task.ra_run_start = -1
    task.ra_step = RA_FILL


@njit
def mmap_miss(m: Any, t: Any, ino: Any, index: Any) -> Any:
    """do_sync_mmap_readahead: begin a window for a fault that found no page; is there one?

    Around the page while misses do not outnumber hits by more than MMAP_LOTSAMISS; ahead of it
    when the last fault was on the page before.

    # Differs from 2.6.35: the window of a sequential miss is always the one of a first miss; a
    # mapping is as long as its file.
    """
    inode = m.inode[ino]
    most = np.int64(m.sysctl[READ_AHEAD_PAGES])
    if most < 1 or inode.state & I_RANDOM != 0:
        return False
    if inode.prev_index == index - 1:
        _begin_window(m, t, ino, np.int64(index), 2 * most, most)
        return True
    inode.mmap_miss += 1
    if inode.mmap_miss > MMAP_LOTSAMISS:
        return False
    _begin_window(m, t, ino, max(np.int64(index) - most // 2, np.int64(0)), most, np.int64(0))
    return True


@njit
def mmap_hit(m: Any, t: Any, ino: Any, pfn: Any) -> Any:
    """do_async_mmap_readahead: a fault found its page; begin the next window at a marked one."""
    inode = m.inode[ino]
    page = m.page[pfn]
    inode.mmap_miss = max(inode.mmap_miss - 1, 0)
    if not page.page_flags & PG_readahead or page.page_flags & PG_writeback:
        return False
    page.page_flags &= ~PG_readahead
    most = np.int64(m.sysctl[READ_AHEAD_PAGES])
    start = np.int64(inode.ra_start + inode.ra_size)
    _begin_window(m, t, ino, start, most, most)
    return True


@njit
def read_one_page(m: Any, t: Any, pfn: Any) -> Any:
    """Read one locked page, of a file or of swap; a stop code. Does not wait for it."""
    page = m.page[pfn]
    return start_read(m, t, np.int64(page.mapping), np.int64(page.index), 1)
