"""Every page written really went to the disk: followed from its file's block map to its end.

The machine is not touched: the upcall with which it serves the disk is wrapped at Python level,
and arrays are read before and after each event of the disk. What is seen there: every request
when the head goes for it and when it ends, with its pages. Checked of each: place, time, and end;
and that the counters of written pages are exactly the pages of these requests. Blocks without a
page of the page cache (the journal's own) are checked as requests, not as pages.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from sim.block.disk import reads_over, service_time_ns
from sim.build import Simulation, build
from sim.engine.rng import STREAM_ROTATION, draw
from sim.machine.machine import NOW, SEED
from sim.machine.page import PG_buffers_locked, PG_locked, PG_swapbacked, PG_writeback
from sim.machine.request import ISSUER_JOURNAL, RQ_DISPATCHED, RQ_FREE
from sim.machine.vmstat import NR_WRITEBACK, WRITTEN_KSWAPD
from sim.scenario import Elevator
from sim.units import SECTORS_PER_PAGE
from tests.support.checkers import request_pages
from tests.support.small import MS, SMALL, small

FOLLOWED = 100


@dataclass
class Service:
    """One request as the disk served it."""

    number: int
    sector: int
    nr_sectors: int
    write: bool
    begin_ns: int
    done_ns: int
    pages: list[tuple[int, int, int, bool]] = field(default_factory=list)
    """pfn, block by the page's own map, position in the request, anonymous."""
    by_commit: int = 0
    """Pages whose buffers a commit writes: dirty pages still, not under writeback."""


class Watch:
    """Looks at the disk before and after each of its events."""

    def __init__(self, simulation: Simulation) -> None:
        self.s = simulation.system
        self.arrays = self.s.arrays
        self.q = self.arrays.queue[0]
        self.serving: Service | None = None
        self.served: list[Service] = []
        self.numbers: Counter[int] = Counter()
        self._service_queue = self.s._service_queue
        self.s._service_queue = self

    def __call__(self, m: Any) -> int:
        before = int(self.q["in_service"])
        head = int(self.q["head_sector"])
        due = before >= 0 and int(self.q["done_at_ns"]) <= self.s.clock[NOW]
        following = self._service_queue(m)
        if due:
            self._ended()
        after = int(self.q["in_service"])
        if after >= 0 and (due or before < 0):
            self._begun(after, head)
        return following

    def _begun(self, r: int, head: int) -> None:
        rq, q = self.arrays.request[r], self.q
        assert rq["state"] == RQ_DISPATCHED
        sector, nr_sectors = int(rq["sector"]), int(rq["nr_sectors"])
        rotation = draw(self.s.clock[SEED], STREAM_ROTATION, int(rq["number"]))
        service_ns = service_time_ns(q, head, sector, nr_sectors, rotation)
        assert int(rq["service_ns"]) == service_ns
        assert int(rq["positioned"]) == (0 if reads_over(q, head, sector) else 1)
        begin_ns = max(self.s.clock[NOW], int(q["free_at_ns"]))
        assert int(q["done_at_ns"]) == begin_ns + service_ns
        assert int(q["head_sector"]) == sector + nr_sectors
        assert begin_ns >= int(rq["t_issue_ns"]) >= int(rq["t_queue_ns"])
        self.numbers[int(rq["number"])] += 1
        self.serving = Service(
            int(rq["number"]),
            sector,
            nr_sectors,
            bool(rq["write"]),
            begin_ns,
            begin_ns + service_ns,
        )
        bit = PG_writeback | PG_buffers_locked if rq["write"] else PG_locked
        for pfn in request_pages(self.arrays, r):
            page = self.arrays.page[pfn]
            assert int(page["page_flags"]) & bit
            self.serving.by_commit += bool(int(page["page_flags"]) & PG_buffers_locked)
            self.serving.pages.append(self._page(pfn, sector))

    def _page(self, pfn: int, sector: int) -> tuple[int, int, int, bool]:
        """Where the page belongs on disk: its file's block map, or its swap slot."""
        page = self.arrays.page[pfn]
        anon = bool(int(page["page_flags"]) & PG_swapbacked)
        if anon:
            block = int(self.arrays.swap_block[page["block"]])
        else:
            first = int(self.arrays.inode["first_slot"][page["mapping"]])
            block = int(self.arrays.slot_block[first + int(page["index"])])
        return pfn, block, block - sector // SECTORS_PER_PAGE, anon

    def _ended(self) -> None:
        assert self.serving is not None
        under_io = PG_writeback | PG_locked | PG_buffers_locked
        for pfn, *_ in self.serving.pages:
            assert not int(self.arrays.page["page_flags"][pfn]) & under_io
        self.served.append(self.serving)
        self.serving = None


@pytest.fixture(scope="module", params=list(Elevator))
def run_watched(request: pytest.FixtureRequest) -> tuple[Simulation, Watch]:
    simulation = build(small(block=type(SMALL.block)(elevator=request.param)))
    watch = Watch(simulation)
    simulation.system.engine.run_until(SMALL.duration_ms * MS)
    simulation.sampler.empty_logs()
    return simulation, watch


def test_a_hundred_random_written_pages_were_at_their_own_place_on_disk(
    run_watched: tuple[Simulation, Watch],
) -> None:
    _, watch = run_watched
    written = [(s, page) for s in watch.served if s.write for page in s.pages]
    assert len(written) > 5 * FOLLOWED
    assert any(page[3] for _, page in written), "no swap page among them"
    for service, (_, block, offset, _) in random.Random(1).sample(written, FOLLOWED):
        assert block > 0
        assert 0 <= offset < service.nr_sectors // SECTORS_PER_PAGE
    for service in watch.served:
        offsets = [page[2] for page in service.pages]
        assert offsets == sorted(set(offsets)), "two pages at one place"


def test_the_head_serves_one_request_at_a_time_each_once(
    run_watched: tuple[Simulation, Watch],
) -> None:
    _, watch = run_watched
    assert set(watch.numbers.values()) == {1}
    for before, after in zip(watch.served, watch.served[1:], strict=False):
        assert before.done_ns <= after.begin_ns


def test_pages_counted_as_written_are_the_pages_of_requests(
    run_watched: tuple[Simulation, Watch],
) -> None:
    simulation, watch = run_watched
    arrays, vm = simulation.system.arrays, simulation.system.vm
    ended = sum(len(s.pages) - s.by_commit for s in watch.served if s.write)
    counted = sum(vm[WRITTEN_KSWAPD : WRITTEN_KSWAPD + ISSUER_JOURNAL])
    assert counted == ended + vm[NR_WRITEBACK]
    under_io = [
        pfn
        for r, request in enumerate(arrays.request)
        if request["state"] != RQ_FREE and request["write"]
        for pfn in request_pages(arrays, r)
        if arrays.page["page_flags"][pfn] & PG_writeback
    ]
    asleep = sum(1 for t in arrays.task if t["bio_sectors"] and t["bio_first_page"] >= 0)
    assert len(under_io) + asleep >= vm[NR_WRITEBACK] >= len(under_io)


def test_the_log_has_a_row_for_every_request_served(run_watched: tuple[Simulation, Watch]) -> None:
    simulation, watch = run_watched
    rows = [
        (int(row["sector"]), int(row["nr_sectors"]), bool(row["write"]), int(row["t_done_ns"]))
        for part in simulation.sampler.logs["io"]
        for row in part
    ]
    assert rows == [(s.sector, s.nr_sectors, s.write, s.done_ns) for s in watch.served]
