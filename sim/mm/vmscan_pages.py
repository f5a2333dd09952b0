"""shrink_page_list: what becomes of each isolated page (vmscan.c of 2.6.35; mechanics 2.7, 3).

The list is ``m.page_list[t]``. Pages that stay are moved to its front as the pass goes on; pages
that patches 5 and 6 set aside are in ``m.dirty_list[t]`` until they are cleaned or given up.
In the synchronous pass of lumpy reclaim (task.sc_sync, ``mm.lumpy``) IO is waited for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.fs_writeback import kick_flusher
from sim.fs.writepage import writepage
from sim.machine.cost import COST_FREE_PAGE, COST_SHRINK_PAGE
from sim.machine.machine import LIMIT, NOW, SWAP_PAGES
from sim.machine.page import (
    PG_active,
    PG_dirty,
    PG_dirty_list,
    PG_isolated,
    PG_locked,
    PG_mapped,
    PG_reclaim,
    PG_referenced,
    PG_skipped,
    PG_swapbacked,
    PG_swapcache,
    PG_writable,
    PG_writeback,
    PG_young,
)
from sim.machine.page_lock import (
    drop_lock,
    enter_filesystem,
    hold_lock,
    lock_for_writepage,
    unlocked_by_writepage,
)
from sim.machine.reclaim_age import note_reclaim_age
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.slab import try_to_free_buffers
from sim.machine.sysctl import HZ
from sim.machine.task import BUDGET_SPENT, DONE, WANT_CONGESTION_WAIT, WANT_PAGE_WRITEBACK
from sim.machine.victim import RECLAIMED
from sim.machine.victim_count import count_victim
from sim.machine.vmstat import (
    DIRTY_MET_KSWAPD,
    DIRTY_SKIPPED,
    LUMPY_WAITS,
    NR_SWAP_USED_PAGES,
    PGACTIVATE,
    QUEUE_CONGESTED_KEEP,
    WRITEBACK_MET_KSWAPD,
)
from sim.mm.congestion import leave_for_flusher
from sim.mm.dirty_list import put_on_dirty_list
from sim.mm.free import free_page, get_swap_page, remove_from_page_cache, swap_free, uncharge_page
from sim.mm.range_write import clean_page_list, count_reclaim_write, may_write_to_queue
from sim.mm.scan_control import (
    DEF_PRIORITY,
    LIST_CLEAN,
    LIST_SCAN,
    LIST_WAIT_PAGE,
    LIST_WAITED,
    LIST_WRITING,
    LIST_WRITTEN,
    PAGE_ACTIVATE,
    PAGE_FREED,
    PAGE_KEEP,
    PAGE_PAGEOUT,
    PAGE_SET_ASIDE,
    PAGE_WAIT,
    PAGEREF_ACTIVATE,
    PAGEREF_KEEP,
    PAGEREF_RECLAIM,
    PAGEREF_RECLAIM_CLEAN,
)
from sim.mm.slab import discard_slabs, take_slab_reserve
from sim.mm.vmscan_6_1 import count_page, leaves_dirty, page_under_writeback


@njit
def page_check_references(m: Any, pfn: Any, lumpy: Any) -> Any:
    """Test and clear who used the page since the last look; lumpy reclaim does not mind."""
    page = m.page[pfn]
    flags = page.page_flags
    young = flags & PG_young
    referenced = flags & PG_referenced
    flags &= ~(PG_young | PG_referenced)
    if lumpy:
        page.page_flags = flags
        return PAGEREF_RECLAIM
    if young:
        if flags & PG_swapbacked:
            page.page_flags = flags
            return PAGEREF_ACTIVATE
        page.page_flags = flags | PG_referenced
        return PAGEREF_ACTIVATE if referenced else PAGEREF_KEEP
    page.page_flags = flags
    return PAGEREF_RECLAIM_CLEAN if referenced else PAGEREF_RECLAIM


@njit
def may_write_file(m: Any, issuer: Any, priority: Any) -> Any:
    """The rule on ->writepage of file pages for this context of reclaim."""
    rules = m.rules[0]
    if issuer == ISSUER_KSWAPD:
        return rules.kswapd_writes_in_trouble == 0 or priority < DEF_PRIORITY - 2
    if issuer == ISSUER_DIRECT:
        return rules.direct_may_write_file != 0
    if issuer == ISSUER_MEMCG:
        return rules.memcg_may_write_file != 0
    return True


@njit
def may_write_anon(m: Any, issuer: Any) -> Any:
    """The same for pages of the swap cache."""
    rules = m.rules[0]
    if issuer == ISSUER_DIRECT:
        return rules.direct_may_write_anon != 0
    if issuer == ISSUER_MEMCG:
        return rules.memcg_may_write_anon != 0
    return True


@njit
def _sets_aside(m: Any, issuer: Any, sync: Any, swapbacked: Any, permitted: Any) -> Any:
    """Does the first pass put dirty pages of this context on the dirty list?"""
    rules = m.rules[0]
    if sync and rules.clean_wait_rounds > 0:
        return not permitted
    if rules.range_write == 2 and swapbacked:
        return False
    if issuer == ISSUER_KSWAPD:
        return rules.range_write != 0 and permitted
    if issuer == ISSUER_DIRECT:
        return rules.range_in_direct != 0 and rules.direct_may_write_file != 0
    if rules.memcg_may_write_file:
        return rules.range_in_memcg != 0
    return rules.memcg_clean_wait_rounds > 0 and not swapbacked


@njit
def _examine(m: Any, t: Any, pfn: Any) -> Any:
    """The decision table up to ->writepage; PAGE_KEEP, _ACTIVATE, _SET_ASIDE, _PAGEOUT, _FREED."""
    sc = m.task[t]
    page = m.page[pfn]
    issuer = sc.issuer
    if page.page_flags & PG_locked:
        return PAGE_KEEP
    sc.sc_nr_scanned += 1
    if page.page_flags & (PG_mapped | PG_swapcache):
        sc.sc_nr_scanned += 1
    as_6_1 = m.rules[0].reclaim_6_1
    if as_6_1:
        count_page(sc, page.page_flags)
    if page.page_flags & PG_writeback:
        m.vm[WRITEBACK_MET_KSWAPD + issuer] += 1
        if as_6_1:
            return page_under_writeback(m, t, pfn)
        sc.sc_nr_writeback += 1
        return PAGE_KEEP
    references = page_check_references(m, pfn, sc.sc_lumpy)
    if references == PAGEREF_ACTIVATE:
        return PAGE_ACTIVATE
    if references == PAGEREF_KEEP:
        return PAGE_KEEP
    swapbacked = page.page_flags & PG_swapbacked
    if swapbacked and not page.page_flags & PG_swapcache:
        slot = get_swap_page(m)
        if slot < 0:
            return PAGE_ACTIVATE
        page.block = slot
        page.page_flags |= PG_swapcache | PG_dirty
    page.page_flags &= ~(PG_mapped | PG_writable)  # try_to_unmap
    if not page.page_flags & PG_dirty:
        return _free(m, t, pfn)
    return _examine_dirty(m, t, pfn, references)


@njit
def _examine_dirty(m: Any, t: Any, pfn: Any, references: Any) -> Any:
    """The same for a page that is dirty and nobody's: PAGE_*."""
    sc = m.task[t]
    page = m.page[pfn]
    issuer = sc.issuer
    as_6_1 = m.rules[0].reclaim_6_1
    swapbacked = page.page_flags & PG_swapbacked
    if as_6_1 and not swapbacked:
        m.vm[DIRTY_MET_KSWAPD + issuer] += 1
        sc.stall_dirty_met += 1
        if leaves_dirty(m, t, pfn):
            return PAGE_ACTIVATE
        return PAGE_KEEP if references == PAGEREF_RECLAIM_CLEAN else PAGE_PAGEOUT
    if not as_6_1:
        sc.sc_nr_dirty += 1
    if sc.sc_nofs and not swapbacked:
        return PAGE_KEEP  # may_enter_fs
    if swapbacked:
        permitted = may_write_anon(m, issuer)
    else:
        permitted = may_write_file(m, issuer, sc.sc_priority)
        if not permitted:
            sc.sc_nr_skipped += 1
            if m.rules[0].immediate_reclaim:
                leave_for_flusher(m, pfn)
                return PAGE_KEEP
    spared = references == PAGEREF_RECLAIM_CLEAN or not sc.sc_may_writepage
    if spared and m.rules[0].range_write != 1:
        return PAGE_KEEP  # only the posted patch 5 sets such pages aside all the same
    m.vm[DIRTY_MET_KSWAPD + issuer] += 1
    sc.stall_dirty_met += 1
    if not sc.sc_cleaned and _sets_aside(m, issuer, sc.sc_sync, swapbacked, permitted):
        return PAGE_SET_ASIDE
    if not permitted:
        m.vm[DIRTY_SKIPPED] += 1
        page.page_flags |= PG_skipped
        if not swapbacked:
            put_on_dirty_list(m, pfn)
        return PAGE_KEEP
    if spared:
        return PAGE_KEEP
    if not may_write_to_queue(m, t):
        m.vm[QUEUE_CONGESTED_KEEP] += 1
        sc.sc_nr_congested += 1
        return PAGE_KEEP
    return PAGE_PAGEOUT


