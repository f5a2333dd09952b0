"""The disk against sums that need no simulation: expected seek, rotation and transfer."""

from __future__ import annotations

import math
import random

import pytest

from sim.block.disk import DISKS, service_time_ns
from sim.block.request_queue import queue_arrays
from sim.machine.request import ELEVATOR_NOOP

REQUESTS = 20_000


def expected_ns(model: str, nr_sectors: int, span: float) -> float:
    """Mean service of requests at uniformly random places in the first ``span`` of the disk.

    For two uniform places E|x - y| = 1/3 and E sqrt|x - y| = 8/15, and the mean of 1 / rate over
    zones whose rate falls linearly is a logarithm.
    """
    disk = DISKS[model]
    seek = (
        disk.seek_min_ns
        + disk.seek_sqrt_ns * math.sqrt(span) * 8 / 15
        + disk.seek_linear_ns * span / 3
    )
    outer = disk.outer_kb_per_s
    last = outer - (outer - disk.inner_kb_per_s) * span
    per_rate = math.log(outer / last) / (outer - last) if last < outer else 1 / outer
    transfer = nr_sectors * 512 * 1e6 * per_rate
    return disk.overhead_ns + seek + disk.latency_ns + disk.rotation_ns / 2 + transfer


def measured_ns(model: str, nr_sectors: int, span: float) -> float:
    disk = DISKS[model]
    arrays = queue_arrays(
        disk, elevator=ELEVATOR_NOOP, nr_requests=128, max_sectors_kb=512, hz=250, nr_tasks=1
    )
    rng = random.Random(11)
    last = int(disk.capacity_sectors * span) - nr_sectors
    head = total = 0
    for _ in range(REQUESTS):
        sector = rng.randrange(0, last, 8)
        total += service_time_ns(arrays[1][0], head, sector, nr_sectors, rng.randrange(1 << 31))
        head = sector + nr_sectors
    return total / REQUESTS


@pytest.mark.parametrize("model", list(DISKS))
@pytest.mark.parametrize("nr_sectors", [8, 128])
@pytest.mark.parametrize("span", [0.4, 1.0])
def test_random_requests_take_the_expected_time(model: str, nr_sectors: int, span: float) -> None:
    expected = expected_ns(model, nr_sectors, span)
    assert measured_ns(model, nr_sectors, span) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("nr_sectors", "mb_per_s"),
    # Chinner, <20100415233339.GW2493@dastard>: 10 ms a seek, 400 KB/s in 4 KiB, 6 MB/s in 64 KiB.
    # His 10 ms are reached over the first half of the default disk.
    [(8, 0.4), (128, 6.0)],
)
def test_the_default_disk_has_the_rates_of_the_argument(nr_sectors: int, mb_per_s: float) -> None:
    rate = nr_sectors * 512 * 1000 / expected_ns("hdd-7200", nr_sectors, 0.5)
    assert rate == pytest.approx(mb_per_s, rel=0.1)
