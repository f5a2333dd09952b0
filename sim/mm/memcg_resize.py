"""Writing memory.limit_in_bytes while tasks run: mem_cgroup_resize_limit (memcontrol.c of 2.6.35).

The writer reclaims in its own context until usage fits under the new limit, which is set only then;
rounds that leave usage no smaller are counted, and MEM_CGROUP_RECLAIM_RETRIES of them for the group
and each below it end in EBUSY. A higher limit is set at once. OOM is never entered from here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.engine.jit import njit
from sim.machine.system import System
from sim.machine.task import DONE
from sim.mm.memcg_hierarchy import begin_hierarchical_reclaim, mem_cgroup_hierarchical_reclaim
from sim.mm.memcontrol import CHARGE_RECLAIM, CHARGE_TRY, MEM_CGROUP_RECLAIM_RETRIES

Steps = Generator[Any, bool | None, bool]


@njit
def shrink_mem_cgroup(m: Any, t: Any, g: Any) -> Any:
    """One mem_cgroup_hierarchical_reclaim(MEM_CGROUP_RECLAIM_SHRINK); a stop code."""
    sc = m.task[t]
    if sc.charge_step != CHARGE_RECLAIM:
        begin_hierarchical_reclaim(m, t, g)
        sc.charge_step = CHARGE_RECLAIM
    stop = mem_cgroup_hierarchical_reclaim(m, t, True)
    if stop != DONE:
        return stop
    sc.charge_step = CHARGE_TRY
    return DONE


def _charged_pages(memcg: Any) -> int:
    return int(memcg.usage + memcg.stock + memcg.child_stock)


def _count_children(s: System, g: int) -> int:
    """mem_cgroup_count_children: the memcg and those below it."""
    parent = s.arrays.memcg["parent"]
    found = {g}
    for each in range(g + 1, len(parent)):
        if int(parent[each]) in found:
            found.add(each)
    return len(found)


def mem_cgroup_resize_limit(s: System, t: int, g: int, limit: int) -> Steps:
    """Sleeps. Set the limit of memcg ``g``, in pages; False for EBUSY."""
    memcg = s.arrays.memcg[g]
    retries = MEM_CGROUP_RECLAIM_RETRIES * _count_children(s, g)
    old_usage = _charged_pages(memcg)
    while retries:
        if _charged_pages(memcg) <= limit:
            memcg.limit = limit
            return True
        while (stop := shrink_mem_cgroup(s.m, t, g)) != DONE:
            yield from s.wait(t, stop)
        usage = _charged_pages(memcg)
        if usage >= old_usage:
            retries -= 1
        else:
            old_usage = usage
    return False
