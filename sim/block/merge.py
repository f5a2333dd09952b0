"""Putting a bio into a queued request, and two requests into one (elevator.c, blk-merge.c).

A request's pages are one chain through ``page.bio_next`` in sector order, so a bio goes to the end
at which its sectors are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.cfq import cfq_merged, cfq_queue_of
from sim.block.deadline import deadline_merged
from sim.block.noop import noop_del
from sim.block.request_queue import (
    SEGMENT_PAGES,
    find_ending_at,
    find_starting_at,
    hash_end_add,
    hash_end_del,
    hash_start_add,
    hash_start_del,
    put_request,
)
from sim.engine.jit import njit
from sim.machine.machine import ANY_WAKE, WAKE_CONGESTION_ASYNC, WAKE_REQUEST_ASYNC
from sim.machine.request import ELEVATOR_CFQ, ELEVATOR_DEADLINE, ELEVATOR_NOOP, RQ_QUEUED
from sim.machine.vmstat import BDI_ASYNC_CONGESTED, MERGES_BACK, MERGES_FRONT, NR_REQUESTS_ASYNC
from sim.units import SECTORS_PER_PAGE


@njit
def count_segments(page: Any, first: int, nr_sectors: int) -> int:
    """Physically contiguous pieces of at most 64 KiB of a bio's pages; no pages: one each 4 KiB."""
    if first < 0:
        return max(np.int64(nr_sectors) // SECTORS_PER_PAGE, np.int64(1))
    segments = np.int64(1)
    run = np.int64(1)
    pfn = np.int64(first)
    following = np.int64(page[pfn].bio_next)
    while following >= 0:
        if following == pfn + 1 and run < SEGMENT_PAGES:
            run += 1
        else:
            segments += 1
            run = np.int64(1)
        pfn = following
        following = np.int64(page[pfn].bio_next)
    return segments


@njit
def fill_request(m: Any, t: int, r: int) -> None:
    """A new request of the task's bio."""
    task = m.task[t]
    rq = m.request[r]
    rq.sector = task.bio_sector
    rq.nr_sectors = task.bio_sectors
    rq.write = 1 if task.bio_write != 0 else 0
    rq.sync = 1 if task.bio_write == 0 or task.bio_sync != 0 else 0
    rq.meta = task.bio_meta
    rq.issuer = task.issuer
    rq.task = t
    rq.first_page = task.bio_first_page
    rq.last_page = task.bio_last_page
    rq.nr_pages = 0
    if rq.first_page >= 0:
        m.page[rq.last_page].bio_next = -1
        rq.nr_pages = rq.nr_sectors // SECTORS_PER_PAGE
    rq.nr_segments = count_segments(m.page, rq.first_page, rq.nr_sectors)
    # What the last piece of a bio of several pages holds is not looked up: it takes no more.
    rq.tail_run_pages = 1 if rq.nr_pages == 1 else SEGMENT_PAGES
    if task.bio_cookie != 0:
        rq.cookie = task.bio_cookie
        rq.nr_cookies = 1


@njit
def _room(q: Any, rq: Any, nr_sectors: int, segments: int) -> bool:
    if rq.nr_sectors + nr_sectors > q.max_sectors:
        return False
    return rq.nr_segments + segments <= q.max_segments and rq.waiter < 0


@njit
def _adopt(q: Any, task: Any, rq: Any, r: int) -> None:
    """What a request takes over from a bio besides its pages."""
    rq.nr_sectors += task.bio_sectors
    if task.bio_first_page >= 0:
        rq.nr_pages += task.bio_sectors // SECTORS_PER_PAGE
    if task.bio_cookie != 0:
        rq.cookie = task.bio_cookie
        rq.nr_cookies += 1
    q.last_merge = r
    q.last_bio_request = r


@njit
def _back_merge(m: Any, t: int, r: int) -> bool:
    """Append the bio to request r, which ends where it begins."""
    page = m.page
    request = m.request
    q = m.queue[0]
    task = m.task[t]
    rq = request[r]
    first = np.int64(task.bio_first_page)
    last = np.int64(task.bio_last_page)
    added = np.int64(1)
    if first >= 0:
        page[last].bio_next = -1
    if first != last or first < 0:
        added = count_segments(page, first, task.bio_sectors)
    joins = first >= 0 and first == rq.last_page + 1 and rq.tail_run_pages < SEGMENT_PAGES
    if joins:
        added -= 1
    if not _room(q, rq, task.bio_sectors, added):
        return False
    hash_end_del(request, q, r)
    rq.nr_segments += added
    if first != last:
        rq.tail_run_pages = SEGMENT_PAGES
    elif joins:
        rq.tail_run_pages += 1
    else:
        rq.tail_run_pages = 1
    if first >= 0:
        if rq.last_page >= 0:
            page[rq.last_page].bio_next = first
        else:
            rq.first_page = first
        rq.last_page = last
    _adopt(q, task, rq, r)
    hash_end_add(request, q, r)
    return True


@njit
def _front_merge(m: Any, t: int, r: int) -> bool:
    """Put the bio before request r, which begins where it ends."""
    page = m.page
    request = m.request
    q = m.queue[0]
    task = m.task[t]
    rq = request[r]
    first = np.int64(task.bio_first_page)
    last = np.int64(task.bio_last_page)
    if first >= 0:
        page[last].bio_next = -1
    added = count_segments(page, first, task.bio_sectors)
    if first >= 0 and last + 1 == rq.first_page:
        added -= 1
    if not _room(q, rq, task.bio_sectors, added):
        return False
    hash_start_del(request, q, r)
    rq.nr_segments += added
    if first >= 0:
        page[last].bio_next = rq.first_page
        if rq.first_page < 0:
            rq.last_page = last
        rq.first_page = first
    rq.sector = task.bio_sector
    _adopt(q, task, rq, r)
    hash_start_add(request, q, r)
    return True


@njit
def _allows(m: Any, t: int, rq: Any, sync: int) -> bool:
    """May the task's bio go into this queued request? CFQ: only within its own queue."""
    if rq.state != RQ_QUEUED or rq.sync != sync:
        return False
    return m.queue[0].elevator != ELEVATOR_CFQ or rq.queue == cfq_queue_of(t, sync)


@njit
def try_merge(m: Any, t: int) -> bool:
    """Put the task's bio into a queued request if one continues it; was it put?

    Differs from 2.6.35: noop and deadline, too, never mix sync and async writes in one request.
    """
    request = m.request
    q = m.queue[0]
    task = m.task[t]
    write = 1 if task.bio_write != 0 else 0
    sync = 1 if write == 0 or task.bio_sync != 0 else 0
    sector = np.int64(task.bio_sector)
    end = sector + task.bio_sectors
    r = np.int64(q.last_merge)
    if r >= 0 and request[r].write == write and _allows(m, t, request[r], sync):
        rq = request[r]
        if rq.sector + rq.nr_sectors == sector:
            return _try_back(m, t, r)
        if rq.sector == end:
            return _try_front(m, t, r)
    r = find_ending_at(request, q, sector, write, sync)
    if r >= 0 and _allows(m, t, request[r], sync):
        return _try_back(m, t, r)
    if q.elevator == ELEVATOR_NOOP:
        return False
    r = find_starting_at(request, q, end, write, sync)
    if r >= 0 and _allows(m, t, request[r], sync):
        return _try_front(m, t, r)
    return False


@njit
def _try_back(m: Any, t: int, r: int) -> bool:
    if not _back_merge(m, t, r):
        return False
    m.vm[MERGES_BACK] += 1
    rq = m.request[r]
    later = find_starting_at(m.request, m.queue[0], rq.sector + rq.nr_sectors, rq.write, rq.sync)
    if later >= 0:
        _join(m, r, later)
    return True


@njit
def _try_front(m: Any, t: int, r: int) -> bool:
    if not _front_merge(m, t, r):
        return False
    m.vm[MERGES_FRONT] += 1
    rq = m.request[r]
    earlier = find_ending_at(m.request, m.queue[0], rq.sector, rq.write, rq.sync)
    if earlier >= 0:
        _join(m, earlier, r)
    return True


@njit
def _join(m: Any, r: int, later: int) -> None:
    """Two queued requests that a bio has joined become one, if it is not too long."""
    request = m.request
    q = m.queue[0]
    rq = request[r]
    gone = request[later]
    if rq.queue != gone.queue or gone.waiter >= 0:
        return
    if not _room(q, rq, gone.nr_sectors, gone.nr_segments):
        return
    hash_end_del(request, q, r)
    hash_end_del(request, q, later)
    hash_start_del(request, q, later)
    if gone.first_page >= 0:
        if rq.last_page >= 0:
            m.page[rq.last_page].bio_next = gone.first_page
        else:
            rq.first_page = gone.first_page
        rq.last_page = gone.last_page
    rq.nr_sectors += gone.nr_sectors
    rq.nr_pages += gone.nr_pages
    rq.nr_segments += gone.nr_segments
    rq.tail_run_pages = gone.tail_run_pages
    rq.nr_cookies += gone.nr_cookies
    if gone.cookie != 0:
        rq.cookie = gone.cookie
    rq.t_queue_ns = min(rq.t_queue_ns, gone.t_queue_ns)
    hash_end_add(request, q, r)
    if q.elevator == ELEVATOR_CFQ:
        cfq_merged(m, r, later)
    elif q.elevator == ELEVATOR_DEADLINE:
        deadline_merged(m, r, later)
    else:
        noop_del(m, later)
    q.nr_queued -= 1
    q.last_merge = r
    q.last_bio_request = r
    freed_request(m, later)


@njit
def freed_request(m: Any, r: int) -> None:
    """A request is free again: end congestion, let one waiter of get_request go on.

    As in the kernel every free below the threshold wakes who sleeps in congestion_wait, whether
    or not the queue was congested, and waiters are woken one for each request freed below
    nr_requests.
    """
    q = m.queue[0]
    vm = m.vm
    clock = m.clock
    sync = np.int64(m.request[r].sync)
    put_request(m.request, q, r)
    vm[NR_REQUESTS_ASYNC + sync] -= 1
    count = vm[NR_REQUESTS_ASYNC + sync]
    if count < q.congestion_off:
        vm[BDI_ASYNC_CONGESTED + sync] = 0
        clock[WAKE_CONGESTION_ASYNC + sync] = 1
        clock[ANY_WAKE] = 1
    if count + 1 <= q.nr_requests:
        q.full[sync] = 0
        clock[WAKE_REQUEST_ASYNC + sync] += 1
        clock[ANY_WAKE] = 1
