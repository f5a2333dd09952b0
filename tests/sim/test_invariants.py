"""What holds of every machine at any time, whatever runs on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from sim.build import build
from sim.machine.machine import NR_IO_LOG
from sim.machine.page import PG_dirty, PG_lru, PG_swapbacked
from sim.machine.request import ISSUER_JOURNAL, RQ_FREE
from sim.machine.vmstat import (
    MEMCG_PENDING,
    NR_FILE_DIRTY,
    SECTORS_READ,
    SECTORS_WRITTEN,
    WRITTEN_KSWAPD,
)
from sim.scenario import Kernel, MemcgAnswer, Patch, Scenario
from sim.units import SECTORS_PER_PAGE
from tests.support.checkers import check_machine, request_pages
from tests.support.small import MS, SMALL, small, small_scenarios, stepped

CASES = {
    "as it is": SMALL,
    "p5, p6": small(patches=frozenset({Patch.P5, Patch.P6})),
    "recorded forms": small(
        kernel=Kernel.K2_6_36, patches=frozenset({Patch.P5_RECORDED, Patch.P6_RECORDED})
    ),
    "memcgs wait": small(memcg_answers=frozenset({MemcgAnswer.WAIT})),
    "kswapd in memcgs": small(
        patches=frozenset({Patch.P6}), memcg_answers=frozenset({MemcgAnswer.KSWAPD})
    ),
    "memcgs' own flushers": small(
        patches=frozenset({Patch.P6}), memcg_answers=frozenset({MemcgAnswer.MEMCG_FLUSHER})
    ),
    "6.1": small(kernel=Kernel.K6_1),
    "6.1, cgroup v2": small(kernel=Kernel.K6_1_V2),
    "io cgroups": small(memcg_answers=frozenset({MemcgAnswer.IO_CGROUP})),
    "io cgroups throttle": small(
        patches=frozenset({Patch.P6}),
        memcg_answers=frozenset({MemcgAnswer.IO_CGROUP, MemcgAnswer.DIRTY_RATIO}),
    ),
    "own flushers write ranges": small(
        patches=frozenset({Patch.P5, Patch.P6}),
        memcg_answers=frozenset({MemcgAnswer.MEMCG_FLUSHER, MemcgAnswer.DIRTY_RATIO}),
    ),
}


def check_io(simulation: Any) -> None:
    """Sectors by the counters are those of the log; pages written are those of write requests."""
    arrays, vm = simulation.system.arrays, simulation.system.vm
    parts = simulation.sampler.logs["io"]
    logged = np.concatenate(parts) if parts else arrays.io_log[:0]
    rest = arrays.io_log[: simulation.system.clock[NR_IO_LOG]]
    sectors = [
        sum(int(log["nr_sectors"][log["write"] == write].sum()) for log in (logged, rest))
        for write in (0, 1)
    ]
    assert sectors == [vm[SECTORS_READ], vm[SECTORS_WRITTEN]]
    written = sum(vm[WRITTEN_KSWAPD : WRITTEN_KSWAPD + ISSUER_JOURNAL])
    under_io = sum(
        len(request_pages(arrays, r))
        for r in np.flatnonzero(
            (arrays.request["state"] != RQ_FREE) & (arrays.request["write"] == 1)
        )
    )
    waiting = int(((arrays.task["bio_sectors"] != 0) & (arrays.task["bio_write"] != 0)).sum())
    assert written - under_io - waiting <= sectors[1] // SECTORS_PER_PAGE


def check_throughout(scenario: Scenario) -> None:
    for simulation in stepped(scenario):
        check_machine(simulation)
        check_io(simulation)
        pending = int(simulation.system.arrays.memcg["pending"].sum())
        assert simulation.system.vm[MEMCG_PENDING] == pending


@pytest.mark.parametrize("scenario", CASES.values(), ids=CASES)
def test_nothing_is_lost_or_counted_twice(scenario: Scenario) -> None:
    check_throughout(scenario)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(small_scenarios())
def test_nothing_is_lost_or_counted_twice_in_any_small_machine(scenario: Scenario) -> None:
    check_throughout(scenario)


# ---- the checks see what they are for


def _spoil_flag(s: Any) -> None:
    kinds = s.arrays.page["page_flags"] & (PG_dirty | PG_swapbacked)
    dirty = np.flatnonzero(kinds == PG_dirty)
    s.arrays.page["page_flags"][dirty[0]] &= ~PG_dirty


def _spoil_count(s: Any) -> None:
    s.vm[NR_FILE_DIRTY] += 1


def _spoil_lru(s: Any) -> None:
    listed = np.flatnonzero(s.arrays.page["page_flags"] & PG_lru)
    s.arrays.page["next"][listed[10]] = listed[20]


def _spoil_free_list(s: Any) -> None:
    s.arrays.zone["nr_free"][1] -= 1


def _spoil_charge(s: Any) -> None:
    s.arrays.memcg["usage"][1] += 1


def _spoil_limit(s: Any) -> None:
    s.arrays.memcg["limit"][1] = int(s.arrays.memcg["usage"][1]) - 1


def _spoil_tag(s: Any) -> None:
    s.arrays.dirty_tag[:] = 0


def _spoil_time(s: Any) -> None:
    s.engine.tasks[4].run_ns += 1


def _spoil_alarm(s: Any) -> None:
    s.arrays.queue["nr_queued"][0] += 1


def _spoil_slot(s: Any) -> None:
    slots = np.flatnonzero(s.arrays.slot_pfn >= 0)
    s.arrays.slot_pfn[slots[3]] = -1


SPOILERS = [v for k, v in sorted(globals().items()) if k.startswith("_spoil")]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda f: f.__name__[7:])
def test_the_checks_notice_one_wrong_word(spoil: Any) -> None:
    simulation = build(SMALL)
    simulation.system.engine.run_until(200 * MS)
    check_machine(simulation)
    spoil(simulation.system)
    with pytest.raises(AssertionError):
        check_machine(simulation)
