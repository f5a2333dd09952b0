"""Service times against hand sums, and the rates that published disks show."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.block.disk import DISKS, disk_parameters, isqrt56, reads_over, service_time_ns
from sim.block.request_queue import queue_arrays
from sim.engine.rng import STREAM_ROTATION, draw_below
from sim.machine.request import ELEVATOR_NOOP
from tests.support.block import make_block

MS = 1_000_000
DRAW_MAX = (1 << 31) - 1


def queue(disk):
    arrays = queue_arrays(
        disk, elevator=ELEVATOR_NOOP, nr_requests=128, max_sectors_kb=512, hz=250, nr_tasks=1
    )
    return arrays[1][0]


RECORDED = queue(DISKS["rec-2.6.36"])
RECORDED_6_1 = queue(DISKS["rec-6.1"])
HDD = queue(DISKS["hdd-7200"])
LAPTOP = queue(DISKS["hdd-5400"])


def by_hand_ns(distance: int, nr_sectors: int, draw: int) -> Fraction:
    """The formula of the recorded 2.6.36, its root taken to a picosecond."""
    root = Fraction(math.isqrt(distance * 512 * 10**24 // 4_000_000_000), 10**12)
    transfer = Fraction(nr_sectors * 512 * 1000, 80)
    rotation = Fraction(8_330_000 * draw, 1 << 31)
    return 100_000 + transfer + 800_000 + 7_200_000 * root + rotation


@given(st.integers(0, 1 << 56))
def test_the_integer_root_is_exact(x):
    assert isqrt56(x) == math.isqrt(x)


def test_the_integer_root_is_exact_at_its_ends():
    for x in (0, 1, 2, 3, 4, (1 << 28) - 1, (1 << 56) - 1, 1 << 56):
        assert isqrt56(x) == math.isqrt(x)


@given(
    st.integers(0, 7_811_000), st.integers(0, 7_811_000),
    st.integers(1, 1024), st.integers(0, DRAW_MAX),
)  # fmt: skip
def test_a_seek_of_the_recorded_disk_is_the_readmes_sum(head, sector, nr_sectors, draw):
    if 0 <= sector - head <= 128:
        return
    service = service_time_ns(RECORDED, head, sector, nr_sectors, draw)
    assert abs(service - by_hand_ns(abs(sector - head), nr_sectors, draw)) <= 4


@given(st.integers(0, 7_000_000), st.integers(1, 1024), st.integers(0, DRAW_MAX))
def test_a_contiguous_request_costs_overhead_and_transfer(head, nr_sectors, draw):
    service = service_time_ns(RECORDED, head, head, nr_sectors, draw)
    assert service == 100_000 + nr_sectors * 512 * 1000 // 80


@given(st.integers(0, 7_000_000), st.integers(1, 128), st.integers(0, DRAW_MAX))
def test_a_short_forward_gap_passes_under_the_head(head, gap, draw):
    service = service_time_ns(RECORDED, head, head + gap, 8, draw)
    assert service == 100_000 + gap * 512 * 1000 // 80 + 8 * 512 * 1000 // 80


def test_no_gap_of_the_recorded_disk_is_dearer_than_a_seek():
    assert all(reads_over(RECORDED, 1000, 1000 + gap) for gap in range(129))
    assert not reads_over(RECORDED, 1000, 1129)
    assert not reads_over(RECORDED, 1000, 999)


def test_half_a_megabyte_in_sequence_takes_6654_us():
    assert service_time_ns(RECORDED, 8, 8, 1024, 0) == 6_653_600


def test_the_6_1_disk_takes_the_cheaper_of_gap_and_seek():
    transfer = 8 * 512 * 1000 // 25
    near = service_time_ns(RECORDED_6_1, 0, 100, 8, 0)
    assert near == 100_000 + 100 * 512 * 1000 // 25 + transfer
    seek = 800_000 + 6_000_000 * math.isqrt(512 * 10**12 // (8 << 20)) // 10**6 + 4_170_000
    far = service_time_ns(RECORDED_6_1, 0, 512, 8, DRAW_MAX)
    assert abs(far - (100_000 + transfer + seek)) <= 10
    assert not reads_over(RECORDED_6_1, 0, 512)


@pytest.mark.parametrize("name", ["hdd-7200", "hdd-5400", "rec-2.6.36", "rec-6.1"])
@given(data=st.data())
def test_a_longer_way_is_never_shorter(name, data):
    q = {"hdd-7200": HDD, "hdd-5400": LAPTOP, "rec-6.1": RECORDED_6_1}.get(name, RECORDED)
    draw = data.draw(st.integers(0, DRAW_MAX))
    a, b = sorted(data.draw(st.tuples(*[st.integers(600, int(q.capacity_sectors) - 1)] * 2)))
    # Transfers of 0 sectors: the zones of the two places do not matter.
    assert service_time_ns(q, 0, a, 0, draw) <= service_time_ns(q, 0, b, 0, draw)


@given(st.integers(0, 976_773_167), st.integers(1, 1023))
def test_a_longer_request_is_never_shorter(sector, nr_sectors):
    shorter = service_time_ns(HDD, sector, sector, nr_sectors, 0)
    assert shorter < service_time_ns(HDD, sector, sector, nr_sectors + 1, 0)


def test_capacity_and_rate_can_be_replaced():
    disk = disk_parameters("hdd-7200", capacity_sectors=1 << 33, transfer_kb_per_s=200_000)
    assert (disk.outer_kb_per_s, disk.inner_kb_per_s) == (200_000, 100_000)
    q = queue(disk)
    full = service_time_ns(q, 0, 1 << 33, 8, 0)
    assert abs(full - (100_000 + 17 * MS + 8 * 512 * 1000 // 100)) <= 10
    assert disk_parameters("rec-6.1") == DISKS["rec-6.1"]


def mean_service_ns(q, nr_sectors: int, span: float, n: int = 4000) -> float:
    rng = random.Random(5)
    last = int(int(q.capacity_sectors) * span) - nr_sectors
    total = head = 0
    for _ in range(n):
        sector = rng.randrange(0, last, 8)
        total += service_time_ns(q, head, sector, nr_sectors, rng.randrange(DRAW_MAX))
        head = sector + nr_sectors
    return total / n


def test_the_hdd_has_the_data_sheets_seeks():
    still = 100_000 + 8 * 512 * 1000 // 120
    track = service_time_ns(HDD, 0, 1000, 8, 0) - still
    assert 0.8 * MS <= track <= 0.9 * MS
    mean = mean_service_ns(HDD, 8, 1.0) - 0.1 * MS - 8.333333 * MS / 2 - 0.046 * MS
    assert mean == pytest.approx(8.5 * MS, rel=0.02)
    full = service_time_ns(HDD, 0, 976_773_160, 8, 0)
    assert 16 * MS <= full <= 18 * MS


def test_the_laptop_disk_has_the_data_sheets_seeks():
    # Hitachi 5K320, 4.4.2: single track 1 ms, mean 12 ms, full stroke 20 ms, 5400 rpm.
    mean = mean_service_ns(LAPTOP, 8, 1.0) - 0.1 * MS - 11.111111 * MS / 2 - 0.078 * MS
    assert mean == pytest.approx(12 * MS, rel=0.02)
    track = service_time_ns(LAPTOP, 0, 200, 8, 0) - 100_000 - 8 * 512 * 1000 // 70
    assert 1 * MS <= track <= 1.05 * MS
    full = service_time_ns(LAPTOP, 0, 625_142_440, 8, 0)
    assert 20 * MS <= full <= 20.3 * MS


def test_the_hdd_does_about_100_scattered_4_kib_a_second():
    # Chinner, 2010-04-16: 10 ms on the average; he does not say over how much of the disk.
    assert 1e9 / mean_service_ns(HDD, 8, 1.0) == pytest.approx(78, rel=0.05)
    assert 1e9 / mean_service_ns(HDD, 8, 0.4) == pytest.approx(105, rel=0.05)


def test_the_hdd_moves_6_mb_a_second_in_chunks_of_64_kib():
    assert 65536 / mean_service_ns(HDD, 128, 0.4) * 1000 == pytest.approx(6.2, rel=0.1)


def test_the_hdd_streams_about_100_mb_a_second():
    for place, rate in ((0, 117), (488_386_584, 88), (976_700_000, 59)):
        service = service_time_ns(HDD, place, place, 1024, 0)
        assert 524288 / service * 1000 == pytest.approx(rate, rel=0.02)


def test_the_recorded_disk_does_115_to_130_scattered_4_kib_a_second():
    """Over the 2.5 GB that its files covered, one request at a time, through the queue."""
    block = make_block(elevator="noop", disk=DISKS["rec-2.6.36"])
    for i in range(600):
        sector = draw_below(3, STREAM_ROTATION, i, 2_500_000_000 // 4096) * 8
        block.submit(0, sector, write=False)
        block.unplug()
        block.run()
    assert 115 <= len(block.log()) / (block.now_ns / 1e9) <= 130


def test_rotation_is_uniform_over_the_requests_of_a_run():
    block = make_block(elevator="noop")
    for i in range(500):
        block.submit(0, 4_000_000 if i % 2 else 0, write=False)
        block.unplug()
        block.run()
    log = block.log()[1:]
    service = log["t_done_ns"] - log["t_issue_ns"]
    turns = np.sort(service - service.min()) / 8_330_000
    assert np.abs(turns - np.linspace(0, 1, len(turns))).max() < 0.08
