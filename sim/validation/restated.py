"""What of the published tables the model can run: machine, workload and patches of each.

Sources: the mails themselves; mmtests, whose scripts ran these tests (its first public version, of
2011, where the mail does not say: ``config``, ``shellpacks/``, ``micro/``, ``vmr/``); fs_mark 3.3.
What neither says is named as unknown in ``scale``. Nothing is fitted to a table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from sim.scenario import (
    CpuSpec,
    Filesystem,
    FsSpec,
    Kernel,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
)


class Report(StrEnum):
    """Which form of the post-processing script, on which kernel, a table comes from."""

    JUNE_2010 = "2010-06"
    """"Pages scanned" count isolation from active lists too."""
    SEPTEMBER_2010 = "2010-09"
    """They are those of vmstat."""
    JULY_2011 = "2011-07"
    """So are these; from 2.6.38 on a request to wake kswapd is traced only while it sleeps."""


class Knob(NamedTuple):
    """An unknown parameter."""

    path: str
    """Of the Scenario's field, as in a Problem: ``workloads.1.file_mib``."""
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Restated:
    """What of a table the model can run."""

    scale: str
    """What is smaller here, and what is assumed."""
    base: str
    """The column that the others are held against."""
    runs: dict[str, Scenario]
    """Column to scenario, the base among them."""
    work: WorkloadKind | None
    """The published test ended with its work: counts and times are per operation of this kind.
    None: it ran for a time."""
    report: Report = Report.JUNE_2010
    absent: tuple[str, ...] = ()
    """Words of rows about what the restated run has none of, because nobody stated it."""
    unknown: tuple[Knob, ...] = ()
    """What neither mail nor script says, and how far it may reasonably be otherwise."""

    @property
    def until_over(self) -> WorkloadKind | None:
        """Kind with which a run ends, because its tasks come to an end."""
        return (
            self.work if self.work in (WorkloadKind.SPARSE_READER, WorkloadKind.HIGH_PASS) else None
        )


def _machine(ram_mib: int, nr_cpus: int, kernel: Kernel, *groups: WorkloadSpec) -> Scenario:
    return Scenario(
        duration_ms=60_000,
        kernel=kernel,
        memory=MemorySpec(ram_mib=ram_mib),
        cpu=CpuSpec(nr_cpus=nr_cpus),
        fs=FsSpec(kind=Filesystem.XFS),
        mix=MixSpec(rate_kib_per_s=0),
        workloads=groups,
    )


def _columns(base: Scenario, patches: dict[str, tuple[Patch, ...]]) -> dict[str, Scenario]:
    return {name: replace(base, patches=frozenset(chosen)) for name, chosen in patches.items()}


def _old_xfs(scenario: Scenario) -> Scenario:
    """V2's base is not stated; XFS came to refuse reclaim while 2.6.35 was made."""
    return replace(scenario, fs=FsSpec(kind=Filesystem.XFS_2_6_34))


_DD = _machine(
    512,
    4,
    Kernel.K2_6_35,
    WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, threads=4, file_mib=512, block_kib=1024),
)


def _sysbench(ram_there_mib: int) -> Scenario:
    """128 MiB instead of ``ram_there_mib``; files and buffers in proportion."""
    database_mib = SYSBENCH_ROWS * 128 // (SYSBENCH_ROWS_PER_MIB * ram_there_mib)
    return replace(
        _machine(
            128,
            4,
            Kernel.K2_6_35,
            WorkloadSpec(kind=WorkloadKind.OLTP, threads=8, file_mib=database_mib // 8),
            WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=32, think_us=2000),
        ),
        duration_ms=300_000,
    )


SYSBENCH_ROWS = 10_000_000
SYSBENCH_ROWS_PER_MIB = 4500
"""mmtests: the table's default size, and what its later script reckons a row to be."""
_DATABASE = (
    "eight threads for 300 s instead of one to eight for hours; 10,000,000 rows, 4500 a MiB, in a"
    " file for each thread instead of one table for all; shared_buffers of 1/4 of RAM (mmtests) as"
    " anonymous pages, 8000 touched a second (unknown)"
)
_STREAM = replace(
    _machine(
        3072, 4, Kernel.K2_6_36, WorkloadSpec(kind=WorkloadKind.SPARSE_READER, file_mib=4 * 3072)
    ),
    duration_ms=40_000,
)
_FSMARK_MACHINE = replace(
    _machine(
        512,
        1,
        Kernel.K2_6_36,
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1500, block_kib=16),
    ),
    duration_ms=180_000,
    vm=VmSysctl(dirty_ratio=40),
)


