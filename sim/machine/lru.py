"""Intrusive LRU lists (mm_inline.h, swap.c, memcontrol.c): list operations, no choice of victims.

A page on the LRU is linked in its zone's list and, when charged to a memcg other than the root,
also in that memcg's list for the zone: two pairs of links, as in 2.6.35. The head is the young end.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.page import (
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_DIRTY_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    PG_active,
    PG_dirty_list,
    PG_lru,
    PG_swapbacked,
)
from sim.machine.vmstat import NR_INACTIVE_ANON
from sim.machine.zone import MAX_NR_ZONES


@njit
def page_lru(flags: int) -> int:
    """The list a page with these flags belongs on (page_lru, mm_inline.h)."""
    if flags & PG_swapbacked:
        return LRU_ACTIVE_ANON if flags & PG_active else LRU_INACTIVE_ANON
    if flags & PG_dirty_list:
        return LRU_DIRTY_FILE
    return LRU_ACTIVE_FILE if flags & PG_active else LRU_INACTIVE_FILE


@njit
def _zone_link_head(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    old = lists.head[lru]
    page[pfn].next = old
    page[pfn].prev = -1
    if old >= 0:
        page[old].prev = pfn
    else:
        lists.tail[lru] = pfn
    lists.head[lru] = pfn
    lists.nr[lru] += 1


@njit
def _zone_link_tail(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    old = lists.tail[lru]
    page[pfn].prev = old
    page[pfn].next = -1
    if old >= 0:
        page[old].next = pfn
    else:
        lists.head[lru] = pfn
    lists.tail[lru] = pfn
    lists.nr[lru] += 1


@njit
def _zone_unlink(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    p, n = page[pfn].prev, page[pfn].next
    if p >= 0:
        page[p].next = n
    else:
        lists.head[lru] = n
    if n >= 0:
        page[n].prev = p
    else:
        lists.tail[lru] = p
    lists.nr[lru] -= 1


@njit
def _memcg_link_head(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    old = lists.head[lru]
    page[pfn].memcg_next = old
    page[pfn].memcg_prev = -1
    if old >= 0:
        page[old].memcg_prev = pfn
    else:
        lists.tail[lru] = pfn
    lists.head[lru] = pfn
    lists.nr[lru] += 1


@njit
def _memcg_link_tail(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    old = lists.tail[lru]
    page[pfn].memcg_prev = old
    page[pfn].memcg_next = -1
    if old >= 0:
        page[old].memcg_next = pfn
    else:
        lists.head[lru] = pfn
    lists.tail[lru] = pfn
    lists.nr[lru] += 1


@njit
def _memcg_unlink(m: Any, pfn: Any, lists: Any, lru: Any) -> Any:
    page = m.page
    p, n = page[pfn].memcg_prev, page[pfn].memcg_next
    if p >= 0:
        page[p].memcg_next = n
    else:
        lists.head[lru] = n
    if n >= 0:
        page[n].memcg_prev = p
    else:
        lists.tail[lru] = p
    lists.nr[lru] -= 1


@njit
def add_page_to_lru_list(m: Any, pfn: Any, lru: Any) -> Any:
    """Put a page on the young end of list ``lru`` of its zone and of its memcg."""
    page = m.page[pfn]
    zone = page.zone
    page.page_flags |= PG_lru
    page.lru = lru
    _zone_link_head(m, pfn, m.lru[zone], lru)
    if page.memcg > 0:
        _memcg_link_head(m, pfn, m.lru[page.memcg * MAX_NR_ZONES + zone], lru)
    m.vm[NR_INACTIVE_ANON + lru] += 1


@njit
def add_page_to_lru_tail(m: Any, pfn: Any, lru: Any) -> Any:
    """Put a page on the old end of list ``lru`` of its zone and of its memcg."""
    page = m.page[pfn]
    zone = page.zone
    page.page_flags |= PG_lru
    page.lru = lru
    _zone_link_tail(m, pfn, m.lru[zone], lru)
    if page.memcg > 0:
        _memcg_link_tail(m, pfn, m.lru[page.memcg * MAX_NR_ZONES + zone], lru)
    m.vm[NR_INACTIVE_ANON + lru] += 1


@njit
def del_page_from_lru(m: Any, pfn: Any) -> Any:
    """Take a page off its zone's list and its memcg's."""
    page = m.page[pfn]
    zone, lru = page.zone, page.lru
    page.page_flags &= ~PG_lru
    _zone_unlink(m, pfn, m.lru[zone], lru)
    if page.memcg > 0:
        _memcg_unlink(m, pfn, m.lru[page.memcg * MAX_NR_ZONES + zone], lru)
    m.vm[NR_INACTIVE_ANON + lru] -= 1


@njit
def rotate_to_zone_tail(m: Any, pfn: Any) -> Any:
    """Move a page to the old end of its zone's list; in its memcg's list it stays (2.6.35)."""
    page = m.page
    lists = m.lru[page[pfn].zone]
    lru = page[pfn].lru
    _zone_unlink(m, pfn, lists, lru)
    _zone_link_tail(m, pfn, lists, lru)


@njit
def activate_page(m: Any, pfn: Any) -> Any:
    """From the inactive to the active list (activate_page, swap.c)."""
    del_page_from_lru(m, pfn)
    flags = (m.page[pfn].page_flags | PG_active) & ~PG_dirty_list
    m.page[pfn].page_flags = flags
    add_page_to_lru_list(m, pfn, page_lru(flags))
