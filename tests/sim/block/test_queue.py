"""Plugging, conservation of sectors and pages, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.block.request_queue import NEVER
from sim.engine.jit import JIT
from sim.machine.machine import IO_LOG_LOST
from sim.machine.vmstat import (
    DISK_BUSY_NS,
    NR_REQUESTS_ASYNC,
    NR_REQUESTS_SYNC,
    NR_WRITEBACK,
    REQUESTS_READ,
    REQUESTS_WRITTEN,
    SECTORS_READ,
    SECTORS_WRITTEN,
    SEEKS_READ,
    SEEKS_WRITTEN,
    SEQUENTIAL_WRITTEN,
)
from tests.support.block import ELEVATORS, digest, make_block, mixed_run

MS = 1_000_000
ROOT = Path(__file__).resolve().parents[3]
every_elevator = pytest.mark.parametrize("elevator", list(ELEVATORS))


@every_elevator
@pytest.mark.parametrize(("hz", "delay_ns"), [(100, 10 * MS), (250, 4 * MS), (1000, 3 * MS)])
def test_a_lone_request_waits_for_the_plug_until_a_tick(elevator, hz, delay_ns):
    block = make_block(elevator=elevator, hz=hz)
    block.submit(0, 0)
    assert block.next_event_ns == delay_ns
    assert block.q.in_service == -1
    block.step()
    assert block.q.in_service >= 0


@every_elevator
def test_the_fourth_request_unplugs(elevator):
    block = make_block(elevator=elevator)
    for i in range(3):
        block.submit(0, 1000 * i)
    assert block.q.in_service == -1
    block.submit(0, 3000)
    assert block.q.in_service >= 0


@every_elevator
def test_a_waiter_unplugs(elevator):
    block = make_block(elevator=elevator)
    block.submit(0, 0, write=False)
    block.unplug()
    assert block.q.in_service >= 0
    block.step()
    assert all(map(block.was_read, block.pages))


def test_an_idle_disk_has_no_event():
    block = make_block()
    assert block.next_event_ns == NEVER
    block.submit(0, 0)
    block.run()
    assert block.next_event_ns == NEVER


def test_the_log_says_what_happened():
    block = make_block(elevator="noop", log_rows=2)
    block.arrays["task"]["issuer"][2] = 3
    block.submit(2, 8, 16)
    block.submit(2, 7_000_000)
    block.submit(2, 7_000_008, write=False)
    block.unplug()
    block.run()
    first, second = block.log()
    assert (first["sector"], first["nr_sectors"], first["task"], first["issuer"]) == (8, 16, 2, 3)
    assert (first["write"], first["sync"], first["queue_depth"]) == (1, 0, 3)
    assert (first["positioned"], second["positioned"]) == (0, 1)
    assert first["t_done_ns"] - first["t_issue_ns"] == 100_000 + 24 * 6400 - 0
    assert block.arrays["clock"][IO_LOG_LOST] == 1
    assert (block.vm(REQUESTS_WRITTEN), block.vm(REQUESTS_READ)) == (2, 1)
    assert (block.vm(SECTORS_WRITTEN), block.vm(SECTORS_READ)) == (24, 8)
    assert (block.vm(SEEKS_WRITTEN), block.vm(SEEKS_READ)) == (1, 0)


def test_a_request_that_begins_where_the_last_ended_is_sequential():
    block = make_block(elevator="noop")
    for sector in (0, 8, 4000, 4008, 4016):
        block.submit(0, sector)
        block.unplug()
        block.run()
    assert block.vm(SEQUENTIAL_WRITTEN) == 4


def test_services_never_overlap_and_add_up_to_the_busy_time():
    log = (block := mixed_run("cfq", 400)).log()
    assert (log["t_issue_ns"][1:] >= log["t_done_ns"][:-1]).all()
    assert (log["t_queue_ns"] <= log["t_issue_ns"]).all()
    assert block.vm(DISK_BUSY_NS) == (log["t_done_ns"] - log["t_issue_ns"]).sum()


def test_the_next_request_waits_for_the_end_of_ios_softirq():
    block = make_block(elevator="noop", mips=1000)
    for i in range(256):
        block.submit(0, 8 * i)
    block.run()
    log = block.log()
    # 128 pages of 1200 instructions and the softirq's own 2000, at 1 ns each.
    assert log["t_issue_ns"][1] - log["t_done_ns"][0] == 128 * 1200 + 2000


def check_empty(block):
    """Nothing is left behind: lists, hashes, counts, free requests."""
    q = block.q
    assert block.waiting == {0: [], 1: []}
    assert (q.nr_queued, q.nr_at_disk, q.in_service, q.nr_cookies) == (0, 0, -1, 0)
    assert (q.disk_head, q.disk_tail) == (-1, -1)
    assert (q.hash_end == -1).all()
    assert (q.hash_start == -1).all()
    elevator = block.arrays["elevator"]
    for name in ("head", "tail", "hint", "fifo_head", "fifo_tail", "next_rq"):
        assert (elevator[name] == -1).all(), name
    for name in ("nr", "dispatched", "meta_pending", "wait_request"):
        assert (elevator[name] == 0).all(), name
    assert (block.vm(NR_REQUESTS_ASYNC), block.vm(NR_REQUESTS_SYNC)) == (0, 0)
    request = block.arrays["request"]
    free, r = 0, int(q.free_head)
    while r >= 0:
        free, r = free + 1, int(request["next"][r])
    assert free == len(request)


BIO = st.tuples(
    st.integers(0, 3),  # task
    st.integers(0, 120),  # slot of 8 pages
    st.sampled_from([(0, 8), (0, 3), (3, 5), (7, 1), (0, 1)]),  # pages of the slot
    st.sampled_from(["read", "write", "sync"]),
    st.integers(0, 3),  # disk events after it
    st.booleans(),  # unplug
)


@pytest.mark.parametrize("disk_queue", [1, 4])
@every_elevator
@given(bios=st.lists(BIO, max_size=60, unique_by=lambda bio: bio[1]))
def test_every_sector_is_served_once_and_every_page_ends_in_order(elevator, disk_queue, bios):
    block = make_block(elevator=elevator, nr_requests=16, nr_tasks=4, nr_pages=1024, log_rows=99)
    block.q.queue_depth = block.q.disk_window = disk_queue
    block.q.max_sectors = 128
    served, last = [], -1

    def step():
        nonlocal last
        if block.q.in_service >= 0 and block.q.done_at_ns <= block.next_event_ns:
            check_service()
        return block.step()

    def check_service():
        chain = block.served_pages()
        rq = block.arrays["request"][block.q.in_service]
        blocks = [int(block.arrays["page"]["block"][pfn]) for pfn in chain]
        assert blocks == list(range(rq.sector // 8, (rq.sector + rq.nr_sectors) // 8))
        assert len(chain) == rq.nr_pages
        assert not any(map(block.ended, chain))
        served.extend(chain)

    total = 0
    for t, slot, (first, pages), kind, events, unplug in bios:
        while t in block.waiting[0] + block.waiting[1]:
            assert step()
        block.submit(t, slot * 64 + first * 8, pages * 8, write=kind != "read", sync=kind == "sync")
        total += pages * 8
        if unplug:
            block.unplug()
        for _ in range(events):
            step()
    while step():
        pass
    assert sorted(served) == sorted(block.pages)
    assert all(map(block.ended, block.pages))
    assert block.vm(NR_WRITEBACK) == 0
    assert block.vm(SECTORS_READ) + block.vm(SECTORS_WRITTEN) == total
    assert block.log()["nr_sectors"].sum() == total
    check_empty(block)


@every_elevator
def test_a_mixed_run_leaves_nothing_behind(elevator):
    block = mixed_run(elevator)
    assert all(map(block.ended, block.pages))
    check_empty(block)


def test_compiled_and_uncompiled_kernels_leave_the_same_bits():
    other = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.support.block"],
        cwd=ROOT, env={**os.environ, "NUMBA_DISABLE_JIT": "1" if JIT else "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = [f"{name} {digest(mixed_run(name))}" for name in ELEVATORS]
    assert other.stdout.splitlines() == ours
