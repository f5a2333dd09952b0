"""Disks as arithmetic: how long one request takes, from where the head is.

service = overhead + transfer + positioning, where positioning is nothing for a request that begins
where the head is, the time the gap passes under the head for a short forward gap (when that is
shorter), else seek and wait for the platter:

    seek = seek_min + seek_sqrt * sqrt(distance / capacity) + seek_linear * distance / capacity

Integers only; the random part of the rotation is passed in as a draw in [0, 2^31). Which request
comes next is decided in ``elevator``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.engine.jit import njit
from sim.units import NSEC_PER_MSEC, SECTOR_SIZE


class DiskParameters(NamedTuple):
    """One disk. Names and units as in the dtype QUEUE."""

    capacity_sectors: int
    outer_kb_per_s: int
    inner_kb_per_s: int
    overhead_ns: int
    seek_min_ns: int
    seek_sqrt_ns: int
    seek_linear_ns: int
    latency_ns: int
    rotation_ns: int
    readover_sectors: int
    queue_depth: int
    disk_window: int
    disk_age_ns: int


DISKS: dict[str, DiskParameters] = {
    # A 500 GB 3.5" SATA disk of 2010 as its data sheets give it: 7200 rpm, track to track 0.8 ms,
    # mean seek of uniformly random places 8.5 ms, full stroke 17 ms, 120 MB/s outside and 60 MB/s
    # inside. The two coefficients solve a + b = 16.2 ms and 8/15 a + b/3 = 7.7 ms.
    "hdd-7200": DiskParameters(
        capacity_sectors=976_773_168,
        outer_kb_per_s=120_000,
        inner_kb_per_s=60_000,
        overhead_ns=100_000,
        seek_min_ns=800_000,
        seek_sqrt_ns=11_500_000,
        seek_linear_ns=4_700_000,
        latency_ns=0,
        rotation_ns=8_333_333,
        readover_sectors=128,
        queue_depth=1,
        disk_window=1,
        disk_age_ns=500 * NSEC_PER_MSEC,
    ),
    # The modelled disk under the recorded 2.6.36.
    "rec-2.6.36": DiskParameters(
        capacity_sectors=4_000_000_000 // SECTOR_SIZE,
        outer_kb_per_s=80_000,
        inner_kb_per_s=80_000,
        overhead_ns=100_000,
        seek_min_ns=800_000,
        seek_sqrt_ns=7_200_000,
        seek_linear_ns=0,
        latency_ns=0,
        rotation_ns=8_330_000,
        readover_sectors=128,
        queue_depth=1,
        disk_window=1,
        disk_age_ns=500 * NSEC_PER_MSEC,
    ),
    # The modelled disk under the recorded 6.1: 32 tags, 16 of them at the disk.
    "rec-6.1": DiskParameters(
        capacity_sectors=(4 << 30) // SECTOR_SIZE,
        outer_kb_per_s=25_000,
        inner_kb_per_s=25_000,
        overhead_ns=100_000,
        seek_min_ns=800_000,
        seek_sqrt_ns=6_000_000,
        seek_linear_ns=0,
        latency_ns=4_170_000,
        rotation_ns=0,
        readover_sectors=512,
        queue_depth=32,
        disk_window=16,
        disk_age_ns=500 * NSEC_PER_MSEC,
    ),
}


def disk_parameters(
    model: str, *, capacity_sectors: int = 0, transfer_kb_per_s: int = 0
) -> DiskParameters:
    """The named disk; a capacity or rate other than 0 replaces the model's own.

    A rate given here is the outermost one; inner zones keep their share of it.
    """
    disk = DISKS[model]
    if capacity_sectors:
        disk = disk._replace(capacity_sectors=capacity_sectors)
    if transfer_kb_per_s:
        inner = disk.inner_kb_per_s * transfer_kb_per_s // disk.outer_kb_per_s
        disk = disk._replace(outer_kb_per_s=transfer_kb_per_s, inner_kb_per_s=max(inner, 1))
    return disk


@njit
def isqrt56(x: int) -> int:
    """floor(sqrt(x)) of 0 <= x <= 2^56, bit by bit."""
    root = np.int64(0)
    rest = np.int64(x)
    bit = np.int64(1) << np.int64(56)
    while bit != 0:
        if rest >= root + bit:
            rest -= root + bit
            root = (root >> np.int64(1)) + bit
        else:
            root >>= np.int64(1)
        bit >>= np.int64(2)
    return root


@njit
def transfer_ns(q: Any, sector: int, nr_sectors: int) -> int:
    """Time in which ``nr_sectors`` pass under the head, at the rate of the zone of ``sector``."""
    slower = np.int64(q.outer_kb_per_s) - np.int64(q.inner_kb_per_s)
    rate = np.int64(q.outer_kb_per_s) - slower * np.int64(sector) // np.int64(q.capacity_sectors)
    # bytes * 1e9 / (rate * 1000)
    return np.int64(nr_sectors) * np.int64(SECTOR_SIZE * 1_000_000) // rate


@njit
def seek_ns(q: Any, from_sector: int, sector: int) -> int:
    """Time of the arm between two places, the platter not included."""
    distance = np.int64(sector) - np.int64(from_sector)
    if distance < 0:
        distance = -distance
    capacity = np.int64(q.capacity_sectors)
    distance = min(distance, capacity)
    # distance / capacity with 56 fractional bits, in two steps that stay below 2^63
    scaled = distance << np.int64(28)
    ratio28 = scaled // capacity
    rest = scaled - ratio28 * capacity
    ratio56 = (ratio28 << np.int64(28)) + (rest << np.int64(28)) // capacity
    root28 = isqrt56(ratio56)
    arm = (np.int64(q.seek_sqrt_ns) * root28) >> np.int64(28)
    return np.int64(q.seek_min_ns) + arm + ((np.int64(q.seek_linear_ns) * ratio28) >> np.int64(28))


@njit
def reads_over(q: Any, from_sector: int, sector: int) -> bool:
    """The head stays: the request begins under it, or a short gap passes by sooner than a seek."""
    gap = np.int64(sector) - np.int64(from_sector)
    if gap == 0:
        return True
    if gap < 0 or gap > q.readover_sectors:
        return False
    least = seek_ns(q, from_sector, sector) + np.int64(q.latency_ns)
    return transfer_ns(q, from_sector, gap) <= least


@njit
def positioning_ns(q: Any, from_sector: int, sector: int, draw: int) -> int:
    """Time until the first sector is under the head."""
    if reads_over(q, from_sector, sector):
        return transfer_ns(q, from_sector, np.int64(sector) - np.int64(from_sector))
    turn = (np.int64(q.rotation_ns) * np.int64(draw)) >> np.int64(31)
    return seek_ns(q, from_sector, sector) + np.int64(q.latency_ns) + turn


@njit
def service_time_ns(q: Any, from_sector: int, sector: int, nr_sectors: int, draw: int) -> int:
    """Time of one request of ``nr_sectors`` at ``sector`` when the head is at ``from_sector``.

    Args:
        q: a QUEUE record, read for its disk fields only.
        from_sector: end of the last transfer.
        sector: first sector asked for.
        nr_sectors: length in sectors of 512 bytes.
        draw: uniform in [0, 2^31), the place of the platter.
    """
    positioning = positioning_ns(q, from_sector, sector, draw)
    return np.int64(q.overhead_ns) + positioning + transfer_ns(q, sector, nr_sectors)
