"""Free lists, watermarks and giving pages back (page_alloc.c of 2.6.35).

Each CPU has a list of single pages per zone in front of the free lists of ``mm.buddy``. Its pages
are not free for watermarks and NR_FREE_PAGES. Links are page.next
and page.prev, 0 = end (no zone has page 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import CPU, NR_ZONES
from sim.machine.page import PG_kernel, PG_swapbacked
from sim.machine.vmstat import NR_SWAP_USED_PAGES
from sim.mm.buddy import free_one_page, free_run, rmqueue_run, rmqueue_smallest
from sim.mm.res_counter import memcg_check_events, res_counter_uncharge

PCP_COUNT, PCP_HEAD, PCP_TAIL = 4, 7, 10
"""Words of ``m.cpu[cpu]``, each for three zones: a CPU's page lists."""


@njit
def zone_watermark_ok(m: Any, z: Any, order: Any, mark: Any, classzone: Any) -> Any:
    """With a block of ``order`` gone, is more free than ``mark`` and the reserve?

    Pages of smaller blocks do not count; of larger ones half as many are asked for at each order.
    """
    zone = m.zone[z]
    free_pages = zone.nr_free - (1 << order) + 1
    if free_pages <= mark + zone.lowmem_reserve[classzone]:
        return False
    for o in range(order):
        free_pages -= zone.nr_free_blocks[o] << o
        mark >>= 1
        if free_pages <= mark:
            return False
    return True


@njit
def _pcp_unlink(m: Any, cpu: Any, z: Any, pfn: Any) -> None:
    """Take a page off a CPU's list."""
    words = m.cpu[cpu]
    page = m.page
    before, after = np.int64(page[pfn].prev), np.int64(page[pfn].next)
    if before > 0:
        page[before].next = after
    else:
        words[PCP_HEAD + z] = after
    if after > 0:
        page[after].prev = before
    else:
        words[PCP_TAIL + z] = before
    words[PCP_COUNT + z] -= 1


@njit
def _pcp_push(m: Any, cpu: Any, z: Any, pfn: Any) -> None:
    """Put a page on the hot end of a CPU's list."""
    words = m.cpu[cpu]
    page = m.page
    head = words[PCP_HEAD + z]
    page[pfn].prev = 0
    page[pfn].next = head
    if head > 0:
        page[head].prev = pfn
    else:
        words[PCP_TAIL + z] = pfn
    words[PCP_HEAD + z] = pfn
    words[PCP_COUNT + z] += 1


@njit
def _rmqueue_bulk(m: Any, cpu: Any, z: Any) -> None:
    """Fill a CPU's empty list with a batch from the free list."""
    words = m.cpu[cpu]
    page = m.page
    wanted = m.zone[z].pcp_batch
    while wanted > 0:
        first, taken = rmqueue_run(m, z, wanted)
        if taken == 0:
            break
        wanted -= taken
        for pfn in range(first, first + taken):
            tail = words[PCP_TAIL + z]
            page[pfn].prev = tail
            page[pfn].next = 0
            if tail > 0:
                page[tail].next = pfn
            else:
                words[PCP_HEAD + z] = pfn
            words[PCP_TAIL + z] = pfn
        words[PCP_COUNT + z] += taken


@njit
def _free_pcppages_bulk(m: Any, cpu: Any, z: Any, nr: Any) -> None:
    """Give ``nr`` pages from the cold end of a CPU's list back; the zone is reclaimable again."""
    zone = m.zone[z]
    first = end = np.int64(m.cpu[cpu, PCP_TAIL + z])
    for _ in range(nr):
        pfn = np.int64(m.cpu[cpu, PCP_TAIL + z])
        _pcp_unlink(m, cpu, z, pfn)
        if pfn != end:
            free_run(m, z, first, end)
            first = pfn
        end = pfn + 1
    free_run(m, z, first, end)
    zone.pages_scanned = 0
    zone.all_unreclaimable = 0


