"""Patch 5: cleaning the dirty pages of one batch by ranges of their inode (mechanics 3.1).

Posted form (rule 1): for the oldest dirty page, the range is the span from the lowest to the
highest index among the batch's dirty pages of the same mapping; everything dirty in between is
written too. PG_reclaim is not set, so those pages are not rotated when their IO ends.

Recorded form (rule 2): the batch's dirty file pages are sorted by mapping and index and cut into
contiguous runs; each run is written by itself, after a look at the queue, with PG_reclaim set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.writepage import do_writepages_range, writepage
from sim.machine.page import PG_dirty, PG_reclaim, PG_swapbacked, PG_writeback
from sim.machine.page_lock import drop_lock, enter_filesystem
from sim.machine.request import ISSUER_MEMCG
from sim.machine.task import DONE, PF_SWAPWRITE, PF_WRITER
from sim.machine.tracepoints import (
    EV_WRITEPAGE,
    RECLAIM_WB_ANON,
    RECLAIM_WB_ASYNC,
    RECLAIM_WB_FILE,
    RECLAIM_WB_SYNC,
)
from sim.machine.vmstat import (
    BDI_ASYNC_CONGESTED,
    DIRECT_WRITE_ANON_ASYNC,
    DIRECT_WRITE_FILE_ASYNC,
    KSWAPD_WRITE_ANON,
    KSWAPD_WRITE_FILE,
    MEMCG_WRITE_ANON,
    MEMCG_WRITE_FILE,
    NR_VMSCAN_WRITE,
    QUEUE_CONGESTED_KEEP,
    RANGE_CALLS,
    RANGE_PAGES,
    RANGE_PAGES_UNASKED,
)
from sim.mm.trace import trace

RANGE_NEXT = 0
RANGE_WRITING = 1
RANGE_SINGLE = 2


@njit
def may_write_to_queue(m: Any, t: Any) -> Any:
    """kswapd always; others unless the queue is congested, but for a writer to that very disk."""
    if m.task[t].pf_flags & (PF_SWAPWRITE | PF_WRITER):
        return True
    return m.vm[BDI_ASYNC_CONGESTED] == 0


@njit
def count_reclaim_write(m: Any, t: Any, pfn: Any) -> Any:
    """NR_VMSCAN_WRITE, the event and the context's row, after ->writepage returned."""
    sc = m.task[t]
    if sc.issuer > ISSUER_MEMCG:
        return  # a container's own thread: not reclaim
    vm = m.vm
    vm[NR_VMSCAN_WRITE] += 1
    sc.stall_written += 1
    anon = m.page[pfn].page_flags & PG_swapbacked
    kind = RECLAIM_WB_ANON if anon else RECLAIM_WB_FILE
    trace(m, t, EV_WRITEPAGE, pfn, kind | (RECLAIM_WB_SYNC if sc.sc_sync else RECLAIM_WB_ASYNC), 0)
    if anon:
        base = KSWAPD_WRITE_ANON, DIRECT_WRITE_ANON_ASYNC, MEMCG_WRITE_ANON
    else:
        base = KSWAPD_WRITE_FILE, DIRECT_WRITE_FILE_ASYNC, MEMCG_WRITE_FILE
    vm[base[sc.issuer] + sc.sc_sync] += 1  # only direct reclaim is ever synchronous


@njit
def clean_page_list(m: Any, t: Any) -> Any:
    """Write what is on the dirty list, range by range; the pages stay on it. A stop code."""
    sc = m.task[t]
    if not sc.sc_may_writepage:
        return DONE
    recorded = m.rules[0].range_write == 2
    if recorded and sc.sc_range_pos == 0 and sc.sc_range_state == RANGE_NEXT:
        _sort_dirty_list(m, t)
    while sc.sc_range_pos < sc.sc_dirty_len:
        if sc.sc_range_state == RANGE_NEXT:
            if recorded:
                _next_run(m, t)
            else:
                _next_span(m, t)
            continue
        if sc.sc_range_state == RANGE_SINGLE:
            pfn = np.int64(m.dirty_list[t, sc.sc_range_pos])
            stop = writepage(m, t, pfn)
            drop_lock(m, t, sc.sc_range_pos)
            if stop != DONE:
                return stop
            count_reclaim_write(m, t, pfn)
            if not m.page[pfn].page_flags & PG_writeback:
                m.page[pfn].page_flags &= ~PG_reclaim
            sc.sc_range_pos += 1
        else:
            stop = do_writepages_range(m, t, sc.sc_range_ino, sc.sc_range_start, sc.sc_range_end)
            if stop != DONE:
                return stop
            _after_range(m, t, recorded)
        sc.sc_range_state = RANGE_NEXT
    return DONE


