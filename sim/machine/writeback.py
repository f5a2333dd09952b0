"""Page transitions between clean, dirty and under writeback (page-writeback.c, filemap.c).

Counters follow the pages: NR_FILE_DIRTY is the number of file pages with PG_dirty, NR_WRITEBACK of
pages with PG_writeback, per machine, zone, memcg and (file pages) backing device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.address_space import I_MEMCG_SHARED
from sim.machine.cost import COST_LRU_COUNTER, COST_LRU_MOVE
from sim.machine.dirty_limits import bdi_writeout_inc
from sim.machine.lru import (
    add_page_to_lru_tail,
    del_page_from_lru,
    page_lru,
    rotate_to_zone_tail,
)
from sim.machine.machine import (
    ANY_WAKE,
    NOW,
    NR_RECLAIM_START,
    NR_THROTTLED_WRITTEN,
    NR_WAKE_TASKS,
    NR_WRITEBACK_THROTTLED,
    WAKE_THROTTLED_WRITEBACK,
)
from sim.machine.page import (
    PG_active,
    PG_buffers_clean,
    PG_buffers_locked,
    PG_dirty,
    PG_dirty_list,
    PG_locked,
    PG_lru,
    PG_reclaim,
    PG_swapbacked,
    PG_unasked,
    PG_uptodate,
    PG_waiters,
    PG_writable,
    PG_writeback,
)
from sim.machine.sysctl import DIRTY_EXPIRE_NS
from sim.machine.vmstat import (
    DIRTY_LIST_COUNTERS,
    DIRTY_LIST_NS,
    DIRTY_LIST_RETURNED,
    NR_FILE_DIRTY,
    NR_WRITEBACK,
    NR_WRITEBACK_SWAP,
    PAGES_CLEANED,
    PAGES_DIRTIED,
    PGROTATED,
    RANGE_UNASKED_REDIRTIED,
)

SWAP_CLUSTER_MAX = 32


@njit
def tag_dirty(m: Any, ino: Any, index: Any) -> Any:
    """Set PAGECACHE_TAG_DIRTY of a page of the inode's cache."""
    slot = m.inode[ino].first_slot + index
    m.dirty_tag[slot >> 6] |= np.int64(1) << np.int64(slot & 63)


@njit
def untag_dirty(m: Any, ino: Any, index: Any) -> Any:
    """Clear PAGECACHE_TAG_DIRTY."""
    slot = m.inode[ino].first_slot + index
    m.dirty_tag[slot >> 6] &= ~(np.int64(1) << np.int64(slot & 63))


@njit
def _redirtied_unasked(m: Any, pfn: Any) -> None:
    """C4: an unasked write was in vain if the flusher would not have come before this store."""
    page = m.page[pfn]
    page.page_flags &= ~PG_unasked
    age_ms = m.clock[NOW] // 1_000_000 - page.dirtied_ms
    if age_ms * 1_000_000 < m.sysctl[DIRTY_EXPIRE_NS]:
        m.vm[RANGE_UNASKED_REDIRTIED] += 1


@njit
def account_page_dirtied(m: Any, pfn: Any) -> Any:
    """TestSetPageDirty and its accounting; True when a file page was clean before."""
    page = m.page[pfn]
    page.page_flags &= ~PG_buffers_clean
    if m.rules[0].immediate_reclaim:
        page.page_flags &= ~PG_reclaim  # set_page_dirty of 3.2
    if page.page_flags & PG_dirty:
        return False
    if page.page_flags & PG_unasked:
        _redirtied_unasked(m, pfn)
    page.page_flags |= PG_dirty
    if page.page_flags & PG_swapbacked:
        return False
    m.vm[NR_FILE_DIRTY] += 1
    m.vm[PAGES_DIRTIED] += 1
    m.zone[page.zone].nr_file_dirty += 1
    m.bdi[0].nr_reclaimable += 1
    m.memcg[page.memcg].nr_dirty += 1
    inode = m.inode[page.mapping]
    inode.nr_dirty += 1
    if inode.nr_dirty == 1:
        inode.i_memcg = page.memcg
    elif inode.i_memcg != page.memcg:
        inode.i_memcg = I_MEMCG_SHARED
    page.dirtied_ms = m.clock[NOW] // 1_000_000
    tag_dirty(m, page.mapping, page.index)
    return True


@njit
def clear_page_dirty_for_io(m: Any, pfn: Any) -> Any:
    """TestClearPageDirty before IO, write-protecting mappings (page_mkclean); was it dirty?"""
    page = m.page[pfn]
    if not page.page_flags & PG_dirty:
        return False
    page.page_flags &= ~(PG_dirty | PG_writable)
    if not page.page_flags & PG_swapbacked:
        m.vm[NR_FILE_DIRTY] -= 1
        m.zone[page.zone].nr_file_dirty -= 1
        m.bdi[0].nr_reclaimable -= 1
        m.memcg[page.memcg].nr_dirty -= 1
        m.inode[page.mapping].nr_dirty -= 1
    return True


