"""Reclaim as Linux 6.1 does it (mm/vmscan.c of 6.1.176): the rule ``reclaim_6_1``.

Nothing here waits for congestion. Dirty file pages that reclaim meets are activated and marked to
be rotated when the flusher has cleaned them; a batch of nothing else wakes the flusher; who makes
too little of it sleeps in ``reclaim_throttle`` for one of four reasons. In a container of cgroup
v1, which has no dirty limit, reclaim waits for pages under writeback that it has met before; in one
of 6.1's cgroup v2 (rule ``cgroup2``) dirtiers are throttled instead.

# Differs from 6.1: the lists are those of zones, not of the node, so no page of another zone is
# skipped; scans are not cut to the proportion of the lists; 6.1's refaults are not looked for.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.fs.fs_writeback import wakeup_flusher_threads
from sim.machine.machine import (
    KSWAPD_FAILURES,
    NR_ISOLATED_THROTTLED,
    NR_NOPROGRESS_THROTTLED,
    NR_ZONES,
    WAKE_THROTTLED_ISOLATED,
    WAKE_THROTTLED_NOPROGRESS,
)
from sim.machine.page import PG_dirty, PG_reclaim, PG_skipped, PG_writeback
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.task import (
    DONE,
    THROTTLE_CONGESTED,
    THROTTLE_ISOLATED,
    THROTTLE_NOPROGRESS,
    THROTTLE_WRITEBACK,
    WANT_RECLAIM_THROTTLE,
)
from sim.machine.vmstat import (
    DIRTY_SKIPPED,
    NR_FILE_DIRTY,
    NR_VMSCAN_IMMEDIATE,
    NR_WRITEBACK,
)
from sim.machine.wake import wake_up
from sim.machine.zone import WMARK_HIGH
from sim.mm.free import zone_watermark_ok
from sim.mm.scan_control import PAGE_ACTIVATE, PAGE_WAIT, SWAP_CLUSTER_MAX

MAX_RECLAIM_RETRIES = 16


# ---- one page


@njit
def count_page(sc: Any, flags: Any) -> None:
    """folio_check_dirty_writeback of 6.1, and what the batch is judged by."""
    dirty = flags & PG_dirty
    writeback = flags & PG_writeback
    if dirty or writeback:
        sc.sc_nr_dirty += 1
    if dirty and not writeback:
        sc.sc_nr_unqueued += 1
    if writeback and flags & PG_reclaim:
        sc.sc_nr_congested += 1


@njit
def page_under_writeback(m: Any, t: Any, pfn: Any) -> Any:
    """PAGE_ACTIVATE, or PAGE_WAIT: a container of cgroup v1 meets it for the second time."""
    sc = m.task[t]
    page = m.page[pfn]
    seen = page.page_flags & PG_reclaim
    if sc.issuer == ISSUER_KSWAPD and seen and m.zone[page.zone].tail_writeback:
        sc.sc_nr_immediate += 1
        return PAGE_ACTIVATE
    if _sane(m, sc) or not seen:
        page.page_flags |= PG_reclaim
        sc.sc_nr_writeback += 1
        return PAGE_ACTIVATE
    return PAGE_WAIT


@njit
def leaves_dirty(m: Any, t: Any, pfn: Any) -> Any:
    """Is the dirty file page left to the flusher? All but kswapd's, at a tail of dirty pages."""
    sc = m.task[t]
    page = m.page[pfn]
    seen = page.page_flags & PG_reclaim
    if sc.issuer == ISSUER_KSWAPD and seen and m.zone[page.zone].tail_dirty:
        return False
    m.vm[NR_VMSCAN_IMMEDIATE] += 1
    m.vm[DIRTY_SKIPPED] += 1
    page.page_flags |= PG_reclaim | PG_skipped
    return True


@njit
def _sane(m: Any, sc: Any) -> Any:
    """writeback_throttling_sane: not reclaim of a container of cgroup v1."""
    return sc.issuer != ISSUER_MEMCG or m.rules[0].cgroup2 != 0


# ---- one batch, one zone


@njit
def throttle(m: Any, t: Any, reason: Any) -> Any:
    """reclaim_throttle: the stop code that sleeps."""
    m.task[t].throttle_reason = reason
    return WANT_RECLAIM_THROTTLE


@njit
def after_batch(m: Any, t: Any) -> Any:
    """End of shrink_inactive_list: wake the flusher if it knows of none of the pages; a stop code.

    # Differs from 6.1: a flusher that has a work for all dirty pages before it gets no second one;
    # there it is a bit.
    """
    sc = m.task[t]
    sc.sc_sum_dirty += sc.sc_nr_dirty
    sc.sc_sum_congested += sc.sc_nr_congested
    sc.sc_sum_unqueued += sc.sc_nr_unqueued
    sc.sc_sum_writeback += sc.sc_nr_writeback
    sc.sc_sum_immediate += sc.sc_nr_immediate
    sc.sc_sum_taken += sc.sc_list_taken
    sc.sc_sum_file_taken += sc.sc_list_file
    sc.sc_stalled = 0
    if sc.sc_nr_unqueued != sc.sc_list_taken:
        return DONE
    if m.fs[0].nr_works == 0:
        wakeup_flusher_threads(m, 0)
    if _sane(m, sc):
        return DONE
    return throttle(m, t, THROTTLE_WRITEBACK)


