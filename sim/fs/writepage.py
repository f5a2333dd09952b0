"""->writepage of ext3 and of swap, and write_cache_pages (fs/ext3/inode.c, mm/page-writeback.c).

One page is one bio of 4 KiB; the request queue merges. All kernels here are resumable: a full
request list leaves the bio in ``task.bio_*`` and the position in ``task.wbc_*``; the same call
goes on from there.

# Differs from 2.6.35: the page is not locked, and counts as dirty, while its task waits for a
# commit's log or for buffers that a commit has locked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.elevator import submit_bio
from sim.engine.jit import njit
from sim.fs.buffer import finish_bread, sb_bread
from sim.fs.ext3_layout import in_shadow, map_block, unread_bitmap
from sim.fs.handle import journal_start, journal_stop, may_start
from sim.machine.cost import COST_WRITEPAGE
from sim.machine.filesystem import REFUSES_DIRECT, REFUSES_RECLAIM
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import (
    PG_buffers_clean,
    PG_buffers_locked,
    PG_dirty,
    PG_isolated,
    PG_locked,
    PG_private,
    PG_set_aside,
    PG_swapbacked,
    PG_unasked,
    PG_writable,
    PG_writeback,
)
from sim.machine.page_lock import meet_locked
from sim.machine.request import ISSUER_DIRECT, ISSUER_FLUSHER, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.slab import create_empty_buffers
from sim.machine.stack import note_writepage_stack
from sim.machine.task import (
    BUDGET_SPENT,
    DONE,
    PF_KSWAPD,
    PF_MEMALLOC,
    WANT_BUFFER,
    WANT_JOURNAL,
    WANT_SLAB,
)
from sim.machine.victim import WRITTEN
from sim.machine.victim_count import count_victim
from sim.machine.vmstat import PSWPOUT, WRITEPAGE_REFUSED, WRITTEN_KSWAPD
from sim.machine.writeback import clear_page_dirty_for_io, end_page_writeback, set_page_writeback
from sim.units import SECTORS_PER_PAGE

LONG_MAX = (1 << 63) - 1
SWAP_CLUSTER_MAX = 32
WB_BEGIN = 0
"""``task.wbc_step`` of a call that has not begun; every kernel here leaves it so when done."""
WB_NEXT_INODE = 1
WB_PAGES = 2
WB_CHECKPOINT = 3
WB_RANGE = 4
WB_SEARCHED = 6
WB_READ = 5
"""Of ``readpages.start_read``: a task never reads and writes at once."""


@njit
def _refuses(m: Any, t: Any, pfn: Any) -> Any:
    """Does the filesystem leave the page dirty because of who asks, or for want of a block?"""
    fs = m.fs[0]
    page = m.page[pfn]
    if page.page_flags & PG_swapbacked:
        return False
    task = m.task[t]
    reclaim = task.issuer <= ISSUER_MEMCG
    ranges = task.wbc_step == WB_RANGE
    if fs.refuses_unmapped and reclaim and not ranges:
        if m.slot_block[m.inode[page.mapping].first_slot + page.index] < 0:
            return True
    if not task.pf_flags & PF_MEMALLOC or (ranges and not fs.refuses_in_ranges):
        return False
    if fs.refuses_memalloc == REFUSES_DIRECT:
        return not task.pf_flags & PF_KSWAPD
    return fs.refuses_memalloc == REFUSES_RECLAIM


@njit
def _start_writepage(m: Any, t: Any, pfn: Any) -> Any:
    """Clean the page and put it under writeback; True when ``task.bio_*`` is there to submit.

    No bio: the filesystem refuses (the page stays dirty), the page was clean, its buffers were (a
    commit wrote them), a commit is writing them and the caller may not wait (it stays dirty), or
    the disk is full, which the kernel reports at fsync and forgets the data.
    """
    m.clock[NOW] += m.cost[COST_WRITEPAGE]
    page = m.page[pfn]
    flags = page.page_flags
    if _refuses(m, t, pfn):
        m.task[t].wbc_pages_skipped += 1  # redirty_page_for_writepage
        page.page_flags = flags & ~PG_writable
        m.vm[WRITEPAGE_REFUSED] += 1
        return False
    if flags & PG_buffers_locked and flags & PG_dirty:
        m.task[t].wbc_pages_skipped += 1  # redirty_page_for_writepage
        page.page_flags = flags & ~PG_writable
        return False
    if not clear_page_dirty_for_io(m, pfn):
        return False
    hole = False
    if flags & PG_swapbacked:
        block = np.int64(m.swap_block[page.block])
        m.vm[PSWPOUT] += 1
    else:
        if flags & PG_buffers_clean:
            page.page_flags &= ~PG_buffers_clean
            if not flags & PG_writable:
                set_page_writeback(m, pfn)
                m.clock[NOW] += end_page_writeback(m, pfn)
                return False
        create_empty_buffers(m, pfn)
        block = np.int64(m.slot_block[m.inode[page.mapping].first_slot + page.index])
        if block < 0:
            hole = True
            block = map_block(m, np.int64(page.mapping), np.int64(page.index))
        page.block = block
    note_writepage_stack(m, t, hole, m.task[t].wbc_step == WB_RANGE)
    set_page_writeback(m, pfn)
    if block < 0:
        m.clock[NOW] += end_page_writeback(m, pfn)
        return False
    task = m.task[t]
    task.bio_sector = block * SECTORS_PER_PAGE
    task.bio_sectors = SECTORS_PER_PAGE
    task.bio_write = 1
    task.bio_sync = task.wbc_sync  # WB_SYNC_ALL writes WRITE_SYNC
    task.bio_meta = 0
    task.bio_cookie = 0
    task.bio_first_page = pfn
    task.bio_last_page = pfn
    m.vm[WRITTEN_KSWAPD + task.issuer] += 1
    count_victim(m, t, pfn, WRITTEN)
    return True


@njit
def _begin_allocation(m: Any, t: Any, pfn: Any) -> Any:
    """Open a handle if ->writepage is to give the page a block; a stop code.

    It sleeps while a commit has its transaction locked, while one writes the metadata to the log,
    and for the bitmap. The handle stays open until the page's bio is in the queue. With extents one
    handle covers a run of pages that are dirty and have no block yet.
    """
    page = m.page[pfn]
    flags = page.page_flags
    if flags & PG_swapbacked or not flags & PG_dirty or flags & PG_buffers_locked:
        return DONE
    ino, index = np.int64(page.mapping), np.int64(page.index)
    if m.slot_block[m.inode[ino].first_slot + index] >= 0 or _refuses(m, t, pfn):
        return DONE
    if not may_start(m, t):
        return WANT_JOURNAL
    journal_start(m, t)
    if in_shadow(m, ino, index):
        return WANT_JOURNAL
    bitmap = unread_bitmap(m, ino, index)
    return DONE if bitmap < 0 else sb_bread(m, t, bitmap)


@njit
def _owes_slab(m: Any, t: Any, pfn: Any) -> Any:
    """Must the flusher get a page for buffer heads before this page can have its own?"""
    task = m.task[t]
    if m.fs[0].slab_owed <= 0 or task.issuer != ISSUER_FLUSHER or task.handle:
        return False
    return not m.page[pfn].page_flags & PG_private


@njit
def _end_allocation(m: Any, t: Any) -> None:
    """Close the handle, unless the next page of write_cache_pages is part of the same extent."""
    task = m.task[t]
    if not task.handle:
        return
    if m.fs[0].extents and task.wbc_nr_to_write > 0 and task.wbc_index <= task.wbc_end:
        slot = m.inode[task.wbc_inode].first_slot + task.wbc_index
        pfn = np.int64(m.slot_pfn[slot])
        if pfn >= 0 and m.slot_block[slot] < 0 and m.page[pfn].page_flags & PG_dirty:
            return
    journal_stop(m, t)


@njit
def _waits_for_buffer(m: Any, t: Any, pfn: Any) -> Any:
    """Does ->writepage sleep in lock_buffer until a commit has written the page's buffers?

    Reclaim's wbc is nonblocking and redirties such a page; the flusher's and the dirtiers' is not
    (__block_write_full_page).
    """
    if not m.page[pfn].page_flags & PG_buffers_locked:
        return False
    task = m.task[t]
    if task.issuer in (ISSUER_KSWAPD, ISSUER_DIRECT, ISSUER_MEMCG):
        return False
    task.wait_pfn = pfn
    return True


@njit
def writepage(m: Any, t: Any, pfn: Any) -> Any:
    """->writepage of one page, of a file or of swap; a stop code.

    DONE with the page under writeback, or clean when there was nothing to write.
    """
    task = m.task[t]
    stop = finish_bread(m, t)
    if stop != DONE:
        return stop
    if task.bio_sectors != 0:
        stop = submit_bio(m, t)
        if stop != DONE:
            return stop
    elif task.cluster_left == 0:
        stop = _begin_allocation(m, t, pfn)
        if stop != DONE:
            return stop
        delayed = _is_delayed(m, pfn)
        if not _start_writepage(m, t, pfn):
            journal_stop(m, t)
            return DONE
        if m.fs[0].clusters and not m.page[pfn].page_flags & PG_swapbacked:
            task.cluster_ino = m.page[pfn].mapping
            task.cluster_index = m.page[pfn].index + 1
            task.cluster_block = -1 if delayed else m.page[pfn].block
            task.cluster_left = SWAP_CLUSTER_MAX
        stop = submit_bio(m, t)
        if stop != DONE:
            return stop
    while task.cluster_left > 0:
        if not _start_next_of_cluster(m, t):
            task.cluster_left = 0
            break
        task.cluster_left -= 1  # reclaim's wbc->nr_to_write (xfs_convert_page)
        stop = submit_bio(m, t)
        if stop != DONE:
            return stop
    journal_stop(m, t)
    return DONE


@njit
def _is_delayed(m: Any, pfn: Any) -> Any:
    """Has the page of a file no block yet?"""
    page = m.page[pfn]
    if page.page_flags & PG_swapbacked:
        return False
    return m.slot_block[m.inode[page.mapping].first_slot + page.index] < 0


@njit
def _start_next_of_cluster(m: Any, t: Any) -> Any:
    """xfs_convert_page: the page behind joins the ioend if it is dirty and of the same kind.

    The cluster ends at a page that is absent, clean, locked, under IO, or with a block where the
    first had none; of pages with blocks it is one extent.

    # Differs from 2.6.35: the flusher's ->writepage clusters too, in the order it has anyway.
    """
    task = m.task[t]
    inode = m.inode[task.cluster_ino]
    if task.cluster_index >= inode.nr_pages:
        return False
    slot = inode.first_slot + task.cluster_index
    pfn = np.int64(m.slot_pfn[slot])
    if pfn < 0:
        return False
    page = m.page[pfn]
    flags = page.page_flags
    busy = PG_writeback | PG_locked | PG_set_aside | PG_buffers_locked
    if flags & busy or not flags & PG_dirty:
        return False
    block = np.int64(m.slot_block[slot])
    if block < 0 and in_shadow(m, np.int64(task.cluster_ino), np.int64(task.cluster_index)):
        return False
    if task.cluster_block < 0:
        if block >= 0:
            return False
    elif block != task.cluster_block + 1:
        return False
    else:
        task.cluster_block = block
    task.cluster_index += 1
    if not _start_writepage(m, t, pfn):
        return False
    if not page.page_flags & PG_isolated:
        page.page_flags |= PG_unasked
    return True


@njit
def next_dirty(dirty_tag: Any, base: Any, index: Any, end: Any) -> Any:
    """The first index from ``index`` to ``end`` tagged dirty, or -1."""
    slot = np.int64(base + index)
    last = np.int64(base + end)
    while slot <= last:
        # The sign that an arithmetic shift brings in lies above the highest bit there is.
        word = dirty_tag[slot >> 6] >> np.int64(slot & 63)
        if word == 0:
            slot = (slot | 63) + 1
            continue
        while not word & 1:
            word >>= 1
            slot += 1
        return slot - base if slot <= last else np.int64(-1)
    return np.int64(-1)


@njit
def begin_write_cache_pages(m: Any, t: Any, ino: Any) -> Any:
    """Point the task's wbc at an inode: from its writeback_index round, or its whole range."""
    task = m.task[t]
    inode = m.inode[ino]
    last = np.int64(inode.nr_pages) - 1
    start = np.int64(inode.writeback_index) if task.wbc_range_cyclic else np.int64(0)
    if start > last:
        start = np.int64(0)
    task.wbc_inode = ino
    task.wbc_range_start = start
    task.wbc_range_end = last
    task.wbc_index = start
    task.wbc_end = last
    task.wbc_wrapped = 1 if start == 0 else 0


