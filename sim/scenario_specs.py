"""The sections of a Scenario: machine, kernel, block layer, disk, filesystem, memcgs, workloads.

Ranges, units, kernel names and help stand beside each field, once; controls, links, the CLI and
validation read them from there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sim.scenario_choices import (
    DiskModel,
    Elevator,
    Filesystem,
    Frames,
    InterventionKind,
    StackWritepage,
    WorkloadKind,
)


def whole(default: int, lo: int, hi: int, unit: str, help_: str, kernel_name: str = "") -> Any:
    """A field of whole numbers from ``lo`` to ``hi``."""
    return field(
        default=default,
        metadata={"lo": lo, "hi": hi, "unit": unit, "help": help_, "kernel_name": kernel_name},
    )


def choice(default: StrEnum, help_: str, kernel_name: str = "") -> Any:
    """A field of one of an enum's members."""
    return field(default=default, metadata={"unit": "", "help": help_, "kernel_name": kernel_name})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec:
    """RAM, zones and swap. Zero means: as the kernel derives it from the size of RAM."""

    ram_mib: int = whole(1024, 64, 65536, "MiB", "Installed RAM", "mem=")
    kernel_mib: int = whole(
        48, 0, 1024, "MiB", "RAM taken by kernel text, memmap and slabs before the run"
    )
    kernel_scattered_mib: int = whole(
        0, 0, 1024, "MiB", "Of the kernel's RAM, what lies about as single pages (long uptime)"
    )
    dma_free_pages: int = whole(
        0, 0, 4096, "pages", "Free pages of zone DMA at the start; 0 = all but the kernel's share"
    )
    dma32_free_pages: int = whole(
        0, 0, 1 << 24, "pages", "Free pages of zone DMA32 at the start; 0 = all but the kernel's"
    )
    dma_present_pages: int = whole(
        0, 0, 4096, "pages", "Present pages of zone DMA; 0 = 3968", "present_pages"
    )
    dma32_present_pages: int = whole(
        0, 0, 1 << 24, "pages", "Present pages of zone DMA32; 0 = from RAM", "present_pages"
    )
    swap_mib: int = whole(512, 0, 65536, "MiB", "Swap area, on the same disk; 0 = none", "swapon")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuSpec:
    """Processors. Costs are instruction counts of the modelled paths divided by the speed."""

    nr_cpus: int = whole(2, 1, 16, "CPUs", "Online processors", "nr_cpus")
    mips: int = whole(
        4000, 100, 20000, "MIPS", "Instructions a second of one CPU (recorded 2.6.36: 1000)"
    )
    hz: int = whole(250, 100, 1000, "Hz", "Timer ticks a second; every timeout ends on one", "HZ")
    quantum_us: int = whole(
        50, 10, 1000, "us", "How far one CPU's clock may run ahead of another runnable CPU"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSysctl:
    """/proc/sys/vm, by their kernel names and units."""

    dirty_ratio: int = whole(
        20, 5, 100, "%", "Dirtyable memory a dirtier may fill before it must write", "dirty_ratio"
    )
    dirty_background_ratio: int = whole(
        10, 0, 100, "%", "Dirtyable memory at which the flusher starts", "dirty_background_ratio"
    )
    dirty_expire_centisecs: int = whole(
        3000,
        100,
        360000,
        "cs",
        "Age at which periodic writeback takes an inode",
        "dirty_expire_centisecs",
    )
    dirty_writeback_centisecs: int = whole(
        500, 10, 360000, "cs", "Period of the flusher's own wake-ups", "dirty_writeback_centisecs"
    )
    swappiness: int = whole(
        60, 0, 100, "", "Weight of anonymous against file pages in reclaim", "swappiness"
    )
    min_free_kbytes: int = whole(
        0,
        0,
        1 << 20,
        "KiB",
        "Sum of the min watermarks; 0 = int_sqrt(lowmem * 16)",
        "min_free_kbytes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """Request queue and elevator."""

    elevator: Elevator = choice(Elevator.CFQ, "IO scheduler", "queue/scheduler")
    nr_requests: int = whole(
        128,
        16,
        1024,
        "requests",
        "Requests per direction before a task must sleep",
        "queue/nr_requests",
    )
    max_sectors_kb: int = whole(
        512, 32, 4096, "KiB", "Largest merged request", "queue/max_sectors_kb"
    )
    read_ahead_kb: int = whole(128, 4, 4096, "KiB", "Readahead window", "queue/read_ahead_kb")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpec:
    """The device; zero means the named model's own number."""

    model: DiskModel = choice(DiskModel.HDD_7200, "Which disk")
    capacity_mb: int = whole(
        0, 0, 4_000_000, "MB", "Capacity the seek curve spans; 0 = the model's"
    )
    transfer_kb_per_s: int = whole(
        0, 0, 10_000_000, "kB/s", "Media rate; 0 = the model's (outer to inner zones)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FsSpec:
    """The filesystem that all files live on."""

    kind: Filesystem = choice(Filesystem.EXT3, "Filesystem")
    commit_interval_ms: int = whole(
        5000, 100, 300000, "ms", "Period of the journal's commits", "commit="
    )
    extent_kib: int = whole(
        4096, 4, 131072, "KiB", "Mean length of a contiguous run of a file made before the run"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """How deep calls go, and how much a thread has; decides no page and no time."""

    thread_size_kib: int = whole(8, 4, 16, "KiB", "Kernel stack of a thread", "THREAD_SIZE")
    frames: Frames = choice(Frames.RECORDED_2_6_36, "Whose frames: recorded, or posted in 2010")
    writepage: StackWritepage = choice(
        StackWritepage.EXT3, "Whose ->writepage is on the stack; ext3 does the work all the same"
    )
    storage_bytes: int = whole(
        0, 0, 4096, "B", "Below generic_make_request: md, dm, NFS; Chinner speaks of 1 to 2 KiB"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcgSpec:
    """One memory cgroup."""

    name: str
    limit_mib: int = whole(64, 4, 65536, "MiB", "Hard limit", "memory.limit_in_bytes")
    soft_limit_mib: int = whole(
        0,
        0,
        65536,
        "MiB",
        "What it should have when memory is short: kswapd takes the excess first; 0 = none",
        "memory.soft_limit_in_bytes",
    )
    parent: str = field(
        default="root",
        metadata={
            "unit": "",
            "help": "Container above it, which is charged too and reclaims in it; root = none",
            "kernel_name": "memory.use_hierarchy",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """One group of equal tasks."""

    kind: WorkloadKind
    memcg: str = "root"
    rate_kib_per_s: int = whole(
        0, 0, 10_000_000, "KiB/s", "Total of the group; 0 = as fast as it can"
    )
    file_mib: int = whole(
        256,
        1,
        16384,
        "MiB",
        "File, mapping or anonymous area of each task; most that high-order allocators hold",
    )
    threads: int = whole(1, 1, 64, "tasks", "Equal tasks, each with files of its own")
    block_kib: int = whole(
        64, 4, 1024, "KiB", "Bytes of one system call, or upper size of a small file"
    )
    run_pages: int = whole(1, 1, 256, "pages", "Consecutive pages a random access touches")
    think_us: int = whole(0, 0, 10_000_000, "us", "Sleep after each operation")
    order: int = whole(9, 0, 10, "", "High-order allocator: blocks of 2^order pages", "order")
    hold_ms: int = whole(
        0, 0, 3_600_000, "ms", "High-order allocator: keep a block so long; 0 = while there is room"
    )
    shared_file: int = whole(
        0, 0, 64, "", "Sequential and random writers: number of a file they share; 0 = files of own"
    )
    trace: int = whole(
        0, 0, (1 << 48) - 1, "", "Replay: number of the uploaded trace; 0 for all other kinds"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSpec:
    """The workload mix: one total rate, shared out."""

    rate_kib_per_s: int = whole(
        81920, 0, 10_000_000, "KiB/s", "Total rate of the mix; 0 = no mix, only the task list"
    )
    memcg: str = "root"
    seqw: int = whole(40, 0, 100, "share", "Sequential buffered writer")
    randw: int = whole(5, 0, 100, "share", "Random buffered writer")
    seqr: int = whole(25, 0, 100, "share", "Sequential reader")
    randr: int = whole(0, 0, 100, "share", "Random reader")
    mmap: int = whole(5, 0, 100, "share", "Dirtier of a shared mapping")
    small: int = whole(5, 0, 100, "share", "Small-file creator")
    anon: int = whole(20, 0, 100, "share", "Anonymous memory hog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """One change while the machine runs: at a time, of what, whose, to which value."""

    at_ms: int = field(
        metadata={"lo": 0, "hi": 3_600_000, "unit": "ms", "help": "When, in simulated time"}
    )
    what: InterventionKind
    whose: str
    value: int
    """1 = on and 0 = off for a patch or an answer."""


def int_range(spec: type, name: str) -> tuple[int, int]:
    """(lowest, highest) value of an integer field of a spec class; KeyError for others."""
    metadata = {f.name: f.metadata for f in dataclasses.fields(spec)}[name]
    return int(metadata["lo"]), int(metadata["hi"])
