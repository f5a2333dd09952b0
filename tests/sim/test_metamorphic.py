"""Changes of a scenario whose effect is known without knowing the result."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from sim.machine.vmstat import NAMES
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    CpuSpec,
    DiskSpec,
    MemcgSpec,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.small import small

CONTAINER = replace(PRESETS["container-dirty"].scenario, duration_ms=12_000)
MEMCG_FIELDS = ("usage", "nr_file", "nr_anon", "nr_dirty", "reclaims", "stall_ns", "pgscan")


def stall_per_page(scenario: Scenario) -> float:
    """Time in reclaim and in balance_dirty_pages for each page the tasks wrote, ns."""
    counters = run(scenario).counters
    stall = counters["memcg_stall_ns"] + counters["direct_stall_ns"] + counters["balance_dirty_ns"]
    return stall / (counters["app_pages_written"] + counters["app_pages_touched"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_disk_twice_as_fast_stalls_nobody_longer(seed: int) -> None:
    base = replace(CONTAINER, seed=seed)
    stalls = [
        stall_per_page(replace(base, disk=DiskSpec(transfer_kb_per_s=rate)))
        for rate in (60_000, 120_000, 240_000)
    ]
    assert stalls == sorted(stalls, reverse=True)


def test_a_longer_run_begins_like_the_shorter_one() -> None:
    short, long = run(small(duration_ms=300)), run(small(duration_ms=600))
    rows = len(short.series["t_ns"])
    for name in NAMES:
        assert (long.series[name][:rows] == short.series[name]).all(), name
    assert (long.io[: len(short.io)] == short.io).all()


def _two(first: str, second: str) -> Result:
    """Two containers alike, listed in this order; their tasks always in the order a, b."""
    limits = {"a": 8, "b": 6}
    return run(
        small(
            memcgs=tuple(MemcgSpec(name=n, limit_mib=limits[n]) for n in (first, second)),
            workloads=tuple(
                WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg=n, file_mib=48) for n in ("a", "b")
            ),
        )
    )


def test_the_order_of_containers_does_not_matter() -> None:
    one, other = _two("a", "b"), _two("b", "a")
    assert one.counters == other.counters
    assert one.counters["memcg_reclaims"] > 0
    for name in ("a", "b"):
        for field in MEMCG_FIELDS:
            column = f"memcg.{name}.{field}"
            assert (one.series[column] == other.series[column]).all(), column


def test_an_unused_container_changes_nothing() -> None:
    alone = run(small())
    beside = run(small(memcgs=(*small().memcgs, MemcgSpec(name="empty", limit_mib=64))))
    assert alone.counters == beside.counters
    assert (alone.io == beside.io).all()


def test_a_machine_with_room_for_everything_reclaims_nothing() -> None:
    scanned = []
    for ram_mib in (64, 256):
        memory = replace(small().memory, ram_mib=ram_mib)
        counters = run(small(memory=memory, memcgs=(), workloads=small().workloads[2:])).counters
        scanned.append(counters["pgscan_kswapd"] + counters["pgscan_direct"])
    assert scanned[0] > 0
    assert scanned[1] == 0


def test_a_faster_processor_touches_memory_in_proportion() -> None:
    hog = WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=8)
    done = [
        run(small(memcgs=(), workloads=(hog,), cpu=CpuSpec(mips=mips))).counters[
            "app_pages_touched"
        ]
        for mips in (500, 1000, 2000)
    ]
    firsts = 2048 * 4000 // 50  # what the first touches cost, in later touches, at most
    for slow, fast in pairwise(done):
        assert 0 < fast - 2 * slow < firsts