@njit
def begin_node(sc: Any) -> None:
    """The sums that ``after_node`` judges by."""
    sc.sc_sum_dirty = 0
    sc.sc_sum_congested = 0
    sc.sc_sum_unqueued = 0
    sc.sc_sum_writeback = 0
    sc.sc_sum_immediate = 0
    sc.sc_sum_taken = 0
    sc.sc_sum_file_taken = 0
    sc.sc_stalled = 0


@njit
def after_node(m: Any, t: Any, z: Any) -> Any:
    """End of shrink_node: what kswapd found at the tail, and who is throttled; a stop code."""
    sc = m.task[t]
    zone = m.zone[z]
    congested = sc.sc_sum_dirty and sc.sc_sum_dirty == sc.sc_sum_congested
    if sc.issuer == ISSUER_KSWAPD:
        if sc.sc_sum_writeback and sc.sc_sum_writeback == sc.sc_sum_taken:
            zone.tail_writeback = 1
        if sc.sc_sum_unqueued == sc.sc_sum_file_taken:
            zone.tail_dirty = 1
        if congested:
            zone.congested = 1
        if sc.sc_sum_immediate:
            return throttle(m, t, THROTTLE_WRITEBACK)
        return DONE
    if sc.issuer == ISSUER_MEMCG:
        memcg = m.memcg[sc.sc_memcg]
        if _sane(m, sc) and congested:
            memcg.congested = 1
        if not memcg.congested:
            return DONE
    elif not zone.congested:
        return DONE
    if skip_throttle_noprogress(m):
        return DONE
    return throttle(m, t, THROTTLE_CONGESTED)


@njit
def skip_throttle_noprogress(m: Any) -> Any:
    """Nothing would be gained by waiting: few pages are dirty, or kswapd has given up."""
    if m.clock[KSWAPD_FAILURES] >= MAX_RECLAIM_RETRIES:
        return True
    reclaimable = 0
    for z in range(m.clock[NR_ZONES]):
        nr = m.lru[z].nr
        reclaimable += nr[0] + nr[1] + nr[2] + nr[3]
    return 2 * (m.vm[NR_FILE_DIRTY] + m.vm[NR_WRITEBACK]) <= reclaimable


@njit
def isolated_throttle(m: Any, t: Any, too_many: Any) -> Any:
    """too_many_isolated: sleep once, then leave the list; (a stop code, whether to leave)."""
    sc = m.task[t]
    if not too_many:
        if m.clock[NR_ISOLATED_THROTTLED]:
            wake_up(m, WAKE_THROTTLED_ISOLATED)
        return DONE, False
    if sc.sc_stalled:
        return DONE, True
    sc.sc_stalled = 1
    return throttle(m, t, THROTTLE_ISOLATED), False


@njit
def consider_reclaim_throttle(m: Any, t: Any) -> Any:
    """After a round of a reclaimer: wake who waits for progress, or wait; a stop code."""
    sc = m.task[t]
    if sc.sc_nr_reclaimed > sc.sc_nr_scanned >> 3:
        if m.clock[NR_NOPROGRESS_THROTTLED]:
            wake_up(m, WAKE_THROTTLED_NOPROGRESS)
        return DONE
    if sc.issuer != ISSUER_DIRECT or sc.sc_priority != 1 or sc.sc_nr_reclaimed:
        return DONE
    if skip_throttle_noprogress(m):
        return DONE
    return throttle(m, t, THROTTLE_NOPROGRESS)


# ---- kswapd


@njit
def pgdat_balanced(m: Any, order: Any) -> Any:
    """Has any zone its high watermark for an allocation that may take every zone?"""
    for z in range(m.clock[NR_ZONES]):
        zone = m.zone[z]
        if zone.present_pages and zone_watermark_ok(
            m, z, order, zone.watermark[WMARK_HIGH], m.clock[NR_ZONES] - 1
        ):
            return True
    return False


@njit
def clear_tail(m: Any) -> None:
    """clear_pgdat_congested: the node is balanced."""
    for z in range(m.clock[NR_ZONES]):
        m.zone[z].congested = 0
        m.zone[z].tail_dirty = 0
        m.zone[z].tail_writeback = 0


@njit
def kswapd_target(m: Any) -> Any:
    """Pages that a round of kswapd is to reclaim."""
    pages = 0
    for z in range(m.clock[NR_ZONES]):
        if m.zone[z].present_pages:
            pages += max(m.zone[z].watermark[WMARK_HIGH], SWAP_CLUSTER_MAX)
    return pages


@njit
def end_round(m: Any, t: Any) -> Any:
    """A round of kswapd is over: the next priority, or (False) balance_pgdat is."""
    sc = m.task[t]
    enough = sc.sc_nr_scanned >= sc.sc_nr_to_reclaim
    if not enough or sc.sc_nr_reclaimed == sc.sc_before_round:
        sc.sc_priority -= 1
    if sc.sc_priority >= 1:
        return True
    if sc.sc_nr_reclaimed == 0:
        m.clock[KSWAPD_FAILURES] += 1
    return False
