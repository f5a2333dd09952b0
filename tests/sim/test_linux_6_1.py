"""Reclaim and dirty throttling of Linux 6.1, as cgroup v1 and v2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.build
import sim.machine.sysctl
import sim.policy.rules
from sim.mm.ioless import _max_pause_6_1, _min_pause_6_1, _poll_interval, _power_of_two
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    Filesystem,
    FsSpec,
    Intervention,
    InterventionKind,
    Kernel,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from sim.scenario_url import decode
from tests.support.small import small

WRITER = Scenario(
    duration_ms=12_000,
    kernel=Kernel.K6_1,
    fs=FsSpec(kind=Filesystem.EXT4),
    memory=MemorySpec(ram_mib=512, swap_mib=0),
    memcgs=(MemcgSpec(name="w", limit_mib=32),),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="w", file_mib=1000),),
)


@pytest.fixture(scope="module")
def v1() -> Result:
    return run(WRITER)


@pytest.fixture(scope="module")
def v2() -> Result:
    return run(replace(WRITER, kernel=Kernel.K6_1_V2))


@pytest.mark.parametrize("kernel", [Kernel.K6_1, Kernel.K6_1_V2])
def test_direct_reclaim_writes_no_file_page_and_kswapd_few(kernel: Kernel) -> None:
    result = run(replace(PRESETS["global"].scenario, kernel=kernel, patches=frozenset(),
                         duration_ms=4000))  # fmt: skip
    assert result.counters["pgsteal_kswapd"] > 0
    for who in ("direct", "memcg"):
        name = f"{who}_write_file"
        assert result.counters.get(name, 0) == result.counters.get(f"{name}_async", 0) == 0
    # kswapd may, what it met dirty once before, where all it met was dirty (PGDAT_DIRTY).
    assert result.counters["kswapd_write_file"] < result.counters["dirty_met_kswapd"] // 10


def test_a_container_of_v1_waits_for_writeback_and_sleeps_in_reclaim_throttle(v1: Result) -> None:
    counters = v1.counters
    assert counters["throttled_writeback"] > 0
    assert counters["reclaim_throttle_ns"] > 0
    assert counters["writeback_met_memcg"] > counters["pgsteal_memcg"] // 2
    waited = v1.stalls["page_wait_ns"][v1.stalls["kind"] == 1]
    assert waited.sum() > 0
    assert counters["kswapd_congestion_waits"] == counters["direct_congestion_waits"] == 0


def test_what_the_flusher_has_cleaned_is_rotated_from_the_active_list_too(v1: Result) -> None:
    """Dirty pages that reclaim meets are activated; cleaned, they go where they are taken next."""
    assert v1.counters["pgrotated"] > v1.counters["pgsteal_memcg"] // 2


def test_a_container_of_v2_is_throttled_when_it_dirties_not_when_it_reclaims(
    v1: Result, v2: Result
) -> None:
    assert v2.counters["dirty_met_memcg"] == v2.counters["writeback_met_memcg"] == 0
    assert v2.counters["throttled_writeback"] == 0
    assert v2.counters["balance_dirty_pauses"] > 10 * v1.counters["balance_dirty_pauses"]
    late = v2.series["t_ns"] > 4_000_000_000
    dirty = (v2.series["memcg.w.nr_dirty"] + v2.series["memcg.w.nr_writeback"])[late]
    # Between half of background plus limit (10 and 20 % of 32 MiB) and the limit.
    assert 0.12 < np.mean(dirty) / (32 * 256) < 0.2


def test_without_its_own_limit_the_container_of_v2_fills(
    v2: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = sim.policy.rules.KERNEL_RULES
    mended = rules | {Kernel.K6_1_V2: rules[Kernel.K6_1] | {"cgroup2": 0}}
    monkeypatch.setattr(sim.policy.rules, "KERNEL_RULES", mended)
    without = run(replace(WRITER, kernel=Kernel.K6_1_V2))
    name = "memcg.w.nr_writeback"
    assert without.series[name].mean() > 2 * v2.series[name].mean()


def test_other_containers_are_throttled_each_by_its_own_rate() -> None:
    two = replace(
        WRITER,
        kernel=Kernel.K6_1_V2,
        duration_ms=8000,
        memcgs=(MemcgSpec(name="w", limit_mib=32), MemcgSpec(name="x", limit_mib=64)),
        workloads=tuple(replace(WRITER.workloads[0], memcg=name) for name in ("w", "x")),
    )
    result = run(two)
    late = result.series["t_ns"] > 4_000_000_000
    dirty = [
        (result.series[f"memcg.{g}.nr_dirty"] + result.series[f"memcg.{g}.nr_writeback"])[late]
        for g in ("w", "x")
    ]
    assert dirty[0].max() < 0.25 * 32 * 256
    assert 1.4 < dirty[1].mean() / dirty[0].mean() < 2.8


# ---- sums done by hand


@pytest.mark.parametrize(("value", "power"), [(1, 1), (2, 2), (3, 4), (32, 32), (33, 64)])
def test_roundup_pow_of_two(value: int, power: int) -> None:
    assert _power_of_two(np.int64(value)) == power


@pytest.mark.parametrize(
    ("dirty", "thresh", "pages"), [(0, 1024, 32), (0, 1023, 16), (1000, 1004, 2), (5, 5, 1)]
)
def test_the_next_look_comes_after_the_root_of_what_is_left(
    dirty: int, thresh: int, pages: int
) -> None:
    assert _poll_interval(np.int64(dirty), np.int64(thresh)) == pages


def test_pauses_of_one_writer_on_a_slow_disk() -> None:
    """25 600 pages/s at 250 Hz: 10 ms are 2 jiffies, 200 pages; the shortest worth it is 2."""
    simulation = sim.build.build(small())
    m = simulation.system.m
    bdi = simulation.system.arrays.bdi[0]
    assert simulation.system.arrays.sysctl[sim.machine.sysctl.HZ] == 250
    longest = _max_pause_6_1(m, np.int64(25_600), np.int64(100_000))
    assert longest == 50  # 100 000 / (1 + 25 600 / 32) + 1 = 125, but HZ / 5 at most
    assert _max_pause_6_1(m, np.int64(25_600), np.int64(8010)) == 11
    assert _min_pause_6_1(m, bdi, np.int64(50), np.int64(25_600)) == (2, 200)


# ---- a kernel with rules of its own


def test_patches_and_answers_of_2010_do_not_apply() -> None:
    scenario = replace(WRITER, patches=frozenset({Patch.P6}))
    (problem,) = scenario.validate()
    assert problem.field == "patches"
    assert "6.1 has its own rules" in problem.message
    flipped = Intervention(at_ms=100, what=InterventionKind.PATCH, whose="p6", value=1)
    (problem,) = replace(WRITER, interventions=(flipped,)).validate()
    assert problem.field == "interventions.0.whose"


def test_a_link_with_both_names_what_it_leaves_out() -> None:
    scenario, problems = decode("v=1&kernel=6.1&p=p6&a=write&i=100.patch.p6.on")
    assert scenario.kernel is Kernel.K6_1
    assert not scenario.patches
    assert not scenario.memcg_answers
    assert not scenario.interventions
    assert {p.field for p in problems} == {"patches", "memcg_answers", "interventions.0.whose"}
