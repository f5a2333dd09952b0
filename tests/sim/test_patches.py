"""What patches and answers change, what they must not change, and that every mixture runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.presets import PRESETS
from sim.runner import run
from sim.scenario import (
    EXCLUSIVE_PATCHES,
    WHOLE_KERNELS,
    DiskSpec,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.checkers import check_machine
from tests.support.small import ANSWER_SETS, PATCH_SETS, finished, small

KERNELS = [kernel for kernel in Kernel if kernel not in WHOLE_KERNELS]
DIRECT_FILE = ("direct_write_file_async", "direct_write_file_sync")
IDLE = replace(PRESETS["idle-control"].scenario, duration_ms=2000)


def with_patch_6(scenario: Scenario) -> Scenario:
    if scenario.kernel in WHOLE_KERNELS:
        return scenario  # what came of the patch is in
    excluded = {a if b == Patch.P6 else b for a, b, _ in EXCLUSIVE_PATCHES if Patch.P6 in (a, b)}
    return replace(scenario, patches=scenario.patches - excluded | {Patch.P6})


@pytest.mark.parametrize("name", PRESETS)
def test_direct_reclaim_writes_no_file_page_with_patch_6(name: str) -> None:
    preset = replace(PRESETS[name].scenario, duration_ms=3000, interventions=())
    counters = run(with_patch_6(preset)).counters
    assert [counters[key] for key in DIRECT_FILE] == [0, 0]


@pytest.mark.parametrize("name", ["global", "recorded-spmix"])
def test_direct_reclaim_writes_file_pages_without_patch_6(name: str) -> None:
    counters = run(replace(PRESETS[name].scenario, duration_ms=3000)).counters
    assert counters["direct_write_file_async"] > 0


def test_memcg_reclaim_writes_nothing_with_patch_6_and_again_with_the_answer_write() -> None:
    base = small(
        duration_ms=1500,
        memory=MemorySpec(ram_mib=256, kernel_mib=20),
        disk=DiskSpec(),
        memcgs=(MemcgSpec(name="g1", limit_mib=8),),
        workloads=tuple(
            WorkloadSpec(kind=kind, memcg="g1", file_mib=64, block_kib=4)
            for kind in (WorkloadKind.RAND_WRITER, WorkloadKind.MMAP_DIRTIER)
        ),
    )
    p6 = with_patch_6(base)
    may = replace(p6, memcg_answers=frozenset({MemcgAnswer.WRITE}))
    written = [run(s).counters["memcg_write_file"] for s in (base, p6, may)]
    assert written[0] > 0
    assert written[1:] == [0, written[0]]


def test_posted_and_recorded_patch_6_differ_in_swap_pages_only_for_direct_reclaim() -> None:
    hog = WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=64, threads=2)
    anon = {
        patch: run(small(memcgs=(), workloads=(hog,), patches=frozenset({patch}))).counters[
            "direct_write_anon_async"
        ]
        for patch in (Patch.P6, Patch.P6_RECORDED)
    }
    assert anon[Patch.P6] == 0
    assert anon[Patch.P6_RECORDED] > 0


# ---- where nothing is reclaimed, nothing may change


@pytest.fixture(scope="module")
def idle_digest() -> str:
    return run(replace(IDLE, patches=frozenset())).digest()


# IO-less throttling is no patch of reclaim: it looks at dirtiers at other times.
RECLAIM_SETS = [patches for patches in PATCH_SETS if Patch.IOLESS not in patches]


@pytest.mark.parametrize("patches", RECLAIM_SETS, ids=lambda s: "+".join(sorted(s)) or "none")
def test_no_patch_changes_a_run_without_reclaim(
    idle_digest: str, patches: frozenset[Patch]
) -> None:
    assert run(replace(IDLE, patches=patches)).digest() == idle_digest


@pytest.mark.parametrize("answers", ANSWER_SETS, ids=lambda s: "+".join(sorted(s)) or "none")
def test_no_answer_changes_a_run_without_reclaim(
    idle_digest: str, answers: frozenset[MemcgAnswer]
) -> None:
    scenario = replace(IDLE, patches=frozenset(), memcg_answers=answers)
    assert run(scenario).digest() == idle_digest


def test_the_idle_run_reclaims_nothing_and_does_something() -> None:
    counters = run(IDLE).counters
    assert counters["pgscan_kswapd"] == counters["pgscan_direct"] == counters["pgscan_memcg"] == 0
    assert min(counters[f"app_pages_{what}"] for what in ("read", "written", "touched")) > 100


# ---- every mixture


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("patches", PATCH_SETS, ids=lambda s: "+".join(sorted(s)) or "none")
def test_every_legal_mixture_of_patches_and_answers_runs(
    kernel: Kernel, patches: frozenset[Patch]
) -> None:
    turn = 2 * PATCH_SETS.index(patches) + KERNELS.index(kernel)
    alone = [frozenset({answer}) for answer in MemcgAnswer]
    for answers in {*alone, *ANSWER_SETS[turn % 4 :: 4]}:
        scenario = small(
            duration_ms=250,
            kernel=kernel,
            patches=patches,
            memcg_answers=answers,
            memory=MemorySpec(ram_mib=64, kernel_mib=36, swap_mib=16),
        )
        check_machine(finished(scenario))
