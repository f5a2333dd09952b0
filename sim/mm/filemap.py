"""The page cache as system calls and faults meet it (filemap.c, memory.c, swap.c).

Each kernel does one page and can be called again where it had to stop. ``task.op_inode`` and
``task.op_index`` say which page; ``task.op_page_step`` how far it is.

# Differs from 2.6.35: no read-ahead of swap (page_cluster); a file has one reader or writer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.buffer import finish_bread, sb_bread
from sim.fs.dirty_inodes import mark_inode_dirty
from sim.fs.ext3_layout import ext3_get_block, in_shadow, unread_bitmap
from sim.fs.handle import journal_start, journal_stop, may_start
from sim.machine.cost import (
    COST_ANON_FAULT,
    COST_FAULT,
    COST_READ_PAGE,
    COST_TOUCH,
    COST_WRITE_PAGE,
    COST_ZERO_PAGE,
)
from sim.machine.dirty_limits import task_dirty_inc
from sim.machine.machine import NOW
from sim.machine.page import (
    LRU_ACTIVE_ANON,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    PG_active,
    PG_buffers_clean,
    PG_dirty,
    PG_locked,
    PG_mapped,
    PG_readahead,
    PG_swapbacked,
    PG_swapcache,
    PG_uptodate,
    PG_writable,
    PG_writeback,
    PG_young,
)
from sim.machine.slab import create_empty_buffers
from sim.machine.task import BUDGET_SPENT, DONE, WANT_JOURNAL, WANT_PAGE_READ, WANT_SLAB
from sim.machine.vmstat import (
    APP_PAGES_READ,
    APP_PAGES_TOUCHED,
    APP_PAGES_WRITTEN,
    PGFAULT,
    PGMAJFAULT,
    PSWPIN,
)
from sim.machine.writeback import account_page_dirtied
from sim.mm.free import swap_free
from sim.mm.page_cache import mark_page_accessed, new_page
from sim.mm.page_writeback import balance_dirty_pages_ratelimited
from sim.mm.readahead import mmap_hit, mmap_miss, page_cache_readahead, read_one_page

STEP_FIND = 0
STEP_READ = 1
STEP_BALANCE = 2
STEP_AROUND = 3
STEP_ALONE = 4


@njit
def _dirty_file_page(m: Any, t: Any, ino: Any, pfn: Any) -> Any:
    """set_page_dirty; True when the page was clean."""
    if not account_page_dirtied(m, pfn):
        return False
    mark_inode_dirty(m, ino)
    task_dirty_inc(m, t)
    return True


@njit
def write_page(m: Any, t: Any) -> Any:
    """One whole page of write(2): generic_file_buffered_write's loop; a stop code."""
    task = m.task[t]
    if task.op_page_step == STEP_BALANCE:
        return _finish_balance(m, t)
    stop = finish_bread(m, t)
    if stop != DONE:
        return stop
    if m.fs[0].slab_owed > 0 and not task.np_charging and task.sc_alloc_step == 0:
        return WANT_SLAB
    ino, index = task.op_inode, task.op_index
    inode = m.inode[ino]
    slot = inode.first_slot + index
    pfn = np.int64(m.slot_pfn[slot])
    if pfn < 0:
        stop = new_page(m, t, ino, index, 0, LRU_INACTIVE_FILE)
        if stop != DONE:
            return stop
        pfn = np.int64(task.alloc_pfn)
    if m.page[pfn].page_flags & PG_locked:
        task.wait_pfn = pfn
        return WANT_PAGE_READ
    if not may_start(m, t):
        return WANT_JOURNAL
    if m.slot_block[slot] < 0:
        stop = _before_allocation(m, t, ino, index)
        if stop != DONE:
            return stop
    ext3_get_block(m, ino, index)
    journal_stop(m, t)
    create_empty_buffers(m, pfn)
    m.clock[NOW] += m.cost[COST_WRITE_PAGE]
    m.page[pfn].page_flags = (m.page[pfn].page_flags | PG_uptodate) & ~PG_buffers_clean
    inode.size_pages = max(inode.size_pages, index + 1)
    _dirty_file_page(m, t, ino, pfn)
    mark_page_accessed(m, pfn)
    m.vm[APP_PAGES_WRITTEN] += 1
    return _finish_balance(m, t)


