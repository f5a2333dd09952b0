"""One machine without containers: global reclaim that meets dirty pages, dirtiers, an idle one."""

from __future__ import annotations

from dataclasses import replace

from sim.scenario import MemorySpec, MixSpec, Patch, Scenario, VmSysctl, WorkloadKind, WorkloadSpec

NO_MIX = MixSpec(rate_kib_per_s=0)

# RAM is small and the dirty limits are high.
GLOBAL = Scenario(
    duration_ms=30_000,
    memory=MemorySpec(ram_mib=256, kernel_mib=24, swap_mib=256),
    vm=VmSysctl(dirty_ratio=80, dirty_background_ratio=60),
    mix=NO_MIX,
    workloads=(
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=600),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1500),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=140, block_kib=256, think_us=2000),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES),
    ),
)

# Eight that write as fast as they may, and memory for all that may be dirty.
DIRTIERS = Scenario(
    duration_ms=30_000,
    mix=NO_MIX,
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1000, threads=8),),
)

IDLE = Scenario(
    duration_ms=30_000,
    patches=frozenset({Patch.P5, Patch.P6}),
    mix=NO_MIX,
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_READER, rate_kib_per_s=4096, file_mib=64),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, rate_kib_per_s=1024, file_mib=64),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, rate_kib_per_s=4096, file_mib=64),
    ),
)


FSYNC = replace(
    IDLE,
    patches=frozenset(),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.FSYNC_WRITER, file_mib=64, block_kib=4, think_us=100_000),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, rate_kib_per_s=40_960, file_mib=1500),
    ),
)


def pattern(kind: WorkloadKind) -> Scenario:
    """One writer of that kind on the machine of ``GLOBAL``."""
    writer = WorkloadSpec(kind=kind, file_mib=400, block_kib=64 if kind == "seqw" else 4)
    return replace(GLOBAL, workloads=(writer,))
