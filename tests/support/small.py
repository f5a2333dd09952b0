"""Small machines for tests that run: a scenario to change, and any small scenario at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from sim.build import Simulation, build
from sim.scenario import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    SHARING,
    WHOLE_KERNELS,
    BlockSpec,
    CpuSpec,
    DiskModel,
    DiskSpec,
    Elevator,
    FsSpec,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    Tracepoints,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.strategies import timeline

MS = 1_000_000

SMALL = Scenario(
    duration_ms=1500,
    memory=MemorySpec(ram_mib=64, kernel_mib=20, swap_mib=32),
    cpu=CpuSpec(mips=2000),
    vm=VmSysctl(dirty_ratio=80, dirty_background_ratio=60),
    disk=DiskSpec(transfer_kb_per_s=1_000_000),
    fs=FsSpec(commit_interval_ms=150),
    memcgs=(MemcgSpec(name="g1", limit_mib=8), MemcgSpec(name="g2", limit_mib=8)),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", file_mib=48),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="g2", file_mib=24, run_pages=8),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=96),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=36, block_kib=256, think_us=500),
    ),
)
"""Within 600 ms: every kind of reclaim, written pages in each, swap in and out, a commit."""


TINY = dataclasses.replace(
    SMALL,
    duration_ms=900,
    sample_interval_ms=50,
    cpu=CpuSpec(mips=150),
    memory=MemorySpec(ram_mib=64, kernel_mib=40, swap_mib=8),
    disk=DiskSpec(transfer_kb_per_s=150_000),
    fs=FsSpec(commit_interval_ms=100),
    memcgs=(MemcgSpec(name="g1", limit_mib=4), MemcgSpec(name="g2", limit_mib=4)),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="g1", file_mib=48),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="g2", file_mib=16, run_pages=8),
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, file_mib=16, rate_kib_per_s=40960),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES, rate_kib_per_s=10_000),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=16, block_kib=256, think_us=500),
    ),
)
"""A slow CPU does little work in 400 ms: small enough to run uncompiled."""


def small(**changes: Any) -> Scenario:
    """``SMALL`` with other fields."""
    return dataclasses.replace(SMALL, **changes)


def stepped(scenario: Scenario, step_ms: int = 200) -> Iterator[Simulation]:
    """Run a scenario as ``sim.runner.run`` does, stopping at multiples of a step and at the end."""
    assert scenario.validate() == []
    simulation = build(scenario)
    engine = simulation.system.engine
    for now_ms in [*range(step_ms, scenario.duration_ms, step_ms), scenario.duration_ms]:
        engine.run_until(now_ms * MS)
        if now_ms == scenario.duration_ms:
            engine.finish()
        simulation.sampler.empty_logs()
        yield simulation


def finished(scenario: Scenario) -> Simulation:
    """The machine at the end of the run."""
    *_, last = stepped(scenario, scenario.duration_ms)
    return last


def subsets(kind: Any, exclusive: Any) -> list[frozenset[Any]]:
    """Every set of choices that may go together."""
    every = [frozenset(c) for n in range(len(kind) + 1) for c in combinations(kind, n)]
    return [s for s in every if not any(a in s and b in s for a, b, _ in exclusive)]


LATER = [
    Patch.FLUSHFORWARD, Patch.WAIT_IFF_CONGESTED, Patch.BALANCE_GAP, Patch.SMALL_TARGETS,
    Patch.NODIRECTWB, Patch.LESSKSWAPDWB, Patch.THROTTLE, Patch.IMMEDIATE, Patch.DIRTYLIST,
    Patch.IOLESS,
]  # fmt: skip
JUNE_SETS = subsets([patch for patch in Patch if patch not in LATER], EXCLUSIVE_PATCHES)
"""Every mixture of the patches of June 2010 and their recorded forms."""
PATCH_SETS = [*JUNE_SETS, *(frozenset(LATER[:n]) for n in range(1, len(LATER) + 1))]
"""These, and what later kernels added, one after the other."""
ANSWER_SETS = subsets(MemcgAnswer, EXCLUSIVE_ANSWERS)


@st.composite
def _group(draw: st.DrawFn, places: list[str]) -> WorkloadSpec:
    kind = draw(st.sampled_from([k for k in WorkloadKind if k is not WorkloadKind.REPLAY]))
    return WorkloadSpec(
        kind=kind,
        memcg=draw(st.sampled_from(places)),
        rate_kib_per_s=draw(st.sampled_from([0, 0, 4096, 40960])),
        file_mib=draw(st.integers(1, 96) | st.just(64)),
        threads=draw(st.integers(1, 3)),
        block_kib=draw(st.sampled_from([4, 64, 64, 1024])),
        run_pages=draw(st.sampled_from([1, 8, 64])),
        think_us=draw(st.sampled_from([0, 0, 300, 20_000])),
        order=draw(st.sampled_from([0, 1, 3, 5, 9, 10])),
        hold_ms=draw(st.sampled_from([0, 100])),
        shared_file=draw(st.sampled_from([0, 1])) if kind in SHARING else 0,
    )


@st.composite
def small_scenarios(draw: st.DrawFn) -> Scenario:
    """Up to 128 MiB and 1.5 s: every workload, patch, answer, elevator, disk, kernel, change."""
    ram_mib = draw(st.integers(64, 128))
    names = ["g1", "g2", "g3"][: draw(st.integers(0, 3))]
    low, high = draw(st.sampled_from([(60, 80), (60, 80), (10, 20), (0, 5), (100, 100)]))
    kernel = draw(st.sampled_from(list(Kernel)))
    whole = kernel in WHOLE_KERNELS
    scenario = Scenario(
        seed=draw(st.integers(0, 1000)),
        duration_ms=draw(st.integers(2, 15)) * 100,
        sample_interval_ms=100,
        kernel=kernel,
        patches=frozenset() if whole else draw(st.sampled_from(PATCH_SETS)),
        tracepoints=draw(st.frozensets(st.sampled_from(list(Tracepoints)))),
        memcg_answers=frozenset() if whole else draw(st.sampled_from(ANSWER_SETS)),
        memory=MemorySpec(
            ram_mib=ram_mib,
            kernel_mib=draw(st.integers(16, 40)),
            swap_mib=draw(st.sampled_from([0, 4, 64])),
            kernel_scattered_mib=draw(st.sampled_from([0, 0, 2])),
        ),
        cpu=CpuSpec(nr_cpus=draw(st.integers(1, 3)), mips=draw(st.sampled_from([500, 4000]))),
        vm=VmSysctl(
            dirty_ratio=high,
            dirty_background_ratio=low,
            swappiness=draw(st.sampled_from([0, 60, 100])),
            dirty_expire_centisecs=draw(st.sampled_from([100, 3000])),
            dirty_writeback_centisecs=draw(st.sampled_from([20, 500])),
        ),
        block=BlockSpec(
            elevator=draw(st.sampled_from(list(Elevator))),
            nr_requests=draw(st.sampled_from([16, 128])),
            read_ahead_kb=draw(st.sampled_from([4, 128, 1024])),
        ),
        disk=DiskSpec(
            model=draw(st.sampled_from(list(DiskModel))),
            transfer_kb_per_s=draw(st.sampled_from([0, 1_000_000, 2000])),
        ),
        fs=FsSpec(commit_interval_ms=draw(st.sampled_from([100, 700, 5000]))),
        memcgs=tuple(
            MemcgSpec(
                name=n,
                limit_mib=draw(st.integers(4, 24)),
                soft_limit_mib=draw(st.sampled_from([0, 0, 1, 8])),
                parent=draw(st.sampled_from(["root", *names[:i]])),
            )
            for i, n in enumerate(names)
        ),
        mix=MixSpec(rate_kib_per_s=0),
        workloads=tuple(draw(st.lists(_group(["root", *names]), min_size=1, max_size=4))),
    )
    return dataclasses.replace(scenario, interventions=draw(timeline(scenario)))
