"""Dirty limits and the dirtier's own throttling: sums done by hand (page-writeback.c)."""

from __future__ import annotations

import pytest

from sim.build import Simulation, build
from sim.machine.dirty_limits import (
    over_bground_thresh,
    task_dirty_inc,
    task_dirty_limit,
    update_dirty_limits,
)
from sim.machine.machine import DIRTY_EVENTS
from sim.machine.sysctl import DIRTY_BACKGROUND_RATIO, DIRTY_RATIO
from sim.machine.vmstat import (
    BACKGROUND_THRESH_PAGES,
    BALANCE_DIRTY_CALLS,
    DIRTY_THRESH_PAGES,
    NR_ACTIVE_ANON,
    NR_ACTIVE_FILE,
    NR_FILE_DIRTY,
    NR_FREE_PAGES,
    NR_INACTIVE_FILE,
    NR_SWAP_USED_PAGES,
)
from sim.mm.page_writeback import balance_dirty_pages_ratelimited
from sim.result import Result
from sim.runner import run
from sim.scenario import Kernel, VmSysctl, WorkloadKind, WorkloadSpec
from tests.support.small import small

WRITER, OTHER = 3, 4


@pytest.fixture
def simulation() -> Simulation:
    return build(small())


def limits(simulation: Simulation, ratio: int, background: int) -> tuple[int, int]:
    sysctl, vm = simulation.system.arrays.sysctl, simulation.system.vm
    sysctl[DIRTY_RATIO], sysctl[DIRTY_BACKGROUND_RATIO] = ratio, background
    update_dirty_limits(simulation.system.m)
    return vm[DIRTY_THRESH_PAGES], vm[BACKGROUND_THRESH_PAGES]


def memory(simulation: Simulation, *, free: int, file: int, anon: int, swap_used: int = 0) -> None:
    vm = simulation.system.vm
    vm[NR_FREE_PAGES], vm[NR_INACTIVE_FILE], vm[NR_ACTIVE_FILE] = free, file, file
    vm[NR_ACTIVE_ANON], vm[NR_SWAP_USED_PAGES] = anon, swap_used


def test_limits_are_percents_of_free_file_and_anon_pages_with_swap(simulation: Simulation) -> None:
    memory(simulation, free=3000, file=2000, anon=2999)
    assert limits(simulation, 20, 10) == (2000, 1000)  # of 9999 + 1


def test_anon_pages_count_only_while_swap_has_room(simulation: Simulation) -> None:
    swap = simulation.system.arrays.swap_map.size
    memory(simulation, free=3000, file=2000, anon=2999, swap_used=swap)
    assert limits(simulation, 20, 10) == (1400, 700)  # of 7001


def test_a_background_limit_above_the_limit_becomes_half_of_it(simulation: Simulation) -> None:
    memory(simulation, free=9999, file=0, anon=0)
    assert limits(simulation, 20, 20) == (2000, 1000)
    assert limits(simulation, 20, 60) == (2000, 1000)


def test_a_dirty_ratio_below_5_counts_as_5(simulation: Simulation) -> None:
    memory(simulation, free=9999, file=0, anon=0)
    assert limits(simulation, 1, 0) == (500, 0)


def test_the_flusher_has_work_from_the_background_limit_on(simulation: Simulation) -> None:
    memory(simulation, free=9999, file=0, anon=0)
    limits(simulation, 20, 10)
    simulation.system.vm[NR_FILE_DIRTY] = 999
    assert not over_bground_thresh(simulation.system.m, 0)
    simulation.system.vm[NR_FILE_DIRTY] = 1000
    assert over_bground_thresh(simulation.system.m, 0)


def test_a_task_that_dirtied_nothing_has_the_whole_limit(simulation: Simulation) -> None:
    simulation.system.vm[DIRTY_THRESH_PAGES] = 1024
    assert task_dirty_limit(simulation.system.m, WRITER, 1000) == 1000


