"""The deadline elevator: two sorted lists, two FIFOs with expiry, batches (deadline-iosched.c)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.request_queue import fifo_add, fifo_del, fifo_take_place, sort_add, sort_del
from sim.engine.jit import njit
from sim.machine.machine import JIFFY_NS, NOW

WRITES, READS = 0, 1
"""Elevator queues, and the order of ``dl_next``."""


@njit
def deadline_add(m: Any, r: int) -> None:
    """Queue a request by sector and by arrival; its deadline is a whole tick."""
    rq = m.request[r]
    q = m.queue[0]
    jiffy = np.int64(m.clock[JIFFY_NS])
    direction = READS
    ticks = np.int64(q.read_expire_ticks)
    if rq.write != 0:
        direction = WRITES
        ticks = np.int64(q.write_expire_ticks)
    rq.queue = direction
    rq.deadline_ns = (m.clock[NOW] // jiffy + ticks) * jiffy
    e = m.elevator[direction]
    sort_add(m.request, e, r)
    fifo_add(m.request, e, r)


@njit
def deadline_del(m: Any, r: int) -> None:
    """A request leaves; a batch that would have gone on with it goes on behind it."""
    rq = m.request[r]
    q = m.queue[0]
    e = m.elevator[rq.queue]
    if q.dl_next[rq.queue] == r:
        q.dl_next[rq.queue] = rq.next
    sort_del(m.request, e, r)
    fifo_del(m.request, e, r)


@njit
def deadline_merged(m: Any, r: int, gone: int) -> None:
    """``gone`` went into r: keep the earlier deadline and its place, forget ``gone``."""
    request = m.request
    q = m.queue[0]
    d = request[r].queue
    e = m.elevator[d]
    if q.dl_next[d] == gone:
        q.dl_next[d] = request[gone].next
    sort_del(request, e, gone)
    if request[gone].deadline_ns < request[r].deadline_ns:
        request[r].deadline_ns = request[gone].deadline_ns
        fifo_take_place(request, e, r, gone)
    else:
        fifo_del(request, e, gone)


@njit
def deadline_pick(m: Any) -> int:
    """The request to dispatch next, or -1; the caller takes it out with ``deadline_dispatch``."""
    q = m.queue[0]
    goes_on = np.int64(q.dl_next[WRITES])
    if goes_on < 0:
        goes_on = np.int64(q.dl_next[READS])
    if goes_on >= 0 and q.dl_batching < q.fifo_batch:
        return goes_on
    reads = m.elevator[READS].fifo_head >= 0
    writes = m.elevator[WRITES].fifo_head >= 0
    if not reads and not writes:
        return -1
    direction = READS
    if reads and writes:
        if q.dl_starved >= q.writes_starved:
            direction = WRITES
        q.dl_starved += 1
    elif writes:
        direction = WRITES
    if direction == WRITES:
        q.dl_starved = 0
    q.dl_batching = 0
    oldest = np.int64(m.elevator[direction].fifo_head)
    follows = np.int64(q.dl_next[direction])
    if follows < 0 or m.clock[NOW] >= m.request[oldest].deadline_ns:
        return oldest
    return follows


@njit
def deadline_dispatch(m: Any, r: int) -> None:
    """Take the picked request out; the batch goes on with its successor."""
    q = m.queue[0]
    rq = m.request[r]
    direction = rq.queue
    follows = rq.next
    deadline_del(m, r)
    q.dl_next[READS] = -1
    q.dl_next[WRITES] = -1
    q.dl_next[direction] = follows
    q.dl_batching += 1
