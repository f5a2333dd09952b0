"""A machine of which only the block layer is real: pages under IO, tasks, the queue."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

import numpy as np

from sim.block.disk import DISKS, DiskParameters
from sim.block.elevator import blk_service, blk_unplug, submit_bio
from sim.block.request_queue import NEVER, queue_arrays
from sim.engine.records import ENGINE_FIELDS, engine_arrays
from sim.machine.address_space import BDI, INODE
from sim.machine.cost import costs_ns
from sim.machine.filesystem import FS
from sim.machine.machine import (
    ANY_WAKE,
    FIELDS,
    JIFFY_NS,
    KICK_QUEUE,
    NOW,
    NR_CLOCK,
    NR_IO_LOG,
    NR_WAKE_TASKS,
    SEED,
    WAKE_REQUEST_ASYNC,
    WAKE_REQUEST_SYNC,
)
from sim.machine.mem_cgroup import MEMCG
from sim.machine.page import PAGE, PG_locked, PG_uptodate, PG_writeback
from sim.machine.request import ELEVATOR_CFQ, ELEVATOR_DEADLINE, ELEVATOR_NOOP, IO_LOG
from sim.machine.rules import ReclaimRules, rules_array
from sim.machine.sysctl import NR_SYSCTL
from sim.machine.system import make_machine
from sim.machine.task import DONE, TASK, WANT_REQUEST_ASYNC
from sim.machine.vmstat import NR_VM, NR_WRITEBACK
from sim.machine.zone import LRU_SET, ZONE
from sim.units import SECTORS_PER_PAGE

ELEVATORS = {"noop": ELEVATOR_NOOP, "deadline": ELEVATOR_DEADLINE, "cfq": ELEVATOR_CFQ}


@dataclass
class Block:
    """Tasks that submit bios, and a clock that follows the disk's events."""

    arrays: dict[str, np.ndarray]
    m: object
    next_event_ns: int = NEVER
    waiting: dict[int, list[int]] = field(default_factory=lambda: {0: [], 1: []})
    next_page: int = 0
    pages: list[int] = field(default_factory=list)

    @property
    def now_ns(self) -> int:
        return int(self.arrays["clock"][NOW])

    @property
    def q(self) -> np.record:
        return self.arrays["queue"][0]

    def vm(self, name: int) -> int:
        return int(self.arrays["vm"][name])

    def log(self) -> np.ndarray:
        return self.arrays["io_log"][: self.arrays["clock"][NR_IO_LOG]]

    def prepare(
        self,
        t: int,
        sector: int,
        nr_sectors: int = SECTORS_PER_PAGE,
        *,
        write: bool = True,
        sync: bool = False,
        meta: bool = False,
        cookie: int = 0,
        contiguous_pages: bool = True,
    ) -> None:
        """Fill task t's bio with fresh pages (none for metadata)."""
        task = self.arrays["task"][t]
        task["bio_sector"], task["bio_sectors"] = sector, nr_sectors
        task["bio_write"], task["bio_sync"], task["bio_meta"] = write, sync, meta
        task["bio_first_page"] = task["bio_last_page"] = -1
        task["bio_cookie"] = cookie
        if meta:
            return
        page = self.arrays["page"]
        step = 1 if contiguous_pages else 2
        pfns = [self.next_page + i * step for i in range(nr_sectors // SECTORS_PER_PAGE)]
        self.next_page = pfns[-1] + step
        for i, pfn in enumerate(pfns):
            page["page_flags"][pfn] = PG_writeback if write else PG_locked
            page["block"][pfn] = sector // SECTORS_PER_PAGE + i
            page["bio_next"][pfn] = pfns[i + 1] if i + 1 < len(pfns) else -1
            self.pages.append(pfn)
            if write:
                self.arrays["vm"][NR_WRITEBACK] += 1
        task["bio_first_page"], task["bio_last_page"] = pfns[0], pfns[-1]

    def submit(self, t: int, sector: int, nr_sectors: int = SECTORS_PER_PAGE, **kind: bool) -> int:
        """Prepare and submit; a task that must wait stands in the list it waits on."""
        self.prepare(t, sector, nr_sectors, **kind)
        return self.resubmit(t)

    def resubmit(self, t: int) -> int:
        stop = submit_bio(self.m, t)
        if stop != DONE:
            self.waiting[stop - WANT_REQUEST_ASYNC].append(t)
        self._drain()
        return stop

    def unplug(self) -> None:
        blk_unplug(self.m)
        self._drain()

    def _drain(self) -> None:
        """Do as the engine does: kicks, then as many request waiters as were woken."""
        clock = self.arrays["clock"]
        while clock[ANY_WAKE]:
            clock[ANY_WAKE] = 0
            if clock[KICK_QUEUE]:
                clock[KICK_QUEUE] = 0
                self.next_event_ns = blk_service(self.m)
            for word, sync in ((WAKE_REQUEST_ASYNC, 0), (WAKE_REQUEST_SYNC, 1)):
                woken = self.waiting[sync][: clock[word]]
                del self.waiting[sync][: clock[word]]
                clock[word] = 0
                for t in woken:
                    self.resubmit(t)
            clock[NR_WAKE_TASKS] = 0

    def step(self) -> bool:
        """Go to the disk's next event and handle it; False when there is none."""
        if self.next_event_ns >= NEVER:
            return False
        clock = self.arrays["clock"]
        clock[NOW] = max(int(clock[NOW]), self.next_event_ns)
        self.next_event_ns = blk_service(self.m)
        self._drain()
        return True

    def served_pages(self) -> list[int]:
        """Pages of the request in service, in the order of its chain."""
        chain = []
        pfn = int(self.arrays["request"][self.q.in_service].first_page)
        while pfn >= 0:
            chain.append(pfn)
            pfn = int(self.arrays["page"]["bio_next"][pfn])
        return chain

    def run(self, until_ns: int = NEVER) -> None:
        while self.next_event_ns <= until_ns and self.step():
            pass
        if until_ns < NEVER:
            self.arrays["clock"][NOW] = max(self.now_ns, until_ns)

    def ended(self, pfn: int) -> bool:
        flags = int(self.arrays["page"]["page_flags"][pfn])
        return not flags & (PG_writeback | PG_locked)

    def was_read(self, pfn: int) -> bool:
        return bool(int(self.arrays["page"]["page_flags"][pfn]) & PG_uptodate)


def make_block(
    *,
    elevator: str = "cfq",
    disk: DiskParameters = DISKS["rec-2.6.36"],
    nr_requests: int = 128,
    max_sectors_kb: int = 512,
    hz: int = 250,
    nr_tasks: int = 8,
    nr_pages: int = 1 << 16,
    log_rows: int = 1 << 16,
    seed: int = 1,
    max_segments: int = 128,
    mips: int = 1_000_000,
    cross_preempt: bool = False,
) -> Block:
    """One machine with the smallest arrays for everything that block does not use."""
    request, queue, elevators = queue_arrays(
        disk,
        elevator=ELEVATORS[elevator],
        nr_requests=nr_requests,
        max_sectors_kb=max_sectors_kb,
        hz=hz,
        nr_tasks=nr_tasks,
        max_segments=max_segments,
        cross_preempt=cross_preempt,
    )
    arrays: dict[str, np.ndarray] = {name: np.zeros(1, np.int64) for name in FIELDS}
    records = {"zone": (ZONE, 3), "lru": (LRU_SET, 6), "memcg": (MEMCG, 1)}
    records |= {"inode": (INODE, 1), "bdi": (BDI, 1), "fs": (FS, 1)}
    records |= {"page": (PAGE, nr_pages), "task": (TASK, nr_tasks), "io_log": (IO_LOG, log_rows)}
    for name, (dtype, n) in records.items():
        arrays[name] = np.zeros(n, dtype).view(np.recarray)
    arrays["task"]["wait_pfn"] = -1
    arrays |= {"request": request, "queue": queue, "elevator": elevators}
    arrays |= {"clock": np.zeros(NR_CLOCK, np.int64), "vm": np.zeros(NR_VM, np.int64)}
    arrays["block_used"] = np.zeros(1, np.uint8)
    arrays["sysctl"] = np.zeros(NR_SYSCTL, np.int64)
    arrays["rules"] = rules_array(ReclaimRules())
    arrays |= {"cost": costs_ns(mips), "wake": np.zeros(256, np.int64)}
    arrays["clock"][JIFFY_NS] = 1_000_000_000 // hz
    arrays["clock"][SEED] = seed
    arrays |= engine_arrays(nr_tasks, 1, 1)
    return Block(arrays, make_machine(*(arrays[name] for name in FIELDS + ENGINE_FIELDS)))


def mixed_run(elevator: str, bios: int = 1500) -> Block:
    """Reads, sync and async writes of all tasks, near and far, with steps of the disk between."""
    block = make_block(elevator=elevator, nr_requests=32, mips=1000)
    rng = random.Random(elevator)
    position = [t * 200_000 for t in range(8)]
    for _ in range(bios):
        t = rng.randrange(8)
        while t in block.waiting[0] or t in block.waiting[1]:
            block.step()
        if rng.random() < 0.2:
            position[t] = rng.randrange(0, 7_000_000, SECTORS_PER_PAGE)
        pages = rng.choice((1, 1, 4, 32))
        write, sync = rng.random() < 0.7, rng.random() < 0.2
        block.submit(t, position[t], pages * SECTORS_PER_PAGE, write=write, sync=sync)
        position[t] += pages * SECTORS_PER_PAGE
        if sync or not write:
            block.unplug()
        for _ in range(rng.randrange(3)):
            block.step()
    block.run()
    return block


def digest(block: Block) -> str:
    """Over everything that a run leaves."""
    h = hashlib.sha256()
    for name in ("clock", "vm", "queue", "elevator", "request", "page", "task"):
        h.update(block.arrays[name].tobytes())
    h.update(block.log().tobytes())
    return h.hexdigest()


if __name__ == "__main__":
    for name in ELEVATORS:
        print(name, digest(mixed_run(name)))
