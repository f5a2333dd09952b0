"""Wall time of the block layer for each bio and request, disk service and end of IO included."""

from __future__ import annotations

import time

import numpy as np

from sim.block.elevator import blk_service, submit_bio
from sim.engine.jit import njit
from sim.machine.machine import NOW, WAKE_REQUEST_ASYNC
from sim.machine.page import PG_writeback
from sim.machine.task import DONE
from sim.machine.vmstat import NR_WRITEBACK, REQUESTS_WRITTEN
from sim.units import SECTORS_PER_PAGE
from tests.support.block import ELEVATORS, Block, make_block

BIOS = 200_000
SPAN_PAGES = 900_000


@njit
def feed(m, blocks):
    """Write the given blocks as fast as requests come free, each in a bio of its own."""
    clock = m.clock
    task = m.task[0]
    for i in range(blocks.shape[0]):
        m.page[i].page_flags |= PG_writeback
        m.vm[NR_WRITEBACK] += 1
        task.bio_sector = blocks[i] * SECTORS_PER_PAGE
        task.bio_sectors = SECTORS_PER_PAGE
        task.bio_write = 1
        task.bio_first_page = i
        task.bio_last_page = i
        while submit_bio(m, 0) != DONE:
            while clock[WAKE_REQUEST_ASYNC] == 0:
                clock[NOW] = max(clock[NOW], blk_service(m))
            clock[WAKE_REQUEST_ASYNC] = 0


def measure(elevator: str, blocks: np.ndarray) -> tuple[float, Block]:
    feed(make_block(elevator=elevator).m, blocks[:1000])
    block = make_block(elevator=elevator, nr_pages=len(blocks))
    began = time.perf_counter()
    feed(block.m, blocks)
    return time.perf_counter() - began, block


def main() -> int:
    sequential = np.arange(BIOS)
    scattered = np.random.default_rng(1).integers(0, SPAN_PAGES, BIOS)
    print(f"{'elevator':9} {'blocks':11} {'ns per bio':>10} {'ns per request':>15}")
    for elevator in ELEVATORS:
        for name, blocks in (("sequential", sequential), ("scattered", scattered)):
            seconds, block = measure(elevator, blocks)
            requests = max(block.vm(REQUESTS_WRITTEN), 1)
            print(
                f"{elevator:9} {name:11} {seconds / BIOS * 1e9:10.0f}"
                f" {seconds / requests * 1e9:15.0f}"
            )
    return 0
