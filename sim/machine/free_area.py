"""Free lists as a zone has them at the start: blocks as large as alignment and holes allow."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.machine.page import PG_kernel
from sim.machine.zone import MAX_ORDER

BLOCK = 1 << (MAX_ORDER - 1)
"""Pages of the largest block; ``m.free_order`` is whole blocks long."""
STREAM = 0x6B65726E
"""Of the random places of the kernel's pages."""


def free_areas(zone: Any, page: Any, *, scattered_pages: int, seed: int) -> np.ndarray:
    """Put the free pages (``zone.nr_free`` at the end of each zone) on the lists.

    ``scattered_pages`` of the kernel's own change places with free pages drawn from all over their
    zone, one by one, as slab and page-table pages lie about when a machine has been up for a while.
    What the kernel has is marked ``PG_kernel``. Returns ``free_order``: order + 1 for the first
    page of a free block.
    """
    free = np.zeros(-(-len(page) // BLOCK) * BLOCK, np.bool_)
    rng = np.random.default_rng([seed, STREAM])
    for record in zone:
        begin, end = int(record.start_pfn), int(record.start_pfn + record.spanned_pages)
        first = end - int(record.nr_free)
        free[first:end] = True
        n = min(scattered_pages, first - begin, int(record.nr_free))
        if record.present_pages == zone["present_pages"].max() and n:
            free[rng.choice(np.arange(first, end), n, replace=False)] = False
            free[first - n : first] = True
        page["page_flags"][begin:end][~free[begin:end]] = PG_kernel
    free_order = _largest_blocks(free)
    for z, record in enumerate(zone):
        _link(record, page, free_order, z)
    return free_order


def _largest_blocks(free: np.ndarray) -> np.ndarray:
    """Order + 1 of each block that has no free buddy, at its first page."""
    out = np.zeros(len(free), np.int8)
    whole = free
    for order in range(MAX_ORDER):
        alone = whole
        if order < MAX_ORDER - 1:
            pairs: np.ndarray = np.logical_and(whole[::2], whole[1::2])
            alone = whole & ~np.repeat(pairs, 2)
        out[np.flatnonzero(alone) << order] = order + 1
        whole = pairs
    return out


def _link(record: Any, page: Any, free_order: np.ndarray, z: int) -> None:
    """The zone's lists, the lowest block of each order first."""
    begin, end = int(record.start_pfn), int(record.start_pfn + record.spanned_pages)
    orders = free_order[begin:end]
    for order in range(MAX_ORDER):
        heads = begin + np.flatnonzero(orders == order + 1)
        if not len(heads):
            continue
        assert (page["zone"][heads] == z).all()
        page["next"][heads] = np.append(heads[1:], 0)
        page["prev"][heads] = np.append(0, heads[:-1])
        record.free_head[order], record.free_tail[order] = heads[0], heads[-1]
        record.nr_free_blocks[order] = len(heads)