@njit
def _before_allocation(m: Any, t: Any, ino: Any, index: Any) -> Any:
    """What write_begin sleeps for with its handle open; a stop code."""
    if in_shadow(m, ino, index):
        journal_start(m, t)
        return WANT_JOURNAL
    bitmap = np.int64(-1) if m.fs[0].delalloc else unread_bitmap(m, ino, index)
    if bitmap >= 0:
        journal_start(m, t)
        return sb_bread(m, t, bitmap)
    return DONE


@njit
def _finish_balance(m: Any, t: Any) -> Any:
    task = m.task[t]
    task.op_page_step = STEP_BALANCE
    stop = balance_dirty_pages_ratelimited(m, t)
    if stop != DONE:
        return stop
    task.op_page_step = STEP_FIND
    return DONE


@njit
def read_page(m: Any, t: Any) -> Any:
    """One page of read(2): do_generic_file_read's loop; a stop code."""
    task = m.task[t]
    ino, index = task.op_inode, task.op_index
    if task.op_page_step >= STEP_READ:
        stop = page_cache_readahead(m, t, ino, index)
        if stop != DONE:
            return stop
        task.op_page_step = STEP_FIND
    pfn = np.int64(m.slot_pfn[m.inode[ino].first_slot + index])
    if pfn < 0:
        task.op_page_step = STEP_READ
        task.ra_step = 0
        task.ra_async = 0
        return read_page_again(m, t)
    page = m.page[pfn]
    if page.page_flags & PG_readahead:
        page.page_flags &= ~PG_readahead
        task.op_page_step = STEP_READ
        task.ra_step = 0
        task.ra_async = 1
        return read_page_again(m, t)
    if page.page_flags & PG_locked:
        task.wait_pfn = pfn
        return WANT_PAGE_READ
    _read(m, t, pfn)
    return DONE


@njit
def _read(m: Any, t: Any, pfn: Any) -> None:
    """The page is copied to the reader, or handed to its pipe.

    __generic_file_splice_read marks nothing accessed: what sendfile(2) reads stays inactive.

    # Differs from 2.6.35: splice costs the CPU what the copy does; the socket is not there.
    """
    m.clock[NOW] += m.cost[COST_READ_PAGE]
    if not m.task[t].w_splice:
        mark_page_accessed(m, pfn)
    m.vm[APP_PAGES_READ] += 1


@njit
def read_page_again(m: Any, t: Any) -> Any:
    """Readahead under way: go on with it, then look for the page again."""
    task = m.task[t]
    stop = page_cache_readahead(m, t, task.op_inode, task.op_index)
    if stop != DONE:
        return stop
    task.op_page_step = STEP_FIND
    pfn = np.int64(m.slot_pfn[m.inode[task.op_inode].first_slot + task.op_index])
    if pfn < 0:
        return BUDGET_SPENT  # its own reclaim took the page again: read_page starts over
    if not m.page[pfn].page_flags & PG_locked:
        _read(m, t, pfn)
        return DONE
    task.wait_pfn = pfn
    return WANT_PAGE_READ


