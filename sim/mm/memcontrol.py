"""Charging pages to a memcg, and reclaim when it is full (memcontrol.c; mechanics 2.13).

# Differs from 2.6.35: the stock of pages charged in advance is one per memcg instead of one per
# CPU holding one memcg's charges; no hierarchy and no soft limit yet.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import NOW, WAKE_KSWAPD
from sim.machine.page import PG_swapbacked
from sim.machine.task import DONE, PF_MEMDIE, WANT_MEMCG_OOM
from sim.machine.vmstat import KSWAPD_AWAKE, MEMCG_FAILCNT, MEMCG_PENDING
from sim.machine.wake import wake_up
from sim.mm.vmscan_direct import begin_reclaim, do_try_to_free_pages, end_reclaim

CHARGE_PAGES = 32
MEM_CGROUP_RECLAIM_RETRIES = 5

CHARGE_TRY = 0
CHARGE_SINGLE = 1
CHARGE_RECLAIM = 2


@njit
def _res_counter_charge(memcg: Any, pages: Any) -> Any:
    """res_counter_charge on usage plus stock; False over the limit."""
    charged = memcg.usage + memcg.stock + pages
    if memcg.limit and charged > memcg.limit:
        memcg.failcnt += 1
        return False
    memcg.max_usage = max(memcg.max_usage, charged)
    return True


@njit
def _queue_for_kswapd(m: Any, g: Any) -> Any:
    """C16: above its low watermark the memcg goes on kswapd's pending list."""
    memcg = m.memcg[g]
    if memcg.pending or memcg.usage + memcg.stock <= memcg.wmark_low:
        return
    memcg.pending = 1
    memcg.pending_since_ns = m.clock[NOW]
    m.vm[MEMCG_PENDING] += 1
    if not m.vm[KSWAPD_AWAKE]:
        wake_up(m, WAKE_KSWAPD)


@njit
def mem_cgroup_try_charge(m: Any, t: Any) -> Any:
    """Charge one page to the task's memcg, reclaiming from it if need be; a stop code."""
    sc = m.task[t]
    g = sc.memcg
    memcg = m.memcg[g]
    while True:
        if sc.charge_step == CHARGE_RECLAIM:
            stop = do_try_to_free_pages(m, t)
            if stop != DONE:
                return stop
            reclaimed = end_reclaim(m, t)
            sc.charge_step = CHARGE_SINGLE
            if reclaimed == 0 and memcg.usage + memcg.stock >= memcg.limit:
                sc.sc_memcg_retries -= 1
                if sc.sc_memcg_retries < 0:
                    sc.sc_memcg_retries = MEM_CGROUP_RECLAIM_RETRIES
                    return WANT_MEMCG_OOM
        if memcg.stock > 0:
            memcg.stock -= 1
            memcg.usage += 1
            break
        if sc.charge_step == CHARGE_TRY:
            sc.sc_memcg_retries = MEM_CGROUP_RECLAIM_RETRIES
            if _res_counter_charge(memcg, CHARGE_PAGES):
                memcg.stock = CHARGE_PAGES - 1
                memcg.usage += 1
                break
            sc.charge_step = CHARGE_SINGLE
        if sc.pf_flags & PF_MEMDIE or _res_counter_charge(memcg, 1):
            memcg.usage += 1
            break
        m.vm[MEMCG_FAILCNT] += 1
        begin_reclaim(m, t, g, 0)
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
