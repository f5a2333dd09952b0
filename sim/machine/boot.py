"""Memory as the kernel leaves it after boot: zones, watermarks, free pages (page_alloc.c)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np

from sim.machine.page import PAGE
from sim.machine.zone import LRU_SET, MAX_NR_ZONES, ZONE, ZONE_DMA, ZONE_DMA32, ZONE_NORMAL

ZONE_START_PFN = (1, 4096, 1 << 20)
"""x86-64: DMA ends at 16 MiB, DMA32 at 4 GiB."""
LOWMEM_RESERVE_RATIO = (256, 256, 32)
DMA_PRESENT_PAGES = 3968
"""What a PC of 2010 reports of the first 16 MiB."""


@dataclass(frozen=True, slots=True)
class ZoneSize:
    """One zone: present pages (watermarks) and free pages at the start."""

    present: int
    free: int


def zone_sizes(
    ram_pages: int,
    kernel_pages: int,
    *,
    dma_present: int = 0,
    dma32_present: int = 0,
    dma_free: int = 0,
    dma32_free: int = 0,
) -> list[ZoneSize]:
    """Sizes of DMA, DMA32 and Normal; zeros are derived from RAM and the kernel's own share.

    The kernel's pages come from the highest zone, but for 1/64 of DMA.
    """
    dma = dma_present or min(DMA_PRESENT_PAGES, ram_pages)
    below_4g = min(max(ram_pages - ZONE_START_PFN[ZONE_DMA32], 0), (1 << 20) - 4096)
    dma32 = dma32_present or below_4g
    normal = max(ram_pages - (1 << 20), 0)
    kernel = [dma // 64, 0, 0]
    kernel[ZONE_NORMAL if normal else ZONE_DMA32] = kernel_pages
    free_dma = dma_free or dma - kernel[ZONE_DMA]
    free_dma32 = dma32_free or max(dma32 - kernel[ZONE_DMA32], 0)
    return [
        ZoneSize(dma, free_dma),
        ZoneSize(dma32, free_dma32),
        ZoneSize(normal, max(normal - kernel[ZONE_NORMAL], 0)),
    ]


def min_free_kbytes(sizes: list[ZoneSize]) -> int:
    """int_sqrt(lowmem_kbytes * 16), clamped to 128 .. 65536 KiB."""
    lowmem_kib = sum(z.present for z in sizes) * 4
    return min(max(isqrt(lowmem_kib * 16), 128), 65536)


def _zone_batchsize(present: int) -> int:
    """A quarter of 1/1024 of the zone, at most 128 pages of it, to one below a power of two."""
    quarter = max(min(present // 1024, 128) // 4, 1)
    return int((1 << (quarter + quarter // 2).bit_length() - 1) - 1)


def zone_array(sizes: list[ZoneSize], min_free_kib: int) -> Any:
    """ZONE records with watermarks, reserves and inactive ratio; free lists still empty."""
    zone = np.zeros(MAX_NR_ZONES, ZONE).view(np.recarray)
    lowmem = sum(z.present for z in sizes)
    pages_min = min_free_kib // 4
    for z, size in enumerate(sizes):
        record = zone[z]
        if not size.present:
            continue
        record.present_pages = size.present
        record.start_pfn = ZONE_START_PFN[z]
        record.spanned_pages = max(size.present, size.free)
        batch = _zone_batchsize(size.present)
        record.pcp_batch = max(batch, 1)
        record.pcp_high = 6 * batch
        low = pages_min * size.present // lowmem
        record.watermark[:] = (low, low + low // 4, low + low // 2)
        gib = size.present >> 18
        record.inactive_ratio = isqrt(10 * gib) if gib else 1
        above = 0
        for j in range(z + 1, MAX_NR_ZONES):
            above += sizes[j].present
            record.lowmem_reserve[j] = above // LOWMEM_RESERVE_RATIO[z]
    return zone


def page_array(zone: Any, sizes: list[ZoneSize]) -> Any:
    """``mem_map`` and how many pages of each zone are free: its last ones."""
    last = max(int(z.start_pfn + z.spanned_pages) for z in zone)
    page = np.zeros(last, PAGE).view(np.recarray)
    page["mapping"] = -1
    for name in ("next", "prev", "memcg_next", "memcg_prev", "bio_next"):
        page[name] = -1
    for z, size in enumerate(sizes):
        if not size.present:
            continue
        begin = int(zone[z].start_pfn)
        page["zone"][begin : begin + int(zone[z].spanned_pages)] = z
        zone[z].nr_free = size.free
    return page


def lru_array(nr_memcgs: int) -> Any:
    """Empty lists of every (group, zone) pair; group 0 is the zones' own."""
    lru = np.zeros(max(nr_memcgs, 1) * MAX_NR_ZONES, LRU_SET).view(np.recarray)
    lru["head"] = -1
    lru["tail"] = -1
    return lru
