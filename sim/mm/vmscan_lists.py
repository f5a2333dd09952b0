"""How much of which list is scanned, and isolating and putting back (vmscan.c; mechanics 2.4-2.6).

Lists are those of ``m.lru[group * MAX_NR_ZONES + zone]``: group 0 for global reclaim, group g for
reclaim on behalf of memcg g.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.cost import COST_ISOLATE
from sim.machine.dirty_limits import update_dirty_limits
from sim.machine.lru import add_page_to_lru_list, del_page_from_lru, page_lru
from sim.machine.machine import LIMIT, NOW, SWAP_PAGES
from sim.machine.page import (
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_DIRTY_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    PG_active,
    PG_isolated,
    PG_mapped,
    PG_swapbacked,
    PG_young,
)
from sim.machine.request import ISSUER_KSWAPD
from sim.machine.sysctl import SWAPPINESS
from sim.machine.task import (
    BUDGET_SPENT,
    DONE,
    WANT_CONGESTION_WAIT,
    WANT_ISOLATED_WAIT,
    WANT_VM_WRITEOUT_WAIT,
)
from sim.machine.tracepoints import EV_LRU_ISOLATE, EV_MEMCG_ISOLATE
from sim.machine.vmstat import (
    CONTIG_DIRTY,
    CONTIG_FAILED,
    CONTIG_TAKEN,
    DIRTY_THRESH_PAGES,
    ISOLATED_KSWAPD,
    NR_ISOLATED_ANON,
    NR_SWAP_USED_PAGES,
    NR_WRITEBACK,
    PGDEACTIVATE,
    PGREFILL,
    PGSCAN_KSWAPD,
    PGSTEAL_KSWAPD,
)
from sim.machine.zone import MAX_NR_ZONES, WMARK_HIGH
from sim.mm.congestion import look_back_on_batch, throttled_on_writeback
from sim.mm.dirty_list import pass_over_dirty_list
from sim.mm.lumpy import (
    begin_sync_pass,
    clear_active_flags,
    count_file_pages,
    isolate_block,
    set_lumpy_reclaim_mode,
)
from sim.mm.scan_control import (
    DEF_PRIORITY,
    ISOLATE_ACTIVE,
    ISOLATE_BOTH,
    ISOLATE_INACTIVE,
    SWAP_CLUSTER_MAX,
    ZONE_BEGIN,
    ZONE_LISTS,
    ZONE_PAGES,
    ZONE_THROTTLE,
    ZONE_THROTTLED,
)
from sim.mm.trace import trace_isolate
from sim.mm.vmscan_6_1 import after_batch, after_node, begin_node, isolated_throttle
from sim.mm.vmscan_pages import begin_page_list, may_write_file, shrink_page_list

NR_EVICTABLE_LISTS = LRU_DIRTY_FILE + 1


@njit
def nr_swap_pages(m: Any) -> Any:
    """Free swap slots."""
    return m.clock[SWAP_PAGES] - m.vm[NR_SWAP_USED_PAGES]


@njit
def inactive_list_is_low(m: Any, group: Any, z: Any, file: Any) -> Any:
    """Should the active list be shrunk first?"""
    lists = m.lru[group * MAX_NR_ZONES + z]
    if file:
        return lists.nr[LRU_ACTIVE_FILE] > lists.nr[LRU_INACTIVE_FILE]
    ratio = m.zone[z].inactive_ratio
    return lists.nr[LRU_INACTIVE_ANON] * ratio < lists.nr[LRU_ACTIVE_ANON]


@njit
def nr_scan_try_batch(lists: Any, lru: Any, nr: Any) -> Any:
    """Save small amounts up until a batch of SWAP_CLUSTER_MAX is due."""
    lists.nr_saved_scan[lru] += nr
    saved = lists.nr_saved_scan[lru]
    if saved >= SWAP_CLUSTER_MAX:
        lists.nr_saved_scan[lru] = 0
        return saved
    return 0


@njit
def get_scan_count(m: Any, t: Any, z: Any) -> Any:
    """Pages to scan of each list, into task.sc_nr_*, from size, priority and past success."""
    sc = m.task[t]
    lists = m.lru[sc.sc_memcg * MAX_NR_ZONES + z]
    zone = m.zone[z]
    anon = lists.nr[LRU_ACTIVE_ANON] + lists.nr[LRU_INACTIVE_ANON]
    file = lists.nr[LRU_ACTIVE_FILE] + lists.nr[LRU_INACTIVE_FILE] + lists.nr[LRU_DIRTY_FILE]
    noswap = not sc.sc_may_swap or nr_swap_pages(m) <= 0
    if noswap:
        ap, fp, denominator = 0, 1, 1
    elif sc.sc_memcg == 0 and file + zone.nr_free <= zone.watermark[WMARK_HIGH]:
        ap, fp, denominator = 1, 0, 1
    else:
        for i in range(2):
            if lists.recent_scanned[i] > (anon if i == 0 else file) // 4:
                lists.recent_scanned[i] //= 2
                lists.recent_rotated[i] //= 2
        swappiness = m.sysctl[SWAPPINESS]
        ap = (swappiness + 1) * (lists.recent_scanned[0] + 1) // (lists.recent_rotated[0] + 1)
        fp = (201 - swappiness) * (lists.recent_scanned[1] + 1) // (lists.recent_rotated[1] + 1)
        denominator = ap + fp + 1
    priority = sc.sc_priority
    small = (anon + file) >> priority < SWAP_CLUSTER_MAX
    forced = small and (sc.issuer == ISSUER_KSWAPD or sc.sc_memcg != 0)
    for lru in range(NR_EVICTABLE_LISTS):
        scan = lists.nr[lru]
        if priority > 0 or noswap:
            scan = (scan >> priority) * (ap if lru < LRU_INACTIVE_FILE else fp) // denominator
        if m.rules[0].reclaim_6_1:
            nr = scan
        elif m.rules[0].scan_small_targets:
            nr = scan
            if nr == 0 and forced and (lru >= LRU_INACTIVE_FILE or not noswap):
                nr = np.int64(SWAP_CLUSTER_MAX)
        else:
            nr = nr_scan_try_batch(lists, lru, scan)
        if lru == LRU_INACTIVE_ANON:
            sc.sc_nr_inactive_anon = nr
        elif lru == LRU_ACTIVE_ANON:
            sc.sc_nr_active_anon = nr
        elif lru == LRU_INACTIVE_FILE:
            sc.sc_nr_inactive_file = nr
        elif lru == LRU_ACTIVE_FILE:
            sc.sc_nr_active_file = nr
        elif may_write_file(m, sc.issuer, priority):
            sc.sc_nr_dirty_list = nr
        else:
            sc.sc_nr_dirty_list = 0
            pass_over_dirty_list(m, t, z, nr)


@njit
def _isolate(m: Any, t: Any, z: Any, lru: Any, nr: Any) -> Any:
    """Take up to ``nr`` pages off the old end of a list into ``m.page_list[t]``."""
    sc = m.task[t]
    group = sc.sc_memcg
    lists = m.lru[group * MAX_NR_ZONES + z]
    page = m.page
    mode = ISOLATE_ACTIVE if lru & 1 else ISOLATE_INACTIVE
    if sc.sc_lumpy and mode == ISOLATE_INACTIVE:
        mode = ISOLATE_BOTH
    contig = m.vm[CONTIG_TAKEN], m.vm[CONTIG_DIRTY], m.vm[CONTIG_FAILED]
    taken = 0
    while taken < nr:
        pfn = lists.tail[lru]
        if pfn < 0:
            break
        del_page_from_lru(m, pfn)
        page[pfn].page_flags |= PG_isolated
        m.page_list[t, taken] = pfn
        taken += 1
        if sc.sc_order:
            taken = isolate_block(m, t, np.int64(pfn), mode, taken)
    files = taken if lru >= LRU_INACTIVE_FILE else 0
    if mode == ISOLATE_BOTH:
        files = count_file_pages(m, t, taken)
        clear_active_flags(m, t, taken)
    sc.sc_list_file = files
    _count_isolated(m, z, taken - files, files)
    lists.recent_scanned[0] += taken - files
    lists.recent_scanned[1] += files
    m.vm[ISOLATED_KSWAPD + sc.issuer] += taken
    event = EV_LRU_ISOLATE if group == 0 else EV_MEMCG_ISOLATE
    trace_isolate(m, t, event, mode, nr, taken, contig)
    m.clock[NOW] += m.cost[COST_ISOLATE] * taken
    return taken


@njit
def _count_isolated(m: Any, z: Any, anon: Any, files: Any) -> None:
    m.zone[z].nr_isolated[0] += anon
    m.zone[z].nr_isolated[1] += files
    m.vm[NR_ISOLATED_ANON] += anon
    m.vm[NR_ISOLATED_ANON + 1] += files


@njit
def _putback(m: Any, t: Any, z: Any, kept: Any) -> Any:
    """Pages that stay go to the young end of the list that their flags name."""
    sc = m.task[t]
    lists = m.lru[sc.sc_memcg * MAX_NR_ZONES + z]
    page = m.page
    for i in range(kept):
        pfn = np.int64(m.page_list[t, i])
        page[pfn].page_flags &= ~PG_isolated
        if page[pfn].page_flags & PG_active:
            lists.recent_rotated[0 if page[pfn].page_flags & PG_swapbacked else 1] += 1
        add_page_to_lru_list(m, pfn, page_lru(page[pfn].page_flags))


@njit
def shrink_active_list(m: Any, t: Any, z: Any, lru: Any, nr: Any) -> Any:
    """Move the old end of an active list to its inactive list; what was just used counts."""
    sc = m.task[t]
    page = m.page
    taken = _isolate(m, t, z, lru, nr)
    file = 1 if lru >= LRU_INACTIVE_FILE else 0
    lists = m.lru[sc.sc_memcg * MAX_NR_ZONES + z]
    for i in range(taken):
        pfn = np.int64(m.page_list[t, i])
        flags = page[pfn].page_flags
        if flags & PG_mapped and flags & PG_young:
            lists.recent_rotated[file] += 1
        # Differs from 2.6.35: no executable mappings, whose pages alone would stay active.
        page[pfn].page_flags = flags & ~(PG_isolated | PG_active | PG_young)
        add_page_to_lru_list(m, pfn, lru - 1)
    _count_isolated(m, z, sc.sc_list_file - taken, -sc.sc_list_file)
    m.vm[PGREFILL] += taken
    m.vm[PGDEACTIVATE] += taken
    if sc.sc_memcg == 0:
        m.zone[z].pages_scanned += taken


@njit
def _too_many_isolated(m: Any, t: Any, z: Any, file: Any) -> Any:
    sc = m.task[t]
    if sc.issuer == ISSUER_KSWAPD or sc.sc_memcg != 0:
        return False
    inactive = m.lru[z].nr[LRU_INACTIVE_FILE if file else LRU_INACTIVE_ANON]
    return m.zone[z].nr_isolated[file] > inactive


@njit
def _begin_inactive(m: Any, t: Any, z: Any, lru: Any, nr: Any) -> Any:
    """Isolate for shrink_inactive_list; False when nothing was there."""
    sc = m.task[t]
    taken = _isolate(m, t, z, lru, nr)
    if sc.sc_memcg == 0:
        m.zone[z].pages_scanned += taken
    m.vm[PGSCAN_KSWAPD + sc.issuer] += taken
    if sc.sc_memcg > 0:
        m.memcg[sc.sc_memcg].pgscan += taken
    begin_page_list(m, t, taken)
    sc.sc_lru = lru
    return taken > 0


@njit
def _end_inactive(m: Any, t: Any, z: Any) -> Any:
    sc = m.task[t]
    m.vm[PGSTEAL_KSWAPD + sc.issuer] += sc.sc_list_freed
    if sc.sc_memcg > 0:
        m.memcg[sc.sc_memcg].pgsteal += sc.sc_list_freed
    _putback(m, t, z, sc.sc_list_kept)
    _count_isolated(m, z, sc.sc_list_file - sc.sc_list_taken, -sc.sc_list_file)


@njit
def _left_to_scan(sc: Any, lru: Any) -> Any:
    """min(remaining, 32) of one list's scan count."""
    if lru == LRU_INACTIVE_ANON:
        left = sc.sc_nr_inactive_anon
    elif lru == LRU_ACTIVE_ANON:
        left = sc.sc_nr_active_anon
    elif lru == LRU_INACTIVE_FILE:
        left = sc.sc_nr_inactive_file
    elif lru == LRU_DIRTY_FILE:
        left = sc.sc_nr_dirty_list
    else:
        left = sc.sc_nr_active_file
    return min(left, SWAP_CLUSTER_MAX)


