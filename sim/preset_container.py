"""Containers whose limit lies below the global background threshold: one, a crowd, a family."""

from __future__ import annotations

from dataclasses import replace

from sim.scenario import (
    Filesystem,
    FsSpec,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    VmSysctl,
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

LATER_V1 = replace(CONTAINER, kernel=Kernel.K6_1, fs=FsSpec(kind=Filesystem.EXT4))
LATER_V2 = replace(LATER_V1, kernel=Kernel.K6_1_V2)
"""The same on Linux 6.1, with the filesystem of its day, as cgroup v1 and as v2."""

FILE_SERVER = WorkloadSpec(kind=WorkloadKind.SENDFILE, memcg="box", file_mib=1500)

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

HIERARCHY = replace(
    CONTAINER,
    patches=frozenset({Patch.P6}),
    memcgs=(
        MemcgSpec(name="box", limit_mib=64),
        MemcgSpec(name="writer", limit_mib=64, parent="box"),
        MemcgSpec(name="reader", limit_mib=64, parent="box"),
    ),
    workloads=(
        *(replace(w, memcg="writer") for w in CONTAINER.workloads[:2]),
        WorkloadSpec(
            kind=WorkloadKind.SEQ_READER, memcg="reader", file_mib=24, rate_kib_per_s=16_384
        ),
    ),
)
"""A reader whose file fits, beside writers; only the limit above both is ever reached."""

SOFT_LIMIT = Scenario(
    duration_ms=30_000,
    memory=MemorySpec(ram_mib=256, kernel_mib=24, swap_mib=256),
    vm=VmSysctl(dirty_ratio=80, dirty_background_ratio=60),
    mix=MixSpec(rate_kib_per_s=0),
    memcgs=(
        MemcgSpec(name="greedy", limit_mib=224, soft_limit_mib=64),
        MemcgSpec(name="modest", limit_mib=96),
    ),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, memcg="greedy", file_mib=1500),
        WorkloadSpec(
            kind=WorkloadKind.SEQ_WRITER, memcg="greedy", file_mib=1500, rate_kib_per_s=16_384
        ),
        WorkloadSpec(
            kind=WorkloadKind.SEQ_READER, memcg="modest", file_mib=64, rate_kib_per_s=16_384
        ),
    ),
)
"""Neither reaches its limit: memory is short for the machine, and one has more than its share."""

SHARED_FILE = replace(
    CONTAINER,
    patches=frozenset({Patch.P6}),
    memcg_answers=frozenset({MemcgAnswer.IO_CGROUP, MemcgAnswer.DIRTY_RATIO}),
    memcgs=(MemcgSpec(name="left", limit_mib=48), MemcgSpec(name="right", limit_mib=48)),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="left", file_mib=1500),
        *(
            WorkloadSpec(
                kind=WorkloadKind.RAND_WRITER,
                memcg=memcg,
                rate_kib_per_s=2048,
                file_mib=64,
                block_kib=4,
                shared_file=1,
            )
            for memcg in ("left", "right")
        ),
    ),
)
"""Two containers write one file; one of them has another of its own."""
