"""The CFQ elevator for one group of best-effort tasks of priority 4 (cfq-iosched.c).

Async writes of all tasks share elevator queue 0; task t's reads and sync writes are in queue
1 + t. Busy queues stand on three service trees (async, sync without idling, sync with idling).
The tree to serve is chosen for a share of the group's slice, then its queue of the smallest key
owns the disk for its own slice. A sync queue that runs empty may keep the disk idle for a moment,
because its task's next request is likely to be near. Times are in ticks or in ns on a tick.

Differs from 2.6.35: one cgroup and one priority; queues of tasks that read close to each other are
not joined (close cooperators); shares of the group's slice use the number of queues busy now, not
its moving mean; think times are in ns, not in whole ticks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.request_queue import fifo_add, fifo_del, fifo_take_place, sort_add, sort_del
from sim.block.service_tree import (
    activate_next,
    should_idle,
    slice_expired,
    slice_ticks,
    slice_used,
    tree_add,
    workload_of,
)
from sim.engine.jit import njit
from sim.machine.machine import ANY_WAKE, JIFFY_NS, KICK_QUEUE, NOW
from sim.machine.request import DEVICE_FLASH, WORKLOAD_SYNC, WORKLOAD_SYNC_NOIDLE
from sim.units import SECTORS_PER_PAGE

ASYNC_QUEUE = 0
FAR_SECTORS = 8 * 100
"""A request further than this from the task's previous one is a seek."""
CLOSE_SECTORS = 8 * 1024
"""A request nearer than this to the head may interrupt idling."""
SEEKY_BITS = 4
DEEP_REQUESTS = 4
VALID_SAMPLES = 80
BEST_EFFORT_PRIORITY = 4
NR_PRIORITIES = 8


@njit
def cfq_queue_of(task: int, sync: int) -> int:
    """Elevator queue of a task's requests."""
    return 1 + task if sync != 0 else ASYNC_QUEUE


# ---- which request of a queue


@njit
def _distance(q: Any, sector: int, last: int) -> int:
    """Sectors to go from ``last``, backward ones dearer; -1 when it is behind by too much."""
    if sector >= last:
        return sector - last
    if sector + q.back_max_sectors >= last:
        return (last - sector) * q.back_penalty
    return -1


@njit
def _urgent(rq: Any) -> bool:
    """A read of metadata (READ_META); 2.6.35 marks no write of ext3 or its journal so."""
    return rq.meta != 0 and rq.write == 0


@njit
def _choose(m: Any, a: int, b: int, last: int) -> int:
    """The better of two requests of one queue for a head at ``last``: metadata, then the nearer."""
    if a < 0 or a == b:
        return b
    if b < 0:
        return a
    ra = m.request[a]
    rb = m.request[b]
    if _urgent(ra) != _urgent(rb):
        return a if _urgent(ra) else b
    q = m.queue[0]
    da = _distance(q, ra.sector, last)
    db = _distance(q, rb.sector, last)
    if da >= 0 and db >= 0 and da != db:
        return a if da < db else b
    if da >= 0 and db >= 0:
        return a if ra.sector >= rb.sector else b
    if da < 0 and db < 0:
        return a if ra.sector <= rb.sector else b
    return a if da >= 0 else b


@njit
def _find_next(m: Any, e: Any, r: int) -> int:
    """What to serve after r of the same queue: the neighbour ahead, wrapping, or behind."""
    rq = m.request[r]
    ahead = np.int64(rq.next)
    if ahead < 0 and e.head != r:
        ahead = np.int64(e.head)
    return _choose(m, ahead, np.int64(rq.prev), np.int64(rq.sector))


# ---- requests come and go


@njit
def _learn(m: Any, e: Any, r: int) -> None:
    """Update what is expected of the task: think time, seeks, and so whether to idle for it."""
    q = m.queue[0]
    rq = m.request[r]
    now = m.clock[NOW]
    idle_ns = q.slice_idle_ticks * m.clock[JIFFY_NS]
    thought = np.int64(0)
    if e.ttime_samples > 0:
        thought = min(now - e.last_end_ns, 2 * idle_ns)
    e.ttime_samples = (7 * e.ttime_samples + 256) // 8
    e.ttime_total_ns = (7 * e.ttime_total_ns + 256 * thought) // 8
    e.ttime_mean_ns = (e.ttime_total_ns + 128) // e.ttime_samples
    far = 0
    if e.last_request_pos >= 0 and abs(rq.sector - e.last_request_pos) > FAR_SECTORS:
        far = 1
    e.seek_history = ((e.seek_history << 1) | far) & np.int64(0xFFFFFFFF)
    e.last_request_pos = rq.sector + rq.nr_sectors
    if e.nr >= DEEP_REQUESTS:
        e.deep = 1
    if e.deep == 0 and _bits(e.seek_history) > SEEKY_BITS:
        e.idle_window = 0
    elif e.ttime_samples > VALID_SAMPLES:
        e.idle_window = 0 if e.ttime_mean_ns > idle_ns else 1


