"""How a task sleeps for what a kernel's stop code says, and what it accounts when it goes on.

The queues it may sleep in are numbers, the kernel's names beside them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.clock import NOW, SLEEP_CAUSE, SLEEP_UNTIL_NS, SLEEP_WAITQ
from sim.engine.jit import njit
from sim.engine.records import NEVER
from sim.machine.filesystem import BUFFER_READING
from sim.machine.machine import (
    JIFFY_NS,
    NR_RECLAIM_START,
    NR_THROTTLED_WRITTEN,
    NR_WRITEBACK_THROTTLED,
)
from sim.machine.page import PG_buffers_locked, PG_locked, PG_waiters, PG_writeback
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.task import (
    THROTTLE_CONGESTED,
    THROTTLE_ISOLATED,
    THROTTLE_NOPROGRESS,
    THROTTLE_WRITEBACK,
    WANT_ALLOC_RETRY_WAIT,
    WANT_BUFFER,
    WANT_COMMIT,
    WANT_CONGESTION_WAIT,
    WANT_DIRECTORY,
    WANT_ISOLATED_WAIT,
    WANT_JOURNAL,
    WANT_METADATA,
    WANT_PAGE_READ,
    WANT_PAGE_WRITEBACK,
    WANT_PAUSE,
    WANT_RECLAIM_THROTTLE,
    WANT_REQUEST_ASYNC,
    WANT_REQUEST_SYNC,
    WANT_THINK,
    WANT_VM_WRITEOUT_WAIT,
)
from sim.machine.vmstat import (
    DIRECT_CONGESTION_WAIT_NS,
    DIRECT_CONGESTION_WAITS,
    DIRECT_WRITEPAGE_NS,
    KSWAPD_CONGESTION_WAIT_NS,
    KSWAPD_CONGESTION_WAITS,
    KSWAPD_WRITEPAGE_NS,
    MEMCG_CONGESTION_WAIT_NS,
    MEMCG_CONGESTION_WAITS,
    MEMCG_WRITEPAGE_NS,
    RECLAIM_THROTTLE_NS,
    THROTTLED_WRITEBACK,
)
from sim.result import SleepCause
from sim.units import NSEC_PER_SEC

(
    KSWAPD_WAIT,
    FLUSHER_WAIT,
    CONGESTION_ASYNC,  # congestion_wqh[BLK_RW_ASYNC]
    CONGESTION_SYNC,
    REQUEST_ASYNC,  # get_request_wait
    REQUEST_SYNC,
    JOURNAL_WAIT,
    SHADOW_WAIT,  # who needs metadata that a commit is writing to the log, or a handle
    METADATA_WAIT,  # who needs a block that is being read
    DIRECTORY_WAIT,  # i_mutex of the root directory
    COMMIT_WAIT,  # j_wait_done_commit
    THROTTLED_ON_WRITEBACK,  # pgdat->reclaim_wait[] of 6.1; that for congestion is never woken
    THROTTLED_ON_ISOLATED,
    THROTTLED_ON_PROGRESS,
    NR_WAITQS,
) = range(15)
NO_WAITQ = -1

READY, ASLEEP, ASLEEP_UNPLUG, UNKNOWN_STOP = 0, 1, 2, 3
"""What ``begin_wait`` says: no need to sleep; sleep; sleep, and start the disk first."""

# Kernels see plain integers.
_THINK = int(SleepCause.THINK)
_CONGESTION_WAIT = int(SleepCause.CONGESTION_WAIT)
_GET_REQUEST = int(SleepCause.GET_REQUEST)
_PAGE_WRITEBACK = int(SleepCause.PAGE_WRITEBACK)
_PAGE_READ = int(SleepCause.PAGE_READ)
_BALANCE_DIRTY = int(SleepCause.BALANCE_DIRTY)
_TOO_MANY_ISOLATED = int(SleepCause.TOO_MANY_ISOLATED)
_THROTTLE_VM_WRITEOUT = int(SleepCause.THROTTLE_VM_WRITEOUT)
_JOURNAL = int(SleepCause.JOURNAL)
_NO_PROGRESS = int(SleepCause.NO_PROGRESS)


@njit
def jiffies(m: Any, n: Any) -> Any:
    """The time of the n-th tick from now: every timeout ends on a tick (schedule_timeout)."""
    return (m.clock[NOW] // m.clock[JIFFY_NS] + n) * m.clock[JIFFY_NS]


@njit
def hz(m: Any, divisor: Any) -> Any:
    """HZ / divisor in jiffies, at least one."""
    return max(1, NSEC_PER_SEC // m.clock[JIFFY_NS] // divisor)


@njit
def set_sleep(m: Any, cause: Any, waitq: Any, until_ns: Any) -> None:
    """How the stretch of the task that runs ends."""
    m.clock[SLEEP_CAUSE], m.clock[SLEEP_WAITQ], m.clock[SLEEP_UNTIL_NS] = cause, waitq, until_ns


@njit
def begin_wait(m: Any, t: Any, stop: Any) -> Any:
    """Sleep as the stop code of a kernel says; READY when what it waits for has come."""
    task = m.task[t]
    said = ASLEEP
    if stop in (WANT_PAGE_WRITEBACK, WANT_PAGE_READ, WANT_BUFFER):
        page = m.page[task.wait_pfn]
        bit, cause = PG_locked, _PAGE_READ
        if stop == WANT_PAGE_WRITEBACK:
            bit, cause = PG_writeback, _PAGE_WRITEBACK
        elif stop == WANT_BUFFER:
            bit, cause = PG_buffers_locked, _JOURNAL
        if not page.page_flags & bit:
            task.wait_pfn = -1
            return READY
        page.page_flags |= PG_waiters
        set_sleep(m, cause, NO_WAITQ, NEVER)
        said = ASLEEP_UNPLUG  # who waits for a page starts the disk (sync_page)
    elif stop == WANT_REQUEST_ASYNC:
        set_sleep(m, _GET_REQUEST, REQUEST_ASYNC, NEVER)
    elif stop == WANT_REQUEST_SYNC:
        set_sleep(m, _GET_REQUEST, REQUEST_SYNC, NEVER)
    elif stop == WANT_JOURNAL:
        set_sleep(m, _JOURNAL, SHADOW_WAIT, NEVER)
    elif stop == WANT_METADATA:
        if not m.block_used[task.wait_block] & BUFFER_READING:
            return READY
        set_sleep(m, _PAGE_READ, METADATA_WAIT, NEVER)
        said = ASLEEP_UNPLUG  # wait_on_buffer starts the disk (sync_buffer)
    elif stop == WANT_DIRECTORY:
        set_sleep(m, _PAGE_READ, DIRECTORY_WAIT, NEVER)
    elif stop == WANT_COMMIT:
        set_sleep(m, _JOURNAL, COMMIT_WAIT, NEVER)
    elif stop == WANT_CONGESTION_WAIT:
        set_sleep(m, _CONGESTION_WAIT, CONGESTION_ASYNC, jiffies(m, task.timeout_jiffies))
    elif stop == WANT_ISOLATED_WAIT:
        set_sleep(m, _TOO_MANY_ISOLATED, CONGESTION_ASYNC, jiffies(m, hz(m, 10)))
    elif stop == WANT_VM_WRITEOUT_WAIT:
        set_sleep(m, _THROTTLE_VM_WRITEOUT, CONGESTION_ASYNC, jiffies(m, hz(m, 10)))
    elif stop == WANT_ALLOC_RETRY_WAIT:
        set_sleep(m, _NO_PROGRESS, CONGESTION_ASYNC, jiffies(m, hz(m, 50)))
    elif stop == WANT_RECLAIM_THROTTLE:
        _begin_throttle(m, np.int64(task.throttle_reason))
    elif stop == WANT_THINK:
        set_sleep(m, _THINK, NO_WAITQ, task.sleep_until_ns)
    elif stop == WANT_PAUSE:
        set_sleep(m, _BALANCE_DIRTY, NO_WAITQ, jiffies(m, task.timeout_jiffies))
    else:
        return UNKNOWN_STOP
    m.sched[t].wait_stop = stop
    m.sched[t].wait_begin_ns = m.clock[NOW]
    return said


@njit
def _begin_throttle(m: Any, reason: Any) -> None:
    """reclaim_throttle of 6.1: the queue and the longest sleep of each reason."""
    m.vm[THROTTLED_WRITEBACK + reason] += 1
    if reason != THROTTLE_CONGESTED:
        m.clock[NR_WRITEBACK_THROTTLED + reason] += 1
    if reason == THROTTLE_WRITEBACK:
        if m.clock[NR_WRITEBACK_THROTTLED] == 1:
            m.clock[NR_RECLAIM_START] = m.clock[NR_THROTTLED_WRITTEN]
        set_sleep(m, _CONGESTION_WAIT, THROTTLED_ON_WRITEBACK, jiffies(m, hz(m, 10)))
    elif reason == THROTTLE_ISOLATED:
        set_sleep(m, _TOO_MANY_ISOLATED, THROTTLED_ON_ISOLATED, jiffies(m, hz(m, 50)))
    elif reason == THROTTLE_NOPROGRESS:
        set_sleep(m, _NO_PROGRESS, THROTTLED_ON_PROGRESS, jiffies(m, 1))
    else:
        set_sleep(m, _CONGESTION_WAIT, NO_WAITQ, jiffies(m, 1))


@njit
def end_wait(m: Any, t: Any) -> None:
    """The task goes on: its stall's share of the time it was away."""
    stop = m.sched[t].wait_stop
    m.sched[t].wait_stop = 0
    away_ns = m.clock[NOW] - m.sched[t].wait_begin_ns
    if stop in (WANT_PAGE_WRITEBACK, WANT_PAGE_READ):
        m.task[t].stall_wait_ns += away_ns
    elif stop == WANT_RECLAIM_THROTTLE:
        reason = np.int64(m.task[t].throttle_reason)
        if reason != THROTTLE_CONGESTED:
            m.clock[NR_WRITEBACK_THROTTLED + reason] -= 1
        m.vm[RECLAIM_THROTTLE_NS] += away_ns
        account_congestion_wait(m, t, away_ns)
    elif stop in (WANT_REQUEST_ASYNC, WANT_REQUEST_SYNC, WANT_JOURNAL, WANT_BUFFER, WANT_METADATA):
        account_writepage(m, t, away_ns)
    elif stop not in (WANT_THINK, WANT_PAUSE, WANT_COMMIT, WANT_DIRECTORY):
        account_congestion_wait(m, t, away_ns)


