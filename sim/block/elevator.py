"""Requests on their way: get_request, plugging, dispatch, completion (blk-core.c, elevator.c).

``submit_bio`` is called by kernels and sleeps by stop code; ``blk_service`` is the engine's call
at every event of the disk, at a kick and at a timer. A bio's request waits in the elevator,
is issued to the disk (``queue_depth`` at most), served (one at a time, unless the device has
units that work side by side: ``units``) and completed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.cfq import cfq_add, cfq_completed, cfq_dispatch, cfq_idle_timer, cfq_pick
from sim.block.deadline import deadline_add, deadline_dispatch, deadline_pick
from sim.block.disk import positioning_ns, reads_over, service_time_ns
from sim.block.merge import fill_request, freed_request, try_merge
from sim.block.noop import noop_add, noop_del, noop_pick
from sim.block.request_queue import (
    NEVER,
    alloc_request,
    hash_end_add,
    hash_end_del,
    hash_start_add,
    hash_start_del,
)
from sim.block.units import begin_on_units, first_to_end
from sim.engine.jit import njit
from sim.engine.rng import STREAM_ROTATION, draw
from sim.machine.cost import COST_DISPATCH, COST_END_IO_PAGE, COST_SOFTIRQ, COST_SUBMIT_BIO
from sim.machine.filesystem import BUFFER_READING, BUFFER_UPTODATE
from sim.machine.machine import (
    ANY_WAKE,
    IO_LOG_LOST,
    JIFFY_NS,
    KICK_QUEUE,
    NOW,
    NR_IO_LOG,
    NR_WAKE_TASKS,
    REQUEST_NUMBER,
    SEED,
    WAKE_JOURNAL,
    WAKE_METADATA,
)
from sim.machine.page import PG_buffers_locked
from sim.machine.request import DEVICE_ARM, ELEVATOR_CFQ, ELEVATOR_DEADLINE, RQ_DISPATCHED
from sim.machine.task import DONE, WANT_REQUEST_ASYNC
from sim.machine.vmstat import (
    BDI_ASYNC_CONGESTED,
    DISK_BUSY_NS,
    GET_REQUEST_SLEEPS,
    NR_REQUESTS_ASYNC,
    REQUESTS_READ,
    REQUESTS_WRITTEN,
    SECTORS_READ,
    SECTORS_WRITTEN,
    SEEKS_READ,
    SEEKS_WRITTEN,
    SEQUENTIAL_WRITTEN,
)
from sim.machine.wake import wake_up
from sim.machine.writeback import end_buffers_write, end_page_read, end_page_writeback
from sim.units import SECTORS_PER_PAGE

WAITS = -1
"""``task.batch_count`` of a task that sleeps in get_request_wait."""
MAX_DEPTH_LOGGED = 255


@njit
def _batching(task: Any, q: Any, now: int) -> bool:
    """ioc_batching: may go beyond nr_requests; for its first request even when late."""
    count = task.batch_count
    return count == q.batch_requests or (count > 0 and now < task.batch_until_ns)


@njit
def _set_batching(m: Any, t: int) -> None:
    q = m.queue[0]
    task = m.task[t]
    now = m.clock[NOW]
    if _batching(task, q, now):
        return
    jiffy = m.clock[JIFFY_NS]
    task.batch_count = q.batch_requests
    task.batch_until_ns = (now // jiffy + q.batch_ticks) * jiffy


@njit
def _must_queue(m: Any, t: int, sync: int) -> bool:
    """elv_may_queue: the task whose request CFQ idles for gets one past the limit, once a slice."""
    q = m.queue[0]
    if q.elevator != ELEVATOR_CFQ or sync == 0:
        return False
    e = m.elevator[1 + t]
    if e.wait_request != 0 and e.must_alloc_slice == 0:
        e.must_alloc_slice = 1
        return True
    return False


@njit
def _get_request(m: Any, t: int, sync: int) -> int:
    """A request within the limits, marking congestion and fullness; -1 = the task must sleep."""
    q = m.queue[0]
    vm = m.vm
    task = m.task[t]
    count = vm[NR_REQUESTS_ASYNC + sync]
    must = _must_queue(m, t, sync)
    if count + 1 >= q.congestion_on:
        if count + 1 >= q.nr_requests:
            if q.full[sync] == 0:
                _set_batching(m, t)
                q.full[sync] = 1
            elif not must and not _batching(task, q, m.clock[NOW]):
                return -1
        vm[BDI_ASYNC_CONGESTED + sync] = 1
    if count >= q.max_requests:
        return -1
    vm[NR_REQUESTS_ASYNC + sync] = count + 1
    if _batching(task, q, m.clock[NOW]):
        task.batch_count -= 1
    return alloc_request(m.request, q)


@njit
def submit_bio(m: Any, t: int) -> int:
    """Queue the task's bio (``task.bio_*``); ``bio_sectors`` is 0 when that is done.

    Returns DONE, or WANT_REQUEST_ASYNC / WANT_REQUEST_SYNC when the list of requests is full. Then
    the task must sleep until it is woken through WAKE_REQUEST_* and call again, whatever happens:
    the wakeup was exclusive, and its request is what wakes the next one. Progress is certain: the
    woken task becomes a batcher, whose limit is 3/2 of nr_requests; only other batchers can have
    filled that, and each request of theirs wakes a waiter when it ends. A task that had to sleep
    does not look for a merge again (as __make_request).
    """
    task = m.task[t]
    if task.bio_sectors == 0:
        return DONE
    clock = m.clock
    if task.batch_count == WAITS:
        task.batch_count = 0
        _set_batching(m, t)
    else:
        clock[NOW] += m.cost[COST_SUBMIT_BIO]
        if try_merge(m, t):
            _bio_done(m, t)
            return DONE
    sync = 1 if task.bio_write == 0 or task.bio_sync != 0 else 0
    r = _get_request(m, t, sync)
    if r < 0:
        task.batch_count = WAITS
        m.vm[GET_REQUEST_SLEEPS] += 1
        blk_unplug(m)
        return WANT_REQUEST_ASYNC + sync
    _add_request(m, t, r)
    _bio_done(m, t)
    return DONE


@njit
def _bio_done(m: Any, t: int) -> None:
    task = m.task[t]
    task.bio_sectors = 0
    if task.bio_cookie != 0:
        m.queue[0].nr_cookies += 1


@njit
def _add_request(m: Any, t: int, r: int) -> None:
    """Hand a filled request to the elevator; plug an empty queue, unplug one of four requests."""
    q = m.queue[0]
    clock = m.clock
    rq = m.request[r]
    fill_request(m, t, r)
    rq.t_queue_ns = clock[NOW]
    rq.number = clock[REQUEST_NUMBER]
    clock[REQUEST_NUMBER] += 1
    if q.nr_queued == 0 and q.plugged == 0:
        jiffy = clock[JIFFY_NS]
        q.plugged = 1
        q.unplug_at_ns = (clock[NOW] // jiffy + q.unplug_ticks) * jiffy
        if q.nr_at_disk < q.queue_depth:
            _kick(m)  # arms the timer
    q.nr_queued += 1
    q.last_merge = r
    q.last_bio_request = r
    hash_end_add(m.request, q, r)
    hash_start_add(m.request, q, r)
    if q.elevator == ELEVATOR_CFQ:
        cfq_add(m, r)
    elif q.elevator == ELEVATOR_DEADLINE:
        deadline_add(m, r)
    else:
        noop_add(m, r)
    if q.plugged != 0 and q.nr_queued >= q.unplug_thresh:
        blk_unplug(m)


@njit
def _kick(m: Any) -> None:
    wake_up(m, KICK_QUEUE)


@njit
def blk_unplug(m: Any) -> None:
    """Let the disk begin with what is queued: called for sync waiters (lock_page, fsync)."""
    q = m.queue[0]
    if q.plugged == 0:
        return
    q.plugged = 0
    if q.nr_at_disk < q.queue_depth:
        _kick(m)


# ---- the disk's side


@njit
def blk_service(m: Any) -> int:
    """Do all that is due at clock[NOW]; returns the ns of the next event of the disk, or NEVER."""
    q = m.queue[0]
    now = m.clock[NOW]
    ended = _complete_units(m, now) if q.device_kind != DEVICE_ARM else False
    if q.in_service >= 0 and q.done_at_ns <= now:
        _complete(m)
        ended = True
    if ended:
        # The driver runs the queue when a request has ended, plugged or not.
        q.plugged = 0
    if q.plugged != 0 and q.unplug_at_ns <= now:
        q.plugged = 0
    if q.idle_at_ns != 0 and q.idle_at_ns <= now:
        cfq_idle_timer(m)
        q.plugged = 0
    if q.plugged == 0:
        _dispatch(m)
    following = np.int64(NEVER)
    if q.device_kind != DEVICE_ARM:
        if q.nr_at_disk > 0:
            following = np.int64(m.request[first_to_end(m)].done_ns)
    elif q.in_service < 0 and q.nr_at_disk > 0:
        _serve(m)
    if q.in_service >= 0:
        following = np.int64(q.done_at_ns)
    if q.plugged != 0 and q.nr_at_disk < q.queue_depth:
        following = min(following, np.int64(q.unplug_at_ns))
    if q.idle_at_ns != 0:
        following = min(following, np.int64(q.idle_at_ns))
    return following


@njit
def _pick(m: Any) -> int:
    q = m.queue[0]
    if q.elevator == ELEVATOR_CFQ:
        return cfq_pick(m)
    if q.elevator == ELEVATOR_DEADLINE:
        return deadline_pick(m)
    return noop_pick(m)


@njit
def _dispatch(m: Any) -> None:
    """Issue requests in the elevator's order as long as the disk takes them."""
    q = m.queue[0]
    request = m.request
    while q.nr_at_disk < q.queue_depth and q.nr_queued > 0:
        r = _pick(m)
        if r < 0:
            return
        hash_end_del(request, q, r)
        hash_start_del(request, q, r)
        if q.elevator == ELEVATOR_CFQ:
            cfq_dispatch(m, r)
        elif q.elevator == ELEVATOR_DEADLINE:
            deadline_dispatch(m, r)
        else:
            noop_del(m, r)
        q.nr_queued -= 1
        if q.last_merge == r:
            q.last_merge = -1
        rq = request[r]
        rq.state = RQ_DISPATCHED
        rq.t_issue_ns = max(m.clock[NOW], q.free_at_ns)
        rq.fifo_next = -1
        if q.disk_tail >= 0:
            request[q.disk_tail].fifo_next = r
        else:
            q.disk_head = r
        q.disk_tail = r
        q.nr_at_disk += 1
        q.softirq_ns += m.cost[COST_DISPATCH]
        if q.device_kind != DEVICE_ARM:
            _begin_on_units(m, r)


