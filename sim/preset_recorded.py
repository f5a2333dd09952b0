"""The recorded 2.6.36 runs restated: virtual machines of 256 or 1024 MiB, one CPU of 1000 MIPS."""

from __future__ import annotations

from dataclasses import replace

from sim.scenario import (
    CpuSpec,
    DiskModel,
    DiskSpec,
    Kernel,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)

_SMALL_VM = Scenario(
    duration_ms=8000,
    kernel=Kernel.K2_6_36,
    memory=MemorySpec(
        ram_mib=256, dma_present_pages=3198, dma32_present_pages=60600,
        dma_free_pages=3996, dma32_free_pages=52217, swap_mib=256,
    ),
    cpu=CpuSpec(nr_cpus=1, mips=1000),
    vm=VmSysctl(min_free_kbytes=2020),
    disk=DiskSpec(model=DiskModel.RECORDED_2_6_36),
    mix=MixSpec(rate_kib_per_s=0),
)  # fmt: skip
_LARGE_VM = replace(
    _SMALL_VM,
    memory=MemorySpec(
        ram_mib=1024, dma_present_pages=3192, dma32_present_pages=254520,
        dma_free_pages=3996, dma32_free_pages=243950, swap_mib=0,
    ),
    vm=VmSysctl(min_free_kbytes=4061),
    memcgs=(MemcgSpec(name="box", limit_mib=64),),
)  # fmt: skip

REC_SPMIX = replace(
    _SMALL_VM,
    vm=replace(_SMALL_VM.vm, dirty_ratio=80, dirty_background_ratio=60),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=600),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1500),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=140, block_kib=256, think_us=2000),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES),
    ),
)
REC_MCGMIX = replace(
    _LARGE_VM,
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="box", file_mib=1500),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, memcg="box", file_mib=600, run_pages=8),
        WorkloadSpec(kind=WorkloadKind.SMALL_FILES, memcg="box"),
    ),
)
REC_MCGSEQ = replace(
    _LARGE_VM,
    memory=replace(_LARGE_VM.memory, dma32_free_pages=244034),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg="box", file_mib=2000),),
)
REC_SEQ = replace(
    _SMALL_VM,
    duration_ms=12_000,
    memory=replace(_SMALL_VM.memory, dma32_free_pages=53562, swap_mib=0),
    cpu=CpuSpec(nr_cpus=1, mips=500),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=2000),),
)
REC_P5_P6 = frozenset({Patch.P5_RECORDED, Patch.P6_RECORDED})
