"""Readahead windows and the bios that fill them (mm/readahead.c, fs/mpage.c of 2.6.35)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.elevator import submit_bio
from sim.engine.jit import njit
from sim.fs.writepage import WB_BEGIN, WB_READ
from sim.machine.address_space import I_ANON
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import PG_locked, PG_uptodate
from sim.machine.sysctl import READ_AHEAD_PAGES
from sim.machine.task import BUDGET_SPENT, DONE
from sim.machine.writeback import end_page_read
from sim.units import SECTORS_PER_PAGE

BIO_MAX_PAGES = 256


@njit
def _get_init_ra_size(size: Any, most: Any) -> Any:
    """First window of a stream: four or two times the read, rounded up to a power of two."""
    window = np.int64(1)
    while window < size:
        window *= 2
    if window <= most // 32:
        return window * 4
    if window <= most // 4:
        return window * 2
    return most


@njit
def _get_next_ra_size(size: Any, most: Any) -> Any:
    """The window after one of ``size``: four times it while small, then twice."""
    if size < most // 16:
        return min(4 * size, most)
    return min(2 * size, most)


@njit
def _history(m: Any, slot: Any, most: Any) -> Any:
    """Cached pages in an unbroken row before ``slot``, at most ``most``; stops at slot - most."""
    n = np.int64(0)
    while n < most and m.slot_pfn[slot - 1 - n] >= 0:
        n += 1
    return n


@njit
def ondemand_readahead(m: Any, t: Any, ino: Any, index: Any, marked: Any) -> Any:
    """The window for a miss at ``index``, or for meeting the marked page there.

    Left in inode.ra_start, ra_size (0 = read nothing) and ra_async_size: the page that is
    ra_async_size before the window's end is to be marked PG_readahead.

    # Differs from 2.6.35: a single random read leaves its window behind, which stands in for
    # prev_pos; the window ends at the file's end, also in ra_size.
    """
    inode = m.inode[ino]
    most = max(m.sysctl[READ_AHEAD_PAGES], np.int64(1))
    wanted = min(max(m.task[t].op_left, np.int64(1)), most)
    start, size = np.int64(inode.ra_start), np.int64(inode.ra_size)
    background = np.int64(inode.ra_async_size)
    base = np.int64(inode.first_slot)
    end = start + size
    if index != 0 and size > 0 and (index == end - background or index == end):
        start = end
        size = _get_next_ra_size(size, most)
        background = size
    elif marked:
        start = np.int64(index) + 1
        while start - index <= most and start < inode.size_pages and m.slot_pfn[base + start] >= 0:
            start += 1
        size = _get_next_ra_size(start - index + wanted, most)
        background = size
        if start - index > most:
            size = background = np.int64(0)
    elif index == 0:
        start = np.int64(index)
        size = _get_init_ra_size(wanted, most)
        background = size - wanted if size > wanted else size
    else:
        history = _history(m, base + index, min(most, np.int64(index)))
        start = np.int64(index)
        if history == 0:
            size = wanted
            background = np.int64(0)
        else:
            if history >= index:
                history *= 2
            size = _get_init_ra_size(history + wanted, most)
            background = size
    if index == start and size == background and size > 0:
        background = _get_next_ra_size(size, most)
        size += background
    left = max(np.int64(inode.size_pages) - start, np.int64(0))
    inode.ra_start = start
    inode.ra_size = min(size, left)
    inode.ra_async_size = min(background, inode.ra_size)


@njit
def _block_at(m: Any, inode: Any, slot: Any) -> Any:
    """Disk block behind a slot, of a file or of swap; -1 = hole."""
    block = np.int64(m.slot_block[slot])
    if block >= 0 and inode.state & I_ANON:
        block = np.int64(m.swap_block[block])
    return block


@njit
def start_read(m: Any, t: Any, ino: Any, index: Any, nr_pages: Any) -> Any:
    """Submit reads for pages that are in the cache, locked and not uptodate; a stop code.

    One bio for each run of adjacent blocks. A page of a hole is zeroed at once. The reader's sleep
    on a locked page must unplug the queue.
    """
    task = m.task[t]
    if task.wbc_step != WB_READ:
        task.wbc_step = WB_READ
        task.wbc_index = index
    inode = m.inode[ino]
    base = np.int64(inode.first_slot)
    end = index + nr_pages
    page = m.page
    while True:
        if task.bio_sectors != 0:
            stop = submit_bio(m, t)
            if stop != DONE:
                return stop
        if task.wbc_index >= end:
            break
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT
        at = np.int64(task.wbc_index)
        pfn = np.int64(m.slot_pfn[base + at])
        task.wbc_index = at + 1
        if pfn < 0 or not page[pfn].page_flags & PG_locked or page[pfn].page_flags & PG_uptodate:
            continue
        block = _block_at(m, inode, base + at)
        if block < 0:
            end_page_read(m, pfn)
            continue
        _gather(m, task, inode, at, end, pfn, block)
    task.wbc_step = WB_BEGIN
    return DONE


@njit
def _gather(m: Any, task: Any, inode: Any, at: Any, end: Any, pfn: Any, block: Any) -> Any:
    """A bio of the page at ``at`` and of those after it that lie on the following blocks."""
    page = m.page
    base = np.int64(inode.first_slot)
    file_block = 0 if inode.state & I_ANON else 1
    if file_block:
        page[pfn].block = block
    page[pfn].bio_next = -1
    last = pfn
    n = np.int64(1)
    while at + n < end and n < BIO_MAX_PAGES:
        other = np.int64(m.slot_pfn[base + at + n])
        if other < 0:
            break
        flags = page[other].page_flags
        if not flags & PG_locked or flags & PG_uptodate:
            break
        if _block_at(m, inode, base + at + n) != block + n:
            break
        if file_block:
            page[other].block = block + n
        page[last].bio_next = other
        page[other].bio_next = -1
        last = other
        n += 1
    task.wbc_index = at + n
    task.bio_sector = block * SECTORS_PER_PAGE
    task.bio_sectors = n * SECTORS_PER_PAGE
    task.bio_write = 0
    task.bio_sync = 1
    task.bio_meta = 0
    task.bio_cookie = 0
    task.bio_first_page = pfn
    task.bio_last_page = last
