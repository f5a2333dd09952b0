"""do_try_to_free_pages: direct and memcg reclaim, priority by priority (vmscan.c)."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.fs.fs_writeback import kick_flusher
from sim.machine.cost import COST_RECLAIM_CALL
from sim.machine.machine import LIMIT, NOW, NR_STALL, NR_ZONES, STALL_LOST
from sim.machine.request import ISSUER_DIRECT, ISSUER_MEMCG
from sim.machine.stall import STALL_BALANCE_DIRTY, STALL_DIRECT, STALL_MEMCG
from sim.machine.task import BUDGET_SPENT, DONE, PF_MEMALLOC, WANT_CONGESTION_WAIT
from sim.machine.tracepoints import EV_DIRECT_BEGIN, EV_DIRECT_END, EV_MEMCG_BEGIN, EV_MEMCG_END
from sim.machine.vmstat import (
    ALLOCSTALL,
    BALANCE_DIRTY_NS,
    DIRECT_RECLAIMS,
    DIRECT_STALL_NS,
    MEMCG_RECLAIMS,
    MEMCG_STALL_NS,
)
from sim.mm.congestion import congestion_wait_sleeps, preferred_zone
from sim.mm.memcg_clean import wake_memcg_flusher
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
from sim.mm.vmscan_6_1 import consider_reclaim_throttle
from sim.mm.vmscan_lists import shrink_zone, zone_reclaimable_pages

WRITEBACK_THRESHOLD = SWAP_CLUSTER_MAX * 3 // 2
GFP_HIGHUSER_MOVABLE = 0x200DA
"""__GFP_WAIT | IO | FS | HARDWALL | HIGHMEM | MOVABLE: every page that tasks allocate here."""
GFP_NOFS = 0x50
GFP_KERNEL = 0xD0
"""__GFP_WAIT | IO | FS: blocks of order > 0."""


@njit
def begin_reclaim(m: Any, t: Any, memcg: Any, order: Any) -> Any:
    """Enter try_to_free_pages (memcg 0) or try_to_free_mem_cgroup_pages."""
    sc = m.task[t]
    sc.sc_saved_issuer = sc.issuer
    sc.issuer = ISSUER_MEMCG if memcg else ISSUER_DIRECT
    if not memcg:
        sc.pf_flags |= PF_MEMALLOC
        m.vm[ALLOCSTALL] += 1
    sc.sc_memcg = memcg
    sc.sc_order = order
    sc.sc_priority = DEF_PRIORITY
    sc.sc_nr_to_reclaim = SWAP_CLUSTER_MAX
    sc.sc_nr_reclaimed = 0
    sc.sc_nr_scanned = 0
    sc.sc_total_scanned = 0
    sc.sc_may_writepage = 1
    sc.sc_may_swap = 1
    sc.sc_step = STEP_PRIORITY
    sc.sc_zone_step = ZONE_BEGIN
    sc.stall_begin_ns = m.clock[NOW]
    sc.stall_cw_ns = 0
    sc.stall_wp_ns = 0
    sc.stall_wait_ns = 0
    sc.stall_written = 0
    sc.stall_dirty_met = 0
    if memcg and m.rules[0].memcg_flusher:
        wake_memcg_flusher(m, memcg)
    event = EV_MEMCG_BEGIN if memcg else EV_DIRECT_BEGIN
    gfp = GFP_KERNEL if order else GFP_HIGHUSER_MOVABLE
    if sc.sc_nofs:
        gfp = GFP_NOFS
    trace(m, t, event, order, sc.sc_may_writepage, gfp)
    m.clock[NOW] += m.cost[COST_RECLAIM_CALL]


@njit
def end_reclaim(m: Any, t: Any) -> Any:
    """Leave reclaim: event, counters, one stall record; pages reclaimed."""
    sc = m.task[t]
    memcg = sc.sc_memcg
    elapsed_ns = m.clock[NOW] - sc.stall_begin_ns
    trace(m, t, EV_MEMCG_END if memcg else EV_DIRECT_END, sc.sc_nr_reclaimed, 0, 0)
    if memcg:
        m.vm[MEMCG_RECLAIMS] += 1
        m.vm[MEMCG_STALL_NS] += elapsed_ns
        m.memcg[memcg].reclaims += 1
        m.memcg[memcg].stall_ns += elapsed_ns
    else:
        m.vm[DIRECT_RECLAIMS] += 1
        m.vm[DIRECT_STALL_NS] += elapsed_ns
        sc.pf_flags &= ~PF_MEMALLOC
    log_stall(m, t, STALL_MEMCG if memcg else STALL_DIRECT)
    sc.issuer = sc.sc_saved_issuer
    return sc.sc_nr_reclaimed


@njit
def log_stall(m: Any, t: Any, kind: Any) -> Any:
    """Append the stall under way to ``m.stall``."""
    sc = m.task[t]
    clock = m.clock
    if kind == STALL_BALANCE_DIRTY:
        m.vm[BALANCE_DIRTY_NS] += clock[NOW] - sc.stall_begin_ns
    row = clock[NR_STALL]
    if row >= m.stall.shape[0]:
        clock[STALL_LOST] += 1
        return
    clock[NR_STALL] = row + 1
    record = m.stall[row]
    record.t_begin_ns = sc.stall_begin_ns
    record.t_end_ns = clock[NOW]
    record.task = t
    record.kind = kind
    record.order = sc.sc_order if kind == STALL_DIRECT else 0
    record.nr_written = sc.stall_written
    record.congestion_wait_ns = sc.stall_cw_ns
    record.writepage_ns = sc.stall_wp_ns
    record.page_wait_ns = sc.stall_wait_ns
    record.memcg = sc.memcg
    if kind == STALL_BALANCE_DIRTY:
        record.priority = -1
        record.nr_scanned = 0
        record.nr_reclaimed = 0
        record.nr_dirty = 0
        record.pause_ns = sc.stall_pause_ns
        return
    record.priority = max(sc.sc_priority, 0)
    record.nr_scanned = sc.sc_total_scanned
    record.nr_reclaimed = sc.sc_nr_reclaimed
    record.nr_dirty = sc.stall_dirty_met
    record.pause_ns = 0


@njit
def _shrink_zones(m: Any, t: Any) -> Any:
    """Every zone of the zonelist, highest first, from task.sc_zone on."""
    sc = m.task[t]
    while sc.sc_zone >= 0:
        zone = m.zone[sc.sc_zone]
        skip = zone.present_pages == 0
        if sc.sc_memcg == 0 and zone.all_unreclaimable and sc.sc_priority != DEF_PRIORITY:
            skip = True
        # What was begun is brought to its end: it may hold isolated pages.
        if sc.sc_zone_step != ZONE_BEGIN or not skip:
            stop = shrink_zone(m, t, sc.sc_zone)
            if stop != DONE:
                return stop
        sc.sc_zone -= 1
    return DONE


@njit
def do_try_to_free_pages(m: Any, t: Any) -> Any:
    """From DEF_PRIORITY down until SWAP_CLUSTER_MAX pages are free; a stop code."""
    sc = m.task[t]
    while sc.sc_priority >= 0:
        if sc.sc_step == STEP_PRIORITY:
            sc.sc_nr_scanned = 0
            sc.sc_zone = m.clock[NR_ZONES] - 1
            sc.sc_step = STEP_ZONES
        if sc.sc_step == STEP_ZONES:
            stop = _shrink_zones(m, t)
            if stop != DONE:
                return stop
            sc.sc_total_scanned += sc.sc_nr_scanned
            if sc.sc_nr_reclaimed >= sc.sc_nr_to_reclaim:
                return DONE
            sc.sc_step = STEP_AFTER
        if sc.sc_step == STEP_AFTER and m.rules[0].reclaim_6_1:
            sc.sc_step = STEP_SLEPT
            stop = consider_reclaim_throttle(m, t)
            if stop != DONE:
                return stop
        if sc.sc_step == STEP_AFTER:
            if sc.sc_total_scanned > WRITEBACK_THRESHOLD:
                kick_flusher(m, sc.sc_memcg, sc.sc_total_scanned)
            sc.sc_step = STEP_SLEPT
            if sc.sc_nr_scanned > 0 and sc.sc_priority < DEF_PRIORITY - 2:
                if congestion_wait_sleeps(m, t, preferred_zone(m)):
                    return WANT_CONGESTION_WAIT
        sc.sc_step = STEP_PRIORITY
        sc.sc_priority -= 1
        if m.clock[NOW] >= m.clock[LIMIT] and sc.sc_priority >= 0:
            return BUDGET_SPENT
    return DONE


@njit
def all_unreclaimable(m: Any) -> Any:
    """No zone has been scanned less than six times over since a page was freed there."""
    for z in range(m.clock[NR_ZONES]):
        zone = m.zone[z]
        if zone.present_pages and zone.pages_scanned < zone_reclaimable_pages(m, z) * 6:
            return False
    return True
