"""How later kernels wait for congestion and for writeback in reclaim.

Of 2.6.37 (commit 0e093d99763e): ``wait_iff_congested`` sleeps only while a queue is congested and
the zone was seen to hold nothing but dirty pages behind it. Of 3.2: a batch with too many pages
under writeback waits, the more patient the more pages were looked at before (commit 92df3a723f84),
and dirty pages that reclaim may not write are marked to be freed as soon as they are clean (commit
49ea7eb65e7c). Of V6 of the June series (2010-07-30, patch 6): a batch with dirty pages wakes the
flusher. Rules say which of these hold; in 2.6.35 none does.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.fs.fs_writeback import wakeup_flusher_threads
from sim.machine.machine import NR_ZONES
from sim.machine.page import LRU_INACTIVE_FILE, PG_reclaim, PG_skipped
from sim.machine.sysctl import HZ
from sim.machine.vmstat import (
    BDI_ASYNC_CONGESTED,
    CONDITIONAL_WAITS,
    DIRTY_SKIPPED,
    NR_VMSCAN_IMMEDIATE,
    WRITEBACK_THROTTLES,
)
from sim.mm.dirty_list import put_on_dirty_list
from sim.mm.scan_control import DEF_PRIORITY, SWAP_CLUSTER_MAX

MAX_WRITEBACK = (4 << 20) >> 12
"""Pages the flusher is asked for at most: 4 MiB."""
WRITEBACK_FACTOR = MAX_WRITEBACK // SWAP_CLUSTER_MAX


@njit
def congestion_wait_sleeps(m: Any, t: Any, z: Any) -> Any:
    """Wait HZ/10 for congestion: always, or by the rule of 2.6.37; sets task.timeout_jiffies."""
    m.task[t].timeout_jiffies = max(m.sysctl[HZ] // 10, 1)
    if not m.rules[0].conditional_wait:
        return True
    return _conditional_wait(m, z)


@njit
def _conditional_wait(m: Any, z: Any) -> Any:
    m.vm[CONDITIONAL_WAITS] += 1
    return m.vm[BDI_ASYNC_CONGESTED] != 0 and m.zone[z].congested != 0


@njit
def preferred_zone(m: Any) -> Any:
    """The zone an allocation tries first."""
    return m.clock[NR_ZONES] - 1


@njit
def leave_for_flusher(m: Any, pfn: Any) -> None:
    """3.2: the dirty page goes back on the list, to be freed when its next writeback ends."""
    m.vm[DIRTY_SKIPPED] += 1
    m.vm[NR_VMSCAN_IMMEDIATE] += 1
    m.page[pfn].page_flags |= PG_skipped | PG_reclaim
    put_on_dirty_list(m, pfn)


@njit
def look_back_on_batch(m: Any, t: Any, z: Any) -> None:
    """After shrink_page_list: tag the zone as congested, wake the flusher."""
    sc = m.task[t]
    rules = m.rules[0]
    if rules.conditional_wait and sc.sc_nr_dirty and sc.sc_nr_dirty == sc.sc_nr_congested:
        m.zone[z].congested = 1
    if rules.kick_flusher and sc.sc_nr_dirty and sc.sc_lru >= LRU_INACTIVE_FILE:
        # As posted: kswapd, which may write, has skipped no page and so asks for all that is dirty.
        wakeup_flusher_threads(m, min(MAX_WRITEBACK, sc.sc_nr_skipped * WRITEBACK_FACTOR))


@njit
def throttled_on_writeback(m: Any, t: Any, z: Any) -> Any:
    """3.2: too much of the batch was under writeback, and the queue is congested."""
    sc = m.task[t]
    if not m.rules[0].throttle_on_writeback or not sc.sc_nr_writeback:
        return False
    if sc.sc_nr_writeback < sc.sc_list_taken >> (DEF_PRIORITY - sc.sc_priority):
        return False
    m.vm[WRITEBACK_THROTTLES] += 1
    m.task[t].timeout_jiffies = max(m.sysctl[HZ] // 10, 1)
    return _conditional_wait(m, z)
