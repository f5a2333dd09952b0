"""A machine of which files, pages, the queue and the disk are real, and nothing reclaims."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from sim.advance import MAIN_LOOP
from sim.block.disk import DISKS
from sim.block.elevator import blk_service
from sim.block.request_queue import queue_arrays
from sim.fs.dirty_inodes import mark_inode_dirty
from sim.fs.ext3_layout import ext3_get_block
from sim.fs.fs_writeback import flusher
from sim.fs.journal import kjournald
from sim.fs.mkfs import filesystem_arrays
from sim.machine.address_space import BDI, INODE
from sim.machine.cost import costs_ns
from sim.machine.filesystem import BUFFER_UPTODATE
from sim.machine.machine import FIELDS, JIFFY_NS, LIMIT, NOW, NR_CLOCK, NR_IO_LOG, SEED, TOTAL_PAGES
from sim.machine.mem_cgroup import MEMCG
from sim.machine.page import PAGE, PG_dirty, PG_uptodate, PG_writeback
from sim.machine.request import ELEVATOR_CFQ, IO_LOG, ISSUER_OTHER
from sim.machine.rules import ReclaimRules, rules_array
from sim.machine.stack import stack_words
from sim.machine.stack_chains import StackRules
from sim.machine.stall import STALL
from sim.machine.sysctl import (
    DIRTY_BACKGROUND_RATIO,
    DIRTY_EXPIRE_NS,
    DIRTY_RATIO,
    DIRTY_WRITEBACK_NS,
    NR_SYSCTL,
    READ_AHEAD_PAGES,
)
from sim.machine.system import System
from sim.machine.task import DONE, TASK
from sim.machine.tracepoints import TRACE
from sim.machine.victim import victim_array
from sim.machine.vmstat import NR_FREE_PAGES, NR_VM
from sim.machine.writeback import account_page_dirtied
from sim.machine.zone import LRU_SET, ZONE

SECOND = 1_000_000_000
FLUSHER, KJOURNALD, WRITER = 0, 1, 2


class Machine:
    """Files of given sizes whose pages are put into the cache one after the other."""

    def __init__(
        self, arrays: dict[str, np.ndarray], *, nr_cpus: int = 2, quantum_ns: int = 50_000
    ) -> None:
        self.s = System(arrays, MAIN_LOOP, nr_cpus=nr_cpus, quantum_ns=quantum_ns)
        self.arrays: SimpleNamespace = self.s.arrays
        self.m = self.s.m
        self.clock, self.vm = self.arrays.clock, self.arrays.vm
        self.next_pfn = 0

    def start_threads(self) -> None:
        self.s.engine.spawn("flush-8:0", lambda t: flusher(self.s, t))
        self.s.engine.spawn("kjournald", lambda t: kjournald(self.s, t))

    def run(self, seconds: float) -> None:
        self.s.engine.run_until(self.s.engine.now_ns + int(seconds * SECOND))

    def page_of(self, ino: int, index: int) -> int:
        """The page in the cache, added when it is missing."""
        slot = int(self.arrays.inode["first_slot"][ino]) + index
        pfn = int(self.arrays.slot_pfn[slot])
        if pfn < 0:
            pfn = self.next_pfn
            self.next_pfn += 1
            page = self.arrays.page[pfn]
            page.mapping, page.index, page.page_flags = ino, index, PG_uptodate
            self.arrays.slot_pfn[slot] = pfn
        return pfn

    def dirty(self, ino: int, *indices: int, allocate: bool = True) -> None:
        """write(2) of whole pages, or stores to a mapping (no blocks yet)."""
        for index in indices:
            pfn = self.page_of(ino, index)
            inode = self.arrays.inode[ino]
            inode.size_pages = max(int(inode.size_pages), index + 1)
            if allocate:
                ext3_get_block(self.m, ino, index)
            if account_page_dirtied(self.m, pfn):
                mark_inode_dirty(self.m, ino)

    def flags(self, ino: int, index: int) -> int:
        return int(self.arrays.page["page_flags"][self.page_of(ino, index)])

    def dirty_pages(self) -> int:
        return int(np.count_nonzero(self.arrays.page["page_flags"] & PG_dirty))

    def pages_under_writeback(self) -> int:
        return int(np.count_nonzero(self.arrays.page["page_flags"] & PG_writeback))

    def block(self, ino: int, index: int) -> int:
        return int(self.arrays.slot_block[int(self.arrays.inode["first_slot"][ino]) + index])

    def log(self) -> np.ndarray:
        return self.arrays.io_log[: self.clock[NR_IO_LOG]]

    def finish(self, kernel: Callable[..., int], *args: int, t: int = WRITER) -> int:
        """Call a kernel until DONE, serving the disk in between; how often it stopped."""
        stops = 0
        while True:
            self.clock[LIMIT] = 1 << 60  # a wake-up takes it back to now
            if kernel(self.m, t, *args) == DONE:
                return stops
            stops += 1
            assert stops < 1 << 20, "the kernel makes no progress"
            self.serve()

    def serve(self) -> None:
        """Let the disk end one more request or timer."""
        following = blk_service(self.m)
        if following < 1 << 60:
            self.clock[NOW] = max(int(self.clock[NOW]), following)
            blk_service(self.m)

    def drain_disk(self) -> None:
        """Until nothing is queued or at the disk."""
        while blk_service(self.m) < 1 << 60:
            self.serve()


def make(
    file_pages: tuple[int, ...] = (4096, 4096),
    *,
    nr_blocks: int = 1 << 18,
    nr_pages: int = 1 << 15,
    journal_blocks: int = 1024,
    nr_requests: int = 128,
    swap_pages: int = 0,
    mips: int = 1000,
    rules: ReclaimRules | None = None,
    nr_tasks: int = 4,
    nr_cpus: int = 2,
    quantum_ns: int = 50_000,
    cached_bitmaps: bool = True,
) -> Machine:
    arrays: dict[str, Any] = {}
    lengths = [-(-n // 64) * 64 for n in file_pages]
    inode = np.zeros(len(file_pages), INODE).view(np.recarray)
    inode["first_slot"] = np.cumsum([0, *lengths])[:-1]
    inode["nr_pages"] = file_pages
    for name in ("next", "prev", "goal_block", "ordered_next"):
        inode[name] = -1
    nr_slots = sum(lengths)
    arrays["inode"] = inode
    arrays["slot_pfn"] = np.full(nr_slots, -1, np.int32)
    arrays["slot_block"] = np.full(nr_slots, -1, np.int32)
    arrays["dirty_tag"] = np.zeros(nr_slots // 64 + 1, np.int64)
    arrays |= filesystem_arrays(
        nr_blocks, nr_slots // 64 + 1, swap_pages=swap_pages, journal_blocks=journal_blocks
    )
    if cached_bitmaps:
        fs = arrays["fs"][0]
        bitmaps = fs["group_bitmap"][: fs["nr_groups"]]
        arrays["block_used"][np.concatenate((bitmaps, bitmaps + 1))] |= BUFFER_UPTODATE
    request, queue, elevators = queue_arrays(
        DISKS["rec-2.6.36"], elevator=ELEVATOR_CFQ, nr_requests=nr_requests,
        max_sectors_kb=512, hz=250, nr_tasks=nr_tasks,
    )  # fmt: skip
    arrays |= {"request": request, "queue": queue, "elevator": elevators}
    for name, dtype, n in (
        ("page", PAGE, nr_pages), ("zone", ZONE, 3), ("lru", LRU_SET, 6), ("memcg", MEMCG, 2),
        ("bdi", BDI, 1), ("task", TASK, nr_tasks), ("io_log", IO_LOG, 1 << 14),
        ("trace", TRACE, 4), ("stall", STALL, 64),
    ):  # fmt: skip
        arrays[name] = np.zeros(n, dtype).view(np.recarray)
    arrays["free_order"] = np.zeros(-(-nr_pages // 1024) * 1024, np.int8)
    arrays["bdi"]["head"] = arrays["bdi"]["tail"] = -1
    arrays["task"]["wait_pfn"] = -1
    arrays["task"]["issuer"] = ISSUER_OTHER
    arrays["clock"] = np.zeros(NR_CLOCK, np.int64)
    arrays["vm"] = np.zeros(NR_VM, np.int64)
    arrays["sysctl"] = np.zeros(NR_SYSCTL, np.int64)
    arrays["cost"] = costs_ns(mips)
    arrays["stack"] = stack_words(StackRules())
    arrays["rules"] = rules_array(rules or ReclaimRules())
    arrays["replay"] = np.zeros((1, 5), np.int64)
    arrays["swap_map"] = np.zeros(max(swap_pages, 1), np.int32)
    arrays["wake"] = np.zeros(256, np.int64)
    arrays["victim"] = victim_array(2)
    arrays["page_list"] = np.zeros((nr_tasks, 64), np.int32)
    arrays["dirty_list"] = np.zeros((nr_tasks, 64), np.int32)
    arrays["lock_since"] = np.zeros((nr_tasks, 64), np.int64)
    arrays["latency"] = np.zeros((nr_tasks, 128), np.int64)
    arrays["cpu"] = np.zeros((nr_cpus, 8), np.int64)
    _set_words(arrays, nr_pages)
    assert set(arrays) == set(FIELDS)
    return Machine(arrays, nr_cpus=nr_cpus, quantum_ns=quantum_ns)


def _set_words(arrays: dict[str, Any], nr_pages: int) -> None:
    clock, sysctl = arrays["clock"], arrays["sysctl"]
    clock[NOW] = 1  # an inode dirtied at time 0 counts as dirtied at 1
    clock[JIFFY_NS], clock[SEED], clock[TOTAL_PAGES] = 4_000_000, 1, nr_pages
    arrays["vm"][NR_FREE_PAGES] = nr_pages
    sysctl[DIRTY_RATIO], sysctl[DIRTY_BACKGROUND_RATIO] = 20, 10
    sysctl[DIRTY_EXPIRE_NS], sysctl[DIRTY_WRITEBACK_NS] = 30 * SECOND, 5 * SECOND
    sysctl[READ_AHEAD_PAGES] = 32
