"""kswapd: the task around balance_pgdat, its naps and its pending list of containers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.engine.clock import NOW
from sim.machine.machine import KSWAPD_MAX_ORDER
from sim.machine.system import System
from sim.machine.task import DONE, PF_KSWAPD, PF_MEMALLOC, PF_SWAPWRITE
from sim.machine.tracepoints import EV_KSWAPD_SLEEP, EV_KSWAPD_WAKE
from sim.machine.vmstat import (
    KSWAPD_AWAKE,
    KSWAPD_AWAKE_NS,
    KSWAPD_HIGH_WMARK_HIT_QUICKLY,
    KSWAPD_LOW_WMARK_HIT_QUICKLY,
    KSWAPD_REWAKEUPS,
    KSWAPD_WAKEUPS,
)
from sim.mm.trace import trace
from sim.mm.vmscan_kswapd import (
    balance_pgdat,
    begin_balance_pgdat,
    begin_memcg_balance,
    leave_pending,
    memcg_balance,
    next_pending_memcg,
    sleeping_prematurely,
)
from sim.result import SleepCause

Steps = Generator[Any, bool | None, Any]


def kswapd(s: System, t: int) -> Steps:
    """Sleeps. The kswapd thread (vmscan.c:2277 ff of 2.6.35; mechanics 2.9)."""
    s.tcol["pf_flags"][t] = PF_MEMALLOC | PF_SWAPWRITE | PF_KSWAPD
    order = 0
    while True:
        pending = yield from _serve_containers(s, t)
        asked, s.clock[KSWAPD_MAX_ORDER] = s.clock[KSWAPD_MAX_ORDER], 0
        if order < asked:
            order = asked  # no sleep: somebody wants larger blocks
        else:
            if not pending and not sleeping_prematurely(s.m, order):
                yield from _try_to_sleep(s, t, order)
            order = s.clock[KSWAPD_MAX_ORDER]
        if not s.vm[KSWAPD_AWAKE]:
            s.vm[KSWAPD_AWAKE] = 1
        s.vm[KSWAPD_WAKEUPS if s.kswapd_awake_since_ns < 0 else KSWAPD_REWAKEUPS] += 1
        if s.kswapd_awake_since_ns < 0:
            s.kswapd_awake_since_ns = s.clock[NOW]
        trace(s.m, t, EV_KSWAPD_WAKE, 0, order, 0)
        begin_balance_pgdat(s.m, t, order)
        while (stop := balance_pgdat(s.m, t)) != DONE:
            yield from s.wait(t, stop)


def _try_to_sleep(s: System, t: int, order: int) -> Steps:
    """Sleeps. A nap of HZ/10 first, then for good, if nothing needs kswapd meanwhile."""
    s.vm[KSWAPD_AWAKE] = 0
    woken = yield from s.sleep(s.kswapd_wait, SleepCause.IDLE, s.jiffies(s.hz(10)))
    if woken:
        s.vm[KSWAPD_LOW_WMARK_HIT_QUICKLY] += 1
        return
    if sleeping_prematurely(s.m, order):
        s.vm[KSWAPD_HIGH_WMARK_HIT_QUICKLY] += 1
        return
    if s.kswapd_awake_since_ns >= 0:
        trace(s.m, t, EV_KSWAPD_SLEEP, 0, 0, 0)
        s.vm[KSWAPD_AWAKE_NS] += s.clock[NOW] - s.kswapd_awake_since_ns
        s.kswapd_awake_since_ns = -1
    yield from s.sleep(s.kswapd_wait, SleepCause.IDLE)


def _serve_containers(s: System, t: int) -> Steps:
    """Sleeps. C16: one container of the pending list, when no zone needs kswapd more."""
    g = next_pending_memcg(s.m)
    if not g or sleeping_prematurely(s.m, 0):
        return False
    s.vm[KSWAPD_AWAKE] = 1
    begin_memcg_balance(s.m, t, g)
    while (stop := memcg_balance(s.m, t)) != DONE:
        yield from s.wait(t, stop)
    freed = s.tcol["sc_nr_reclaimed"][t]
    leave_pending(s.m, g)
    if not freed:
        # nothing to be had in there now: do not spin on it
        yield from s.congestion_wait(t, s.hz(10))
    return bool(next_pending_memcg(s.m))