@njit
def touch_file_page(m: Any, t: Any) -> Any:
    """One store to a shared file mapping: a fault unless the entry is writable; a stop code."""
    task = m.task[t]
    if task.op_page_step == STEP_BALANCE:
        return _finish_balance(m, t)
    ino, index = task.op_inode, task.op_index
    slot = m.inode[ino].first_slot + index
    pfn = np.int64(m.slot_pfn[slot])
    if pfn >= 0 and m.page[pfn].page_flags & PG_writable and task.op_page_step == STEP_FIND:
        m.page[pfn].page_flags |= PG_young
        m.clock[NOW] += m.cost[COST_TOUCH]
        m.vm[APP_PAGES_TOUCHED] += 1
        return DONE
    if m.fs[0].page_mkwrite and m.fs[0].slab_owed > 0 and task.op_page_step == STEP_FIND:
        if not task.np_charging and task.sc_alloc_step == 0:
            return WANT_SLAB
    stop = _filemap_fault(m, t, ino, index, slot)
    if stop != DONE:
        return stop
    pfn = np.int64(m.slot_pfn[slot])
    if pfn >= 0 and m.page[pfn].page_flags & PG_locked:
        task.op_page_step = STEP_ALONE
        task.wait_pfn = pfn
        return WANT_PAGE_READ
    task.op_page_step = STEP_FIND
    if pfn < 0:
        return DONE  # taken again before it was mapped: the store faults once more
    m.clock[NOW] += m.cost[COST_FAULT]
    m.vm[PGFAULT] += 1
    m.vm[APP_PAGES_TOUCHED] += 1
    if m.fs[0].page_mkwrite:
        create_empty_buffers(m, pfn)
    flags = m.page[pfn].page_flags & ~PG_buffers_clean
    m.page[pfn].page_flags = flags | PG_uptodate | PG_mapped | PG_young | PG_writable
    inode = m.inode[ino]
    inode.size_pages = max(inode.size_pages, index + 1)
    if _dirty_file_page(m, t, ino, pfn):
        return _finish_balance(m, t)
    return DONE


@njit
def load_file_page(m: Any, t: Any) -> Any:
    """One load from a file mapping: a fault unless the entry is there; a stop code."""
    task = m.task[t]
    ino, index = task.op_inode, task.op_index
    slot = m.inode[ino].first_slot + index
    pfn = np.int64(m.slot_pfn[slot])
    if pfn >= 0 and m.page[pfn].page_flags & PG_mapped and task.op_page_step == STEP_FIND:
        m.page[pfn].page_flags |= PG_young
        m.clock[NOW] += m.cost[COST_TOUCH]
        m.vm[APP_PAGES_READ] += 1
        return DONE
    stop = _filemap_fault(m, t, ino, index, slot)
    if stop != DONE:
        return stop
    pfn = np.int64(m.slot_pfn[slot])
    if pfn >= 0 and m.page[pfn].page_flags & PG_locked:
        task.op_page_step = STEP_ALONE
        task.wait_pfn = pfn
        return WANT_PAGE_READ
    task.op_page_step = STEP_FIND
    if pfn < 0:
        return DONE  # taken again before it was mapped: the load faults once more
    m.clock[NOW] += m.cost[COST_FAULT]
    m.vm[PGFAULT] += 1
    m.vm[APP_PAGES_READ] += 1
    m.page[pfn].page_flags |= PG_uptodate | PG_mapped | PG_young
    return DONE


@njit
def _filemap_fault(m: Any, t: Any, ino: Any, index: Any, slot: Any) -> Any:
    """The page of a fault is found, or readahead brings it, or it is read alone; a stop code."""
    task = m.task[t]
    inode = m.inode[ino]
    pfn = np.int64(m.slot_pfn[slot])
    if task.op_page_step == STEP_FIND:
        if pfn >= 0 and m.page[pfn].page_flags & PG_mapped:
            return DONE  # do_wp_page: the entry is there, but not writable
        if pfn >= 0:
            ahead = mmap_hit(m, t, ino, pfn)
        else:
            m.vm[PGMAJFAULT] += 1
            ahead = mmap_miss(m, t, ino, index)
        inode.prev_index = index
        task.op_page_step = STEP_AROUND if ahead else STEP_ALONE
    if task.op_page_step == STEP_AROUND:
        stop = page_cache_readahead(m, t, ino, index)
        if stop != DONE:
            return stop
        task.op_page_step = STEP_ALONE
    if task.op_page_step == STEP_ALONE and m.slot_pfn[slot] >= 0:
        return DONE
    return _fault_in(m, t, ino, index, slot, LRU_INACTIVE_FILE, 0)


