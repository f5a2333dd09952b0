"""What holds of every machine at any time, whatever runs on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from sim.block.disk import DISKS
from sim.machine.page import PG_writeback
from sim.machine.request import ISSUER_JOURNAL, RQ_FREE
from sim.machine.vmstat import GAUGES, NAMES, WRITTEN_KSWAPD
from sim.result import Result
from sim.runner import run
from sim.scenario import Kernel, MemcgAnswer, Patch, Scenario
from sim.units import SECTORS_PER_PAGE
from tests.support.checkers import check_machine
from tests.support.small import MS, SMALL, small, small_scenarios, stepped

LIGHT = {
    "as it is": SMALL,
    "p5, p6, one CPU": small(patches=frozenset({Patch.P5, Patch.P6})),
    "recorded, waiting": small(
        kernel=Kernel.K2_6_36, patches=frozenset({Patch.P5_RECORDED, Patch.P6_RECORDED})
    ),
    "kswapd in containers": small(
        patches=frozenset({Patch.P6}), memcg_answers=frozenset({MemcgAnswer.KSWAPD})
    ),
}


def check_throughout(scenario: Scenario) -> None:
    for simulation in stepped(scenario):
        check_machine(simulation)
        check_written_pages_are_in_requests(simulation)


def check_written_pages_are_in_requests(simulation: Any) -> None:
    """Pages put under writeback = pages of requests that ended, are queued, or wait for one."""
    arrays = simulation.system.arrays
    vm = arrays.vm
    written = int(vm[WRITTEN_KSWAPD : WRITTEN_KSWAPD + ISSUER_JOURNAL].sum())
    logged = [np.array(part) for part in simulation.sampler.logs["io"]]
    logged.append(arrays.io_log[: simulation.system.clock[NR_IO_LOG]])
    io = np.concatenate(logged)
    ended = int(io["nr_sectors"][(io["write"] == 1)].sum())
    pages = int((arrays.page["page_flags"] & PG_writeback != 0).sum())
    assert 0 <= ended // SECTORS_PER_PAGE + pages - written


@pytest.mark.parametrize("scenario", LIGHT.values(), ids=LIGHT)
def test_nothing_is_lost_or_counted_twice(scenario: Scenario) -> None:
    check_throughout(scenario)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(small_scenarios())
def test_nothing_is_lost_or_counted_twice_in_any_small_machine(scenario: Scenario) -> None:
    check_throughout(scenario)
