"""Which bios become one request, and in which order its pages then are."""

from __future__ import annotations

import pytest

from sim.machine.vmstat import MERGES_BACK, MERGES_FRONT, NR_REQUESTS_ASYNC, NR_REQUESTS_SYNC
from tests.support.block import ELEVATORS, make_block

every_elevator = pytest.mark.parametrize("elevator", list(ELEVATORS))
sorting_elevator = pytest.mark.parametrize("elevator", ["deadline", "cfq"])


def requests(block):
    """(sector, sectors) of every request completed, in the order of the disk."""
    return [(int(row["sector"]), int(row["nr_sectors"])) for row in block.log()]


@every_elevator
def test_consecutive_bios_become_one_request(elevator):
    block = make_block(elevator=elevator)
    for i in range(10):
        block.submit(0, 8 * i)
    assert block.vm(MERGES_BACK) == 9
    assert block.vm(NR_REQUESTS_ASYNC) == 1
    block.unplug()
    assert block.served_pages() == list(range(10))
    block.run()
    assert requests(block) == [(0, 80)]


@every_elevator
def test_descending_bios_become_one_request_with_ascending_pages(elevator):
    block = make_block(elevator=elevator)
    for i in range(10):
        block.submit(0, 8 * (9 - i))
    assert block.vm(MERGES_FRONT) == 9
    block.unplug()
    assert block.served_pages() == list(range(9, -1, -1))
    block.run()
    assert requests(block) == [(0, 80)]


@every_elevator
def test_two_sequential_writers_at_once_have_one_request_each(elevator):
    block = make_block(elevator=elevator)
    for i in range(20):
        block.submit(i % 2, 1_000_000 * (i % 2) + 8 * (i // 2))
    assert block.vm(NR_REQUESTS_ASYNC) == 2
    block.run()
    assert sorted(requests(block)) == [(0, 80), (1_000_000, 80)]


@sorting_elevator
def test_a_bio_that_fills_a_gap_joins_both_neighbours(elevator):
    block = make_block(elevator=elevator)
    block.submit(0, 0)
    block.submit(0, 16)
    assert block.vm(NR_REQUESTS_ASYNC) == 2
    block.submit(0, 8)
    assert block.vm(NR_REQUESTS_ASYNC) == 1
    block.unplug()
    assert block.served_pages() == [0, 2, 1]
    block.run()
    assert requests(block) == [(0, 24)]


def test_noop_looks_for_a_front_merge_only_in_the_last_request():
    block = make_block(elevator="noop")
    block.submit(0, 8)
    block.submit(0, 1000)
    block.submit(0, 0)
    assert block.vm(MERGES_FRONT) == 0
    assert block.vm(NR_REQUESTS_ASYNC) == 3


@every_elevator
def test_a_request_ends_at_max_sectors(elevator):
    block = make_block(elevator=elevator, max_sectors_kb=512)
    for i in range(300):
        block.submit(0, 8 * i)
    block.run()
    assert sorted(requests(block)) == [(0, 1024), (1024, 1024), (2048, 352)]


def test_a_request_ends_at_128_pieces_of_memory():
    block = make_block(max_sectors_kb=4096)
    for i in range(200):
        block.submit(0, 8 * i, contiguous_pages=False)
        block.next_page += 1
    block.run()
    assert sorted(requests(block)) == [(0, 1024), (1024, 576)]


def test_adjacent_pages_are_one_piece_of_up_to_64_kib():
    block = make_block(max_sectors_kb=4096, max_segments=4)
    for i in range(80):
        block.submit(0, 8 * i)
    block.run()
    assert sorted(requests(block)) == [(0, 4 * 128), (512, 128)]


@every_elevator
def test_a_bio_of_several_pages_keeps_their_order(elevator):
    block = make_block(elevator=elevator)
    block.submit(0, 64, 32)
    block.submit(0, 96, 64)
    block.submit(0, 0, 64)
    block.unplug()
    blocks = [int(block.arrays["page"]["block"][pfn]) for pfn in block.served_pages()]
    assert blocks == list(range(20))


@every_elevator
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"write": True}, {"write": False}),
        ({"write": True}, {"write": True, "sync": True}),
        ({"write": True, "sync": True}, {"write": False}),
    ],
)
def test_reads_sync_writes_and_async_writes_do_not_mix(elevator, first, second):
    block = make_block(elevator=elevator)
    block.submit(0, 0, **first)
    block.submit(0, 8, **second)
    assert block.vm(NR_REQUESTS_ASYNC) + block.vm(NR_REQUESTS_SYNC) == 2


def test_cfq_merges_async_writes_of_two_tasks_but_not_their_reads():
    block = make_block(elevator="cfq")
    block.submit(0, 0)
    block.submit(1, 8)
    assert block.vm(NR_REQUESTS_ASYNC) == 1
    block.submit(0, 800, write=False)
    block.submit(1, 808, write=False)
    assert block.vm(NR_REQUESTS_SYNC) == 2


@every_elevator
def test_a_request_at_the_disk_takes_no_more_bios(elevator):
    block = make_block(elevator=elevator)
    block.submit(0, 0)
    block.unplug()
    block.submit(0, 8)
    block.run()
    assert requests(block) == [(0, 8), (8, 8)]


def test_metadata_has_no_pages_and_merges_with_those_that_have():
    block = make_block()
    block.submit(0, 0)
    block.submit(0, 8, meta=True)
    block.submit(0, 16)
    block.unplug()
    assert block.served_pages() == [0, 1]
    block.run()
    assert requests(block) == [(0, 24)]


def test_cookies_are_counted_by_bio_through_merges():
    block = make_block()
    for i in range(5):
        block.submit(0, 8 * i, meta=True, cookie=7)
    block.submit(0, 9000, meta=True, cookie=7)
    assert block.q.nr_cookies == 6
    block.step()
    while block.step():
        pass
    assert block.q.nr_cookies == 0


def test_a_request_with_a_waiter_of_its_own_is_left_alone():
    block = make_block()
    block.submit(0, 0, meta=True, write=False)
    block.arrays["request"]["waiter"][block.q.last_bio_request] = 3
    block.submit(0, 8, write=False)
    assert block.vm(NR_REQUESTS_SYNC) == 2
    block.run()
    assert block.arrays["wake"][0] == 3
