"""Writing memory.limit_in_bytes while tasks run: mem_cgroup_resize_limit (memcontrol.c of 2.6.35).

The writer reclaims in its own context until usage fits under the new limit, which is set only then;
rounds that leave usage no smaller are counted, and MEM_CGROUP_RECLAIM_RETRIES of them (one group,
no children) end in EBUSY. A higher limit is set at once. OOM is never entered from here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.engine.jit import njit
from sim.machine.system import System
from sim.machine.task import DONE
from sim.mm.memcontrol import CHARGE_RECLAIM, CHARGE_TRY, MEM_CGROUP_RECLAIM_RETRIES
from sim.mm.vmscan_direct import begin_reclaim, do_try_to_free_pages, end_reclaim

Steps = Generator[Any, bool | None, bool]


@njit
def shrink_mem_cgroup(m: Any, t: Any, g: Any) -> Any:
    """One mem_cgroup_hierarchical_reclaim(MEM_CGROUP_RECLAIM_SHRINK); a stop code."""
    sc = m.task[t]
    if sc.charge_step != CHARGE_RECLAIM:
        m.memcg[g].stock = 0  # drain_all_stock_async
        begin_reclaim(m, t, g, 0)
        sc.charge_step = CHARGE_RECLAIM
    stop = do_try_to_free_pages(m, t)
    if stop != DONE:
        return stop
    end_reclaim(m, t)
    sc.charge_step = CHARGE_TRY
    return DONE


def mem_cgroup_resize_limit(s: System, t: int, g: int, limit: int) -> Steps:
    """Sleeps. Set the limit of memcg ``g``, in pages; False for EBUSY."""
    memcg = s.arrays.memcg[g]
    retries = MEM_CGROUP_RECLAIM_RETRIES
    old_usage = int(memcg.usage + memcg.stock)
    while retries:
        if memcg.usage + memcg.stock <= limit:
            memcg.limit = limit
            return True
        while (stop := shrink_mem_cgroup(s.m, t, g)) != DONE:
            yield from s.wait(t, stop)
        usage = int(memcg.usage + memcg.stock)
        if usage >= old_usage:
            retries -= 1
        else:
            old_usage = usage
    return False