@njit
def _draw(m: Any, r: int) -> int:
    return draw(m.clock[SEED], STREAM_ROTATION, m.request[r].number)


@njit
def _choose_at_disk(m: Any) -> int:
    """Of the oldest requests at the disk the one of least positioning, or one that is too old."""
    q = m.queue[0]
    request = m.request
    best = np.int64(q.disk_head)
    if m.clock[NOW] - request[best].t_issue_ns > q.disk_age_ns or q.disk_window <= 1:
        return best
    head = np.int64(q.head_sector)
    least = positioning_ns(q, head, request[best].sector, _draw(m, best))
    r = np.int64(request[best].fifo_next)
    left = q.disk_window - 1
    while r >= 0 and left > 0:
        cost = positioning_ns(q, head, request[r].sector, _draw(m, r))
        if cost < least:
            least = cost
            best = r
        r = np.int64(request[r].fifo_next)
        left -= 1
    return best


@njit
def _leave_disk_list(m: Any, r: int) -> None:
    """Take a request out of those at the disk."""
    q = m.queue[0]
    request = m.request
    rq = request[r]
    if q.disk_head == r:
        q.disk_head = rq.fifo_next
        if rq.fifo_next < 0:
            q.disk_tail = -1
        return
    before = np.int64(q.disk_head)
    while request[before].fifo_next != r:
        before = np.int64(request[before].fifo_next)
    request[before].fifo_next = rq.fifo_next
    if q.disk_tail == r:
        q.disk_tail = before


