"""CFQ's service trees and time slices: which queue owns the disk, and how long (cfq-iosched.c).

Busy queues stand on one of three trees (async, sync without idling, sync with idling) by a key in
ticks. The tree to serve is chosen for a share of the group's slice; of that tree the queue of the
smallest key becomes the active one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import JIFFY_NS, NOW
from sim.machine.request import (
    DEVICE_FLASH,
    WORKLOAD_ASYNC,
    WORKLOAD_SYNC,
    WORKLOAD_SYNC_NOIDLE,
)
from sim.units import NSEC_PER_SEC

MIN_SLICE_TICKS = 2
TOP_PRIORITY_SLICE_FIFTHS = 9
"""A sync slice of priority 0 in fifths of that of priority 4."""


@njit
def workload_of(e: Any) -> int:
    """The tree that a queue belongs on."""
    if e.sync == 0:
        return WORKLOAD_ASYNC
    return WORKLOAD_SYNC if e.idle_window != 0 else WORKLOAD_SYNC_NOIDLE


@njit
def _tree_del(m: Any, i: int) -> None:
    q = m.queue[0]
    elevator = m.elevator
    e = elevator[i]
    w = e.workload
    at = np.int64(q.busy_head[w])
    if at == i:
        q.busy_head[w] = e.busy_next
    else:
        while elevator[at].busy_next != i:
            at = np.int64(elevator[at].busy_next)
        elevator[at].busy_next = e.busy_next
    q.nr_busy_workload[w] -= 1
    e.busy_next = -1


@njit
def tree_add(m: Any, i: int, front: bool) -> None:
    """Place a busy queue on the tree of its workload; an owner of many rivals goes further back."""
    q = m.queue[0]
    elevator = m.elevator
    e = elevator[i]
    if e.busy != 0:
        _tree_del(m, i)
    else:
        e.busy = 1
        q.nr_busy += 1
    w = workload_of(e)
    e.workload = w
    q.nr_busy_workload[w] += 1
    first = np.int64(q.busy_head[w])
    if front:
        jiffy = m.clock[JIFFY_NS]
        e.key = elevator[first].key if first >= 0 else m.clock[NOW] // jiffy
        e.key -= NSEC_PER_SEC // jiffy
        e.busy_next = first
        q.busy_head[w] = i
        return
    own = np.int64(q.slice_sync_ticks) if e.sync != 0 else np.int64(q.slice_async_ticks)
    longest = np.int64(q.slice_sync_ticks) * TOP_PRIORITY_SLICE_FIFTHS // 5
    e.key = m.clock[NOW] // m.clock[JIFFY_NS] + (q.nr_busy - 1) * (longest - own)
    e.key -= e.slice_resid_ticks
    e.slice_resid_ticks = 0
    if first < 0 or elevator[first].key > e.key:
        e.busy_next = first
        q.busy_head[w] = i
        return
    while elevator[first].busy_next >= 0 and elevator[elevator[first].busy_next].key <= e.key:
        first = np.int64(elevator[first].busy_next)
    e.busy_next = elevator[first].busy_next
    elevator[first].busy_next = i


@njit
def slice_ticks(q: Any, e: Any) -> int:
    """Length of a slice: shorter when the sync queues would not all get theirs in group_slice."""
    base = np.int64(q.slice_sync_ticks) if e.sync != 0 else np.int64(q.slice_async_ticks)
    whole = np.int64(q.slice_sync_ticks)
    wanted = whole * np.int64(q.nr_busy)
    group = np.int64(q.group_slice_ticks)
    if wanted <= group:
        return base
    least = min(base, 2 * np.int64(q.slice_idle_ticks) * base // whole)
    return max(base * group // wanted, least)


@njit
def slice_used(e: Any, now: int) -> bool:
    """Its time is up; a slice that has not begun is not."""
    return e.slice_new == 0 and now >= e.slice_end_ns


@njit
def slice_expired(m: Any, timed_out: bool) -> None:
    """The active queue gives up the disk; ``timed_out``: what it had left, or overran, counts."""
    q = m.queue[0]
    i = np.int64(q.active)
    if i < 0:
        return
    e = m.elevator[i]
    q.idle_at_ns = 0
    e.wait_request = 0
    if timed_out and e.slice_new == 0:
        e.slice_resid_ticks = (e.slice_end_ns - m.clock[NOW]) // m.clock[JIFFY_NS]
    if e.head < 0:
        _tree_del(m, i)
        e.busy = 0
        q.nr_busy -= 1
    else:
        tree_add(m, i, False)
    q.active = -1


@njit
def _choose_workload(m: Any) -> None:
    """Which tree the disk serves, and until when (choose_service_tree)."""
    q = m.queue[0]
    now = m.clock[NOW]
    jiffy = m.clock[JIFFY_NS]
    if q.nr_busy_workload[q.workload] > 0 and now // jiffy <= q.workload_expires_ns // jiffy:
        return
    best = -1
    lowest = np.int64(0)
    for w in range(3):
        first = np.int64(q.busy_head[w])
        if first >= 0 and (best < 0 or m.elevator[first].key < lowest):
            best = w
            lowest = m.elevator[first].key
    if best < 0:
        return
    q.workload = best
    ticks = np.int64(q.group_slice_ticks) * q.nr_busy_workload[best] // q.nr_busy
    if best == WORKLOAD_ASYNC:
        ticks = ticks * q.slice_async_ticks // q.slice_sync_ticks
    else:
        ticks = max(ticks, 2 * np.int64(q.slice_idle_ticks))
    q.workload_expires_ns = (now // jiffy + max(ticks, MIN_SLICE_TICKS)) * jiffy
    q.requires_idle = 0


@njit
def activate_next(m: Any) -> int:
    """The queue of the smallest key of the chosen tree takes the disk; -1 when there is none."""
    q = m.queue[0]
    if q.nr_queued == 0:
        return -1
    _choose_workload(m)
    i = np.int64(q.busy_head[q.workload])
    if i < 0:
        return -1
    e = m.elevator[i]
    e.slice_new = 1
    e.slice_dispatch = 0
    e.wait_request = 0
    e.must_dispatch = 0
    e.must_alloc_slice = 0
    e.fifo_checked = 0
    q.idle_at_ns = 0
    q.active = i
    return i


@njit
def should_idle(q: Any, e: Any) -> bool:
    """Worth waiting for: its task issues near and soon, or nobody else is on its tree.

    A non-rotational disk that takes several requests has no head to keep near.
    """
    if e.idle_window != 0 and q.device_kind != DEVICE_FLASH:
        return True
    return e.sync != 0 and q.nr_busy_workload[e.workload] == 1
