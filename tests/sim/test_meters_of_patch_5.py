"""C2 to C4: what patch 5 writes in ranges, which locks it holds meanwhile, and what is in vain."""

from __future__ import annotations

import pytest

import sim.policy.rules
from sim.fs.writepage import do_writepages_range
from sim.machine.machine import NOW
from sim.machine.page import PG_isolated, PG_set_aside, PG_unasked
from sim.machine.page_lock import drop_lock, enter_filesystem, hold_lock, meet_locked
from sim.machine.request import ISSUER_FLUSHER, ISSUER_KSWAPD
from sim.machine.vmstat import (
    PAGE_LOCK_CONTENDED,
    PAGE_LOCK_INVERSIONS,
    PAGE_LOCK_NESTED,
    PAGE_LOCK_NS,
    PAGE_LOCK_NS_MAX,
    PAGE_LOCKS_HELD_MAX,
    RANGE_UNASKED_REDIRTIED,
)
from sim.observe.metrics import metrics
from sim.result import Result
from sim.runner import run
from sim.scenario import Patch
from tests.support.bare_machine import SECOND, WRITER, Machine, make
from tests.support.small import SMALL, small

P5 = small(patches=frozenset({Patch.P5}))


@pytest.fixture(scope="module")
def single() -> Result:
    return run(SMALL)


@pytest.fixture(scope="module")
def ranges() -> Result:
    return run(P5)


def test_patch_5_writes_ranges(single: Result, ranges: Result) -> None:
    assert single.counters["range_calls"] == 0
    mean = metrics(ranges)["range_pages_mean"]
    assert mean is not None
    assert mean > 1


def test_a_batch_keeps_its_pages_locked_while_others_are_written(
    single: Result, ranges: Result
) -> None:
    one, many = metrics(single), metrics(ranges)
    assert one["page_locks_held_max"] == one["page_lock_nested"] == 0
    assert 1 < (many["page_locks_held_max"] or 0) <= 32
    assert (many["page_lock_nested"] or 0) > 0
    assert (many["page_lock_us_mean"] or 0) > 2 * (one["page_lock_us_mean"] or 0) > 0


def test_without_its_rules_patch_5_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, single: Result
) -> None:
    monkeypatch.setitem(sim.policy.rules.PATCH_RULES, Patch.P5, {})
    assert run(P5).counters == single.counters


# ---- on a bare machine


def test_a_lock_counts_from_taking_to_dropping_it() -> None:
    x = make((64, 64))
    pages = [x.page_of(0, 0), x.page_of(1, 0)]
    for i, pfn in enumerate(pages):
        x.arrays.dirty_list[WRITER, i] = pfn
        hold_lock(x.m, WRITER, i, pfn)
        x.clock[NOW] += 1000
    drop_lock(x.m, WRITER, 0)
    enter_filesystem(x.m, WRITER)
    drop_lock(x.m, WRITER, 0)
    drop_lock(x.m, WRITER, 1)
    enter_filesystem(x.m, WRITER)
    assert x.vm[PAGE_LOCK_NS] == 3000
    assert x.vm[PAGE_LOCK_NS_MAX] == 2000
    assert x.vm[PAGE_LOCKS_HELD_MAX] == 2
    assert x.vm[PAGE_LOCK_NESTED] == 1
    assert not (x.arrays.page["page_flags"] & PG_set_aside).any()


def test_writeback_that_holds_locks_and_meets_one_is_an_inversion() -> None:
    x = make((64, 64))
    x.dirty(0, *range(4))
    hold_lock(x.m, WRITER, 0, x.page_of(1, 0))
    x.arrays.dirty_list[WRITER, 0] = x.page_of(1, 0)
    x.arrays.page[x.page_of(0, 2)].page_flags |= PG_set_aside  # another reclaimer's
    x.finish(do_writepages_range, 0, 0, 3)
    assert (x.vm[PAGE_LOCK_CONTENDED], x.vm[PAGE_LOCK_INVERSIONS]) == (1, 1)
    drop_lock(x.m, WRITER, 0)
    meet_locked(x.m, WRITER)
    assert (x.vm[PAGE_LOCK_CONTENDED], x.vm[PAGE_LOCK_INVERSIONS]) == (2, 1)


def written_range(issuer: int) -> Machine:
    """Pages 0 to 3 written as a range; reclaim had isolated the first and the last."""
    x = make((64,))
    x.dirty(0, *range(4))
    for index in (0, 3):
        x.arrays.page[x.page_of(0, index)].page_flags |= PG_isolated
    x.arrays.task[WRITER].issuer = issuer
    x.finish(do_writepages_range, 0, 0, 3)
    x.drain_disk()
    return x


def test_an_unasked_page_dirtied_again_was_written_in_vain() -> None:
    x = written_range(ISSUER_KSWAPD)
    assert [bool(x.flags(0, i) & PG_unasked) for i in range(4)] == [False, True, True, False]
    x.dirty(0, 0, 1)
    assert x.vm[RANGE_UNASKED_REDIRTIED] == 1
    x.clock[NOW] += 30 * SECOND
    x.dirty(0, 2)
    assert x.vm[RANGE_UNASKED_REDIRTIED] == 1, "the flusher would have written it by then"


def test_the_flusher_was_asked_for_all_it_writes() -> None:
    x = written_range(ISSUER_FLUSHER)
    x.dirty(0, *range(4))
    assert x.vm[RANGE_UNASKED_REDIRTIED] == 0