@njit
def _begin_on_units(m: Any, r: int) -> None:
    q = m.queue[0]
    rq = m.request[r]
    begin_on_units(m, r)
    if rq.write != 0 and rq.sector == q.head_sector:
        m.vm[SEQUENTIAL_WRITTEN] += 1
    q.head_sector = rq.sector + rq.nr_sectors


@njit
def _complete_units(m: Any, now: int) -> bool:
    """Every request that a device of several units has ended, in the order of their ends."""
    q = m.queue[0]
    ended = False
    while q.nr_at_disk > 0:
        r = first_to_end(m)
        if m.request[r].done_ns > now:
            break
        _leave_disk_list(m, r)
        q.in_service = r
        q.done_at_ns = m.request[r].done_ns
        _complete(m)
        ended = True
    return ended


@njit
def _serve(m: Any) -> None:
    """Begin the service of one request at the disk."""
    q = m.queue[0]
    r = _choose_at_disk(m)
    _leave_disk_list(m, r)
    rq = m.request[r]
    head = np.int64(q.head_sector)
    rq.service_ns = service_time_ns(q, head, rq.sector, rq.nr_sectors, _draw(m, r))
    rq.positioned = 0 if reads_over(q, head, rq.sector) else 1
    if rq.write != 0 and rq.sector == head:
        m.vm[SEQUENTIAL_WRITTEN] += 1
    q.head_sector = rq.sector + rq.nr_sectors
    q.in_service = r
    q.done_at_ns = max(m.clock[NOW], q.free_at_ns, q.stalled_until_ns) + rq.service_ns


