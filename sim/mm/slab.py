"""Where slab pages come from (slub.c): the page allocator, with GFP_NOFS or from the reserves.

A writer reclaims for them like for any page, but writes no file page meanwhile (GFP_NOFS); so does
the flusher on ext3, where ->writepage gives pages of a mapping their buffers, and is held up by it
(``mm.new_slab``). A reclaimer inside ->writepage has PF_MEMALLOC: it takes any page, below every
watermark. Bios come from a mempool, which first asks without __GFP_WAIT and with __GFP_NOMEMALLOC
whoever the task is: down to three quarters of the min watermark (ALLOC_HARDER), then it has
elements of its own.

# Differs from 2.6.35: whoever comes next pays, after the object was made instead of before; a
# dirtier in balance_dirty_pages and a task in fsync never do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import NR_ZONES
from sim.machine.page import PG_kernel
from sim.machine.vmstat import NR_WRITEBACK
from sim.machine.zone import WMARK_MIN
from sim.mm.free import free_page, rmqueue, take_any_page, zone_watermark_ok

BIOS_PER_PAGE = 21
"""bio-0: a struct bio with four vectors, 192 bytes; one for each page under writeback."""
MIN_PARTIAL = 5
"""Empty slabs that a cache keeps."""


@njit
def add_slab(m: Any, pfn: Any) -> None:
    """One of the pages that were owed."""
    _push(m, pfn)
    m.fs[0].slab_owed -= 1


@njit
def _push(m: Any, pfn: Any) -> None:
    fs = m.fs[0]
    page = m.page[pfn]
    page.page_flags = PG_kernel
    page.next = fs.slab_head
    fs.slab_head = pfn
    fs.nr_slab += 1


@njit
def _pop(m: Any) -> None:
    fs = m.fs[0]
    pfn = np.int64(fs.slab_head)
    fs.slab_head = m.page[pfn].next
    fs.nr_slab -= 1
    free_page(m, pfn)


@njit
def _take_harder(m: Any) -> Any:
    top = m.clock[NR_ZONES] - 1
    for z in range(top, -1, -1):
        zone = m.zone[z]
        mark = zone.watermark[WMARK_MIN]
        if zone.present_pages and zone_watermark_ok(m, z, 0, mark - mark // 4, top):
            return rmqueue(m, z, 0)
    return np.int64(-1)


@njit
def _keep_bios(m: Any) -> None:
    fs = m.fs[0]
    wanted = (m.vm[NR_WRITEBACK] + BIOS_PER_PAGE - 1) // BIOS_PER_PAGE
    while fs.nr_bio_slab < wanted and fs.counts_slab:
        pfn = np.int64(_take_harder(m))
        if pfn < 0:
            return
        _push(m, pfn)
        fs.nr_bio_slab += 1
    while fs.nr_bio_slab > wanted + MIN_PARTIAL:
        _pop(m)
        fs.nr_bio_slab -= 1


@njit
def discard_slabs(m: Any) -> None:
    """Give back the pages whose objects have ended."""
    fs = m.fs[0]
    _keep_bios(m)
    while fs.slab_owed < 0 and fs.nr_slab > fs.nr_bio_slab:
        _pop(m)
        fs.slab_owed += 1


@njit
def take_slab_reserve(m: Any) -> None:
    """ALLOC_NO_WATERMARKS, for a PF_MEMALLOC task; without a page left the object waits."""
    _keep_bios(m)
    while m.fs[0].slab_owed > 0:
        pfn = np.int64(take_any_page(m, 0))
        if pfn < 0:
            return
        add_slab(m, pfn)
