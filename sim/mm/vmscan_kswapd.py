"""balance_pgdat: kswapd's work, priority by priority (vmscan.c; mechanics 2.9)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import (
    KSWAPD_FAILURES,
    KSWAPD_MAX_ORDER,
    LIMIT,
    NOW,
    NR_MEMCGS,
    NR_ZONES,
    WAKE_KSWAPD,
)
from sim.machine.page import LRU_ACTIVE_ANON
from sim.machine.request import ISSUER_KSWAPD
from sim.machine.sysctl import HZ
from sim.machine.task import BUDGET_SPENT, DONE, WANT_CONGESTION_WAIT
from sim.machine.tracepoints import EV_WAKEUP_KSWAPD
from sim.machine.vmstat import (
    KSWAPD_AWAKE,
    KSWAPD_SKIP_CONGESTION_WAIT,
    MEMCG_PENDING,
    PAGEOUTRUN,
    WAKEUP_KSWAPD,
)
from sim.machine.wake import wake_up
from sim.machine.zone import WMARK_HIGH, WMARK_LOW, WMARK_MIN
from sim.mm.free import zone_watermark_ok
from sim.mm.memcg_hierarchy import (
    has_local_usage,
    mem_cgroup_select_victim,
    mem_cgroup_soft_limit_reclaim,
)
from sim.mm.scan_control import (
    DEF_PRIORITY,
    STEP_AFTER,
    STEP_PRIORITY,
    STEP_SLEPT,
    STEP_ZONES,
    SWAP_CLUSTER_MAX,
    ZONE_BEGIN,
)
from sim.mm.trace import trace
from sim.mm.vmscan_6_1 import (
    MAX_RECLAIM_RETRIES,
    clear_tail,
    end_round,
    kswapd_target,
    pgdat_balanced,
)
from sim.mm.vmscan_direct import do_try_to_free_pages
from sim.mm.vmscan_lists import (
    inactive_list_is_low,
    shrink_active_list,
    shrink_zone,
    zone_reclaimable_pages,
)

NO_LIMIT = 1 << 60
BALANCE_GAP_RATIO = 100
"""KSWAPD_ZONE_BALANCE_GAP_RATIO of 2.6.39."""


@njit
def wakeup_kswapd(m: Any, t: Any, z: Any, order: Any) -> Any:
    """A zone is below its low watermark for ``order``: count, trace, wake."""
    if zone_watermark_ok(m, z, order, m.zone[z].watermark[WMARK_LOW], 0):
        return
    m.clock[KSWAPD_MAX_ORDER] = max(m.clock[KSWAPD_MAX_ORDER], order)
    trace(m, t, EV_WAKEUP_KSWAPD, 0, z, order)
    m.vm[WAKEUP_KSWAPD] += 1
    if not m.vm[KSWAPD_AWAKE]:
        wake_up(m, WAKE_KSWAPD)


@njit
def sleeping_prematurely(m: Any, order: Any) -> Any:
    """Is some zone that can be helped below its high watermark for ``order``?"""
    if m.rules[0].reclaim_6_1:
        failed = m.clock[KSWAPD_FAILURES] >= MAX_RECLAIM_RETRIES
        return not failed and not pgdat_balanced(m, order)
    for z in range(m.clock[NR_ZONES]):
        zone = m.zone[z]
        if not zone.present_pages or zone.all_unreclaimable:
            continue
        if not zone_watermark_ok(m, z, order, zone.watermark[WMARK_HIGH], 0):
            return True
    return False


@njit
def begin_balance_pgdat(m: Any, t: Any, order: Any) -> Any:
    """One balance_pgdat call."""
    sc = m.task[t]
    sc.sc_order = order
    sc.issuer = ISSUER_KSWAPD
    sc.sc_memcg = 0
    sc.sc_zone_step = ZONE_BEGIN
    _begin_loop(m, t)


@njit
def _begin_loop(m: Any, t: Any) -> Any:
    """loop_again."""
    sc = m.task[t]
    m.vm[PAGEOUTRUN] += 1
    sc.sc_priority = DEF_PRIORITY
    sc.sc_nr_to_reclaim = NO_LIMIT
    sc.sc_nr_reclaimed = 0
    sc.sc_total_scanned = 0
    sc.sc_may_writepage = 1
    sc.sc_may_swap = 1
    sc.sc_step = STEP_PRIORITY


@njit
def _find_end_zone(m: Any, t: Any) -> Any:
    """The highest zone below its high watermark, -1 when all are well."""
    sc = m.task[t]
    for z in range(m.clock[NR_ZONES] - 1, -1, -1):
        zone = m.zone[z]
        if not zone.present_pages:
            continue
        if zone.all_unreclaimable and sc.sc_priority != DEF_PRIORITY:
            continue
        if inactive_list_is_low(m, 0, z, 0):
            shrink_active_list(m, t, z, LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX)
        if not zone_watermark_ok(m, z, sc.sc_order, zone.watermark[WMARK_HIGH], 0):
            return z
    return -1


@njit
def _enough(m: Any, z: Any) -> Any:
    """Free pages from which a zone is left alone though zones above it need some."""
    zone = m.zone[z]
    if not m.rules[0].balance_gap:
        return 8 * zone.watermark[WMARK_HIGH]
    percent = (zone.present_pages + BALANCE_GAP_RATIO - 1) // BALANCE_GAP_RATIO
    return zone.watermark[WMARK_HIGH] + min(zone.watermark[WMARK_LOW], percent)


@njit
def _balance_zones(m: Any, t: Any) -> Any:
    """Zones from the lowest up to end_zone, from task.sc_zone on."""
    sc = m.task[t]
    order = sc.sc_order
    while sc.sc_zone <= sc.sc_end_zone:
        z = sc.sc_zone
        zone = m.zone[z]
        skip = not zone.present_pages or (zone.all_unreclaimable and sc.sc_priority != DEF_PRIORITY)
        # What was begun is brought to its end: it may hold isolated pages.
        if sc.soft_step or sc.sc_zone_step != ZONE_BEGIN or not skip:
            if sc.soft_step or sc.sc_zone_step == ZONE_BEGIN:
                stop = mem_cgroup_soft_limit_reclaim(m, t, z)
                if stop != DONE:
                    return stop
            if sc.sc_zone_step != ZONE_BEGIN or not zone_watermark_ok(
                m, z, order, _enough(m, z), sc.sc_end_zone
            ):
                stop = shrink_zone(m, t, z)
                if stop != DONE:
                    return stop
            if zone.all_unreclaimable:
                sc.sc_zone += 1
                continue
            if zone.pages_scanned >= zone_reclaimable_pages(m, z) * 6:
                zone.all_unreclaimable = 1
            if not zone_watermark_ok(m, z, order, zone.watermark[WMARK_HIGH], sc.sc_end_zone):
                sc.sc_all_ok = 0
                if not zone_watermark_ok(m, z, order, zone.watermark[WMARK_MIN], sc.sc_end_zone):
                    sc.sc_under_min = 1
            else:
                zone.congested = 0
        sc.sc_zone += 1
    return DONE


@njit
def _balance_pgdat_6_1(m: Any, t: Any) -> Any:
    """Rounds of decreasing priority, from DEF_PRIORITY to 1, until the node is balanced."""
    sc = m.task[t]
    while True:
        if sc.sc_step == STEP_PRIORITY:
            if pgdat_balanced(m, sc.sc_order):
                clear_tail(m)
                return DONE
            sc.sc_nr_to_reclaim = kswapd_target(m)
            sc.sc_before_round = sc.sc_nr_reclaimed
            sc.sc_nr_scanned = 0
            sc.sc_zone = 0
            sc.sc_step = STEP_ZONES
        while sc.sc_zone < m.clock[NR_ZONES]:
            if m.zone[sc.sc_zone].present_pages:
                stop = shrink_zone(m, t, sc.sc_zone)
                if stop != DONE:
                    return stop
            sc.sc_zone += 1
        sc.sc_total_scanned += sc.sc_nr_scanned
        sc.sc_step = STEP_PRIORITY
        if not end_round(m, t):
            return DONE
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def balance_pgdat(m: Any, t: Any) -> Any:
    """Until every zone is above its high watermark; a stop code."""
    sc = m.task[t]
    if m.rules[0].reclaim_6_1:
        return _balance_pgdat_6_1(m, t)
    while True:
        if sc.sc_step == STEP_PRIORITY:
            sc.sc_all_ok = 1
            sc.sc_under_min = 0
            sc.sc_nr_scanned = 0
            sc.sc_end_zone = _find_end_zone(m, t)
            if sc.sc_end_zone < 0:
                return DONE
            sc.sc_zone = 0
            sc.sc_step = STEP_ZONES
        if sc.sc_step == STEP_ZONES:
            stop = _balance_zones(m, t)
            if stop != DONE:
                return stop
            sc.sc_total_scanned += sc.sc_nr_scanned
            if sc.sc_all_ok:
                return DONE
            sc.sc_step = STEP_AFTER
        if sc.sc_step == STEP_AFTER:
            sc.sc_step = STEP_SLEPT
            if sc.sc_total_scanned and sc.sc_priority < DEF_PRIORITY - 2:
                if sc.sc_under_min:
                    m.vm[KSWAPD_SKIP_CONGESTION_WAIT] += 1
                else:
                    sc.timeout_jiffies = max(m.sysctl[HZ] // 10, 1)
                    return WANT_CONGESTION_WAIT
        sc.sc_step = STEP_PRIORITY
        sc.sc_priority -= 1
        if sc.sc_nr_reclaimed >= SWAP_CLUSTER_MAX or sc.sc_priority < 0:
            if sc.sc_nr_reclaimed < SWAP_CLUSTER_MAX:
                sc.sc_order = 0  # fragmented: at least order 0 is to be had again
            _begin_loop(m, t)
            m.clock[NOW] += 1000  # cond_resched
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def next_pending_memcg(m: Any) -> Any:
    """The memcg that has waited longest on kswapd's pending list, 0 when it is empty."""
    best = 0
    for g in range(1, m.clock[NR_MEMCGS]):
        if m.memcg[g].pending and (
            best == 0 or m.memcg[g].pending_since_ns < m.memcg[best].pending_since_ns
        ):
            best = g
    return best


