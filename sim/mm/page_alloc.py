"""Getting pages, by direct reclaim if need be (page_alloc.c of 2.6.35; mechanics 2.2).

# Differs from 2.6.35: no direct compaction (CONFIG_COMPACTION was new and off by default).
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.cost import COST_ALLOC_PAGE
from sim.machine.machine import NOW, NR_ZONES
from sim.machine.task import BUDGET_SPENT, DONE, PF_MEMDIE, WANT_ALLOC_RETRY_WAIT, WANT_OOM
from sim.machine.zone import WMARK_LOW, WMARK_MIN
from sim.mm.congestion import congestion_wait_sleeps, preferred_zone
from sim.mm.free import drain_all_pages, get_page_from_freelist, take_any_page
from sim.mm.scan_control import PAGE_ALLOC_COSTLY_ORDER
from sim.mm.vmscan_direct import (
    all_unreclaimable,
    begin_reclaim,
    do_try_to_free_pages,
    end_reclaim,
)
from sim.mm.vmscan_kswapd import wakeup_kswapd

ALLOC_FAST = 0
ALLOC_REBALANCE = 1
ALLOC_RECLAIM = 2
ALLOC_RETRY = 3


@njit
def alloc_page(m: Any, t: Any) -> Any:
    """One page; see ``alloc_pages``."""
    return alloc_pages(m, t, 0)


@njit
def alloc_pages(m: Any, t: Any, order: Any) -> Any:
    """2^order pages for the task, the first in task.alloc_pfn, -1 for a failure; a stop code.

    The fast path stays above the low watermark. The slow path wakes kswapd, tries down to the min
    watermark, then reclaims itself, and waits HZ/50 for congestion when that gave it no page;
    after that it reclaims again before it looks at the free lists. Above PAGE_ALLOC_COSTLY_ORDER
    it tries once only and nobody is killed for it (GFP_KERNEL, so no __GFP_REPEAT).
    """
    sc = m.task[t]
    if sc.sc_alloc_step == ALLOC_RETRY and sc.pf_flags & PF_MEMDIE:
        sc.sc_alloc_step = ALLOC_REBALANCE
    if sc.sc_alloc_step == ALLOC_FAST:
        m.clock[NOW] += m.cost[COST_ALLOC_PAGE]
        sc.alloc_pfn = get_page_from_freelist(m, order, WMARK_LOW)
        if sc.alloc_pfn >= 0:
            return DONE
        for z in range(m.clock[NR_ZONES] - 1, -1, -1):
            if m.zone[z].present_pages:
                wakeup_kswapd(m, t, z, order)
        sc.sc_alloc_step = ALLOC_REBALANCE
    if sc.sc_alloc_step == ALLOC_REBALANCE:
        sc.alloc_pfn = get_page_from_freelist(m, order, WMARK_MIN)
        if sc.alloc_pfn >= 0:
            sc.sc_alloc_step = ALLOC_FAST
            return DONE
        if sc.pf_flags & PF_MEMDIE:
            sc.alloc_pfn = take_any_page(m, order)
            if sc.alloc_pfn >= 0:
                sc.sc_alloc_step = ALLOC_FAST
                return DONE
        sc.sc_alloc_step = ALLOC_RETRY
    if sc.sc_alloc_step == ALLOC_RETRY:
        begin_reclaim(m, t, 0, order)
        sc.sc_alloc_step = ALLOC_RECLAIM
    stop = do_try_to_free_pages(m, t)
    if stop != DONE:
        return stop
    reclaimed = end_reclaim(m, t)
    costly = order > PAGE_ALLOC_COSTLY_ORDER or (order and sc.pf_flags & PF_MEMDIE)
    # Without __GFP_FS nobody is killed.
    if reclaimed == 0 and all_unreclaimable(m) and not costly and not sc.sc_nofs:
        sc.sc_alloc_step = ALLOC_REBALANCE
        return WANT_OOM
    sc.alloc_pfn = get_page_from_freelist(m, order, WMARK_MIN)
    if sc.alloc_pfn < 0:
        drain_all_pages(m)
        sc.alloc_pfn = get_page_from_freelist(m, order, WMARK_MIN)
    if sc.alloc_pfn >= 0 or costly:  # should_alloc_retry
        sc.sc_alloc_step = ALLOC_FAST
        return DONE
    sc.sc_alloc_step = ALLOC_RETRY
    if not congestion_wait_sleeps(m, t, preferred_zone(m)):
        return BUDGET_SPENT
    return WANT_ALLOC_RETRY_WAIT