@njit
def _fault_in(m: Any, t: Any, ino: Any, index: Any, slot: Any, lru: Any, flags: Any) -> Any:
    """A page for a fault: a zeroed one for a hole, else one read from its block."""
    task = m.task[t]
    if task.op_page_step != STEP_READ:
        stop = new_page(m, t, ino, index, flags, lru)
        if stop != DONE:
            return stop
        if m.slot_block[slot] < 0:
            m.clock[NOW] += m.cost[COST_ZERO_PAGE]
            return DONE
        task.op_page_step = STEP_READ
        m.page[task.alloc_pfn].page_flags |= PG_locked
    stop = read_one_page(m, t, task.alloc_pfn)
    if stop != DONE:
        return stop
    task.op_page_step = STEP_FIND
    return DONE


@njit
def touch_anon_page(m: Any, t: Any) -> Any:
    """One store to anonymous memory: present, zero-filled, in the swap cache or swapped out."""
    task = m.task[t]
    ino, index = task.op_inode, task.op_index
    slot = m.inode[ino].first_slot + index
    pfn = np.int64(m.slot_pfn[slot])
    if task.op_page_step == STEP_FIND and pfn >= 0 and m.page[pfn].page_flags & PG_mapped:
        m.page[pfn].page_flags |= PG_young
        m.clock[NOW] += m.cost[COST_TOUCH]
        m.vm[APP_PAGES_TOUCHED] += 1
        return DONE
    if pfn < 0 or task.op_page_step != STEP_FIND:
        swapped = m.slot_block[slot] >= 0
        lru = LRU_INACTIVE_ANON if swapped else LRU_ACTIVE_ANON
        flags = PG_swapbacked | (PG_swapcache if swapped else PG_active)
        stop = _fault_in_anon(m, t, ino, index, slot, lru, flags)
        if stop != DONE:
            return stop
        pfn = np.int64(m.slot_pfn[slot])
        if pfn < 0:
            return DONE
    if m.page[pfn].page_flags & PG_locked:
        task.wait_pfn = pfn
        return WANT_PAGE_READ
    m.clock[NOW] += m.cost[COST_ANON_FAULT]
    m.vm[PGFAULT] += 1
    m.vm[APP_PAGES_TOUCHED] += 1
    page = m.page[pfn]
    page.page_flags |= PG_uptodate | PG_mapped | PG_young
    if page.page_flags & PG_swapcache:
        if page.page_flags & PG_writeback:
            page.page_flags |= PG_dirty  # written to while its old content goes out
        else:
            page.page_flags &= ~(PG_swapcache | PG_dirty)  # reuse_swap_page
            swap_free(m, np.int64(page.block))
            m.slot_block[slot] = -1
        mark_page_accessed(m, pfn)
    return DONE


@njit
def _fault_in_anon(m: Any, t: Any, ino: Any, index: Any, slot: Any, lru: Any, flags: Any) -> Any:
    task = m.task[t]
    swap_slot = np.int64(m.slot_block[slot])
    fresh = task.op_page_step < STEP_READ
    if fresh:
        stop = new_page(m, t, ino, index, flags, lru)
        if stop != DONE:
            return stop
        if swap_slot < 0:
            m.clock[NOW] += m.cost[COST_ZERO_PAGE]
            return DONE
        m.vm[PGMAJFAULT] += 1
        m.vm[PSWPIN] += 1
        page = m.page[task.alloc_pfn]
        page.block = swap_slot
        page.page_flags |= PG_locked
        task.op_page_step = STEP_READ
    stop = read_one_page(m, t, task.alloc_pfn)
    if stop != DONE:
        return stop
    task.op_page_step = STEP_FIND
    return DONE
