"""A zone's buddy allocator: blocks of 2^order pages, split and merged (page_alloc.c of 2.6.35).

Links are page.next and page.prev of a block's first page, 0 = end (no zone has page 0); its order
plus one is in ``m.free_order``, which is 0 for every other page. A zone begins and ends its
MAX_ORDER blocks where the array does, so that a buddy below MAX_ORDER - 1 is never elsewhere.

# Differs from 2.6.35: no migratetypes. One list an order stands for the lists of all types, so that
# the kernel's own blocks come from among the tasks' pages, as on a machine whose types have mixed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.vmstat import NR_FREE_PAGES
from sim.machine.zone import MAX_ORDER


@njit
def _add_to_free_area(m: Any, zone: Any, pfn: Any, order: Any, behind: Any) -> None:
    """A free block joins the list of its order, in front or behind."""
    page = m.page
    m.free_order[pfn] = order + 1
    zone.nr_free_blocks[order] += 1
    head = zone.free_head[order]
    if head == 0:
        page[pfn].next = 0
        page[pfn].prev = 0
        zone.free_head[order] = pfn
        zone.free_tail[order] = pfn
    elif behind:
        tail = zone.free_tail[order]
        page[pfn].next = 0
        page[pfn].prev = tail
        page[tail].next = pfn
        zone.free_tail[order] = pfn
    else:
        page[pfn].next = head
        page[pfn].prev = 0
        page[head].prev = pfn
        zone.free_head[order] = pfn


@njit
def _del_from_free_area(m: Any, zone: Any, pfn: Any, order: Any) -> None:
    page = m.page
    before, after = np.int64(page[pfn].prev), np.int64(page[pfn].next)
    if before > 0:
        page[before].next = after
    else:
        zone.free_head[order] = after
    if after > 0:
        page[after].prev = before
    else:
        zone.free_tail[order] = before
    m.free_order[pfn] = 0
    zone.nr_free_blocks[order] -= 1


@njit
def free_one_page(m: Any, z: Any, pfn: Any, order: Any) -> None:
    """__free_one_page: merge with free buddies as far as that goes, then list the block.

    It goes behind when the next merge waits for one more buddy only, so that it is not used soon.
    """
    zone = m.zone[z]
    free_order = m.free_order
    zone.nr_free += 1 << order
    m.vm[NR_FREE_PAGES] += 1 << order
    while order < MAX_ORDER - 1:
        buddy = pfn ^ (1 << order)
        if free_order[buddy] != order + 1:
            break
        _del_from_free_area(m, zone, buddy, order)
        pfn &= ~(1 << order)
        order += 1
    behind = False
    if order < MAX_ORDER - 1:
        higher = (pfn & ~(1 << order)) ^ (1 << (order + 1))
        if higher < free_order.shape[0] and free_order[higher] == order + 2:
            behind = m.page[higher].zone == z
    _add_to_free_area(m, zone, pfn, order, behind)


@njit
def free_run(m: Any, z: Any, first: Any, end: Any) -> None:
    """Free pages one after another, as the aligned blocks they merge to on the way."""
    while first < end:
        order = 0
        while order < MAX_ORDER - 1 and not (first >> order) & 1 and first + (2 << order) <= end:
            order += 1
        free_one_page(m, z, first, order)
        first += 1 << order


@njit
def rmqueue_run(m: Any, z: Any, nr: Any) -> Any:
    """Up to ``nr`` single pages in a row, those that taking one by one would give: (first, nr).

    The halves of the block that is split are the smallest blocks there are, so they come next.
    """
    zone = m.zone[z]
    for order in range(MAX_ORDER):
        pfn = np.int64(zone.free_head[order])
        if pfn == 0:
            continue
        _del_from_free_area(m, zone, pfn, order)
        taken = min(np.int64(nr), np.int64(1) << order)
        left = pfn + taken
        while left < pfn + (1 << order):
            half = 0
            while not (left >> half) & 1:
                half += 1
            _add_to_free_area(m, zone, left, half, False)
            left += 1 << half
        zone.nr_free -= taken
        m.vm[NR_FREE_PAGES] -= taken
        return pfn, taken
    return np.int64(-1), np.int64(0)


@njit
def rmqueue_smallest(m: Any, z: Any, order: Any) -> Any:
    """__rmqueue: the first block of the smallest order that will do, split; its first pfn or -1."""
    zone = m.zone[z]
    for current in range(order, MAX_ORDER):
        pfn = np.int64(zone.free_head[current])
        if pfn == 0:
            continue
        _del_from_free_area(m, zone, pfn, current)
        for half in range(current - 1, order - 1, -1):  # expand: the upper half is free again
            _add_to_free_area(m, zone, pfn + (1 << half), half, False)
        zone.nr_free -= 1 << order
        m.vm[NR_FREE_PAGES] -= 1 << order
        return pfn
    return np.int64(-1)
