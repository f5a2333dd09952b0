"""Devices that work on several requests at once: RAID-0, flash with an FTL, a USB stick.

A request's end is computed when the device takes it: each unit (arm, die, channel, link) does its
work in the order in which it was given, so that a timeline of when it is free says everything.
State: where the members' heads are, which dies are busy until when, what the buffer holds, which
erase blocks are half full.

# Differs from 2.6.35: the members of an md RAID-0 have queues and elevators of their own; here a
# controller splits the requests. A drive with an FTL is fresh: it has erased blocks and need not
# collect garbage, and a read finds its page on the die of its address, not where the FTL put it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.disk import reads_over, service_time_ns, transfer_ns
from sim.engine.jit import njit
from sim.engine.rng import STREAM_ROTATION, draw
from sim.machine.machine import NOW, SEED
from sim.machine.request import DEVICE_FLASH, DEVICE_RAID0, MAX_MEMBERS
from sim.machine.vmstat import ERASE_BLOCKS_COPIED, SECTORS_COPIED
from sim.units import SECTOR_SIZE, SECTORS_PER_PAGE


@njit
def begin_on_units(m: Any, r: int) -> None:
    """The device has taken request r: when it will have ended."""
    q = m.queue[0]
    rq = m.request[r]
    begin = max(np.int64(m.clock[NOW]), np.int64(q.stalled_until_ns))
    rq.positioned = 0
    if q.device_kind == DEVICE_RAID0:
        rq.done_ns = _begin_on_members(m, r, begin)
    elif q.device_kind == DEVICE_FLASH:
        link_done = max(begin, np.int64(q.link_free_ns)) + q.overhead_ns
        link_done += transfer_ns(q, 0, rq.nr_sectors)
        q.link_free_ns = link_done
        if rq.write != 0:
            rq.done_ns = max(link_done, _program(q, rq, begin))
        else:
            rq.done_ns = max(link_done, _sense(q, rq, begin))
    else:
        start = max(begin, np.int64(q.stick_free_ns)) + q.overhead_ns
        if rq.write != 0:
            rq.done_ns = start + _fill_erase_blocks(m, rq)
        else:
            rq.done_ns = start + transfer_ns(q, 0, rq.nr_sectors)
        q.stick_free_ns = rq.done_ns
    rq.service_ns = rq.done_ns - begin
    if q.nr_at_disk == 1:
        q.busy_mark_ns = m.clock[NOW]


# ---- RAID-0


@njit
def member_part(q: Any, sector: int, nr_sectors: int, member: int) -> Any:
    """(first sector on the member, sectors): what a request asks of it is contiguous there."""
    chunk = np.int64(q.chunk_sectors)
    n = np.int64(q.nr_members)
    end = np.int64(sector) + np.int64(nr_sectors)
    first_chunk = np.int64(sector) // chunk
    last_chunk = (end - 1) // chunk
    first = first_chunk + (np.int64(member) - first_chunk) % n
    if first > last_chunk:
        return np.int64(0), np.int64(0)
    last = last_chunk - (last_chunk - np.int64(member)) % n
    begin = first // n * chunk
    if first == first_chunk:
        begin += sector - first * chunk
    stop = last // n * chunk + chunk
    if last == last_chunk:
        stop += end - (last + 1) * chunk
    return begin, stop - begin


@njit
def _begin_on_members(m: Any, r: int, begin: int) -> int:
    q = m.queue[0]
    rq = m.request[r]
    done = np.int64(begin)
    for u in range(q.nr_members):
        sector, length = member_part(q, rq.sector, rq.nr_sectors, u)
        if length == 0:
            continue
        head = np.int64(q.member_head[u])
        turn = draw(m.clock[SEED], STREAM_ROTATION, rq.number * MAX_MEMBERS + u)
        start = max(np.int64(begin), np.int64(q.member_free_ns[u]))
        free = start + service_time_ns(q, head, sector, length, turn)
        if not reads_over(q, head, sector):
            rq.positioned = 1
        q.member_head[u] = sector + length
        q.member_free_ns[u] = free
        done = max(done, free)
    return done


# ---- flash behind an FTL


@njit
def _sense(q: Any, rq: Any, begin: int) -> int:
    """Every page from its die's array over its channel; the last one still crosses the link."""
    last = np.int64(begin)
    page = np.int64(rq.sector) // SECTORS_PER_PAGE
    for i in range(rq.nr_sectors // SECTORS_PER_PAGE):
        die = (page + i) % q.nr_dies
        channel = die % q.nr_channels
        sensed = max(np.int64(begin), np.int64(q.die_free_ns[die])) + q.page_read_ns
        # A channel's time is taken in the order of issue; it does not wait for a slow die.
        q.channel_free_ns[channel] = (
            max(np.int64(begin), np.int64(q.channel_free_ns[channel])) + q.page_bus_ns
        )
        moved = max(sensed + q.page_bus_ns, np.int64(q.channel_free_ns[channel]))
        q.die_free_ns[die] = moved
        last = max(last, moved)
    return last + transfer_ns(q, 0, SECTORS_PER_PAGE)


@njit
def _program(q: Any, rq: Any, begin: int) -> int:
    """Pages go to the dies in turn; the request ends when the buffer has had room for the last."""
    last = np.int64(begin)
    for _ in range(rq.nr_sectors // SECTORS_PER_PAGE):
        place = q.buffer_next % q.buffer_pages
        q.buffer_next += 1
        die = np.int64(q.next_die)
        q.next_die = (die + 1) % q.nr_dies
        channel = die % q.nr_channels
        taken = max(np.int64(begin), np.int64(q.buffer_done_ns[place]))
        q.channel_free_ns[channel] = (
            max(np.int64(begin), np.int64(q.channel_free_ns[channel])) + q.page_bus_ns
        )
        moved = max(taken + q.page_bus_ns, np.int64(q.channel_free_ns[channel]))
        done = max(moved, np.int64(q.die_free_ns[die])) + q.page_program_ns
        q.die_free_ns[die] = done
        q.buffer_done_ns[place] = done
        last = max(last, taken)
    return last


# ---- a USB stick: no FTL to speak of, erase blocks are filled from front to back


@njit
def _program_ns(q: Any, nr_sectors: int) -> int:
    return np.int64(nr_sectors) * np.int64(SECTOR_SIZE * 1_000_000) // np.int64(q.program_kb_per_s)


@njit
def _copy_ns(m: Any, nr_sectors: int) -> int:
    """Read-modify-write: what was not written anew is read from the old block and programmed."""
    m.vm[SECTORS_COPIED] += nr_sectors
    q = m.queue[0]
    return transfer_ns(q, 0, nr_sectors) + _program_ns(q, nr_sectors)


@njit
def _close(m: Any, i: int) -> int:
    """Finish the erase block in place i, and erase the one that it replaces."""
    q = m.queue[0]
    left = (q.open_block[i] + 1) * q.erase_sectors - q.open_sector[i]
    q.open_block[i] = -1
    if left == 0:
        return np.int64(q.erase_ns)
    m.vm[ERASE_BLOCKS_COPIED] += 1
    return _copy_ns(m, left) + np.int64(q.erase_ns)


@njit
def _open_place(m: Any, block: int) -> Any:
    """(place of the erase block, or of none or the one unused longest; is it there?)."""
    q = m.queue[0]
    oldest = 0
    for i in range(q.nr_open):
        if q.open_block[i] == block:
            return i, True
        if q.open_block[oldest] >= 0 and (
            q.open_block[i] < 0 or q.open_used[i] < q.open_used[oldest]
        ):
            oldest = i
    return oldest, False


@njit
def _fill_erase_blocks(m: Any, rq: Any) -> int:
    """Time to write the request's sectors, piece by piece of erase blocks."""
    q = m.queue[0]
    sector = np.int64(rq.sector)
    end = sector + rq.nr_sectors
    spent = np.int64(0)
    while sector < end:
        block = sector // q.erase_sectors
        piece = min(end, (block + 1) * q.erase_sectors) - sector
        i, there = _open_place(m, block)
        if there and sector < q.open_sector[i]:
            spent += _close(m, i)  # it cannot go back: this version of the block is done
            there = False
        if not there:
            if q.open_block[i] >= 0:
                spent += _close(m, i)
            q.open_block[i] = block
            q.open_sector[i] = block * q.erase_sectors
        if sector > q.open_sector[i]:
            spent += _copy_ns(m, sector - q.open_sector[i])
        spent += _program_ns(q, piece)
        sector += piece
        q.open_sector[i] = sector
        q.open_serial += 1
        q.open_used[i] = q.open_serial
        if sector == (block + 1) * q.erase_sectors:
            spent += _close(m, i)
    return spent


# ---- what is at the device


@njit
def first_to_end(m: Any) -> int:
    """The request at the device that ends first, or -1."""
    request = m.request
    best = np.int64(m.queue[0].disk_head)
    r = best
    while r >= 0:
        if request[r].done_ns < request[best].done_ns:
            best = r
        r = np.int64(request[r].fifo_next)
    return best


@njit
def shift_units(q: Any, since_ns: int, extra_ns: int) -> None:
    """Everything that was to go on after ``since_ns`` does so ``extra_ns`` later."""
    for u in range(q.nr_members):
        if q.member_free_ns[u] > since_ns:
            q.member_free_ns[u] += extra_ns
    for c in range(q.nr_channels):
        if q.channel_free_ns[c] > since_ns:
            q.channel_free_ns[c] += extra_ns
    for d in range(q.nr_dies):
        if q.die_free_ns[d] > since_ns:
            q.die_free_ns[d] += extra_ns
    for i in range(q.buffer_pages):
        if q.buffer_done_ns[i] > since_ns:
            q.buffer_done_ns[i] += extra_ns
    if q.link_free_ns > since_ns:
        q.link_free_ns += extra_ns
    if q.stick_free_ns > since_ns:
        q.stick_free_ns += extra_ns
