"""The two lists of requests: congestion, fullness, batchers, waiters (get_request)."""

from __future__ import annotations

import pytest

from sim.machine.machine import WAKE_CONGESTION_ASYNC, WAKE_CONGESTION_SYNC
from sim.machine.task import DONE, WANT_REQUEST_ASYNC, WANT_REQUEST_SYNC
from sim.machine.vmstat import (
    BDI_ASYNC_CONGESTED,
    BDI_SYNC_CONGESTED,
    GET_REQUEST_SLEEPS,
    NR_REQUESTS_ASYNC,
    NR_REQUESTS_SYNC,
)
from tests.support.block import make_block

MS = 1_000_000
FAR = 1000
"""Sectors between two requests that do not merge."""


def fill(block, n, t=0, first=0, **kind):
    """Submit n scattered bios; the stop code of the last one."""
    stops = [block.submit(t, (first + i) * FAR, **kind) for i in range(n)]
    assert stops[:-1] == [DONE] * (n - 1)
    return stops[-1]


def test_the_queue_is_congested_from_its_113th_async_request_on():
    block = make_block()
    fill(block, 112)
    assert block.vm(BDI_ASYNC_CONGESTED) == 0
    fill(block, 1, first=112)
    assert block.vm(BDI_ASYNC_CONGESTED) == 1
    assert block.vm(BDI_SYNC_CONGESTED) == 0


def test_congestion_ends_when_102_are_left():
    block = make_block()
    fill(block, 120)
    seen = []
    while block.step():
        seen.append((block.vm(NR_REQUESTS_ASYNC), block.vm(BDI_ASYNC_CONGESTED)))
    assert all(congested == (count >= 103) for count, congested in seen)
    assert (103, 1) in seen
    assert (102, 0) in seen


def test_every_request_that_ends_below_the_threshold_wakes_congestion_wait():
    """As the kernel's clear_bdi_congested: whether or not the queue was congested."""
    block = make_block()
    fill(block, 3)
    clock = block.arrays["clock"]
    wakeups = 0
    while block.step():
        wakeups += int(clock[WAKE_CONGESTION_ASYNC])
        assert clock[WAKE_CONGESTION_SYNC] == 0
        clock[WAKE_CONGESTION_ASYNC] = 0
    assert wakeups == 3


def test_async_and_sync_requests_are_counted_apart():
    block = make_block()
    fill(block, 127)
    assert fill(block, 3, t=1, first=500, write=False) == DONE
    assert fill(block, 2, t=2, first=600, sync=True) == DONE
    assert (block.vm(NR_REQUESTS_ASYNC), block.vm(NR_REQUESTS_SYNC)) == (127, 5)


def test_reads_wait_on_the_sync_list():
    block = make_block()
    fill(block, 128, write=False)
    assert block.submit(1, 500_000, write=False) == WANT_REQUEST_SYNC
    assert block.vm(BDI_SYNC_CONGESTED) == 1


def test_who_fills_the_queue_may_go_on_for_32_requests():
    block = make_block()
    assert fill(block, 127 + 32) == DONE
    assert fill(block, 1, first=200) == WANT_REQUEST_ASYNC
    assert block.vm(NR_REQUESTS_ASYNC) == 159
    assert block.vm(GET_REQUEST_SLEEPS) == 1


def test_another_task_sleeps_at_once():
    block = make_block()
    fill(block, 128)
    assert fill(block, 1, t=1, first=200) == WANT_REQUEST_ASYNC


def test_a_batch_ends_after_20_ms():
    block = make_block()
    fill(block, 128)
    block.arrays["task"]["batch_until_ns"][0] = block.now_ns
    assert fill(block, 1, first=200) == WANT_REQUEST_ASYNC


def test_batchers_stop_at_three_halves_of_nr_requests():
    block = make_block(nr_requests=16)
    assert fill(block, 24) == DONE
    assert fill(block, 1, first=30) == WANT_REQUEST_ASYNC
    assert block.vm(NR_REQUESTS_ASYNC) == 24


def test_a_task_that_sleeps_for_a_request_unplugs_the_queue():
    block = make_block(nr_requests=16)
    block.q.unplug_thresh = 1000
    fill(block, 24)
    assert block.q.in_service == -1
    fill(block, 1, first=30)
    assert block.q.in_service >= 0


def test_a_woken_task_gets_its_request_and_a_batch():
    block = make_block()
    fill(block, 128)
    fill(block, 1, t=1, first=200)
    before = len(block.log())
    while block.waiting[0]:
        block.step()
    # Woken by the first request that leaves fewer than 128.
    assert len(block.log()) - before == 1
    assert block.vm(NR_REQUESTS_ASYNC) == 128
    assert block.arrays["task"]["bio_sectors"][1] == 0
    assert block.arrays["task"]["batch_count"][1] == 31


@pytest.mark.parametrize("elevator", ["noop", "deadline", "cfq"])
def test_no_waiter_is_forgotten(elevator):
    block = make_block(elevator=elevator, nr_requests=16, nr_tasks=40)
    left = dict.fromkeys(range(40), 20)
    while any(left.values()):
        asleep = set(block.waiting[0])
        for t in [t for t in left if left[t] and t not in asleep]:
            block.submit(t, (t * 20 + left[t]) * FAR)
            left[t] -= 1
        block.step()
    block.run()
    assert block.waiting == {0: [], 1: []}
    assert len(block.log()) == 800
    assert block.vm(NR_REQUESTS_ASYNC) == 0
