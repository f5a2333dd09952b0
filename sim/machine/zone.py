"""Zones and the LRU lists of a (group, zone) pair (mmzone.h, memcontrol.c)."""

from __future__ import annotations

import numpy as np

from sim.machine.page import NR_LRU_LISTS

WMARK_MIN, WMARK_LOW, WMARK_HIGH = 0, 1, 2
ZONE_DMA, ZONE_DMA32, ZONE_NORMAL = 0, 1, 2
ZONE_NAMES = ("DMA", "DMA32", "Normal")
MAX_NR_ZONES = 3
MAX_ORDER = 11
"""Orders of free blocks: 0 to 10."""

ZONE = np.dtype(
    [
        ("present_pages", np.int64),
        ("start_pfn", np.int64),
        ("spanned_pages", np.int64),
        ("nr_free", np.int64),
        ("free_head", np.int64, (MAX_ORDER,)),  # first free block of each order, 0 = none
        ("free_tail", np.int64, (MAX_ORDER,)),
        ("nr_free_blocks", np.int64, (MAX_ORDER,)),  # as in /proc/buddyinfo
        ("watermark", np.int64, (3,)),  # pages: min, low, high
        ("lowmem_reserve", np.int64, (3,)),  # pages kept from allocations of a higher classzone
        ("pages_scanned", np.int64),  # since a page was last freed to the zone
        ("congested", np.int64),  # ZONE_CONGESTED of 2.6.37: only dirty pages behind a full queue
        ("tail_dirty", np.int64),  # PGDAT_DIRTY of 6.1: kswapd met dirty pages only
        ("tail_writeback", np.int64),  # PGDAT_WRITEBACK of 6.1: only pages under writeback
        ("all_unreclaimable", np.int64),
        ("inactive_ratio", np.int64),
        ("nr_isolated", np.int64, (2,)),  # anon, file
        ("last_freed_ms", np.int64, (2,)),  # lru_ms of the page reclaimed last: anon, file
        ("nr_soft_exceeded", np.int64),  # memcgs in the zone's tree of soft limits
        ("soft_inserted", np.int64),  # insertions into it
        ("nr_file_dirty", np.int64),
        ("nr_writeback", np.int64),
        ("pcp_batch", np.int64),  # pages moved between a CPU's list and the free list at once
        ("pcp_high", np.int64),  # pages on a CPU's list from which it gives a batch back
    ],
    align=True,
)

LRU_SET = np.dtype(
    [
        ("head", np.int64, (NR_LRU_LISTS,)),  # pfn, -1 = empty; the head is the young end
        ("tail", np.int64, (NR_LRU_LISTS,)),
        ("nr", np.int64, (NR_LRU_LISTS,)),
        ("nr_saved_scan", np.int64, (NR_LRU_LISTS,)),
        ("recent_scanned", np.int64, (2,)),  # anon, file
        ("recent_rotated", np.int64, (2,)),
    ],
    align=True,
)
"""Lists of one zone for one group: group 0 = all pages of the zone, group g = memcg g's pages.

Element ``group * MAX_NR_ZONES + zone`` of ``m.lru``. As in 2.6.35 a page charged to memcg g is on
two lists: its zone's (group 0, links next/prev) and its memcg's (group g, memcg_next/prev).
"""