@njit
def _free(m: Any, t: Any, pfn: Any) -> Any:
    """__remove_mapping and the way to the free list."""
    page = m.page[pfn]
    if page.page_flags & PG_swapbacked:
        # the page table entry becomes the swap entry
        inode = m.inode[page.mapping]
        m.slot_block[inode.first_slot + page.index] = page.block
    count_victim(m, t, pfn, RECLAIMED)
    note_reclaim_age(m, pfn)
    try_to_free_buffers(m, pfn)
    remove_from_page_cache(m, pfn)
    uncharge_page(m, pfn)
    free_page(m, pfn)
    discard_slabs(m)
    m.task[t].sc_nr_reclaimed += 1
    m.task[t].sc_list_freed += 1
    m.clock[NOW] += m.cost[COST_FREE_PAGE]
    return PAGE_FREED


@njit
def _after_pageout(m: Any, t: Any, pfn: Any) -> Any:
    """PAGE_SUCCESS: free it if the IO is over already, else it goes back to the list."""
    page = m.page[pfn]
    count_reclaim_write(m, t, pfn)
    if page.page_flags & PG_writeback:
        return PAGE_KEEP
    page.page_flags &= ~PG_reclaim
    if page.page_flags & (PG_dirty | PG_locked | PG_young):
        return PAGE_KEEP
    return _free(m, t, pfn)


