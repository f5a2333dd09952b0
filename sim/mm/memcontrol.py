"""Charging pages to a memcg, and reclaim when it is full (memcontrol.c; mechanics 2.13).

# Differs from 2.6.35: the stock of pages charged in advance is one per memcg instead of one per
# CPU holding one memcg's charges.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import NOW, WAKE_KSWAPD
from sim.machine.page import PG_swapbacked
from sim.machine.task import DONE, PF_MEMDIE, WANT_MEMCG_OOM
from sim.machine.vmstat import KSWAPD_AWAKE, MEMCG_FAILCNT, MEMCG_PENDING
from sim.machine.wake import wake_up
from sim.mm.memcg_hierarchy import begin_hierarchical_reclaim, mem_cgroup_hierarchical_reclaim
from sim.mm.res_counter import charged_pages, memcg_check_events, res_counter_charge, use_charge
from sim.mm.vmscan_6_1 import MAX_RECLAIM_RETRIES

CHARGE_PAGES = 32
MEM_CGROUP_RECLAIM_RETRIES = 5

CHARGE_TRY = 0
CHARGE_SINGLE = 1
CHARGE_RECLAIM = 2


@njit
def _queue_for_kswapd(m: Any, g: Any) -> Any:
    """C16: above its low watermark the memcg, or one above it, goes on kswapd's pending list."""
    each = np.int64(g)
    while each:
        memcg = m.memcg[each]
        if not memcg.pending and charged_pages(memcg) > memcg.wmark_low:
            memcg.pending = 1
            memcg.pending_since_ns = m.clock[NOW]
            m.vm[MEMCG_PENDING] += 1
            if not m.vm[KSWAPD_AWAKE]:
                wake_up(m, WAKE_KSWAPD)
        each = memcg.parent


@njit
def _retries(m: Any) -> Any:
    """Rounds of reclaim in vain before the OOM killer."""
    return MAX_RECLAIM_RETRIES if m.rules[0].reclaim_6_1 else MEM_CGROUP_RECLAIM_RETRIES


@njit
def mem_cgroup_try_charge(m: Any, t: Any) -> Any:
    """Charge one page to the task's memcg, reclaiming from who is over its limit; a stop code."""
    sc = m.task[t]
    g = np.int64(sc.memcg)
    memcg = m.memcg[g]
    while True:
        if sc.charge_step == CHARGE_RECLAIM:
            stop = mem_cgroup_hierarchical_reclaim(m, t, False)
            if stop != DONE:
                return stop
            sc.charge_step = CHARGE_SINGLE
            over = m.memcg[sc.hr_root]
            if sc.hr_total == 0 and charged_pages(over) >= over.limit:
                sc.sc_memcg_retries -= 1
                if sc.sc_memcg_retries < 0:
                    sc.sc_memcg_retries = _retries(m)
                    return WANT_MEMCG_OOM
        if memcg.stock > 0:
            use_charge(m, g, -1)
            break
        if sc.charge_step == CHARGE_TRY:
            sc.sc_memcg_retries = _retries(m)
            if res_counter_charge(m, g, CHARGE_PAGES) < 0:
                use_charge(m, g, CHARGE_PAGES - 1)
                break
            sc.charge_step = CHARGE_SINGLE
        if sc.pf_flags & PF_MEMDIE:
            use_charge(m, g, 0)
            break
        over_limit = res_counter_charge(m, g, 1)
        if over_limit < 0:
            use_charge(m, g, 0)
            break
        m.vm[MEMCG_FAILCNT] += 1
        begin_hierarchical_reclaim(m, t, over_limit)
        sc.charge_step = CHARGE_RECLAIM
    sc.charge_step = CHARGE_TRY
    if m.rules[0].memcg_kswapd and g > 0:
        _queue_for_kswapd(m, g)
    return DONE


@njit
def commit_charge(m: Any, t: Any, pfn: Any) -> Any:
    """The charged page belongs to the task's memcg from now on."""
    page = m.page[pfn]
    page.memcg = m.task[t].memcg
    if page.page_flags & PG_swapbacked:
        m.memcg[page.memcg].nr_anon += 1
    else:
        m.memcg[page.memcg].nr_file += 1
    if page.memcg > 0:
        memcg_check_events(m, page.memcg, page.zone)
