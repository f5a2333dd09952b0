"""The request queue's own lists: free requests, merge hashes, sorted lists, FIFOs (blk-core.c).

Primitives without decisions. Indices are request numbers in ``m.request``; -1 ends every chain.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.disk import DiskParameters
from sim.engine.engine import NEVER
from sim.engine.jit import njit
from sim.machine.request import ELEVATOR_QUEUE, HASH_SIZE, QUEUE, REQUEST, RQ_FREE, RQ_QUEUED
from sim.units import NSEC_PER_SEC, SECTOR_SIZE

__all__ = ["NEVER", "queue_arrays"]

BLK_BATCH_REQ = 32
MAX_SEGMENTS = 128
SEGMENT_PAGES = 16
"""MAX_SEGMENT_SIZE, 64 KiB."""


def queue_arrays(
    disk: DiskParameters,
    *,
    elevator: int,
    nr_requests: int,
    max_sectors_kb: int,
    hz: int,
    nr_tasks: int,
    max_segments: int = MAX_SEGMENTS,
    cross_preempt: bool = False,
) -> tuple[Any, Any, Any]:
    """The empty queue: (request, queue, elevator) as record arrays.

    Args:
        disk: what is below the queue.
        elevator: ELEVATOR_NOOP, ELEVATOR_DEADLINE or ELEVATOR_CFQ.
        nr_requests: /sys/block/*/queue/nr_requests, for each of async and sync.
        max_sectors_kb: largest request.
        hz: ticks a second; every time of the elevators is in ticks.
        nr_tasks: length of ``m.task``.
        max_segments: pieces of memory in one request.
        cross_preempt: CFQ lets a sync request end async's turn at once, as 2.6.38 and later.
    """
    queue = np.zeros(1, QUEUE)
    q = queue[0]
    for name, value in {**_limits(nr_requests, max_sectors_kb, hz), **disk._asdict()}.items():
        q[name] = value
    q["elevator"], q["max_segments"] = elevator, max_segments
    q["cross_preempt"] = int(cross_preempt)
    for name in (
        "last_merge", "last_bio_request", "hash_end", "hash_start", "disk_head", "disk_tail",
        "in_service", "dl_next", "active", "busy_head",
    ):  # fmt: skip
        q[name] = -1
    q["last_delayed_sync_ns"] = -NSEC_PER_SEC
    q["open_block"] = -1
    request = np.zeros(2 * int(q["max_requests"]), REQUEST)
    request["next"] = np.arange(1, len(request) + 1)
    request["next"][-1] = -1
    lists = np.zeros(nr_tasks + 2, ELEVATOR_QUEUE)
    for name in ("head", "tail", "hint", "fifo_head", "fifo_tail", "next_rq", "busy_next"):
        lists[name] = -1
    lists["last_request_pos"] = -1
    lists["sync"][1:] = 1
    lists["idle_window"][1:] = 1
    return request.view(np.recarray), queue.view(np.recarray), lists.view(np.recarray)


def _limits(nr_requests: int, max_sectors_kb: int, hz: int) -> dict[str, int]:
    """Defaults of blk-settings.c, deadline-iosched.c and cfq-iosched.c; times in ticks."""
    return {
        "nr_requests": nr_requests,
        "congestion_on": min(nr_requests - nr_requests // 8 + 1, nr_requests),
        "congestion_off": max(nr_requests - nr_requests // 8 - nr_requests // 16 - 1, 1),
        "max_requests": 3 * nr_requests // 2,
        "batch_requests": BLK_BATCH_REQ,
        "batch_ticks": hz // 50,
        "max_sectors": max_sectors_kb * 1024 // SECTOR_SIZE,
        "unplug_thresh": 4,
        "unplug_ticks": -(-3 * hz // 1000),
        "read_expire_ticks": hz // 2,
        "write_expire_ticks": 5 * hz,
        "writes_starved": 2,
        "fifo_batch": 16,
        "expire_async_ticks": hz // 4,
        "expire_sync_ticks": hz // 8,
        "slice_sync_ticks": hz // 10,
        "slice_async_ticks": max(hz // 25, 1),
        "slice_async_rq": 2,
        "slice_idle_ticks": max(hz // 125, 1),
        "group_slice_ticks": hz * 3 // 10,
        "quantum": 8,
        "back_max_sectors": 16 * 1024 * 2,
        "back_penalty": 2,
    }


@njit
def alloc_request(request: Any, q: Any) -> int:
    """Take a request off the free list; the caller has checked the limits."""
    r = np.int64(q.free_head)
    rq = request[r]
    q.free_head = rq.next
    rq.state = RQ_QUEUED
    rq.next = -1
    rq.prev = -1
    rq.fifo_next = -1
    rq.fifo_prev = -1
    rq.waiter = -1
    rq.cookie = 0
    rq.nr_cookies = 0
    return r


@njit
def put_request(request: Any, q: Any, r: int) -> None:
    """Give it back; counts and wakeups are ``freed_request``'s."""
    rq = request[r]
    rq.state = RQ_FREE
    rq.next = q.free_head
    q.free_head = r


@njit
def _hash(sector: int) -> int:
    """Requests are of whole pages; folding in high bits spreads ones of equal alignment."""
    page = np.int64(sector) >> np.int64(3)
    return (page ^ (page >> np.int64(9))) & np.int64(HASH_SIZE - 1)


@njit
def hash_end_add(request: Any, q: Any, r: int) -> None:
    """Find r by the sector after its last one."""
    rq = request[r]
    h = _hash(rq.sector + rq.nr_sectors)
    rq.hash_end_next = q.hash_end[h]
    q.hash_end[h] = r


@njit
def hash_end_del(request: Any, q: Any, r: int) -> None:
    """Forget r's end; its sectors must not have changed since it was added."""
    rq = request[r]
    h = _hash(rq.sector + rq.nr_sectors)
    i = np.int64(q.hash_end[h])
    if i == r:
        q.hash_end[h] = rq.hash_end_next
        return
    while request[i].hash_end_next != r:
        i = np.int64(request[i].hash_end_next)
    request[i].hash_end_next = rq.hash_end_next


@njit
def hash_start_add(request: Any, q: Any, r: int) -> None:
    """Find r by its first sector."""
    rq = request[r]
    h = _hash(rq.sector)
    rq.hash_start_next = q.hash_start[h]
    q.hash_start[h] = r


@njit
def hash_start_del(request: Any, q: Any, r: int) -> None:
    """Forget r's start."""
    rq = request[r]
    h = _hash(rq.sector)
    i = np.int64(q.hash_start[h])
    if i == r:
        q.hash_start[h] = rq.hash_start_next
        return
    while request[i].hash_start_next != r:
        i = np.int64(request[i].hash_start_next)
    request[i].hash_start_next = rq.hash_start_next


@njit
def find_ending_at(request: Any, q: Any, sector: int, write: int, sync: int) -> int:
    """Queued request of this kind whose last sector is before ``sector``, or -1."""
    i = np.int64(q.hash_end[_hash(sector)])
    while i >= 0:
        rq = request[i]
        if rq.sector + rq.nr_sectors == sector and rq.write == write and rq.sync == sync:
            return i
        i = np.int64(rq.hash_end_next)
    return -1


@njit
def find_starting_at(request: Any, q: Any, sector: int, write: int, sync: int) -> int:
    """Queued request of this kind that begins at ``sector``, or -1."""
    i = np.int64(q.hash_start[_hash(sector)])
    while i >= 0:
        rq = request[i]
        if rq.sector == sector and rq.write == write and rq.sync == sync:
            return i
        i = np.int64(rq.hash_start_next)
    return -1


@njit
def sort_add(request: Any, e: Any, r: int) -> None:
    """Insert by sector, behind equals (elv_rb_add); the search begins at the last insertion."""
    sector = np.int64(request[r].sector)
    before = np.int64(e.hint)
    if before < 0:
        before = np.int64(e.tail)
    while before >= 0 and request[before].sector > sector:
        before = np.int64(request[before].prev)
    after = np.int64(e.head)
    if before >= 0:
        after = np.int64(request[before].next)
        while after >= 0 and request[after].sector <= sector:
            before = after
            after = np.int64(request[after].next)
        request[before].next = r
    else:
        e.head = r
    if after >= 0:
        request[after].prev = r
    else:
        e.tail = r
    request[r].prev = before
    request[r].next = after
    e.hint = r


@njit
def sort_del(request: Any, e: Any, r: int) -> None:
    """Take it out of the sorted list (elv_rb_del)."""
    rq = request[r]
    before = np.int64(rq.prev)
    after = np.int64(rq.next)
    if before >= 0:
        request[before].next = after
    else:
        e.head = after
    if after >= 0:
        request[after].prev = before
    else:
        e.tail = before
    if e.hint == r:
        e.hint = before if before >= 0 else after
    rq.next = -1
    rq.prev = -1


@njit
def fifo_add(request: Any, e: Any, r: int) -> None:
    """Append by arrival."""
    rq = request[r]
    rq.fifo_next = -1
    rq.fifo_prev = e.fifo_tail
    if e.fifo_tail >= 0:
        request[e.fifo_tail].fifo_next = r
    else:
        e.fifo_head = r
    e.fifo_tail = r
    e.nr += 1


@njit
def fifo_del(request: Any, e: Any, r: int) -> None:
    """Take it out of the FIFO."""
    rq = request[r]
    before = np.int64(rq.fifo_prev)
    after = np.int64(rq.fifo_next)
    if before >= 0:
        request[before].fifo_next = after
    else:
        e.fifo_head = after
    if after >= 0:
        request[after].fifo_prev = before
    else:
        e.fifo_tail = before
    rq.fifo_next = -1
    rq.fifo_prev = -1
    e.nr -= 1


@njit
def fifo_take_place(request: Any, e: Any, r: int, other: int) -> None:
    """r leaves its place in the FIFO and takes that of ``other``, which leaves it."""
    fifo_del(request, e, r)
    place = request[other]
    before = np.int64(place.fifo_prev)
    after = np.int64(place.fifo_next)
    request[r].fifo_prev = before
    request[r].fifo_next = after
    if before >= 0:
        request[before].fifo_next = r
    else:
        e.fifo_head = r
    if after >= 0:
        request[after].fifo_prev = r
    else:
        e.fifo_tail = r
    place.fifo_next = -1
    place.fifo_prev = -1