@njit
def _begin_range(m: Any, t: Any, ino: Any, start: Any, end: Any, asked: Any) -> Any:
    sc = m.task[t]
    sc.sc_range_ino = ino
    sc.sc_range_start = start
    sc.sc_range_end = end
    sc.sc_range_asked = asked
    sc.wbc_written = 0
    enter_filesystem(m, t)
    sc.sc_range_state = RANGE_WRITING
    m.vm[RANGE_CALLS] += 1


@njit
def _after_range(m: Any, t: Any, recorded: Any) -> Any:
    sc = m.task[t]
    m.vm[RANGE_PAGES] += sc.wbc_written
    m.vm[RANGE_PAGES_UNASKED] += max(sc.wbc_written - sc.sc_range_asked, 0)
    sc.stall_written += sc.wbc_written
    if not recorded:
        sc.sc_range_pos += 1
        return
    for _ in range(sc.sc_range_asked):
        pfn = np.int64(m.dirty_list[t, sc.sc_range_pos])
        if m.page[pfn].page_flags & PG_writeback:
            m.page[pfn].page_flags |= PG_reclaim
            m.vm[NR_VMSCAN_WRITE] += 1
        sc.sc_range_pos += 1


@njit
def _next_span(m: Any, t: Any) -> Any:
    """Posted form: the next page on the list and all of its mapping's pages in the batch."""
    sc = m.task[t]
    page = m.page
    pfn = np.int64(m.dirty_list[t, sc.sc_range_pos])
    flags = page[pfn].page_flags
    if not flags & PG_dirty or flags & PG_writeback:
        drop_lock(m, t, sc.sc_range_pos)
        sc.sc_range_pos += 1  # written as part of an earlier span
        return
    if not may_write_to_queue(m, t):
        m.vm[QUEUE_CONGESTED_KEEP] += 1
        drop_lock(m, t, sc.sc_range_pos)
        sc.sc_range_pos += 1
        return
    ino = np.int64(page[pfn].mapping)
    start = end = np.int64(page[pfn].index)
    asked = 1
    if not flags & PG_swapbacked:
        for i in range(sc.sc_range_pos + 1, sc.sc_dirty_len):
            other = page[m.dirty_list[t, i]]
            if other.mapping != ino or not other.page_flags & PG_dirty:
                continue
            if other.page_flags & PG_writeback:
                continue
            asked += 1
            drop_lock(m, t, i)
            start = min(start, np.int64(other.index))
            end = max(end, np.int64(other.index))
    if asked == 1:
        page[pfn].page_flags |= PG_reclaim
        enter_filesystem(m, t)
        sc.sc_range_state = RANGE_SINGLE
        return
    drop_lock(m, t, sc.sc_range_pos)
    _begin_range(m, t, ino, start, end, asked)


@njit
def _next_run(m: Any, t: Any) -> Any:
    """Recorded form: the next contiguous run of the sorted list."""
    sc = m.task[t]
    page = m.page
    pfn = np.int64(m.dirty_list[t, sc.sc_range_pos])
    if not may_write_to_queue(m, t):
        m.vm[QUEUE_CONGESTED_KEEP] += 1
        sc.sc_range_pos += 1
        return
    ino = np.int64(page[pfn].mapping)
    start = np.int64(page[pfn].index)
    asked = 1
    while sc.sc_range_pos + asked < sc.sc_dirty_len:
        other = page[m.dirty_list[t, sc.sc_range_pos + asked]]
        if other.mapping != ino or other.index != start + asked:
            break
        asked += 1
    _begin_range(m, t, ino, start, start + asked - 1, asked)


@njit
def _sort_dirty_list(m: Any, t: Any) -> Any:
    """By mapping, then index; a batch has 32 pages, so an insertion sort."""
    sc = m.task[t]
    page = m.page
    pages = m.dirty_list[t]
    for i in range(1, sc.sc_dirty_len):
        pfn = np.int64(pages[i])
        key = np.int64(page[pfn].mapping) * (1 << 32) + np.int64(page[pfn].index)
        j = i - 1
        while j >= 0:
            other = page[pages[j]]
            if np.int64(other.mapping) * (1 << 32) + np.int64(other.index) <= key:
                break
            pages[j + 1] = pages[j]
            j -= 1
        pages[j + 1] = pfn