@njit
def write_cache_pages(m: Any, t: Any) -> Any:
    """Write dirty pages of ``task.wbc_inode`` in ascending order; a stop code.

    From wbc_index to wbc_end, wrapping once when range_cyclic, until wbc_nr_to_write is used up.
    Pages under writeback are passed over and stay dirty.
    """
    task = m.task[t]
    stop = finish_bread(m, t)
    if stop != DONE:
        return stop
    if task.bio_sectors != 0:
        stop = submit_bio(m, t)
        if stop != DONE:
            return stop
        _end_allocation(m, t)
    clock = m.clock
    page = m.page
    slot_pfn = m.slot_pfn
    dirty_tag = m.dirty_tag
    inode = m.inode[task.wbc_inode]
    base = np.int64(inode.first_slot)
    while task.wbc_nr_to_write > 0:
        index = next_dirty(dirty_tag, base, task.wbc_index, task.wbc_end)
        if index < 0:
            if task.wbc_wrapped:
                break
            task.wbc_wrapped = 1
            task.wbc_index = 0
            task.wbc_end = task.wbc_range_start - 1
            inode.writeback_index = 0
            continue
        if clock[NOW] >= clock[LIMIT]:
            task.wbc_index = index
            return BUDGET_SPENT
        if task.handle and m.slot_block[base + index] >= 0:
            journal_stop(m, t)
        task.wbc_index = index + 1
        pfn = np.int64(slot_pfn[base + index])
        if page[pfn].page_flags & (PG_writeback | PG_locked):
            continue
        if page[pfn].page_flags & PG_set_aside:
            meet_locked(m, t)
        if _owes_slab(m, t, pfn):
            task.wbc_index = index
            return WANT_SLAB
        stop = _begin_allocation(m, t, pfn)
        if stop != DONE:
            task.wbc_index = index
            return stop
        if _waits_for_buffer(m, t, pfn):
            task.wbc_index = index
            return WANT_BUFFER
        task.wbc_nr_to_write -= 1
        if task.wbc_range_cyclic:
            inode.writeback_index = index + 1
        if _start_writepage(m, t, pfn):
            task.wbc_written += 1
            if task.wbc_step == WB_RANGE and task.issuer <= ISSUER_MEMCG:
                if not page[pfn].page_flags & PG_isolated:
                    page[pfn].page_flags |= PG_unasked
            stop = submit_bio(m, t)
            if stop != DONE:
                return stop
        _end_allocation(m, t)
    journal_stop(m, t)
    whole = task.wbc_range_start == 0 and task.wbc_range_end == inode.nr_pages - 1
    if not task.wbc_range_cyclic and whole and task.wbc_nr_to_write > 0:
        inode.writeback_index = task.wbc_index
    return DONE


@njit
def do_writepages_range(m: Any, t: Any, ino: Any, start: Any, end: Any) -> Any:
    """do_writepages on pages ``start`` to ``end`` of an inode, as many as are dirty; a stop code.

    ``task.wbc_written`` counts the pages put under writeback.
    """
    task = m.task[t]
    if task.wbc_step == WB_BEGIN:
        task.wbc_step = WB_RANGE
        task.wbc_nr_to_write = LONG_MAX
        task.wbc_range_cyclic = 0
        task.wbc_wrapped = 1
        task.wbc_inode = ino
        task.wbc_range_start = start
        task.wbc_range_end = end
        task.wbc_index = start
        task.wbc_end = end
    stop = write_cache_pages(m, t)
    if stop == DONE:
        task.wbc_step = WB_BEGIN
    return stop