@njit
def begin_memcg_balance(m: Any, t: Any, g: Any) -> Any:
    """kswapd takes up memcg ``g``: a round from DEF_PRIORITY down, in it or the next below it."""
    sc = m.task[t]
    sc.issuer = ISSUER_KSWAPD
    sc.hr_root = g
    sc.sc_memcg = mem_cgroup_select_victim(m, g)
    while sc.sc_memcg != g and not has_local_usage(m.memcg[sc.sc_memcg]):
        sc.sc_memcg = mem_cgroup_select_victim(m, g)
    sc.sc_order = 0
    sc.sc_priority = DEF_PRIORITY
    sc.sc_nr_to_reclaim = SWAP_CLUSTER_MAX
    sc.sc_nr_reclaimed = 0
    sc.sc_nr_scanned = 0
    sc.sc_total_scanned = 0
    sc.sc_may_writepage = 1
    sc.sc_may_swap = 1
    sc.sc_step = STEP_PRIORITY
    sc.sc_zone_step = ZONE_BEGIN


@njit
def memcg_balance(m: Any, t: Any) -> Any:
    """Reclaim rounds inside the memcg until it is below its high watermark (wmark_high).

    Stops early, with DONE, when a round freed nothing, so that other memcgs are served, and when
    a zone needs global reclaim, which goes first.
    """
    sc = m.task[t]
    g = np.int64(sc.hr_root)
    while True:
        stop = do_try_to_free_pages(m, t)
        if stop != DONE:
            return stop
        done = m.memcg[g].usage <= m.memcg[g].wmark_high
        if done or sc.sc_nr_reclaimed == 0 or sleeping_prematurely(m, 0):
            return DONE
        begin_memcg_balance(m, t, g)
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def leave_pending(m: Any, g: Any) -> Any:
    """The memcg was served; if it is still above its low watermark it queues again, last."""
    memcg = m.memcg[g]
    memcg.pending_served += 1
    if memcg.usage > memcg.wmark_low:
        memcg.pending_since_ns = m.clock[NOW]
        return
    memcg.pending = 0
    m.vm[MEMCG_PENDING] -= 1
