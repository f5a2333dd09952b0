"""One experiment as frozen data: machine, kernel, patches, containers, workload.

A Scenario decides nothing and computes nothing but its own digest. Every field is an int, a bool,
an enum or a name, so that equal experiments have equal canonical JSON and one digest. Ranges,
units, kernel names and help stand beside each field, once; controls, links, the CLI and
validation read them from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kernel(StrEnum):
    """Base kernel whose rules hold where they differ (mechanics 2.15)."""

    K2_6_35 = "2.6.35"
    K2_6_36 = "2.6.36"


class Patch(StrEnum):
    """Patches of the June 2010 series, and the forms in which they were recorded on 2.6.36."""

    P5 = "p5"
    P6 = "p6"
    P5_RECORDED = "p5-recorded"
    P6_RECORDED = "p6-recorded"
    MEMCG_WAIT_LOOP = "memcg-wait-loop"


class Tracepoints(StrEnum):
    """Patches 1 to 4: each adds one family of trace events."""

    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


class MemcgAnswer(StrEnum):
    """Who cleans a container's dirty pages: the answers of the mail of 2010-06-09."""

    WAIT = "wait"
    WRITE = "write"
    KSWAPD = "kswapd"
    DIRTY_RATIO = "dirty-ratio"


class Elevator(StrEnum):
    """IO schedulers of 2.6.35."""

    CFQ = "cfq"
    DEADLINE = "deadline"
    NOOP = "noop"


class DiskModel(StrEnum):
    """Named disks; the numbers are in ``sim.block.disk.DISKS``."""

    HDD_7200 = "hdd-7200"
    RECORDED_2_6_36 = "rec-2.6.36"
    RECORDED_6_1 = "rec-6.1"


class Filesystem(StrEnum):
    """Filesystems whose writeback manners are modelled."""

    EXT3 = "ext3"


class WorkloadKind(StrEnum):
    """What a task does."""

    SEQ_WRITER = "seqw"
    RAND_WRITER = "randw"
    SEQ_READER = "seqr"
    RAND_READER = "randr"
    MMAP_DIRTIER = "mmap"
    SMALL_FILES = "small"
    ANON_HOG = "anon"


def _int(default: int, lo: int, hi: int, unit: str, help_: str, kernel_name: str = "") -> Any:
    return field(
        default=default,
        metadata={"lo": lo, "hi": hi, "unit": unit, "help": help_, "kernel_name": kernel_name},
    )