@njit
def _one_pass(m: Any, t: Any) -> Any:
    sc = m.task[t]
    clock = m.clock
    pages = m.page_list[t]
    while sc.sc_list_pos < sc.sc_list_len:
        pfn = np.int64(pages[sc.sc_list_pos])
        if sc.sc_list_step == LIST_WRITING:
            stop = writepage(m, t, pfn)
            unlocked_by_writepage(m, t)
            if stop != DONE:
                return stop
            sc.sc_list_step = LIST_WRITTEN
            continue
        if sc.sc_list_step == LIST_WAIT_PAGE:
            sc.sc_list_step = LIST_SCAN
            if m.page[pfn].page_flags & PG_writeback:
                sc.wait_pfn = pfn
                sc.sc_list_step = LIST_WAIT_PAGE
                return WANT_PAGE_WRITEBACK
        if sc.sc_sync and m.page[pfn].page_flags & (PG_writeback | PG_locked) == PG_writeback:
            sc.wait_pfn = pfn
            return WANT_PAGE_WRITEBACK
        if sc.sc_list_step == LIST_WRITTEN:
            sc.sc_list_step = LIST_SCAN
            take_slab_reserve(m)
            verdict = _after_pageout(m, t, pfn)
        else:
            clock[NOW] += m.cost[COST_SHRINK_PAGE]
            verdict = _examine(m, t, pfn)
            if verdict == PAGE_PAGEOUT:
                m.page[pfn].page_flags |= PG_reclaim
                lock_for_writepage(m, t)
                enter_filesystem(m, t)
                sc.sc_list_step = LIST_WRITING
                continue
        if verdict == PAGE_WAIT:
            sc.sc_list_step = LIST_WAIT_PAGE
            continue
        if verdict == PAGE_SET_ASIDE:
            m.dirty_list[t, sc.sc_dirty_len] = pfn
            if m.rules[0].range_write == 1 and may_write_file(m, sc.issuer, sc.sc_priority):
                hold_lock(m, t, sc.sc_dirty_len, pfn)
            sc.sc_dirty_len += 1
        elif verdict != PAGE_FREED:
            if verdict == PAGE_ACTIVATE:
                _activate(m, pfn)
            pages[sc.sc_list_kept] = pfn
            sc.sc_list_kept += 1
        sc.sc_list_pos += 1
        if clock[NOW] >= clock[LIMIT] and sc.sc_list_pos < sc.sc_list_len:
            return BUDGET_SPENT
    return DONE


