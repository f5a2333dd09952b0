"""List primitives and reference bits against the obvious reference, in any order of operations."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.build import Simulation, build
from sim.machine.lru import (
    activate_page,
    add_page_to_lru_list,
    del_page_from_lru,
    page_lru,
    rotate_to_zone_tail,
)
from sim.machine.page import (
    PG_active,
    PG_dirty,
    PG_lru,
    PG_reclaim,
    PG_referenced,
    PG_swapbacked,
    PG_writeback,
    PG_young,
)
from sim.machine.vmstat import NR_INACTIVE_ANON, NR_WRITEBACK, PGROTATED
from sim.machine.writeback import end_page_writeback
from sim.mm.page_cache import mark_page_accessed
from sim.mm.scan_control import (
    PAGEREF_ACTIVATE,
    PAGEREF_KEEP,
    PAGEREF_RECLAIM,
    PAGEREF_RECLAIM_CLEAN,
)
from sim.mm.vmscan_pages import page_check_references
from tests.support.checkers import walk
from tests.support.reference_lru import Page, ReferenceLru
from tests.support.small import small

PFNS = [*range(100, 106), *range(5000, 5006)]
VERDICTS = {
    PAGEREF_ACTIVATE: "activate",
    PAGEREF_KEEP: "keep",
    PAGEREF_RECLAIM: "reclaim",
    PAGEREF_RECLAIM_CLEAN: "reclaim clean",
}
OPERATIONS = ("add", "remove", "rotate", "activate", "accessed", "touch", "references", "written")
FLAGS = {
    "active": PG_active,
    "referenced": PG_referenced,
    "young": PG_young,
    "on_lru": PG_lru,
    "writeback": PG_writeback,
    "reclaim": PG_reclaim,
    "dirty": PG_dirty,
    "anon": PG_swapbacked,
}

pages = st.fixed_dictionaries({"memcg": st.integers(0, 2), "anon": st.booleans()})
steps = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(PFNS)), max_size=80)


class Both:
    """The same operation on the machine's arrays and on the reference."""

    def __init__(self, simulation: Simulation, specs: list[dict[str, Any]]) -> None:
        self.s = simulation.system
        self.arrays = self.s.arrays
        self.ref = ReferenceLru({})
        for pfn, spec in zip(PFNS, specs, strict=True):
            page = self.arrays.page[pfn]
            self.ref.pages[pfn] = Page(zone=int(page.zone), **spec)
            page.memcg = spec["memcg"]
            page.page_flags = PG_swapbacked if spec["anon"] else 0

    def do(self, operation: str, pfn: int) -> None:
        page = self.ref.pages[pfn]
        if operation == "add" and not page.on_lru:
            lru = page_lru(int(self.arrays.page["page_flags"][pfn]))
            add_page_to_lru_list(self.s.m, pfn, lru)
            self.ref.add(pfn)
        elif operation == "accessed":
            mark_page_accessed(self.s.m, pfn)
            self.ref.mark_accessed(pfn)
        elif operation == "touch":
            self.arrays.page["page_flags"][pfn] |= PG_young
            page.young = True
        elif operation == "references":
            verdict = page_check_references(self.s.m, pfn, 0)
            assert VERDICTS[verdict] == self.ref.check_references(pfn)
        elif operation == "written":
            self._write(pfn, page)
        elif page.on_lru:
            self._on_lru(operation, pfn, page)

    def _on_lru(self, operation: str, pfn: int, page: Page) -> None:
        if operation == "remove":
            del_page_from_lru(self.s.m, pfn)
            self.ref.remove(pfn)
        elif operation == "rotate":
            rotate_to_zone_tail(self.s.m, pfn)
            self.ref.rotate(pfn)
        elif operation == "activate" and not page.active:
            activate_page(self.s.m, pfn)
            self.ref.remove(pfn)
            page.active = True
            self.ref.add(pfn)

    def _write(self, pfn: int, page: Page) -> None:
        """Reclaim's IO on the page begins, or ends."""
        if page.writeback:
            end_page_writeback(self.s.m, pfn)
            self.ref.end_writeback(pfn)
            return
        record = self.arrays.page[pfn]
        record.page_flags |= PG_writeback | PG_reclaim
        self.s.vm[NR_WRITEBACK] += 1
        page.writeback = page.reclaim = True

    def compare(self) -> None:
        found: dict[tuple[int, int, int], list[int]] = {}
        for group in range(3):
            for pfn, (zone, lru) in walk(
                self.arrays, group, "memcg_next" if group else "next"
            ).items():
                found.setdefault((group, zone, lru), []).append(pfn)
        assert found == {key: pfns for key, pfns in self.ref.lists.items() if pfns}
        for pfn, page in self.ref.pages.items():
            flags = int(self.arrays.page["page_flags"][pfn])
            assert {n: bool(flags & bit) for n, bit in FLAGS.items()} == {
                n: getattr(page, n) for n in FLAGS
            }
        for lru in range(4):
            expected = sum(len(p) for k, p in self.ref.lists.items() if k[0] == 0 and k[2] == lru)
            assert self.s.vm[NR_INACTIVE_ANON + lru] == expected


@settings(max_examples=60)
@given(st.lists(pages, min_size=len(PFNS), max_size=len(PFNS)), steps)
def test_lists_and_flags_are_those_of_the_reference(
    specs: list[dict[str, Any]], sequence: list[tuple[str, int]]
) -> None:
    both = Both(build(small()), specs)
    for operation, pfn in sequence:
        both.do(operation, pfn)
    both.compare()


def test_rotation_leaves_the_memcgs_list_as_it_was() -> None:
    both = Both(build(small()), [{"memcg": 1, "anon": False}] * len(PFNS))
    for pfn in PFNS[:3]:
        both.do("add", pfn)
    both.do("written", PFNS[2])
    both.do("written", PFNS[2])
    assert list(walk(both.arrays, 0, "next")) == [PFNS[1], PFNS[0], PFNS[2]]
    assert list(walk(both.arrays, 1, "memcg_next")) == [PFNS[2], PFNS[1], PFNS[0]]
    assert both.s.vm[PGROTATED] == 1


def test_a_page_redirtied_under_io_is_not_rotated() -> None:
    both = Both(build(small()), [{"memcg": 0, "anon": False}] * len(PFNS))
    for pfn in PFNS[:2]:
        both.do("add", pfn)
    both.do("written", PFNS[1])
    both.arrays.page["page_flags"][PFNS[1]] |= PG_dirty
    end_page_writeback(both.s.m, PFNS[1])
    assert list(walk(both.arrays, 0, "next")) == [PFNS[1], PFNS[0]]
    assert both.s.vm[PGROTATED] == 0
    assert not both.arrays.page["page_flags"][PFNS[1]] & PG_reclaim
