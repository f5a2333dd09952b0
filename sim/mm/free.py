"""Free lists, watermarks and giving pages back (page_alloc.c of 2.6.35, order 0)."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import NR_ZONES
from sim.machine.page import PG_swapbacked
from sim.machine.vmstat import NR_FREE_PAGES, NR_SWAP_USED_PAGES


@njit
def zone_watermark_ok(m: Any, z: Any, pages: Any, classzone: Any) -> Any:
    """Are there more than ``pages`` and the zone's reserve against ``classzone`` free?"""
    zone = m.zone[z]
    return zone.nr_free > pages + zone.lowmem_reserve[classzone]


@njit
def rmqueue(m: Any, z: Any) -> Any:
    """Take a free page of zone ``z``: the last one freed."""
    zone = m.zone[z]
    pfn = zone.free_head
    zone.free_head = m.page[pfn].next
    zone.nr_free -= 1
    m.vm[NR_FREE_PAGES] -= 1
    page = m.page[pfn]
    page.page_flags = 0
    page.memcg = 0
    page.mapping = -1
    return pfn


@njit
def get_page_from_freelist(m: Any, mark: Any) -> Any:
    """First zone from the highest down that stays above watermark ``mark``; pfn or -1."""
    top = m.clock[NR_ZONES] - 1
    for z in range(top, -1, -1):
        if m.zone[z].present_pages and zone_watermark_ok(m, z, m.zone[z].watermark[mark], top):
            return rmqueue(m, z)
    return -1


@njit
def take_any_page(m: Any) -> Any:
    """ALLOC_NO_WATERMARKS: any free page; pfn or -1."""
    for z in range(m.clock[NR_ZONES] - 1, -1, -1):
        if m.zone[z].nr_free > 0:
            return rmqueue(m, z)
    return -1


@njit
def free_page(m: Any, pfn: Any) -> Any:
    """Back to the free list; the zone is reclaimable again."""
    page = m.page[pfn]
    zone = m.zone[page.zone]
    page.page_flags = 0
    page.mapping = -1
    page.next = zone.free_head
    zone.free_head = pfn
    zone.nr_free += 1
    zone.pages_scanned = 0
    zone.all_unreclaimable = 0
    m.vm[NR_FREE_PAGES] += 1


@njit
def uncharge_page(m: Any, pfn: Any) -> Any:
    """mem_cgroup_uncharge: the page no longer counts against its memcg."""
    page = m.page[pfn]
    memcg = m.memcg[page.memcg]
    memcg.usage -= 1
    if page.page_flags & PG_swapbacked:
        memcg.nr_anon -= 1
    else:
        memcg.nr_file -= 1


@njit
def remove_from_page_cache(m: Any, pfn: Any) -> Any:
    """__remove_mapping's last part: the slot is empty again."""
    page = m.page[pfn]
    inode = m.inode[page.mapping]
    m.slot_pfn[inode.first_slot + page.index] = -1
    inode.nr_cached -= 1


@njit
def get_swap_page(m: Any) -> Any:
    """A free swap slot, next-fit, or -1."""
    used = m.vm[NR_SWAP_USED_PAGES]
    n = m.swap_map.shape[0]
    if used >= n:
        return -1
    slot = m.fs[0].swap_next
    for _ in range(n):
        if slot >= n:
            slot = 0
        if m.swap_map[slot] == 0:
            m.swap_map[slot] = 1
            m.fs[0].swap_next = slot + 1
            m.vm[NR_SWAP_USED_PAGES] = used + 1
            return slot
        slot += 1
    return -1


@njit
def swap_free(m: Any, slot: Any) -> Any:
    """The swap slot holds nothing any more."""
    m.swap_map[slot] = 0
    m.vm[NR_SWAP_USED_PAGES] -= 1
