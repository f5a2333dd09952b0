"""Reclaim on behalf of a memcg with others below it (memcontrol.c of 2.6.35).

``mem_cgroup_hierarchical_reclaim`` goes round the memcg and those below it by css id, from where it
stopped the last time, and gives up when it comes to the memcg itself for the second time. Whoever
charged the page does the work, in whosever lists that takes it. kswapd, before it looks at a zone,
takes pages of the memcg that is furthest over its soft limit, in the same round, at priority 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import LIMIT, NOW, NR_MEMCGS
from sim.machine.task import BUDGET_SPENT, DONE
from sim.machine.vmstat import (
    MEMCG_RECLAIMS_OF_OTHERS,
    SOFT_LIMIT_RECLAIMED,
    SOFT_LIMIT_RECLAIMS,
    SOFT_LIMIT_SCANNED,
)
from sim.mm.res_counter import (
    charged_pages,
    drain_all_stock,
    insert_exceeded,
    is_under,
    largest_soft_limit_node,
    remove_exceeded,
    soft_limit_excess,
)
from sim.mm.scan_control import ZONE_BEGIN
from sim.mm.vmscan_direct import begin_reclaim, do_try_to_free_pages, end_reclaim
from sim.mm.vmscan_lists import shrink_zone

MEM_CGROUP_MAX_RECLAIM_LOOPS = 100
MEM_CGROUP_MAX_SOFT_LIMIT_RECLAIM_LOOPS = 2

SOFT_NONE = 0
SOFT_PICK = 1
SOFT_SHRINK = 2


@njit
def mem_cgroup_select_victim(m: Any, root: Any) -> Any:
    """The next of ``root`` and those below it, round robin by css id."""
    memcg = m.memcg[root]
    if not memcg.use_hierarchy:
        return np.int64(root)
    while True:
        for g in range(memcg.last_scanned_child + 1, m.clock[NR_MEMCGS]):
            if is_under(m, g, root):
                memcg.last_scanned_child = g
                return np.int64(g)
        memcg.last_scanned_child = 0


@njit
def has_local_usage(memcg: Any) -> Any:
    """Does it have pages of its own?"""
    return memcg.nr_file + memcg.nr_anon > 0


@njit
def begin_hierarchical_reclaim(m: Any, t: Any, root: Any) -> None:
    """Reclaim below ``root`` begins."""
    task = m.task[t]
    task.hr_root = root
    task.hr_loop = 0
    task.hr_total = 0
    task.hr_victim = 0


@njit
def mem_cgroup_hierarchical_reclaim(m: Any, t: Any, shrink: Any) -> Any:
    """Until task.hr_root is below its limit, or (``shrink``) one victim long; a stop code.

    ``task.hr_total`` is the pages reclaimed, and one more when it is below its limit.

    # Differs from 2.6.35: the stock of a memcg outside any hierarchy is not drained on the way.
    """
    task = m.task[t]
    root = np.int64(task.hr_root)
    while True:
        if task.hr_victim == 0:
            victim = mem_cgroup_select_victim(m, root)
            if victim == root:
                task.hr_loop += 1
                if shrink or m.memcg[root].use_hierarchy:
                    drain_all_stock(m, root)
                if task.hr_loop >= 2:
                    return DONE
            if not has_local_usage(m.memcg[victim]):
                continue
            task.hr_victim = victim
            if victim != task.memcg and task.memcg:
                m.vm[MEMCG_RECLAIMS_OF_OTHERS] += 1
            begin_reclaim(m, t, victim, 0)
        stop = do_try_to_free_pages(m, t)
        if stop != DONE:
            return stop
        task.hr_total += end_reclaim(m, t)
        task.hr_victim = 0
        if shrink:
            return DONE
        if charged_pages(m.memcg[root]) < m.memcg[root].limit:
            task.hr_total += 1
            return DONE
        if m.memcg[root].use_hierarchy and m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def _shrink_one_above_soft_limit(m: Any, t: Any, z: Any) -> Any:
    """mem_cgroup_hierarchical_reclaim(MEM_CGROUP_RECLAIM_SOFT) of task.hr_root; a stop code."""
    sc = m.task[t]
    root = np.int64(sc.hr_root)
    while True:
        if sc.hr_victim == 0:
            victim = mem_cgroup_select_victim(m, root)
            if victim == root:
                sc.hr_loop += 1
                drain_all_stock(m, root)
                if sc.hr_loop >= 2:
                    enough = sc.hr_total == 0 or sc.hr_total >= sc.hr_excess >> 2
                    if enough or sc.hr_loop > MEM_CGROUP_MAX_RECLAIM_LOOPS:
                        return DONE
            if not has_local_usage(m.memcg[victim]):
                continue
            sc.hr_victim = victim
            _begin_shrink_node_zone(m, t, victim)
        stop = shrink_zone(m, t, z)
        if stop != DONE:
            return stop
        sc.hr_total += sc.sc_nr_reclaimed
        sc.hr_victim = 0
        m.vm[SOFT_LIMIT_RECLAIMED] += sc.sc_nr_reclaimed
        m.vm[SOFT_LIMIT_SCANNED] += sc.sc_nr_scanned
        if charged_pages(m.memcg[root]) < m.memcg[root].soft_limit:
            return DONE
        if m.clock[NOW] >= m.clock[LIMIT]:
            return BUDGET_SPENT


@njit
def _begin_shrink_node_zone(m: Any, t: Any, victim: Any) -> None:
    """mem_cgroup_shrink_node_zone: one batch of each list, at priority 0."""
    sc = m.task[t]
    sc.sc_memcg = victim
    sc.sc_priority = 0
    sc.sc_nr_to_reclaim = 0
    sc.sc_nr_reclaimed = 0
    sc.sc_nr_scanned = 0
    sc.sc_zone_step = ZONE_BEGIN


@njit
def mem_cgroup_soft_limit_reclaim(m: Any, t: Any, z: Any) -> Any:
    """kswapd, before it shrinks zone ``z``: from whoever is most over its soft limit; a stop code.

    The scan_control of balance_pgdat is left as it was.
    """
    sc = m.task[t]
    if sc.soft_step == SOFT_NONE:
        if sc.sc_order > 0 or m.zone[z].nr_soft_exceeded == 0:
            return DONE
        sc.soft_priority = sc.sc_priority
        sc.soft_nr_scanned = sc.sc_nr_scanned
        sc.soft_nr_reclaimed = sc.sc_nr_reclaimed
        sc.soft_nr_to_reclaim = sc.sc_nr_to_reclaim
        sc.soft_next = 0
        sc.soft_loop = 0
        sc.soft_total = 0
        sc.soft_step = SOFT_PICK
    while True:
        if sc.soft_step == SOFT_PICK:
            g = np.int64(sc.soft_next)
            if g == 0:
                g = np.int64(largest_soft_limit_node(m, z))
            if g == 0:
                break
            begin_hierarchical_reclaim(m, t, g)
            sc.hr_excess = soft_limit_excess(m.memcg[g])
            m.vm[SOFT_LIMIT_RECLAIMS] += 1
            sc.soft_step = SOFT_SHRINK
        stop = _shrink_one_above_soft_limit(m, t, z)
        if stop != DONE:
            return stop
        sc.soft_step = SOFT_PICK
        sc.soft_total += sc.hr_total
        g = np.int64(sc.hr_root)
        sc.soft_next = 0
        if sc.hr_total == 0:
            sc.soft_next = largest_soft_limit_node(m, z)
            if sc.soft_next == g:
                sc.soft_next = largest_soft_limit_node(m, z)
        remove_exceeded(m, g, z)
        insert_exceeded(m, g, z)
        sc.soft_loop += 1
        if sc.soft_total or sc.soft_next == 0:
            break
        if sc.soft_loop > MEM_CGROUP_MAX_SOFT_LIMIT_RECLAIM_LOOPS:
            break
    sc.sc_memcg = 0
    sc.sc_priority = sc.soft_priority
    sc.sc_nr_scanned = sc.soft_nr_scanned
    sc.sc_nr_reclaimed = sc.soft_nr_reclaimed
    sc.sc_nr_to_reclaim = sc.soft_nr_to_reclaim
    sc.sc_zone_step = ZONE_BEGIN
    sc.soft_step = SOFT_NONE
    return DONE