@njit
def account_congestion_wait(m: Any, t: Any, away_ns: Any) -> None:
    """A congestion_wait of ``away_ns``, by who waited."""
    issuer = m.task[t].issuer
    m.task[t].stall_cw_ns += away_ns
    if issuer == ISSUER_KSWAPD:
        m.vm[KSWAPD_CONGESTION_WAIT_NS] += away_ns
        m.vm[KSWAPD_CONGESTION_WAITS] += 1
    elif issuer == ISSUER_DIRECT:
        m.vm[DIRECT_CONGESTION_WAIT_NS] += away_ns
        m.vm[DIRECT_CONGESTION_WAITS] += 1
    elif issuer == ISSUER_MEMCG:
        m.vm[MEMCG_CONGESTION_WAIT_NS] += away_ns
        m.vm[MEMCG_CONGESTION_WAITS] += 1


@njit
def account_writepage(m: Any, t: Any, away_ns: Any) -> None:
    """Asleep inside ``->writepage``, by who called it."""
    issuer = m.task[t].issuer
    m.task[t].stall_wp_ns += away_ns
    if issuer == ISSUER_KSWAPD:
        m.vm[KSWAPD_WRITEPAGE_NS] += away_ns
    elif issuer == ISSUER_DIRECT:
        m.vm[DIRECT_WRITEPAGE_NS] += away_ns
    elif issuer == ISSUER_MEMCG:
        m.vm[MEMCG_WRITEPAGE_NS] += away_ns
