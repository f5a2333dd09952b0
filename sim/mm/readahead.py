"""Reading pages in: readahead windows filled with pages, and their bios (readahead.c, mpage.c).

A window is allocated page by page, each locked, then submitted as one run of bios; the reader
meets the locked pages and sleeps on the one it needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.readpages import ondemand_readahead, start_read
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import LRU_INACTIVE_FILE, PG_locked, PG_readahead
from sim.machine.task import BUDGET_SPENT, DONE
from sim.mm.page_cache import new_page

RA_WINDOW = 0
RA_FILL = 1
RA_SUBMIT = 2


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
def read_one_page(m: Any, t: Any, pfn: Any) -> Any:
    """Read one locked page, of a file or of swap; a stop code. Does not wait for it."""
    page = m.page[pfn]
    return start_read(m, t, np.int64(page.mapping), np.int64(page.index), 1)