@njit
def _bits(word: int) -> int:
    """Number of ones (hweight32)."""
    ones = 0
    rest = np.int64(word)
    while rest != 0:
        rest &= rest - 1
        ones += 1
    return ones


@njit
def _preempts(m: Any, i: int, r: int) -> bool:
    """May the owner of new request r take the disk from the active queue?"""
    q = m.queue[0]
    rq = m.request[r]
    active = m.elevator[q.active]
    e = m.elevator[i]
    if rq.sync != 0 and active.sync == 0:
        return True
    if slice_used(active, m.clock[NOW]):
        return True
    lone = q.workload == WORKLOAD_SYNC_NOIDLE and workload_of(e) == WORKLOAD_SYNC_NOIDLE
    if lone and q.nr_busy_workload[WORKLOAD_SYNC_NOIDLE] == 2 and active.head < 0:
        return True
    if _urgent(rq) and active.meta_pending == 0:
        return True
    if active.wait_request == 0:
        return False
    return abs(rq.sector - q.last_position) <= CLOSE_SECTORS


@njit
def cfq_add(m: Any, r: int) -> None:
    """Queue a request; it may end the idling it was waited for, or take the disk."""
    q = m.queue[0]
    clock = m.clock
    rq = m.request[r]
    i = cfq_queue_of(rq.task, rq.sync)
    e = m.elevator[i]
    jiffy = clock[JIFFY_NS]
    ticks = q.expire_sync_ticks if rq.sync != 0 else q.expire_async_ticks
    rq.queue = i
    rq.deadline_ns = (clock[NOW] // jiffy + ticks) * jiffy
    sort_add(m.request, e, r)
    fifo_add(m.request, e, r)
    if e.busy == 0:
        tree_add(m, i, False)
    e.next_rq = _choose(m, np.int64(e.next_rq), r, np.int64(q.last_position))
    if _urgent(rq):
        e.meta_pending += 1
    if e.sync != 0:
        _learn(m, e, r)
    if q.active == i:
        if e.wait_request != 0:
            if rq.nr_sectors > SECTORS_PER_PAGE or q.nr_busy > 1:
                q.idle_at_ns = 0
                e.wait_request = 0
                q.plugged = 0
                clock[KICK_QUEUE] = 1
                clock[ANY_WAKE] = 1
            else:
                # A request of one page is likely to grow: leave it to the plug.
                e.must_dispatch = 1
    elif q.active >= 0 and _preempts(m, i, r):
        slice_expired(m, True)
        # Until 2.6.38 this only rearranges a tree: the disk goes on with the tree it serves until
        # that tree's share is over, so a read may wait for async writes as long as 160 ms.
        if q.cross_preempt != 0:
            q.workload_expires_ns = -jiffy
        tree_add(m, i, True)
        q.plugged = 0
        clock[KICK_QUEUE] = 1
        clock[ANY_WAKE] = 1


@njit
def cfq_del(m: Any, r: int) -> None:
    """A request leaves its queue: dispatched, or merged into another one."""
    rq = m.request[r]
    e = m.elevator[rq.queue]
    if e.next_rq == r:
        e.next_rq = _find_next(m, e, r)
    if _urgent(rq):
        e.meta_pending -= 1
    sort_del(m.request, e, r)
    fifo_del(m.request, e, r)


@njit
def cfq_merged(m: Any, r: int, gone: int) -> None:
    """``gone`` went into r of the same queue: keep the earlier deadline, forget ``gone``."""
    request = m.request
    e = m.elevator[request[r].queue]
    if e.next_rq == gone:
        e.next_rq = r
    if _urgent(request[gone]):
        e.meta_pending -= 1
    sort_del(request, e, gone)
    if request[gone].deadline_ns < request[r].deadline_ns:
        request[r].deadline_ns = request[gone].deadline_ns
        fifo_take_place(request, e, r, gone)
    else:
        fifo_del(request, e, gone)


@njit
def _select_queue(m: Any) -> int:
    """The queue to dispatch from, or -1 to leave the disk idle."""
    q = m.queue[0]
    i = np.int64(q.active)
    if i < 0:
        return activate_next(m)
    if q.nr_queued == 0:
        return -1
    e = m.elevator[i]
    if not slice_used(e, m.clock[NOW]) or e.must_dispatch != 0:
        if e.head >= 0:
            return i
        if q.idle_at_ns != 0 or (e.dispatched > 0 and should_idle(q, e)):
            return -1
    slice_expired(m, False)
    return activate_next(m)


@njit
def _may_dispatch(m: Any, e: Any) -> bool:
    """Limits of what one queue may have at a disk that takes several requests."""
    q = m.queue[0]
    if should_idle(q, e) and q.in_flight[0] > 0:
        return False
    if e.sync == 0 and q.in_flight[1] > 0:
        return False
    most = max(q.quantum // 2, 1)
    if e.dispatched >= most:
        if q.nr_busy > 1:
            return False
        most = np.int64(1 << 30)
    if e.sync == 0:
        since = (m.clock[NOW] - q.last_delayed_sync_ns) // m.clock[JIFFY_NS]
        depth = since // q.slice_sync_ticks
        if depth == 0 and e.dispatched == 0:
            depth = np.int64(1)
        most = min(most, depth)
    return e.dispatched < most


@njit
def cfq_pick(m: Any) -> int:
    """The request to dispatch next, or -1; the caller takes it out with ``cfq_dispatch``."""
    q = m.queue[0]
    if q.nr_busy == 0:
        return -1
    i = _select_queue(m)
    if i < 0:
        return -1
    e = m.elevator[i]
    if e.head < 0 or not _may_dispatch(m, e):
        return -1
    if e.fifo_checked == 0:
        e.fifo_checked = 1
        oldest = np.int64(e.fifo_head)
        if m.clock[NOW] >= m.request[oldest].deadline_ns:
            return oldest
    return np.int64(e.next_rq)


@njit
def cfq_dispatch(m: Any, r: int) -> None:
    """Take the picked request out; async's turn ends after a number of requests."""
    q = m.queue[0]
    rq = m.request[r]
    e = m.elevator[rq.queue]
    e.next_rq = _find_next(m, e, r)
    cfq_del(m, r)
    e.dispatched += 1
    e.slice_dispatch += 1
    e.must_dispatch = 0
    e.wait_request = 0
    q.idle_at_ns = 0
    q.in_flight[rq.sync] += 1
    q.last_position = rq.sector + rq.nr_sectors
    most = 2 * q.slice_async_rq * (NR_PRIORITIES - BEST_EFFORT_PRIORITY)
    if q.nr_busy > 1 and e.sync == 0 and e.slice_dispatch >= most:
        slice_expired(m, False)


@njit
def cfq_completed(m: Any, r: int) -> None:
    """A request has ended: begin its queue's slice, and see whether to idle for its task."""
    q = m.queue[0]
    clock = m.clock
    rq = m.request[r]
    i = np.int64(rq.queue)
    e = m.elevator[i]
    now = clock[NOW]
    jiffy = clock[JIFFY_NS]
    e.dispatched -= 1
    q.in_flight[rq.sync] -= 1
    if rq.sync != 0:
        e.last_end_ns = now
        if now >= rq.t_queue_ns + q.expire_sync_ticks * jiffy:
            q.last_delayed_sync_ns = now
    if q.active != i:
        return
    if e.slice_new != 0:
        e.slice_end_ns = (now // jiffy + slice_ticks(q, e)) * jiffy
        e.slice_new = 0
    if slice_used(e, now):
        slice_expired(m, True)
        return
    if rq.sync == 0 or e.head >= 0:
        return
    if rq.write == 0:
        q.requires_idle = 1
    if q.workload == WORKLOAD_SYNC or q.requires_idle != 0 or q.nr_busy == 1:
        _arm_idle(m, e)


@njit
def _arm_idle(m: Any, e: Any) -> None:
    """Keep the disk for the queue's task for slice_idle, if its mean think time allows."""
    q = m.queue[0]
    now = m.clock[NOW]
    jiffy = m.clock[JIFFY_NS]
    if q.device_kind == DEVICE_FLASH or e.dispatched > 0 or not should_idle(q, e):
        return
    if e.ttime_samples > VALID_SAMPLES and e.slice_end_ns - now < e.ttime_mean_ns:
        return
    e.wait_request = 1
    q.idle_at_ns = (now // jiffy + q.slice_idle_ticks) * jiffy


@njit
def cfq_idle_timer(m: Any) -> None:
    """The idle timer fires: let a waiting request through, or give the disk to others."""
    q = m.queue[0]
    q.idle_at_ns = 0
    if q.active < 0:
        return
    e = m.elevator[q.active]
    if e.must_dispatch != 0:
        return
    if not slice_used(e, m.clock[NOW]):
        if e.head >= 0:
            return
        e.deep = 0
    slice_expired(m, False)