@njit
def _complete(m: Any) -> None:
    """The request in service has ended: its pages, waiters, counters, log, and its own end.

    The next request waits for the softirq that ends the pages of this one, as recorded: 183 us
    after one of 128 pages on a CPU of 1000 MIPS.
    """
    q = m.queue[0]
    clock = m.clock
    page = m.page
    r = np.int64(q.in_service)
    rq = m.request[r]
    q.in_service = -1
    q.nr_at_disk -= 1
    used = m.cost[COST_SOFTIRQ] + rq.nr_pages * m.cost[COST_END_IO_PAGE]
    pfn = np.int64(rq.first_page)
    while pfn >= 0:
        following = np.int64(page[pfn].bio_next)
        if page[pfn].page_flags & PG_buffers_locked:
            end_buffers_write(m, pfn)
        elif rq.write != 0:
            used += end_page_writeback(m, pfn)
        else:
            end_page_read(m, pfn)
        pfn = following
    if rq.write == 0 and m.fs[0].nr_reading > 0:
        _end_metadata_read(m, rq)
    q.softirq_ns += used
    if q.device_kind == DEVICE_ARM:
        q.free_at_ns = q.done_at_ns + used
    if rq.waiter >= 0:
        m.wake[clock[NR_WAKE_TASKS]] = rq.waiter
        clock[NR_WAKE_TASKS] += 1
        clock[ANY_WAKE] = 1
    if rq.nr_cookies > 0:
        q.nr_cookies -= rq.nr_cookies
        clock[WAKE_JOURNAL] = 1
        clock[ANY_WAKE] = 1
    _account(m, rq)
    if q.elevator == ELEVATOR_CFQ:
        cfq_completed(m, r)
    freed_request(m, r)


@njit
def _end_metadata_read(m: Any, rq: Any) -> None:
    """Metadata blocks of the request are in the cache now (end_bio_bh_io_sync)."""
    first = np.int64(rq.sector) // SECTORS_PER_PAGE
    for block in range(first, first + np.int64(rq.nr_sectors) // SECTORS_PER_PAGE):
        if m.block_used[block] & BUFFER_READING:
            m.block_used[block] ^= BUFFER_READING | BUFFER_UPTODATE
            m.fs[0].nr_reading -= 1
            m.clock[WAKE_METADATA] = 1
            m.clock[ANY_WAKE] = 1


@njit
def _account(m: Any, rq: Any) -> None:
    vm = m.vm
    clock = m.clock
    q = m.queue[0]
    if rq.write != 0:
        vm[REQUESTS_WRITTEN] += 1
        vm[SECTORS_WRITTEN] += rq.nr_sectors
        vm[SEEKS_WRITTEN] += rq.positioned
    else:
        vm[REQUESTS_READ] += 1
        vm[SECTORS_READ] += rq.nr_sectors
        vm[SEEKS_READ] += rq.positioned
    if q.device_kind == DEVICE_ARM:
        vm[DISK_BUSY_NS] += rq.service_ns
    else:
        vm[DISK_BUSY_NS] += q.done_at_ns - q.busy_mark_ns
        q.busy_mark_ns = q.done_at_ns
    n = clock[NR_IO_LOG]
    if n >= m.io_log.shape[0]:
        clock[IO_LOG_LOST] += 1
        return
    clock[NR_IO_LOG] = n + 1
    row = m.io_log[n]
    row.t_queue_ns = rq.t_queue_ns
    row.t_issue_ns = rq.t_issue_ns
    row.t_done_ns = q.done_at_ns
    row.sector = rq.sector
    row.nr_sectors = rq.nr_sectors
    row.task = rq.task
    row.write = rq.write
    row.sync = rq.sync
    row.meta = rq.meta
    row.issuer = rq.issuer
    row.positioned = rq.positioned
    depth = vm[NR_REQUESTS_ASYNC] + vm[NR_REQUESTS_ASYNC + 1]
    row.queue_depth = min(depth, MAX_DEPTH_LOGGED)