@njit
def _take_share(sc: Any, lru: Any, nr: Any) -> None:
    if lru == LRU_INACTIVE_ANON:
        sc.sc_nr_inactive_anon -= nr
    elif lru == LRU_ACTIVE_ANON:
        sc.sc_nr_active_anon -= nr
    elif lru == LRU_INACTIVE_FILE:
        sc.sc_nr_inactive_file -= nr
    elif lru == LRU_DIRTY_FILE:
        sc.sc_nr_dirty_list -= nr
    else:
        sc.sc_nr_active_file -= nr


@njit
def _shrink_lists(m: Any, t: Any, z: Any) -> Any:
    """The loop of shrink_zone over its lists, from task.sc_lru_next on."""
    sc = m.task[t]
    while True:
        nothing = not (sc.sc_nr_inactive_anon or sc.sc_nr_active_file or sc.sc_nr_inactive_file)
        nothing = nothing and not sc.sc_nr_dirty_list
        if sc.sc_lru_next == 0 and sc.sc_zone_step != ZONE_PAGES and nothing:
            return DONE
        while sc.sc_lru_next < NR_EVICTABLE_LISTS:
            lru = sc.sc_lru_next
            if sc.sc_zone_step == ZONE_PAGES:
                stop = shrink_page_list(m, t)
                if stop != DONE:
                    return stop
                if begin_sync_pass(m, t):
                    return WANT_CONGESTION_WAIT
                look_back_on_batch(m, t, z)
                _end_inactive(m, t, z)
                sc.sc_zone_step = ZONE_LISTS
                sc.sc_lru_next += 1
                if m.rules[0].reclaim_6_1:
                    stop = after_batch(m, t)
                    if stop != DONE:
                        return stop
                elif throttled_on_writeback(m, t, z):
                    return WANT_CONGESTION_WAIT
                continue
            if lru == LRU_DIRTY_FILE and not sc.sc_nr_dirty_list:
                break
            file = 1 if lru >= LRU_INACTIVE_FILE else 0
            nr = _left_to_scan(sc, lru)
            # Asked in shrink_inactive_list, so only for a list that is to be scanned.
            leave = False
            if nr and not lru & 1:
                too_many = _too_many_isolated(m, t, z, file)
                if m.rules[0].reclaim_6_1:
                    stop, leave = isolated_throttle(m, t, too_many)
                    if stop != DONE:
                        return stop
                elif too_many:
                    return WANT_ISOLATED_WAIT
            _take_share(sc, lru, nr)
            if leave:
                sc.sc_lru_next += 1
                continue
            if nr and lru & 1:
                if inactive_list_is_low(m, sc.sc_memcg, z, file):
                    shrink_active_list(m, t, z, lru, nr)
            elif nr and _begin_inactive(m, t, z, lru, nr):
                sc.sc_zone_step = ZONE_PAGES
                continue
            sc.sc_lru_next += 1
        sc.sc_lru_next = 0
        if sc.sc_nr_reclaimed >= sc.sc_nr_to_reclaim and sc.sc_priority < DEF_PRIORITY:
            return DONE
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def shrink_zone(m: Any, t: Any, z: Any) -> Any:
    """One zone at the priority of task.sc_priority; a stop code, to be called again."""
    sc = m.task[t]
    if sc.sc_zone_step == ZONE_BEGIN:
        get_scan_count(m, t, z)
        set_lumpy_reclaim_mode(sc)
        begin_node(sc)
        sc.sc_lru_next = 0
        sc.sc_zone_step = ZONE_LISTS
    if sc.sc_zone_step < ZONE_THROTTLE:
        stop = _shrink_lists(m, t, z)
        if stop != DONE:
            return stop
        if nr_swap_pages(m) > 0 and inactive_list_is_low(m, sc.sc_memcg, z, 0):
            shrink_active_list(m, t, z, LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX)
        sc.sc_zone_step = ZONE_THROTTLE
    if m.rules[0].reclaim_6_1:
        if sc.sc_zone_step == ZONE_THROTTLE:
            sc.sc_zone_step = ZONE_THROTTLED
            stop = after_node(m, t, z)
            if stop != DONE:
                return stop
        sc.sc_zone_step = ZONE_BEGIN
        return DONE
    # throttle_vm_writeout: dirty_thresh plus 10 %
    update_dirty_limits(m)
    if m.vm[NR_WRITEBACK] > m.vm[DIRTY_THRESH_PAGES] * 11 // 10:
        return WANT_VM_WRITEOUT_WAIT
    sc.sc_zone_step = ZONE_BEGIN
    return DONE


@njit
def zone_reclaimable_pages(m: Any, z: Any) -> Any:
    """Pages on the zone's lists that reclaim could take."""
    lists = m.lru[z]
    nr = lists.nr[LRU_ACTIVE_FILE] + lists.nr[LRU_INACTIVE_FILE] + lists.nr[LRU_DIRTY_FILE]
    if nr_swap_pages(m) > 0:
        nr += lists.nr[LRU_ACTIVE_ANON] + lists.nr[LRU_INACTIVE_ANON]
    return nr
