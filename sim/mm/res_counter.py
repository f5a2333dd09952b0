"""Charges of a memcg and of those above it, and who is over its soft limit (res_counter.c).

With ``use_hierarchy`` a charge goes to the memcg and to every one above it. ``usage`` counts pages
of the memcg and of all below it; charged, too, are its ``stock`` and ``child_stock``, the stocks of
those below. Every 1024th charge or uncharge of a memcg puts it and those above it, by how far they
are over their soft limit, in the tree of the page's zone, from which kswapd takes the largest.

# Differs from 2.6.35: events are counted for each memcg, not for each of its CPUs; the tree is the
# fields soft_* of the memcgs, searched from end to end (same order, ties included).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import NR_MEMCGS

SOFTLIMIT_EVENTS = 1 << 10


@njit
def charged_pages(memcg: Any) -> Any:
    """What is charged: pages in use, and stocks charged in advance."""
    return memcg.usage + memcg.stock + memcg.child_stock


@njit
def is_under(m: Any, g: Any, root: Any) -> Any:
    """Is memcg ``g`` that ``root`` or below it?"""
    each = np.int64(g)
    while each != root:
        if each == 0:
            return False
        each = m.memcg[each].parent
    return True


@njit
def res_counter_charge(m: Any, g: Any, pages: Any) -> Any:
    """Is there room for ``pages``? The first memcg, from ``g`` up, over its limit, or -1."""
    each = np.int64(g)
    while True:
        memcg = m.memcg[each]
        charged = charged_pages(memcg) + pages
        if memcg.limit and charged > memcg.limit:
            memcg.failcnt += 1
            return each
        memcg.max_usage = max(memcg.max_usage, charged)
        each = memcg.parent
        if each == 0:
            return np.int64(-1)


@njit
def use_charge(m: Any, g: Any, in_stock: Any) -> None:
    """A page is charged, of ``in_stock`` more the memcg's stock grows (-1: the page was in it)."""
    memcg = m.memcg[g]
    memcg.usage += 1
    memcg.stock += in_stock
    each = memcg.parent
    while each:
        m.memcg[each].usage += 1
        m.memcg[each].child_stock += in_stock
        each = m.memcg[each].parent


@njit
def res_counter_uncharge(m: Any, g: Any) -> None:
    """A page of memcg ``g`` is charged no longer."""
    m.memcg[g].usage -= 1
    each = m.memcg[g].parent
    while each:
        m.memcg[each].usage -= 1
        each = m.memcg[each].parent


@njit
def drain_all_stock(m: Any, root: Any) -> None:
    """What ``root`` and those below it hold in stock is charged no longer."""
    for g in range(1, m.clock[NR_MEMCGS]):
        pages = m.memcg[g].stock
        if pages and is_under(m, g, root):
            m.memcg[g].stock = 0
            each = m.memcg[g].parent
            while each:
                m.memcg[each].child_stock -= pages
                each = m.memcg[each].parent


@njit
def soft_limit_excess(memcg: Any) -> Any:
    """Pages charged above the soft limit."""
    if memcg.soft_limit == 0:
        return np.int64(0)
    return max(charged_pages(memcg) - memcg.soft_limit, 0)


@njit
def remove_exceeded(m: Any, g: Any, z: Any) -> None:
    """Take memcg ``g`` out of the tree of zone ``z``."""
    if m.memcg[g].soft_on_tree[z]:
        m.memcg[g].soft_on_tree[z] = 0
        m.zone[z].nr_soft_exceeded -= 1


@njit
def insert_exceeded(m: Any, g: Any, z: Any) -> None:
    """Put memcg ``g`` in the tree of zone ``z``, behind its equals, if it has an excess."""
    memcg = m.memcg[g]
    excess = soft_limit_excess(memcg)
    if excess == 0:
        return
    zone = m.zone[z]
    zone.nr_soft_exceeded += 1
    zone.soft_inserted += 1
    memcg.soft_on_tree[z] = 1
    memcg.soft_excess[z] = excess
    memcg.soft_order[z] = zone.soft_inserted


@njit
def memcg_check_events(m: Any, g: Any, z: Any) -> None:
    """A page of zone ``z`` was charged or uncharged; every so often the tree is brought up."""
    each = np.int64(g)
    m.memcg[each].events += 1
    if m.memcg[each].events & (SOFTLIMIT_EVENTS - 1):
        return
    while each:
        memcg = m.memcg[each]
        if memcg.soft_on_tree[z] or soft_limit_excess(memcg):
            remove_exceeded(m, each, z)
            insert_exceeded(m, each, z)
        each = memcg.parent


@njit
def largest_soft_limit_node(m: Any, z: Any) -> Any:
    """The memcg with the largest excess, taken out of the tree; 0 when none has one."""
    while m.zone[z].nr_soft_exceeded:
        best = 0
        for g in range(1, m.clock[NR_MEMCGS]):
            memcg = m.memcg[g]
            if not memcg.soft_on_tree[z]:
                continue
            top = m.memcg[best]
            if (
                best == 0
                or memcg.soft_excess[z] > top.soft_excess[z]
                or (
                    memcg.soft_excess[z] == top.soft_excess[z]
                    and memcg.soft_order[z] > top.soft_order[z]
                )
            ):
                best = g
        remove_exceeded(m, best, z)
        if soft_limit_excess(m.memcg[best]):
            return best
    return 0
