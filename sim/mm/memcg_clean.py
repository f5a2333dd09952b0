"""C15: what a container's own flusher-like thread does with the container's LRU lists.

It gathers dirty file pages from the old end, inactive lists first, and writes them in that order:
page by page, or with patch 5 by ranges of 32 gathered pages, as reclaim cleans a batch. Pages stay
on their lists. Like pages that reclaim writes they carry PG_reclaim and so go to the zone's tail
when their IO ends.

# Differs from 2.6.35: gathered pages are not pinned but looked at again before they are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.writepage import writepage
from sim.machine.cost import COST_ISOLATE
from sim.machine.debt import spend
from sim.machine.dirty_limits import memcg_dirty_limits
from sim.machine.machine import ANY_WAKE, LIMIT, NOW, NR_WAKE_TASKS, NR_ZONES
from sim.machine.page import (
    LRU_ACTIVE_FILE,
    LRU_DIRTY_FILE,
    LRU_INACTIVE_FILE,
    PG_buffers_locked,
    PG_dirty,
    PG_locked,
    PG_reclaim,
    PG_writeback,
)
from sim.machine.request import ISSUER_MEMCG_FLUSHER
from sim.machine.task import BUDGET_SPENT, DONE
from sim.machine.vmstat import MEMCG_FLUSHER_SCANNED, WRITTEN_MEMCG_FLUSHER
from sim.machine.zone import MAX_NR_ZONES
from sim.mm.range_write import RANGE_NEXT, clean_page_list
from sim.mm.scan_control import LIST_CLEAN, LIST_SCAN, LIST_WRITING, SWAP_CLUSTER_MAX

GATHER_PAGES = 1024
"""As many as the flusher writes in a turn (MAX_WRITEBACK_PAGES)."""

CLEAN_GATHER = 0
CLEAN_SEARCHED = 1
CLEAN_WRITE = 2


@njit
def wake_memcg_flusher(m: Any, g: Any) -> Any:
    """A reclaimer of memcg ``g`` looks at its dirty pages: above the ratio the thread is woken."""
    memcg = m.memcg[g]
    if memcg.flusher_task == 0 or memcg.flusher_wanted:
        return
    dirty, _ = memcg_dirty_limits(m, g)
    if memcg.nr_dirty <= dirty:
        return
    memcg.flusher_wanted = 1
    clock = m.clock
    m.wake[clock[NR_WAKE_TASKS]] = memcg.flusher_task
    clock[NR_WAKE_TASKS] += 1
    clock[ANY_WAKE] = 1
    clock[LIMIT] = 0


@njit
def begin_memcg_clean(m: Any, t: Any, g: Any) -> Any:
    """The thread of memcg ``g`` begins: all that is dirty now is to be cleaned."""
    sc = m.task[t]
    sc.issuer = ISSUER_MEMCG_FLUSHER
    sc.sc_memcg = g
    sc.sc_may_writepage = 1
    sc.sc_nr_dirty = m.memcg[g].nr_dirty
    sc.sc_step = CLEAN_GATHER


@njit
def _cleanable(m: Any, pfn: Any, g: Any) -> Any:
    page = m.page[pfn]
    if page.memcg != g or not page.page_flags & PG_dirty:
        return False
    return not page.page_flags & (PG_writeback | PG_locked | PG_buffers_locked)


@njit
def _gather(m: Any, t: Any) -> Any:
    """Dirty file pages of the memcg into ``m.page_list[t]``, the oldest first."""
    sc = m.task[t]
    g = sc.sc_memcg
    n = 0
    looked = 0
    for lru in (LRU_DIRTY_FILE, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE):
        for z in range(m.clock[NR_ZONES] - 1, -1, -1):
            pfn = np.int64(m.lru[g * MAX_NR_ZONES + z].tail[lru])
            while pfn >= 0 and n < GATHER_PAGES:
                looked += 1
                if _cleanable(m, pfn, g):
                    m.page_list[t, n] = pfn
                    n += 1
                pfn = np.int64(m.page[pfn].memcg_prev)
    m.vm[MEMCG_FLUSHER_SCANNED] += looked
    sc.debt_ns += looked * m.cost[COST_ISOLATE]
    sc.sc_list_len = n
    sc.sc_list_pos = 0
    sc.sc_list_step = LIST_SCAN
    sc.sc_nr_reclaimed = m.vm[WRITTEN_MEMCG_FLUSHER]


@njit
def _write_pages(m: Any, t: Any) -> Any:
    """The gathered pages one by one; a stop code."""
    sc = m.task[t]
    while sc.sc_list_pos < sc.sc_list_len:
        pfn = np.int64(m.page_list[t, sc.sc_list_pos])
        if sc.sc_list_step == LIST_SCAN:
            if not _cleanable(m, pfn, sc.sc_memcg):
                sc.sc_list_pos += 1
                continue
            m.page[pfn].page_flags |= PG_reclaim
            sc.sc_list_step = LIST_WRITING
        stop = writepage(m, t, pfn)
        if stop != DONE:
            return stop
        if not m.page[pfn].page_flags & PG_writeback:
            m.page[pfn].page_flags &= ~PG_reclaim
        sc.sc_list_step = LIST_SCAN
        sc.sc_list_pos += 1
        if m.clock[NOW] >= m.clock[LIMIT] and sc.sc_list_pos < sc.sc_list_len:
            return BUDGET_SPENT
    return DONE


@njit
def _write_ranges(m: Any, t: Any) -> Any:
    """The gathered pages in batches of SWAP_CLUSTER_MAX, each by ranges; a stop code."""
    sc = m.task[t]
    while True:
        if sc.sc_list_step == LIST_CLEAN:
            stop = clean_page_list(m, t)
            if stop != DONE:
                return stop
            sc.sc_list_step = LIST_SCAN
            if m.clock[NOW] >= m.clock[LIMIT] and sc.sc_list_pos < sc.sc_list_len:
                return BUDGET_SPENT
        sc.sc_dirty_len = 0
        while sc.sc_list_pos < sc.sc_list_len and sc.sc_dirty_len < SWAP_CLUSTER_MAX:
            pfn = np.int64(m.page_list[t, sc.sc_list_pos])
            if _cleanable(m, pfn, sc.sc_memcg):
                m.dirty_list[t, sc.sc_dirty_len] = pfn
                sc.sc_dirty_len += 1
            sc.sc_list_pos += 1
        if sc.sc_dirty_len == 0:
            return DONE
        sc.sc_range_pos = 0
        sc.sc_range_state = RANGE_NEXT
        sc.sc_list_step = LIST_CLEAN


@njit
def memcg_clean(m: Any, t: Any) -> Any:
    """Gather and write until as many pages are written as were dirty; a stop code."""
    sc = m.task[t]
    while True:
        if sc.sc_step == CLEAN_GATHER:
            _gather(m, t)
            sc.sc_step = CLEAN_SEARCHED
        if sc.sc_step == CLEAN_SEARCHED:
            stop = spend(m, t)
            if stop != DONE:
                return stop
            sc.sc_step = CLEAN_WRITE
        stop = _write_ranges(m, t) if m.rules[0].range_write else _write_pages(m, t)
        if stop != DONE:
            return stop
        sc.sc_step = CLEAN_GATHER
        written = m.vm[WRITTEN_MEMCG_FLUSHER] - sc.sc_nr_reclaimed
        sc.sc_nr_dirty -= written
        if written == 0 or sc.sc_nr_dirty <= 0:
            return DONE