def test_a_tasks_share_of_an_eighth_is_taken_off_its_limit(simulation: Simulation) -> None:
    # period: 2 << ilog2(1023) = 1024 events; 512 of them by the writer:
    # 1000 / 8 * 512 / (1024 + 512) = 41
    system = simulation.system
    memory(simulation, free=5119, file=0, anon=0)
    assert limits(simulation, 20, 10)[0] == 1024
    for _ in range(512):
        task_dirty_inc(system.m, WRITER)
    assert system.clock[DIRTY_EVENTS] == 512
    assert task_dirty_limit(system.m, WRITER, 1000) == 1000 - 125 * 512 // 1536
    assert task_dirty_limit(system.m, OTHER, 1000) == 1000


def test_a_share_halves_with_every_period_of_others_dirtying(simulation: Simulation) -> None:
    system = simulation.system
    memory(simulation, free=5119, file=0, anon=0)
    assert limits(simulation, 20, 10)[0] == 1024
    for t, pages in ((WRITER, 512), (OTHER, 2 * 1024)):
        for _ in range(pages):
            task_dirty_inc(system.m, t)
    # 2560 events = two periods and a half: 512 / 4 = 128 left; 125 * 128 / (1024 + 512) = 10
    assert task_dirty_limit(system.m, WRITER, 1000) == 990


def test_no_share_takes_more_than_an_eighth(simulation: Simulation) -> None:
    system = simulation.system
    memory(simulation, free=79, file=0, anon=0)
    assert limits(simulation, 20, 10)[0] == 16
    for _ in range(5000):
        task_dirty_inc(system.m, WRITER)
    assert 1000 - 125 <= task_dirty_limit(system.m, WRITER, 1000) < 1000


def test_a_dirtier_is_looked_at_every_ratelimit_pages_and_8_when_exceeded(
    simulation: Simulation,
) -> None:
    system = simulation.system
    ratelimit = int(system.arrays.zone["present_pages"].sum()) // (2 * 32)
    assert ratelimit > 16
    for exceeded, pages in ((0, ratelimit), (1, 8)):
        system.arrays.bdi["dirty_exceeded"][0] = exceeded
        system.arrays.cpu[:] = 0
        before = system.vm[BALANCE_DIRTY_CALLS]
        for _ in range(pages - 1):
            balance_dirty_pages_ratelimited(system.m, WRITER)
        assert system.vm[BALANCE_DIRTY_CALLS] == before
        balance_dirty_pages_ratelimited(system.m, WRITER)
        assert system.vm[BALANCE_DIRTY_CALLS] == before + 1


def _throttled(kernel: Kernel) -> Result:
    writers = WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=64, threads=2)
    low = VmSysctl(dirty_ratio=5, dirty_background_ratio=4)
    return run(small(memcgs=(), workloads=(writers,), vm=low, kernel=kernel, sample_interval_ms=10))


@pytest.mark.parametrize("kernel", [Kernel.K2_6_35, Kernel.K2_6_36])
def test_dirty_and_writeback_pages_pass_the_limit_by_two_looks_at_most(kernel: Kernel) -> None:
    result = _throttled(kernel)
    series = result.series
    assert result.counters["balance_dirty_pauses"] > 0
    pages = series["nr_file_dirty"] + series["nr_writeback"]
    present = sum(zone["present_pages"] for zone in result.meta["zones"].values())
    nr_cpus, ratelimit = 2, present // (2 * 32)
    assert (pages <= series["dirty_thresh_pages"] + nr_cpus * ratelimit).all()
    assert pages.max() > series["background_thresh_pages"].min()


@pytest.mark.parametrize("kernel", [Kernel.K2_6_35, Kernel.K2_6_36])
def test_the_dirtier_over_the_limit_writes_itself(kernel: Kernel) -> None:
    assert _throttled(kernel).counters["written_dirtier"] > 0