def _choice(default: StrEnum, help_: str, kernel_name: str = "") -> Any:
    return field(default=default, metadata={"unit": "", "help": help_, "kernel_name": kernel_name})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec:
    """RAM, zones and swap. Zero means: as the kernel derives it from the size of RAM."""

    ram_mib: int = _int(1024, 64, 65536, "MiB", "Installed RAM", "mem=")
    kernel_mib: int = _int(
        48, 0, 1024, "MiB", "RAM taken by kernel text, memmap and slabs before the run"
    )
    dma_free_pages: int = _int(
        0, 0, 4096, "pages", "Free pages of zone DMA at the start; 0 = all but the kernel's share"
    )
    dma32_free_pages: int = _int(
        0, 0, 1 << 24, "pages", "Free pages of zone DMA32 at the start; 0 = all but the kernel's"
    )
    dma_present_pages: int = _int(
        0, 0, 4096, "pages", "Present pages of zone DMA; 0 = 3968", "present_pages"
    )
    dma32_present_pages: int = _int(
        0, 0, 1 << 24, "pages", "Present pages of zone DMA32; 0 = from RAM", "present_pages"
    )
    swap_mib: int = _int(512, 0, 65536, "MiB", "Swap area, on the same disk; 0 = none", "swapon")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuSpec:
    """Processors. Costs are instruction counts of the modelled paths divided by the speed."""

    nr_cpus: int = _int(2, 1, 16, "CPUs", "Online processors", "nr_cpus")
    mips: int = _int(
        4000, 100, 20000, "MIPS", "Instructions a second of one CPU (recorded 2.6.36: 1000)"
    )
    hz: int = _int(250, 100, 1000, "Hz", "Timer ticks a second; every timeout ends on one", "HZ")
    quantum_us: int = _int(
        50, 10, 1000, "us", "How far one CPU's clock may run ahead of another runnable CPU"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSysctl:
    """/proc/sys/vm, by their kernel names and units."""

    dirty_ratio: int = _int(
        20, 5, 100, "%", "Dirtyable memory a dirtier may fill before it must write", "dirty_ratio"
    )
    dirty_background_ratio: int = _int(
        10, 0, 100, "%", "Dirtyable memory at which the flusher starts", "dirty_background_ratio"
    )
    dirty_expire_centisecs: int = _int(
        3000,
        100,
        360000,
        "cs",
        "Age at which periodic writeback takes an inode",
        "dirty_expire_centisecs",
    )
    dirty_writeback_centisecs: int = _int(
        500, 10, 360000, "cs", "Period of the flusher's own wake-ups", "dirty_writeback_centisecs"
    )
    swappiness: int = _int(
        60, 0, 100, "", "Weight of anonymous against file pages in reclaim", "swappiness"
    )
    min_free_kbytes: int = _int(
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

    elevator: Elevator = _choice(Elevator.CFQ, "IO scheduler", "queue/scheduler")
    nr_requests: int = _int(
        128,
        16,
        1024,
        "requests",
        "Requests per direction before a task must sleep",
        "queue/nr_requests",
    )
    max_sectors_kb: int = _int(
        512, 32, 4096, "KiB", "Largest merged request", "queue/max_sectors_kb"
    )
    read_ahead_kb: int = _int(128, 4, 4096, "KiB", "Readahead window", "queue/read_ahead_kb")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpec:
    """The device; zero means the named model's own number."""

    model: DiskModel = _choice(DiskModel.HDD_7200, "Which disk")
    capacity_mb: int = _int(0, 0, 4_000_000, "MB", "Capacity the seek curve spans; 0 = the model's")
    transfer_kb_per_s: int = _int(
        0, 0, 10_000_000, "kB/s", "Media rate; 0 = the model's (outer to inner zones)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FsSpec:
    """The filesystem that all files live on."""

    kind: Filesystem = _choice(Filesystem.EXT3, "Filesystem")
    commit_interval_ms: int = _int(
        5000, 100, 300000, "ms", "Period of the journal's commits", "commit="
    )
    extent_kib: int = _int(
        4096, 4, 131072, "KiB", "Mean length of a contiguous run of a file made before the run"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcgSpec:
    """One memory cgroup."""

    name: str
    limit_mib: int = _int(64, 4, 65536, "MiB", "Hard limit", "memory.limit_in_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """One group of equal tasks."""

    kind: WorkloadKind
    memcg: str = "root"
    rate_kib_per_s: int = _int(
        0, 0, 10_000_000, "KiB/s", "Total of the group; 0 = as fast as it can"
    )
    file_mib: int = _int(256, 1, 16384, "MiB", "File, mapping or anonymous area of each task")
    threads: int = _int(1, 1, 64, "tasks", "Equal tasks, each with files of its own")
    block_kib: int = _int(
        64, 4, 1024, "KiB", "Bytes of one system call, or upper size of a small file"
    )
    run_pages: int = _int(1, 1, 256, "pages", "Consecutive pages a random access touches")
    think_us: int = _int(0, 0, 10_000_000, "us", "Sleep after each operation")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSpec:
    """The workload mix: one total rate, shared out."""

    rate_kib_per_s: int = _int(
        81920, 0, 10_000_000, "KiB/s", "Total rate of the mix; 0 = no mix, only the task list"
    )
    memcg: str = "root"
    seqw: int = _int(40, 0, 100, "share", "Sequential buffered writer")
    randw: int = _int(5, 0, 100, "share", "Random buffered writer")
    seqr: int = _int(25, 0, 100, "share", "Sequential reader")
    randr: int = _int(0, 0, 100, "share", "Random reader")
    mmap: int = _int(5, 0, 100, "share", "Dirtier of a shared mapping")
    small: int = _int(5, 0, 100, "share", "Small-file creator")
    anon: int = _int(20, 0, 100, "share", "Anonymous memory hog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that decides a run. Two equal Scenarios give the same bits."""

    seed: int = _int(1, 0, 2**32 - 1, "", "Seed of every random stream")
    duration_ms: int = _int(60_000, 100, 3_600_000, "ms", "Simulated time")
    sample_interval_ms: int = _int(100, 10, 10_000, "ms", "Distance of two samples of the counters")
    kernel: Kernel = _choice(Kernel.K2_6_35, "Base kernel")
    patches: frozenset[Patch] = frozenset()
    tracepoints: frozenset[Tracepoints] = frozenset(Tracepoints)
    memcg_answers: frozenset[MemcgAnswer] = frozenset()
    memory: MemorySpec = MemorySpec()
    cpu: CpuSpec = CpuSpec()
    vm: VmSysctl = VmSysctl()
    block: BlockSpec = BlockSpec()
    disk: DiskSpec = DiskSpec()
    fs: FsSpec = FsSpec()
    memcgs: tuple[MemcgSpec, ...] = ()
    mix: MixSpec = MixSpec()
    workloads: tuple[WorkloadSpec, ...] = ()

    def validate(self) -> list[Problem]:
        """Problems that forbid a run, empty when there are none."""
        return _validate(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, sets sorted."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scenario:
        """Inverse of ``to_dict``; missing fields take their default.

        Raises:
            ScenarioError: unknown field, wrong type or unknown choice, with the field's path.
        """
        scenario = _from_plain(cls, data, "")
        assert isinstance(scenario, Scenario)
        return scenario

    def digest(self) -> str:
        """16 hex digits of the sha256 of the canonical JSON."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scenario, a link or a control."""

    field: str
    value: str
    message: str
    limit: str = ""

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.message}"


class ScenarioError(ValueError):
    """A scenario that cannot be built; carries the Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


MEMCG_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}")
MAX_TASKS = 256
MAX_MEMCGS = 200
MAX_PAGE_SECONDS = 64 * 1024 * 256 * 600
"""Limit of RAM pages x simulated seconds of one run: 64 GiB for ten minutes."""

EXCLUSIVE_ANSWERS: tuple[tuple[MemcgAnswer, MemcgAnswer, str], ...] = (
    (
        MemcgAnswer.WAIT,
        MemcgAnswer.WRITE,
        "a reclaimer that waits for the flusher does not write the page itself",
    ),
)
EXCLUSIVE_PATCHES: tuple[tuple[Patch, Patch, str], ...] = (
    (Patch.P5, Patch.P5_RECORDED, "two forms of the same patch"),
    (Patch.P6, Patch.P6_RECORDED, "two forms of the same patch"),
)


def int_range(spec: type, name: str) -> tuple[int, int]:
    """(lowest, highest) value of an integer field of a spec class; KeyError for others."""
    metadata = {f.name: f.metadata for f in dataclasses.fields(spec)}[name]
    return int(metadata["lo"]), int(metadata["hi"])


def _validate(s: Scenario) -> list[Problem]:
    problems: list[Problem] = []
    _check_ranges(s, "", problems)
    names = [g.name for g in s.memcgs]
    for i, name in enumerate(names):
        if not MEMCG_NAME.fullmatch(name) or name == "root":
            problems.append(
                Problem(f"memcgs.{i}.name", name, "must match [a-z][a-z0-9-]{0,11} and not be root")
            )
        if name in names[:i]:
            problems.append(Problem(f"memcgs.{i}.name", name, "is used twice"))
    if len(names) > MAX_MEMCGS:
        message = f"at most {MAX_MEMCGS} containers"
        problems.append(Problem("memcgs", str(len(names)), message, str(MAX_MEMCGS)))
    placed = [(f"workloads.{i}.memcg", w.memcg) for i, w in enumerate(s.workloads)]
    problems += [
        Problem(path, memcg, "no such container; name root or one of the memcgs")
        for path, memcg in [*placed, ("mix.memcg", s.mix.memcg)]
        if memcg != "root" and memcg not in names
    ]
    tasks = sum(w.threads for w in s.workloads)
    if tasks > MAX_TASKS:
        message = f"at most {MAX_TASKS} tasks"
        problems.append(Problem("workloads", str(tasks), message, str(MAX_TASKS)))
    page_seconds = s.memory.ram_mib * 256 * s.duration_ms // 1000
    if page_seconds > MAX_PAGE_SECONDS:
        message = f"RAM pages x seconds is {page_seconds}, at most {MAX_PAGE_SECONDS}"
        problems.append(Problem("duration_ms", str(s.duration_ms), message, str(MAX_PAGE_SECONDS)))
    problems += _exclusions(s)
    return problems


def _exclusions(s: Scenario) -> list[Problem]:
    pairs: list[tuple[str, tuple[StrEnum, StrEnum, str], frozenset[Any]]] = []
    pairs += [("patches", p, s.patches) for p in EXCLUSIVE_PATCHES]
    pairs += [("memcg_answers", a, s.memcg_answers) for a in EXCLUSIVE_ANSWERS]
    return [
        Problem(name, f"{a}.{b}", f"{a} and {b} exclude each other: {why}")
        for name, (a, b, why), chosen in pairs
        if a in chosen and b in chosen
    ]


def _check_ranges(spec: Any, prefix: str, problems: list[Problem]) -> None:
    for f in dataclasses.fields(spec):
        value = getattr(spec, f.name)
        path = f"{prefix}{f.name}"
        if dataclasses.is_dataclass(value):
            _check_ranges(value, f"{path}.", problems)
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                _check_ranges(item, f"{path}.{i}.", problems)
        elif "lo" in f.metadata and not f.metadata["lo"] <= value <= f.metadata["hi"]:
            lo, hi, unit = f.metadata["lo"], f.metadata["hi"], f.metadata["unit"]
            problems.append(
                Problem(path, str(value), f"must be {lo} to {hi} {unit}".rstrip(), f"{lo}..{hi}")
            )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(str(v) for v in value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return str(value)
    return value


_SETS: dict[str, type[StrEnum]] = {
    "patches": Patch,
    "tracepoints": Tracepoints,
    "memcg_answers": MemcgAnswer,
}
_NESTED: dict[str, type] = {
    "memory": MemorySpec,
    "cpu": CpuSpec,
    "vm": VmSysctl,
    "block": BlockSpec,
    "disk": DiskSpec,
    "fs": FsSpec,
    "mix": MixSpec,
}
_LISTS: dict[str, type] = {"memcgs": MemcgSpec, "workloads": WorkloadSpec}
_ENUMS: dict[tuple[type, str], type[StrEnum]] = {
    (Scenario, "kernel"): Kernel,
    (BlockSpec, "elevator"): Elevator,
    (DiskSpec, "model"): DiskModel,
    (FsSpec, "kind"): Filesystem,
    (WorkloadSpec, "kind"): WorkloadKind,
}


def enum_of(spec: type, name: str) -> type[StrEnum] | None:
    """The choices of an enum field of a spec class, None for other fields."""
    return _ENUMS.get((spec, name))


def _fail(path: str, value: Any, message: str) -> ScenarioError:
    return ScenarioError(Problem(path or "scenario", str(value)[:80], message))


def _enum(kind: type[StrEnum], value: Any, path: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        choices = ", ".join(str(k) for k in kind)
        raise _fail(path, value, f"must be one of {choices}") from None


def _from_plain(cls: type, data: Any, prefix: str) -> Any:
    if not isinstance(data, dict):
        raise _fail(prefix.rstrip("."), data, "must be a table of fields")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    kwargs: dict[str, Any] = {}
    for name, value in data.items():
        path = f"{prefix}{name}"
        if name not in fields:
            raise _fail(path, value, f"unknown field; known: {', '.join(fields)}")
        kwargs[name] = _field_from_plain(cls, name, value, path)
    missing = [
        f.name for f in fields.values() if f.default is dataclasses.MISSING and f.name not in kwargs
    ]
    if missing:
        raise _fail(f"{prefix}{missing[0]}", "", "is required")
    return cls(**kwargs)


def _field_from_plain(cls: type, name: str, value: Any, path: str) -> Any:
    if cls is Scenario and name in _SETS | _LISTS:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise _fail(path, value, "must be a list")
        if name in _SETS:
            return frozenset(_enum(_SETS[name], v, path) for v in value)
        return tuple(_from_plain(_LISTS[name], v, f"{path}.{i}.") for i, v in enumerate(value))
    if cls is Scenario and name in _NESTED:
        return _from_plain(_NESTED[name], value, f"{path}.")
    kind = enum_of(cls, name)
    if kind is not None:
        return _enum(kind, value, path)
    if name in ("name", "memcg"):
        if not isinstance(value, str):
            raise _fail(path, value, "must be a name")
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fail(path, value, "must be a whole number")
    return value
