"""Containers whose limit lies below the global background threshold: one, and a crowd of them."""

from __future__ import annotations

from dataclasses import replace

from sim.scenario import (
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)

CONTAINER = Scenario(
    duration_ms=30_000,
    memory=MemorySpec(swap_mib=0),
    memcgs=(MemcgSpec(name="box", limit_mib=64),),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="box", file_mib=1500),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="box", file_mib=600, run_pages=8),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES, memcg="box"),
    ),
)

MANY_FILES = WorkloadSpec(kind=WorkloadKind.SMALL_FILES, rate_kib_per_s=4096, block_kib=4)
"""1000 inodes a second that are nobody's in a container."""

CROWD = replace(
    CONTAINER,
    patches=frozenset({Patch.P6}),
    memcg_answers=frozenset({MemcgAnswer.KSWAPD}),
    memcgs=tuple(MemcgSpec(name=f"box{i + 1}", limit_mib=32) for i in range(8)),
    workloads=tuple(
        WorkloadSpec(
            kind=WorkloadKind.SEQ_WRITER, memcg=f"box{i + 1}", rate_kib_per_s=8192, file_mib=1500
        )
        for i in range(8)
    ),
)