@njit
def drain_all_pages(m: Any) -> None:
    """Every CPU's lists back to the free lists."""
    for cpu in range(m.cpu.shape[0]):
        for z in range(m.clock[NR_ZONES]):
            if m.cpu[cpu, PCP_COUNT + z] > 0:
                _free_pcppages_bulk(m, cpu, z, m.cpu[cpu, PCP_COUNT + z])


@njit
def rmqueue(m: Any, z: Any, order: Any) -> Any:
    """buffered_rmqueue: a page through the CPU's list, a block from the free lists; pfn or -1."""
    if order:
        return rmqueue_smallest(m, z, order)
    cpu = m.clock[CPU]
    if m.cpu[cpu, PCP_COUNT + z] == 0:
        _rmqueue_bulk(m, cpu, z)
        if m.cpu[cpu, PCP_COUNT + z] == 0:
            return np.int64(-1)
    pfn = np.int64(m.cpu[cpu, PCP_HEAD + z])
    _pcp_unlink(m, cpu, z, pfn)
    page = m.page[pfn]
    page.page_flags = 0
    page.memcg = 0
    page.mapping = -1
    return pfn


@njit
def get_page_from_freelist(m: Any, order: Any, mark: Any) -> Any:
    """First zone from the highest down that stays above watermark ``mark``; pfn or -1."""
    top = m.clock[NR_ZONES] - 1
    for z in range(top, -1, -1):
        zone = m.zone[z]
        if zone.present_pages and zone_watermark_ok(m, z, order, zone.watermark[mark], top):
            return rmqueue(m, z, order)
    return np.int64(-1)


@njit
def take_any_page(m: Any, order: Any) -> Any:
    """ALLOC_NO_WATERMARKS: any free page or block; pfn or -1."""
    for z in range(m.clock[NR_ZONES] - 1, -1, -1):
        pfn = rmqueue(m, z, order)
        if pfn >= 0:
            return pfn
    return np.int64(-1)


@njit
def free_page(m: Any, pfn: Any) -> Any:
    """free_hot_cold_page: to the CPU's list, which gives a batch back when it is long."""
    page = m.page[pfn]
    z = np.int64(page.zone)
    cpu = m.clock[CPU]
    page.page_flags = 0
    page.mapping = -1
    _pcp_push(m, cpu, z, pfn)
    if m.cpu[cpu, PCP_COUNT + z] >= m.zone[z].pcp_high:
        _free_pcppages_bulk(m, cpu, z, min(m.zone[z].pcp_batch, m.cpu[cpu, PCP_COUNT + z]))


@njit
def take_block(m: Any, pfn: Any, order: Any) -> None:
    """prep_new_page of a block: its pages are the kernel's."""
    for i in range(pfn, pfn + (1 << order)):
        page = m.page[i]
        page.page_flags = PG_kernel
        page.memcg = 0
        page.mapping = -1


@njit
def free_block(m: Any, pfn: Any, order: Any) -> None:
    """__free_pages_ok: a block goes past the CPU's list; its zone is reclaimable again."""
    for i in range(pfn, pfn + (1 << order)):
        m.page[i].page_flags = 0
    z = np.int64(m.page[pfn].zone)
    free_one_page(m, z, pfn, order)
    m.zone[z].pages_scanned = 0
    m.zone[z].all_unreclaimable = 0


@njit
def uncharge_page(m: Any, pfn: Any) -> Any:
    """mem_cgroup_uncharge: the page no longer counts against its memcg."""
    page = m.page[pfn]
    memcg = m.memcg[page.memcg]
    res_counter_uncharge(m, page.memcg)
    if page.page_flags & PG_swapbacked:
        memcg.nr_anon -= 1
    else:
        memcg.nr_file -= 1
    if page.memcg > 0:
        memcg_check_events(m, page.memcg, page.zone)


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
