"""Every page written really went to the disk: followed from its file's block map to its end.

The machine is not touched: it is run from one event of the disk to the next, in steps of 20 us
where the disk idles, and arrays are read in between. What is seen there: every request when the
head goes for it and when it ends, with its pages. Checked of each: place, time, and end;
and that the counters of written pages are exactly the pages of these requests. Blocks without a
page of the page cache (the journal's own) are checked as requests, not as pages.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from sim.block.disk import reads_over, service_time_ns
from sim.build import Simulation, build
from sim.engine.phases import DISK_ALARM
from sim.engine.rng import STREAM_ROTATION, draw
from sim.machine.machine import SEED
from sim.machine.page import PG_buffers_locked, PG_locked, PG_swapbacked, PG_writeback
from sim.machine.request import ISSUER_JOURNAL, RQ_DISPATCHED, RQ_FREE
from sim.machine.vmstat import NR_WRITEBACK, WRITTEN_KSWAPD
from sim.scenario import Elevator
from sim.units import SECTORS_PER_PAGE
from tests.support.checkers import request_pages
from tests.support.small import MS, SMALL, small

FOLLOWED = 100
IDLE_STEP_NS = 20_000


@dataclass
class Service:
    """One request as the disk served it."""

    record: int
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

    def run(self, end_ns: int) -> None:
        """Run the machine; no event of the disk is passed unseen."""
        engine = self.s.engine
        now_ns = 0
        while now_ns < end_ns:
            due_ns = int(self.arrays.alarm["due_ns"][DISK_ALARM])
            if self.serving is None:
                due_ns = min(due_ns, now_ns + IDLE_STEP_NS)
            now_ns = min(max(due_ns, now_ns), end_ns)
            head = int(self.q["head_sector"])
            engine.run_until(now_ns)
            if self.serving is not None and int(self.q["in_service"]) != self.serving.record:
                self._ended()
            elif self.serving is not None and self.serving.done_ns <= now_ns:
                self._ended()  # the same record was taken anew
            if self.serving is None and int(self.q["in_service"]) >= 0:
                self._begun(int(self.q["in_service"]), head)

    def _begun(self, r: int, head: int) -> None:
        rq, q = self.arrays.request[r], self.q
        assert rq["state"] == RQ_DISPATCHED
        sector, nr_sectors = int(rq["sector"]), int(rq["nr_sectors"])
        rotation = draw(self.s.clock[SEED], STREAM_ROTATION, int(rq["number"]))
        service_ns = service_time_ns(q, head, sector, nr_sectors, rotation)
        assert int(rq["service_ns"]) == service_ns
        assert int(rq["positioned"]) == (0 if reads_over(q, head, sector) else 1)
        begin_ns = int(q["done_at_ns"]) - service_ns
        assert begin_ns >= int(q["free_at_ns"]), "the disk served two at once"
        assert int(q["head_sector"]) == sector + nr_sectors
        assert begin_ns >= int(rq["t_issue_ns"]) >= int(rq["t_queue_ns"])
        self.numbers[int(rq["number"])] += 1
        self.serving = Service(
            r,
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
    watch.run(SMALL.duration_ms * MS)
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