def _highalloc(ram_mib: int, builds: int, percent: int) -> Scenario:
    """Kernel builds of 1.5 x RAM in all, and one pass over ``percent`` of RAM in huge pages."""
    each_mib = ram_mib * 3 // 4 // builds
    return replace(
        _machine(
            ram_mib,
            4,
            Kernel.K2_6_35,
            WorkloadSpec(
                kind=WorkloadKind.ANON_HOG, threads=builds, file_mib=each_mib, think_us=200_000
            ),
            WorkloadSpec(
                kind=WorkloadKind.SEQ_READER,
                threads=builds,
                file_mib=each_mib,
                rate_kib_per_s=1024 * builds,
            ),
            WorkloadSpec(
                kind=WorkloadKind.SMALL_FILES, threads=builds, rate_kib_per_s=256 * builds
            ),
            WorkloadSpec(
                kind=WorkloadKind.HIGH_PASS,
                file_mib=ram_mib * percent // 100,
                rate_kib_per_s=16_384,
            ),
        ),
        duration_ms=600_000,
    )


_BUILDS = (
    "one pass, 16 MiB of huge pages a second; a build for each 400 MiB of RAM there and one more,"
    " 1.5 x RAM in all; how much of it is anonymous, read and written is unknown: half of it"
    " anonymous, 80 pages a second touched in each build; half sources, 1 MiB/s read by each, and"
    " 256 KiB/s of objects; no five minutes of building before"
)
_UNKNOWN = "disk and CPU rates unknown, the model's defaults; ext3's layout and journal for XFS's"
_OLD_XFS = "V2 does not state its base: XFS as of 2.6.34, which writes what reclaim hands it"
_DISK = Knob("disk.transfer_kb_per_s", 60_000, 140_000)
_CPU = Knob("cpu.mips", 2000, 8000)
_V3_0 = (Patch.WAIT_IFF_CONGESTED, Patch.BALANCE_GAP, Patch.SMALL_TARGETS)
_LESS = (*_V3_0, Patch.NODIRECTWB, Patch.LESSKSWAPDWB)

