"""IO-less balance_dirty_pages (3.2): sums done by hand, and what it does to a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.policy.rules
from sim.build import Simulation, build
from sim.machine.bandwidth import (
    INIT_BW,
    bdi_update_bandwidth,
    global_position_ratio,
    ilog2,
    writeback_chunk_size,
)
from sim.machine.machine import NOW, WRITEOUTS
from sim.machine.sysctl import HZ
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import Patch, Scenario
from tests.support.small import small

ONE = 1 << 10
PLAIN = replace(PRESETS["io-dirtiers"].scenario, duration_ms=12_000)
IOLESS = replace(PLAIN, patches=frozenset({Patch.IOLESS}))


@pytest.fixture(scope="module")
def plain() -> Result:
    return run(PLAIN)


@pytest.fixture(scope="module")
def ioless() -> Result:
    return run(IOLESS)


@pytest.mark.parametrize(
    ("dirty", "ratio"),
    # freerun 1000, limit 2000, so the setpoint is 1500; 200 pages off: x = (200 << 10) / 501 = 408,
    # x^3 = (408 * 408 >> 10) * 408 >> 10 = 64.1
    [(1500, ONE), (1300, ONE + 64), (1700, ONE - 65), (2000, 0), (3000, 0)],
)
def test_the_ratio_falls_as_a_cubic_through_one_at_the_setpoint(dirty: int, ratio: int) -> None:
    assert global_position_ratio(np.int64(dirty), np.int64(1000), np.int64(2000)) == ratio


@pytest.mark.parametrize(("value", "log"), [(0, 0), (1, 0), (2, 1), (1023, 9), (1024, 10)])
def test_ilog2(value: int, log: int) -> None:
    assert ilog2(np.int64(value)) == log


def test_bandwidth_is_smoothed_over_three_seconds() -> None:
    simulation = build(small())
    estimate(simulation, at_ms=2000, pages=0)  # only a snapshot: the disk was idle before
    bdi = simulation.system.arrays.bdi[0]
    assert (bdi.write_bandwidth, bdi.avg_write_bandwidth) == (INIT_BW, INIT_BW)
    estimate(simulation, at_ms=2200, pages=1000)  # a fifth of a second is not yet over
    assert bdi.write_bandwidth == INIT_BW
    estimate(simulation, at_ms=2240, pages=0)  # 1000 pages in 0.24 s
    hz = int(simulation.system.arrays.sysctl[HZ])
    period = 1 << int(np.ceil(np.log2(3 * hz)))
    elapsed = 240 * hz // 1000
    expected = (1000 * hz + INIT_BW * (period - elapsed)) >> (period.bit_length() - 1)
    assert bdi.write_bandwidth == expected
    estimate(simulation, at_ms=2300, pages=5000)  # too soon
    assert bdi.write_bandwidth == expected


def estimate(simulation: Simulation, at_ms: int, pages: int) -> None:
    clock = simulation.system.clock
    clock[NOW] = at_ms * 1_000_000
    clock[WRITEOUTS] += pages
    bdi_update_bandwidth(simulation.system.m, 0, clock[NOW], False)


def test_the_flusher_writes_half_a_second_at_a_time_in_steps_of_4_mib() -> None:
    simulation = build(small())
    bdi = simulation.system.arrays.bdi[0]
    cases = ((25_600, 10**6, 13_312), (1_000, 10**6, 1_024), (10**6, 200_000, 25_600))
    for pages_per_s, limit, chunk in cases:
        bdi.avg_write_bandwidth, bdi.dirty_limit = pages_per_s, limit
        assert writeback_chunk_size(simulation.system.m, 0) == chunk


def test_a_throttled_dirtier_writes_nothing_and_sleeps(plain: Result, ioless: Result) -> None:
    assert plain.counters["written_dirtier"] > 0 == ioless.counters["written_dirtier"]
    assert ioless.counters["balance_dirty_pauses"] > 0


def test_stalls_are_many_and_short(plain: Result, ioless: Result) -> None:
    """A pause is 200 ms at most; more of a stall are looks that were granted nothing."""
    before, after = (stall_ns(result) for result in (plain, ioless))
    assert after.size > 5 * before.size
    assert np.percentile(after, 99) < 0.2e9 < np.percentile(before, 99)


def stall_ns(result: Result) -> np.ndarray:
    return result.stalls["t_end_ns"] - result.stalls["t_begin_ns"]


def test_dirtiers_get_what_the_disk_writes(ioless: Result) -> None:
    """Rate matching: after the first seconds dirtied and written agree within a fifth."""
    t = ioless.series["t_ns"]
    late = t >= 5_000_000_000
    dirtied, cleaned = (np.ptp(ioless.series[n][late]) for n in ("pages_dirtied", "pages_cleaned"))
    assert dirtied == pytest.approx(cleaned, rel=0.2)


def test_without_its_rule_the_patch_does_nothing(
    plain: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sim.policy.rules.PATCH_RULES, Patch.IOLESS, {})
    assert run(IOLESS).counters == plain.counters


def test_a_container_with_a_dirty_limit_is_throttled_as_before() -> None:
    scenario = PRESETS["container-dirty-ratio"].scenario
    assert throttled(scenario) == throttled(
        replace(scenario, patches=scenario.patches | {Patch.IOLESS})
    )


def throttled(scenario: Scenario) -> bool:
    counters = run(replace(scenario, duration_ms=4000)).counters
    return counters["memcg_dirty_throttled"] > 0
