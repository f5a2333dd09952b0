"""Disks as arithmetic: how long one request takes, from where the head is.

service = overhead + transfer + positioning, where positioning is nothing for a request that begins
where the head is, the time the gap passes under the head for a short forward gap (when that is
shorter), else seek and wait for the platter:

    seek = seek_min + seek_sqrt * sqrt(distance / capacity) + seek_linear * distance / capacity

Integers only; the random part of the rotation is passed in as a draw in [0, 2^31). Which request
comes next is decided in ``elevator``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sim.engine.jit import njit
from sim.machine.request import DEVICE_ARM, DEVICE_FLASH, DEVICE_RAID0, DEVICE_STICK
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
    device_kind: int = DEVICE_ARM
    nr_members: int = 1
    chunk_sectors: int = 0
    nr_channels: int = 0
    nr_dies: int = 0
    page_read_ns: int = 0
    page_bus_ns: int = 0
    page_program_ns: int = 0
    buffer_pages: int = 0
    erase_sectors: int = 0
    erase_ns: int = 0
    nr_open: int = 0
    program_kb_per_s: int = 0

    @property
    def device_sectors(self) -> int:
        """What the queue above sees."""
        return self.capacity_sectors * self.nr_members


_HDD_7200 = DiskParameters(
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
)
_NO_ARM = _HDD_7200._replace(
    seek_min_ns=0, seek_sqrt_ns=0, seek_linear_ns=0, rotation_ns=0, readover_sectors=0
)


DISKS: dict[str, DiskParameters] = {
    # A 500 GB 3.5" SATA disk of 2010 as its data sheets give it: 7200 rpm, track to track 0.8 ms,
    # mean seek of uniformly random places 8.5 ms, full stroke 17 ms, 120 MB/s outside and 60 MB/s
    # inside. The two coefficients solve a + b = 16.2 ms and 8/15 a + b/3 = 7.7 ms.
    "hdd-7200": _HDD_7200,
    # A 2.5" SATA disk of 5400 rpm, 320 GB. Seeks of the Hitachi 5K320 OEM specification, section
    # 4.4.2: single track 1.0 ms, mean 12 ms, full stroke 20 ms; the two coefficients solve
    # a + b = 19 ms and 8/15 a + b/3 = 11 ms. Rate: reviews measure 58 to 75 MB/s outside.
    "hdd-5400": _HDD_7200._replace(
        capacity_sectors=625_142_448,
        outer_kb_per_s=70_000,
        inner_kb_per_s=35_000,
        seek_min_ns=1_000_000,
        seek_sqrt_ns=23_333_333,
        seek_linear_ns=-4_333_333,
        rotation_ns=11_111_111,
    ),
    # Four of the 7200 rpm disks behind a controller that takes 32 requests and splits each by
    # chunks of 64 KiB (the default of mdadm up to 3.0); every member serves its parts in turn.
    "raid0-4": _HDD_7200._replace(
        device_kind=DEVICE_RAID0, nr_members=4, chunk_sectors=128, queue_depth=32
    ),
    # A USB 2.0 stick of 16 GB: erase blocks of 4 MiB, five of which it fills side by side (A.
    # Bergmann, "Optimizing Linux with cheap flash drives", LWN 428584, 2011: sticks differ, 1 to
    # 10). Bulk-only transport: command, data and status in 125 us microframes each.
    "usb-stick": _NO_ARM._replace(
        capacity_sectors=31_301_632,
        outer_kb_per_s=20_000,
        inner_kb_per_s=20_000,
        overhead_ns=500_000,
        device_kind=DEVICE_STICK,
        erase_sectors=8192,
        erase_ns=2_000_000,
        nr_open=5,
        program_kb_per_s=8_000,
    ),
    # A SATA SSD of 2009 as the Intel X25-M G2: ten channels with two dies each (board photographs),
    # NCQ of 32, asynchronous bus of 40 MB/s, 34 nm MLC: read 50 us, program 900 us a page of 4 KiB.
    # The overhead is what 35 000 random reads a second leave beside the 3 Gbit/s link.
    "ssd-sata": _NO_ARM._replace(
        capacity_sectors=156_301_488,
        outer_kb_per_s=270_000,
        inner_kb_per_s=270_000,
        overhead_ns=13_000,
        queue_depth=32,
        device_kind=DEVICE_FLASH,
        nr_channels=10,
        nr_dies=20,
        page_read_ns=50_000,
        page_bus_ns=102_400,
        page_program_ns=900_000,
        buffer_pages=64,
    ),
    # An NVMe drive of 2014 (as Intel's P3700; from memory: 18 channels, 2.8 GB/s read, 1.9 GB/s
    # written, 460 000 random reads a second). Two planes of 16 KiB are programmed in 1.3 ms, so
    # 4 KiB take their eighth of it. Years after 2.6.35: a disk from the future, on purpose.
    "nvme": _NO_ARM._replace(
        capacity_sectors=1_562_824_368,
        outer_kb_per_s=2_800_000,
        inner_kb_per_s=2_800_000,
        overhead_ns=700,
        queue_depth=256,
        device_kind=DEVICE_FLASH,
        nr_channels=18,
        nr_dies=72,
        page_read_ns=60_000,
        page_bus_ns=12_300,
        page_program_ns=162_500,
        buffer_pages=1024,
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
        disk = disk._replace(capacity_sectors=capacity_sectors // disk.nr_members)
    if transfer_kb_per_s:
        disk = disk._replace(**scaled_rates(disk._asdict(), transfer_kb_per_s))
    return disk


def scaled_rates(rates: Mapping[str, int], outer_kb_per_s: int) -> dict[str, int]:
    """The rates of a disk of another outermost rate; of flash with an FTL that is the link's."""
    outer = int(rates["outer_kb_per_s"])
    scaled = {"outer_kb_per_s": outer_kb_per_s}
    for name in ("inner_kb_per_s", "program_kb_per_s"):
        old = int(rates[name])
        scaled[name] = max(old * outer_kb_per_s // outer, 1) if old else 0
    return scaled


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