RESTATED: dict[str, Restated] = {
    "V2-simplewb": Restated(
        "512 of 2048 MiB, the first of five iterations (4 writers, 4 x RAM of files in all, blocks"
        f" of 1 MiB) for 60 s at most; {_OLD_XFS}; {_UNKNOWN}",
        "traceonly-v2r5",
        _columns(_old_xfs(_DD), {"traceonly-v2r5": (), "nodirect-v2r5": (Patch.P6,)}),
        WorkloadKind.SEQ_WRITER,
        unknown=(
            _DISK,
            _CPU,
        ),
    ),
    "V2-highalloc": Restated(
        f"256 of 2048 MiB; {_BUILDS}; {_OLD_XFS}; {_UNKNOWN}",
        "traceonly-v2r5",
        _columns(
            _old_xfs(_highalloc(256, 6, 95)), {"traceonly-v2r5": (), "nodirect-v2r5": (Patch.P6,)}
        ),
        WorkloadKind.HIGH_PASS,
        unknown=(
            _DISK,
            Knob("workloads.0.file_mib", 16, 48),
            Knob("workloads.0.think_us", 20_000, 1_000_000),
        ),
    ),
    "V6-highalloc-x64": Restated(
        f"256 of 3072 MiB; {_BUILDS}; {_UNKNOWN}",
        "traceonly-v6",
        _columns(
            _highalloc(256, 8, 95),
            {
                "traceonly-v6": (),
                "nodirect-v6": (Patch.P6_RECORDED,),
                "flushforward-v6": (Patch.P6_RECORDED, Patch.FLUSHFORWARD),
            },
        ),
        WorkloadKind.HIGH_PASS,
        unknown=(
            _DISK,
            Knob("workloads.0.file_mib", 16, 48),
            Knob("workloads.0.think_us", 20_000, 1_000_000),
        ),
    ),
    "APR-highalloc": Restated(
        f"256 of 2048 MiB; {_BUILDS}; the filesystem is unknown, taken to be XFS of 2.6.34; the"
        " RFC's patch 6 waits for the flusher in lumpy reclaim, Chinner's patch did not;"
        f" {_UNKNOWN}",
        "enable-directreclaim",
        _columns(
            _old_xfs(_highalloc(256, 6, 90)),
            {"enable-directreclaim": (), "disable-directreclaim": (Patch.P6,)},
        ),
        WorkloadKind.HIGH_PASS,
    ),
    "V2-sysbench": Restated(
        f"128 of 2048 MiB, {_DATABASE}; {_OLD_XFS}; {_UNKNOWN}",
        "traceonly-v2r5",
        _columns(_old_xfs(_sysbench(2048)), {"traceonly-v2r5": (), "nodirect-v2r5": (Patch.P6,)}),
        None,
        unknown=(
            _DISK,
            Knob("workloads.0.file_mib", 8, 24),
            Knob("workloads.1.file_mib", 16, 64),
        ),
    ),
    "V6-sysbench-x64": Restated(
        f"128 of 3072 MiB, {_DATABASE}; {_UNKNOWN}",
        "traceonly-v6",
        _columns(
            _sysbench(3072),
            {
                "traceonly-v6": (),
                "nodirect-v6": (Patch.P6_RECORDED,),
                "flushforward-v6": (Patch.P6_RECORDED, Patch.FLUSHFORWARD),
            },
        ),
        None,
        unknown=(
            _DISK,
            Knob("workloads.0.file_mib", 8, 24),
            Knob("workloads.1.file_mib", 16, 64),
        ),
    ),
    "SEP-micro-x64": Restated(
        "full size: one task, a sparse file of 4 x RAM; wait_iff_congested as of 2.6.37 instead of"
        " the posted one, which differs where many pages are under writeback; lowlumpy is not"
        f" modelled; {_UNKNOWN}",
        "traceonly-v1r5",
        _columns(
            _STREAM,
            {
                "traceonly-v1r5": (),
                "nocongest-v1r5": (Patch.WAIT_IFF_CONGESTED,),
                "nodirect-v1r5": (Patch.WAIT_IFF_CONGESTED, Patch.P6_RECORDED),
            },
        ),
        WorkloadKind.SPARSE_READER,
        Report.SEPTEMBER_2010,
        unknown=(_CPU,),
    ),
    "2011v1-fsmark-xfs": Restated(
        "512 MiB and one CPU as there, 180 s of 567; 3750 files of 10 MB in blocks of 16 KiB, never"
        " synced (-S0) nor removed (-L keeps them), are one file here; 3.0-rc6 is 2.6.36 with"
        " wait_iff_congested, the balance gap and the scan of small targets, balance_dirty_pages"
        " still writes; prioinode is not modelled; dirty_ratio is unknown: 40 %, which the mail of"
        " a week later (<1311265730-5324-1-git-send-email-mgorman@suse.de>) states for the same"
        " command; programs and monitors beside it, whose pages were swapped, are unknown and left"
        f" out; {_UNKNOWN}",
        "rc6-vanilla",
        _columns(
            _FSMARK_MACHINE,
            {
                "rc6-vanilla": _V3_0,
                "nodirectwb-v1r3": (*_V3_0, Patch.NODIRECTWB),
                "lesskswapdwb-v1r3": _LESS,
                "throttle-v1r10": (*_LESS, Patch.THROTTLE),
                "immediate-v1r10": (*_LESS, Patch.THROTTLE, Patch.IMMEDIATE),
            },
        ),
        WorkloadKind.SEQ_WRITER,
        Report.JULY_2011,
        absent=("Swap", "anon"),
        unknown=(
            _DISK,
            _CPU,
            Knob("vm.dirty_ratio", 20, 50),
        ),
    ),
}
NO_WORKLOAD = {
    "YH": "per-memcg background reclaim of 2011 is another patch than the answer of June 2010",
}