@njit
def _activate(m: Any, pfn: Any) -> Any:
    page = m.page[pfn]
    page.page_flags = (page.page_flags | PG_active) & ~PG_dirty_list
    m.vm[PGACTIVATE] += 1
    if page.page_flags & PG_swapcache and not page.page_flags & PG_writeback:
        if m.vm[NR_SWAP_USED_PAGES] * 2 > m.clock[SWAP_PAGES]:  # vm_swap_full
            page.page_flags &= ~(PG_swapcache | PG_dirty)
            swap_free(m, np.int64(page.block))


@njit
def _take_up_dirty(m: Any, t: Any) -> Any:
    """The pages set aside become the rest of the list, last set aside first."""
    sc = m.task[t]
    pages = m.page_list[t]
    n = sc.sc_dirty_len
    for i in range(n):
        drop_lock(m, t, i)
    for i in range(n):
        pages[sc.sc_list_kept + i] = m.dirty_list[t, n - 1 - i]
    sc.sc_list_pos = sc.sc_list_kept
    sc.sc_list_len = sc.sc_list_kept + n
    sc.sc_dirty_len = 0
    sc.sc_list_step = LIST_SCAN


@njit
def shrink_page_list(m: Any, t: Any) -> Any:
    """All passes over the isolated pages; a stop code, DONE when only kept pages are left."""
    sc = m.task[t]
    while True:
        if sc.sc_list_step == LIST_CLEAN:
            stop = clean_page_list(m, t)
            if stop != DONE:
                return stop
            take_slab_reserve(m)
            _take_up_dirty(m, t)
        elif sc.sc_list_step == LIST_WAITED:
            _take_up_dirty(m, t)
        stop = _one_pass(m, t)
        if stop != DONE:
            return stop
        if sc.sc_dirty_len == 0:
            return DONE
        if sc.issuer != ISSUER_KSWAPD and not may_write_file(m, sc.issuer, sc.sc_priority):
            in_memcg = sc.issuer == ISSUER_MEMCG
            rules = m.rules[0]
            rounds = rules.memcg_clean_wait_rounds if in_memcg else rules.clean_wait_rounds
            if sc.sc_wait_rounds >= rounds:
                sc.sc_cleaned = 1  # give up: the next pass puts them back
                _take_up_dirty(m, t)
                continue
            sc.sc_wait_rounds += 1
            m.vm[LUMPY_WAITS] += sc.sc_sync
            kick_flusher(m, sc.sc_memcg, sc.sc_dirty_len)
            sc.timeout_jiffies = max(m.sysctl[HZ] // 10, 1)
            sc.sc_list_step = LIST_WAITED
            return WANT_CONGESTION_WAIT
        sc.sc_cleaned = 1
        sc.sc_range_pos = 0
        sc.sc_range_state = 0
        sc.sc_list_step = LIST_CLEAN


@njit
def begin_page_list(m: Any, t: Any, n: Any) -> Any:
    """``n`` freshly isolated pages are in ``m.page_list[t]``."""
    sc = m.task[t]
    sc.sc_list_len = n
    sc.sc_list_taken = n
    sc.sc_list_pos = 0
    sc.sc_list_kept = 0
    sc.sc_list_freed = 0
    sc.sc_dirty_len = 0
    sc.sc_cleaned = 0
    sc.sc_wait_rounds = 0
    sc.sc_nr_dirty = 0
    sc.sc_nr_skipped = 0
    sc.sc_nr_congested = 0
    sc.sc_nr_writeback = 0
    sc.sc_nr_unqueued = 0
    sc.sc_nr_immediate = 0
    sc.sc_sync = 0
    sc.sc_list_step = LIST_SCAN


@njit
def release_isolated(m: Any, pfn: Any) -> Any:
    """The page is about to be put back."""
    m.page[pfn].page_flags &= ~PG_isolated