@njit
def set_page_writeback(m: Any, pfn: Any) -> Any:
    """The page's bio is about to be submitted."""
    page = m.page[pfn]
    page.page_flags |= PG_writeback
    m.vm[NR_WRITEBACK] += 1
    m.vm[PAGES_CLEANED] += 1
    m.zone[page.zone].nr_writeback += 1
    m.memcg[page.memcg].nr_writeback += 1
    if page.page_flags & PG_swapbacked:
        m.vm[NR_WRITEBACK_SWAP] += 1
        return
    m.bdi[0].nr_writeback += 1
    if not page.page_flags & PG_dirty:
        untag_dirty(m, page.mapping, page.index)


@njit
def _leave_dirty_list(m: Any, pfn: Any) -> Any:
    """C10: the page is clean, so it goes to the old end of its inactive list; ns it takes."""
    page = m.page[pfn]
    page.page_flags &= ~(PG_dirty_list | PG_reclaim)
    if not page.page_flags & PG_lru:
        return 0
    del_page_from_lru(m, pfn)
    add_page_to_lru_tail(m, pfn, page_lru(page.page_flags))
    counters = 4 if page.memcg > 0 else 2  # one list's less, the other's more
    used_ns = m.cost[COST_LRU_MOVE] + counters * m.cost[COST_LRU_COUNTER]
    m.vm[DIRTY_LIST_RETURNED] += 1
    m.vm[DIRTY_LIST_COUNTERS] += counters
    m.vm[DIRTY_LIST_NS] += used_ns
    return used_ns


@njit
def end_page_writeback(m: Any, pfn: Any) -> Any:
    """IO on the page is done: rotate it if reclaim waits for it, wake who sleeps on it.

    The time in ns that this takes beyond what every page takes, for the caller to spend.
    """
    page = m.page[pfn]
    used_ns = 0
    flags = page.page_flags & ~PG_writeback
    m.vm[NR_WRITEBACK] -= 1
    m.zone[page.zone].nr_writeback -= 1
    m.memcg[page.memcg].nr_writeback -= 1
    if flags & PG_swapbacked:
        m.vm[NR_WRITEBACK_SWAP] -= 1
    else:
        m.bdi[0].nr_writeback -= 1
        bdi_writeout_inc(m, page.memcg)
    if flags & (PG_dirty_list | PG_dirty) == PG_dirty_list:
        page.page_flags = flags
        used_ns = _leave_dirty_list(m, pfn)
        flags = page.page_flags
    if flags & PG_reclaim and m.rules[0].reclaim_6_1:
        flags = _rotate_6_1(m, pfn, flags & ~PG_reclaim)
    elif flags & PG_reclaim:
        flags &= ~PG_reclaim
        # Differs from 2.6.35: rotated at once, not in per-CPU batches of 14 (pagevec).
        if flags & PG_lru and not flags & (PG_locked | PG_dirty | PG_active):
            page.page_flags = flags
            rotate_to_zone_tail(m, pfn)
            m.vm[PGROTATED] += 1
    page.page_flags = flags
    if flags & PG_waiters:
        _wake_waiters(m, pfn)
    if m.clock[NR_WRITEBACK_THROTTLED]:
        _acct_reclaim_writeback(m)
    return used_ns


@njit
def _rotate_6_1(m: Any, pfn: Any, flags: Any) -> Any:
    """6.1's folio_rotate_reclaimable: to the inactive list's old end, from the active one too."""
    if not flags & PG_lru or flags & (PG_locked | PG_dirty):
        return flags
    page = m.page[pfn]
    page.page_flags = flags
    del_page_from_lru(m, pfn)
    page.page_flags &= ~PG_active
    add_page_to_lru_tail(m, pfn, page_lru(page.page_flags))
    m.vm[PGROTATED] += 1
    return np.int64(page.page_flags)


@njit
def _acct_reclaim_writeback(m: Any) -> None:
    """6.1: enough was written for each of those that wait in reclaim_throttle for it."""
    clock = m.clock
    clock[NR_THROTTLED_WRITTEN] += 1
    written = clock[NR_THROTTLED_WRITTEN] - clock[NR_RECLAIM_START]
    if written > SWAP_CLUSTER_MAX * clock[NR_WRITEBACK_THROTTLED]:
        clock[WAKE_THROTTLED_WRITEBACK] = 1
        clock[ANY_WAKE] = 1


@njit
def end_page_read(m: Any, pfn: Any) -> Any:
    """A read into the page is done: it is uptodate and unlocked."""
    page = m.page[pfn]
    page.page_flags = (page.page_flags | PG_uptodate) & ~PG_locked
    if page.page_flags & PG_waiters:
        _wake_waiters(m, pfn)


@njit
def end_buffers_write(m: Any, pfn: Any) -> Any:
    """A commit's write of the page's buffers is done: whoever wants to lock them may."""
    page = m.page[pfn]
    page.page_flags &= ~PG_buffers_locked
    if page.page_flags & PG_waiters:
        _wake_waiters(m, pfn)


@njit
def _wake_waiters(m: Any, pfn: Any) -> Any:
    clock = m.clock
    m.page[pfn].page_flags &= ~PG_waiters
    for t in range(m.task.shape[0]):
        if m.task[t].wait_pfn == pfn:
            m.task[t].wait_pfn = -1
            m.wake[clock[NR_WAKE_TASKS]] = t
            clock[NR_WAKE_TASKS] += 1
            clock[ANY_WAKE] = 1
