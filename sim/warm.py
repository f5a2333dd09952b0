"""Tiny scenarios that between them enter every kernel, so that a first run need not compile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sim.scenario import (
    Elevator,
    Intervention,
    InterventionKind,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)

_BLOCKS_KIB_PER_S = 1 << 16
_EVERY_KIND = tuple(
    Intervention(at_ms=50 + i, what=what, whose=whose, value=value)
    for i, (what, whose, value) in enumerate(
        (
            (InterventionKind.PATCH, "p6", 1),
            (InterventionKind.LIMIT, "g1", 4),
            (InterventionKind.STALL, "disk", 20),
        )
    )
)


def warm_scenarios() -> Iterator[tuple[str, Scenario]]:
    """Tiny runs that between them enter every kernel."""
    tiny = Scenario(
        duration_ms=400,
        memory=MemorySpec(ram_mib=64, kernel_mib=32, swap_mib=64),
        memcgs=(MemcgSpec(name="g1", limit_mib=8),),
        mix=MixSpec(rate_kib_per_s=0),
    )
    for kind in WorkloadKind:
        if kind is WorkloadKind.REPLAY:
            continue  # needs an upload, and enters no kernel but those of the others
        # An allocator of blocks that no memory is left for would do nothing but reclaim.
        rate = _BLOCKS_KIB_PER_S if kind is WorkloadKind.HIGH_ORDER else 0
        groups = tuple(
            WorkloadSpec(kind=kind, memcg=memcg, file_mib=48, rate_kib_per_s=rate)
            for memcg in ("root", "g1")
        )
        yield str(kind), replace(tiny, workloads=groups)
    writers = tuple(
        WorkloadSpec(kind=kind, memcg=memcg, file_mib=48)
        for kind in (WorkloadKind.SEQ_WRITER, WorkloadKind.MMAP_DIRTIER)
        for memcg in ("root", "g1")
    )
    tiny = replace(tiny, workloads=writers)
    for elevator in Elevator:
        yield str(elevator), replace(tiny, block=replace(tiny.block, elevator=elevator))
    for patch in Patch:
        yield str(patch), replace(tiny, patches=frozenset({patch}))
    yield "interventions", replace(tiny, interventions=_EVERY_KIND)
    for answer in MemcgAnswer:
        yield (
            str(answer),
            replace(tiny, patches=frozenset({Patch.P6}), memcg_answers=frozenset({answer})),
        )
