"""Devices that do several things at once: published rates arise, and what state costs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.block.disk import DISKS, disk_parameters
from sim.block.request_queue import queue_arrays
from sim.block.stall import blk_stall
from sim.block.units import member_part
from sim.machine.machine import ANY_WAKE, KICK_QUEUE
from sim.machine.request import DEVICE_ARM, ELEVATOR_NOOP
from sim.machine.vmstat import DISK_BUSY_NS, ERASE_BLOCKS_COPIED, SECTORS_COPIED
from tests.support.block import Block, make_block

MS = 1_000_000
UNITS = [name for name, disk in DISKS.items() if disk.device_kind != DEVICE_ARM]
ERASE = DISKS["usb-stick"].erase_sectors


def block_of(name: str, **changes: int) -> Block:
    disk = DISKS[name]._replace(**changes)
    return make_block(elevator="noop", disk=disk, nr_requests=512, max_segments=1024)


def keep_busy(
    block: Block, sectors: list[int], nr_sectors: int, *, write: bool, depth: int
) -> float:
    """Requests a second with ``depth`` of them always there."""
    for sector in sectors:
        while len(queued(block)) >= depth:
            block.step()
        block.submit(0, sector, nr_sectors, write=write)
        block.unplug()
    block.run()
    return len(sectors) / (block.now_ns / 1e9)


def queued(block: Block) -> range:
    return range(int(block.q.nr_at_disk + block.q.nr_queued))


def scattered(name: str, n: int) -> list[int]:
    """Never next to each other, so that nothing merges."""
    rng = random.Random(7)
    last = DISKS[name].device_sectors // 16
    return [i * 16 for i in rng.sample(range(last), n)]


def stream(n: int, nr_sectors: int) -> list[int]:
    return [i * nr_sectors for i in range(n)]


def mb_per_s(per_s: float, nr_sectors: int) -> float:
    return per_s * nr_sectors * 512 / 1e6


def test_the_ssd_has_the_data_sheets_rates():
    # X25-M G2: 250 MB/s read, 70 (80 GB) to 100 MB/s (160 GB) written, 35 000 random reads a
    # second, at 32 deep; one at a time about 5 000.
    reads = keep_busy(block_of("ssd-sata"), stream(200, 1024), 1024, write=False, depth=32)
    assert mb_per_s(reads, 1024) == pytest.approx(250, rel=0.1)
    writes = keep_busy(block_of("ssd-sata"), stream(200, 1024), 1024, write=True, depth=32)
    assert 70 <= mb_per_s(writes, 1024) <= 100
    places = scattered("ssd-sata", 2000)
    many = keep_busy(block_of("ssd-sata"), places, 8, write=False, depth=32)
    assert many == pytest.approx(35_000, rel=0.1)
    one = keep_busy(block_of("ssd-sata"), places[:500], 8, write=False, depth=1)
    assert 4_500 <= one <= 6_500


def test_the_nvme_drive_has_the_data_sheets_rates():
    reads = keep_busy(block_of("nvme"), stream(400, 1024), 1024, write=False, depth=32)
    assert mb_per_s(reads, 1024) == pytest.approx(2800, rel=0.1)
    writes = keep_busy(block_of("nvme"), stream(400, 1024), 1024, write=True, depth=32)
    assert mb_per_s(writes, 1024) == pytest.approx(1900, rel=0.1)
    many = keep_busy(block_of("nvme"), scattered("nvme", 5000), 8, write=False, depth=256)
    assert many == pytest.approx(460_000, rel=0.15)


def test_four_heads_serve_four_times_as_many_scattered_reads():
    places = scattered("hdd-7200", 400)
    one = keep_busy(block_of("hdd-7200"), places, 8, write=False, depth=32)
    four = keep_busy(block_of("raid0-4"), [4 * s for s in places], 8, write=False, depth=32)
    assert 3.2 <= four / one <= 4.1


def test_raid_0_streams_at_nearly_four_times_the_rate():
    one = keep_busy(block_of("hdd-7200"), stream(200, 1024), 1024, write=True, depth=8)
    four = keep_busy(block_of("raid0-4"), stream(200, 1024), 1024, write=True, depth=8)
    assert 3 <= four / one <= 4.01


@given(st.integers(0, 1 << 33), st.integers(1, 4096), st.sampled_from([2, 3, 4, 8]))
def test_the_parts_of_a_request_cover_it_chunk_by_chunk(sector, nr_sectors, members):
    disk = DISKS["raid0-4"]._replace(nr_members=members)
    q = queue_arrays(
        disk, elevator=ELEVATOR_NOOP, nr_requests=128, max_sectors_kb=512, hz=250, nr_tasks=1
    )[1][0]
    chunk = disk.chunk_sectors
    wanted: dict[int, list[int]] = {u: [] for u in range(members)}
    for s in range(sector, sector + nr_sectors):
        number, offset = divmod(s, chunk)
        wanted[number % members].append(number // members * chunk + offset)
    for u, places in wanted.items():
        begin, length = (int(x) for x in member_part(q, sector, nr_sectors, u))
        assert length == len(places)
        if places:
            assert places == list(range(begin, begin + length))


def test_a_stick_streams_at_its_rate_and_copies_nothing():
    block = block_of("usb-stick")
    writes = keep_busy(block, stream(200, 1024), 1024, write=True, depth=1)
    assert mb_per_s(writes, 1024) == pytest.approx(8, rel=0.1)
    assert block.vm(ERASE_BLOCKS_COPIED) == 0


def test_an_erase_block_left_unfinished_is_copied():
    """Six places for five open blocks: each write closes one of which 8 sectors are new."""
    block = block_of("usb-stick")
    places = [i % 6 * 100 * ERASE for i in range(60)]
    keep_busy(block, places, 8, write=True, depth=1)
    assert block.vm(ERASE_BLOCKS_COPIED) == 60 - 5
    assert block.vm(SECTORS_COPIED) == (60 - 5) * (ERASE - 8)
    each_ns = block.now_ns / (60 - 5)
    copy_ns = ERASE * 512 * (1e9 / 20e6 + 1e9 / 8e6)
    assert each_ns == pytest.approx(copy_ns, rel=0.05)


def test_as_many_places_as_open_blocks_cost_nothing_more():
    block = block_of("usb-stick")
    places = [i % 5 * 100 * ERASE + i // 5 * 8 for i in range(60)]
    keep_busy(block, places, 8, write=True, depth=1)
    assert block.vm(SECTORS_COPIED) == 0


def test_a_stick_cannot_go_back_within_an_erase_block():
    block = block_of("usb-stick")
    keep_busy(block, [80, 0], 8, write=True, depth=1)
    # Up to 80 on opening; then the rest of that version; the second version begins at its start.
    assert block.vm(SECTORS_COPIED) == 80 + (ERASE - 88)


@pytest.mark.parametrize("name", UNITS)
def test_more_depth_is_never_slower(name):
    places = scattered(name, 300)
    rates = [
        keep_busy(block_of(name, queue_depth=depth), places, 8, write=False, depth=depth)
        for depth in (1, 4, 16)
    ]
    assert rates == sorted(rates)
    if name != "usb-stick":
        assert rates[2] > 2 * rates[0]


@pytest.mark.parametrize("name", UNITS)
def test_a_stall_moves_every_end_behind_it(name):
    plain, stalled = block_of(name), block_of(name)
    places = scattered(name, 40)
    for block in (plain, stalled):
        for sector in places[:20]:
            block.submit(0, sector, 8, write=False)
        block.unplug()
    begun_ns = stalled.now_ns
    blk_stall(stalled.m, 50 * MS)
    assert stalled.arrays["clock"][KICK_QUEUE]
    assert stalled.arrays["clock"][ANY_WAKE]
    stalled.unplug()
    for block in (plain, stalled):
        for sector in places[20:]:
            block.submit(0, sector, 8, write=False)
        block.unplug()
        block.run()
    assert stalled.log()["t_done_ns"].min() >= begun_ns + 50 * MS
    ends = [sorted(b.log()["t_done_ns"].tolist()) for b in (plain, stalled)]
    assert all(late > early for early, late in zip(*ends, strict=True))


@pytest.mark.parametrize("name", UNITS)
def test_the_disk_is_busy_while_anything_is_at_it(name):
    block = block_of(name)
    keep_busy(block, scattered(name, 200), 8, write=False, depth=8)
    log = block.log()
    ends = log["t_done_ns"]
    covered, upto = 0, 0
    for issue, done in sorted(zip(log["t_issue_ns"].tolist(), ends.tolist(), strict=True)):
        covered += max(done, upto) - max(issue, upto)
        upto = max(done, upto)
    assert block.vm(DISK_BUSY_NS) == covered


def test_capacity_and_rate_of_an_array_and_a_stick():
    raid = disk_parameters("raid0-4", capacity_sectors=4000)
    assert (raid.capacity_sectors, raid.device_sectors) == (1000, 4000)
    stick = disk_parameters("usb-stick", transfer_kb_per_s=10_000)
    assert (stick.outer_kb_per_s, stick.program_kb_per_s) == (10_000, 4_000)
