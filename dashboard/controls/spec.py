"""``CONTROLS``: one row for each Scenario field.

Range, unit, kernel name, help and default come from the field itself, the URL key from the codec.
What is added here is only how a field is shown: its label, group, widget and step.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sim.scenario import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    DiskModel,
    Elevator,
    Filesystem,
    Frames,
    Intervention,
    InterventionKind,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MixSpec,
    Patch,
    Scenario,
    StackWritepage,
    Tracepoints,
    WorkloadKind,
    WorkloadSpec,
    enum_of,
)
from sim.scenario_url import DEFAULTS, TABLE, VERSION, value_at


class Widget(StrEnum):
    """What a field is edited with."""

    NUMBER = "number"
    CHOICE = "choice"
    SET = "set"
    SHARE = "share"
    LIST = "list"
    NAME = "name"


class Group(StrEnum):
    """Where a control stands; the value is its heading."""

    PATCHES = "Patches"
    ANSWERS = "Memcg answers"
    MIX = "Workload mix"
    DISK = "Disk"
    TASKS = "Tasks"
    CONTAINERS = "Containers"
    TIMELINE = "Interventions"
    RUN = "Run"
    MEMORY = "Memory"
    VM = "/proc/sys/vm"
    BLOCK = "Block queue"
    DEVICE = "Disk details"
    FS = "Filesystem"
    STACK = "Kernel stack"
    CPU = "CPU"


ALWAYS_VISIBLE = (Group.PATCHES, Group.ANSWERS, Group.MIX, Group.DISK)
FOLDED = tuple(group for group in Group if group not in ALWAYS_VISIBLE)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of an enum or set field."""

    value: str
    label: str
    help: str = ""
    excludes: tuple[str, ...] = ()
    """Choices that are off when this one is on."""


@dataclass(frozen=True, slots=True)
class Control:
    """How one Scenario field is shown and edited."""

    path: str
    label: str
    group: Group
    widget: Widget
    key: str
    """Of the link; several mix fields share one."""
    help: str
    kernel_name: str = ""
    unit: str = ""
    lo: int = 0
    hi: int = 0
    step: int = 1
    default: Any = None
    options: tuple[Option, ...] = ()

    @property
    def range_text(self) -> str:
        """``5 to 100 %``, empty for a field without a range."""
        if self.widget not in (Widget.NUMBER, Widget.SHARE):
            return ""
        return f"{self.lo} to {self.hi} {self.unit}".rstrip()


_GROUP_OF = {
    "patches": Group.PATCHES, "memcg_answers": Group.ANSWERS, "mix": Group.MIX,
    "workloads": Group.TASKS, "memcgs": Group.CONTAINERS, "memory": Group.MEMORY,
    "interventions": Group.TIMELINE,
    "vm": Group.VM, "block": Group.BLOCK, "disk": Group.DEVICE, "disk.model": Group.DISK,
    "fs": Group.FS, "stack": Group.STACK, "cpu": Group.CPU,
}  # fmt: skip

_LABELS: dict[str, str] = {
    "seed": "seed",
    "duration_ms": "duration",
    "sample_interval_ms": "sample interval",
    "kernel": "base kernel",
    "patches": "patches",
    "tracepoints": "trace events",
    "memcg_answers": "memcg answers",
    "memcgs": "containers",
    "workloads": "tasks",
    "interventions": "while it runs",
    "memory.ram_mib": "RAM",
    "memory.kernel_mib": "kernel's own",
    "memory.kernel_scattered_mib": "of that, scattered",
    "memory.dma_free_pages": "free, zone DMA",
    "memory.dma32_free_pages": "free, zone DMA32",
    "memory.dma_present_pages": "present, zone DMA",
    "memory.dma32_present_pages": "present, zone DMA32",
    "memory.swap_mib": "swap",
    "cpu.nr_cpus": "nr_cpus",
    "cpu.mips": "speed",
    "cpu.hz": "HZ",
    "cpu.quantum_us": "clock skew",
    "block.elevator": "scheduler",
    "block.nr_requests": "nr_requests",
    "block.max_sectors_kb": "max_sectors_kb",
    "block.read_ahead_kb": "read_ahead_kb",
    "disk.model": "disk",
    "disk.capacity_mb": "capacity",
    "disk.transfer_kb_per_s": "media rate",
    "fs.kind": "filesystem",
    "fs.commit_interval_ms": "commit interval",
    "fs.extent_kib": "mean extent",
    "stack.thread_size_kib": "THREAD_SIZE",
    "stack.frames": "frames",
    "stack.writepage": "->writepage of",
    "stack.storage_bytes": "stacked storage",
    "mix.rate_kib_per_s": "total rate",
    "mix.memcg": "runs in",
    "mix.seqw": "sequential writer",
    "mix.randw": "random writer",
    "mix.seqr": "sequential reader",
    "mix.randr": "random reader",
    "mix.mmap": "mapping dirtier",
    "mix.small": "small files",
    "mix.anon": "anonymous hog",
}
"""Kernel words where there are some; ``vm.*`` are called as in /proc/sys/vm."""

_STEPS = {
    "duration_ms": 1000, "sample_interval_ms": 10, "memory.ram_mib": 64, "memory.swap_mib": 64,
    "cpu.mips": 100, "cpu.hz": 50, "vm.dirty_expire_centisecs": 100,
    "vm.dirty_writeback_centisecs": 100, "vm.min_free_kbytes": 64, "block.nr_requests": 16,
    "block.max_sectors_kb": 32, "block.read_ahead_kb": 4, "fs.commit_interval_ms": 500,
    "fs.extent_kib": 64, "stack.thread_size_kib": 4, "stack.storage_bytes": 256,
    "mix.rate_kib_per_s": 1024, "disk.capacity_mb": 1000,
    "disk.transfer_kb_per_s": 1000,
}  # fmt: skip
_SECTIONS = ("memory", "cpu", "vm", "block", "disk", "fs", "stack", "mix")
_SETS: dict[str, type[StrEnum]] = {
    "patches": Patch, "tracepoints": Tracepoints, "memcg_answers": MemcgAnswer,
}  # fmt: skip
_HELP = {
    "patches": "Patches 5 and 6 of June 2010 and what came of them later, on the base kernel",
    "tracepoints": "Patches 1 to 4: which event families the run records; they change no number",
    "memcg_answers": "Who cleans the dirty pages of a container",
    "memcgs": "Memory cgroups: name, hard limit, soft limit, the one above",
    "workloads": "Groups of equal tasks beside the mix",
    "interventions": "ms.what.whose.value, joined by ~: patch.p6.on, answer.wait.off, "
    "vm.dirty_ratio.10, limit.NAME.MiB, rate.disk.kB/s, rate.mix.KiB/s, rate.w1.KiB/s, "
    "stall.disk.ms; e.g. 20000.patch.p6.on~40000.stall.disk.2000",
    "mix.memcg": "Container whose tasks the mix is, or root",
}

OPTIONS: dict[type[StrEnum], dict[str, tuple[str, str]]] = {
    Patch: {
        "p5": ("patch 5", "Reclaim writes contiguous ranges of a file through ->writepages"),
        "p6": ("patch 6", "Direct reclaim writes nothing; dirty pages go back on the LRU"),
        "p5-recorded": ("patch 5, recorded form", "As in the recorded 2.6.36 runs"),
        "p6-recorded": ("patch 6, recorded form", "As in the recorded 2.6.36 runs"),
        "memcg-wait-loop": ("memcg wait loop", "Memcg reclaim waits in a loop for the flusher, "
                            "as in one recorded variant"),
        "flushforward": ("kick the flusher", "V6, 2010-07-30: reclaim that meets dirty file pages "
                         "wakes the flusher for up to 4 MiB"),
        "wait-iff-congested": ("wait iff congested", "2.6.37, commit 0e093d99: reclaim sleeps only "
                               "while queue and zone are congested"),
        "gap": ("balance gap (2.6.39)", "Commit 8afdcece: kswapd leaves a small zone alone "
                       "from 1 % above its high watermark on"),
        "force": ("scan of small targets (3.0)", "Commit 246e87a9: kswapd scans at least "
                         "32 pages of each list of a small zone or container"),
        "nodirectwb": ("no writes by direct reclaim (3.2)", "Commit ee72886d: direct reclaim "
                         "writes no file page, swap pages still"),
        "lesskswapdwb": ("kswapd writes in trouble (3.2)", "Commit f84f6e2b: kswapd writes file "
                           "pages below priority 10 only"),
        "throttle": ("throttle on writeback (3.2)", "Commit 92df3a72: a batch full of pages "
                         "under writeback waits for congestion"),
        "ioless": ("throttled writers only wait (3.2)", "Commit 143dfe86: a throttled dirtier "
                   "sleeps for its share of the disk's bandwidth; the flusher writes"),
        "immediate": ("immediate reclaim (3.2)", "Commit 49ea7eb6: skipped dirty pages are "
                          "freed as soon as they are clean"),
        "stackreduce": ("stack diet", "Reduce stack usage V1, 2010-04-15: two pagevecs of 128 B "
                        "out of reclaim's way; 2.6.36 has it"),
        "dirtylist": ("list of dirty pages", "Considered in patch 6's mail: dirty pages that "
                      "reclaim may not write wait on a list of their own"),
    },
    Frames: {
        "2.6.36": ("2.6.36, recorded", "The stack tracer's, gcc 11"),
        "2.6.34": ("2.6.34, posted", "Traces posted in April and June 2010"),
    },
    StackWritepage: {"ext3": ("ext3", ""), "xfs": ("XFS", "As in Berthels' overflow")},
    Tracepoints: {
        "p1": ("1: direct reclaim and kswapd", "begin/end of direct reclaim, kswapd's sleep "
               "and wake-ups"),
        "p2": ("2: LRU isolation", "pages taken off the lists"),
        "p3": ("3: page writeback", "pages that reclaim writes"),
        "p4": ("4: memcg reclaim", "begin/end of memcg reclaim"),
    },
    MemcgAnswer: {
        "wait": ("wait for the flusher", "Memcg reclaim wakes the flusher, sleeps, tries again"),
        "write": ("reclaim may write", "Memcg reclaim writes pages itself, patch 6 or not"),
        "kswapd": ("kswapd inside", "kswapd serves a list of containers near their limit"),
        "dirty-ratio": ("own dirty ratio", "Dirtiers are throttled at their container's ratio"),
        "memcg-flusher": ("own flusher", "Above its dirty ratio a thread cleans the container's "
                          "LRU lists"),
        "io-cgroup": ("IO-cgroup aware", "Works for a container take that container's inodes; "
                      "finding them costs CPU"),
    },
    InterventionKind: {
        "patch": ("a patch", "Switch a patch"),
        "answer": ("a memcg answer", "Switch a memcg answer"),
        "vm": ("a sysctl", "Write to /proc/sys/vm"),
        "limit": ("a container's limit", "Write memory.limit_in_bytes, which reclaims"),
        "rate": ("a rate", "Of the disk's media, the mix or a task group"),
        "stall": ("the disk stalls", "It completes nothing for so long"),
    },
    Kernel: {
        "2.6.35": ("2.6.35", ""),
        "2.6.36": ("2.6.36", ""),
        "6.1": ("6.1, cgroup v1", "All of 6.1: no patch or answer of 2010 applies"),
        "6.1-v2": ("6.1, cgroup v2", "With cgroup writeback: a container has its own dirty limit"),
    },
    Elevator: {"cfq": ("cfq", ""), "deadline": ("deadline", ""), "noop": ("noop", "")},
    DiskModel: {
        "hdd-7200": ("7200 rpm SATA", "A desktop disk of 2010"),
        "hdd-5400": ("5400 rpm laptop", "A 2.5 inch disk; seeks of the Hitachi 5K320 data sheet"),
        "raid0-4": ("RAID-0 of 4", "Four of the 7200 rpm disks, chunks of 64 KiB, 32 requests"),
        "usb-stick": ("USB stick", "Erase blocks of 4 MiB; one left half full costs a "
                      "read-modify-write"),
        "ssd-sata": ("SATA SSD", "Ten channels, two dies each, NCQ of 32; as a drive of 2009"),
        "nvme": ("NVMe", "18 channels, 72 dies; from 2014, years after this kernel"),
        "rec-2.6.36": ("recorded, 2.6.36", "The disk under the recorded 2.6.36 runs"),
        "rec-6.1": ("recorded, 6.1", "The disk under the recorded 6.1 runs"),
    },
    Filesystem: {
        "ext3": ("ext3", "data=ordered; writes what reclaim hands it"),
        "ext4": ("ext4", "Delayed allocation; reclaim cannot write a page without a block"),
        "xfs": ("XFS", "Refuses writeback from reclaim; kswapd's too, but on 2.6.36"),
        "xfs-2.6.34": ("XFS of 2.6.34", "Delayed allocation; writes what reclaim hands it"),
        "btrfs": ("btrfs", "Refuses writeback from reclaim, page by page"),
    },
    WorkloadKind: {
        "seqw": ("sequential writer", "write(2) through the page cache"),
        "randw": ("random writer", "write(2) at random places"),
        "seqr": ("sequential reader", "read(2) with readahead"),
        "randr": ("random reader", "read(2) at random places"),
        "mmap": ("mapping dirtier", "stores into a shared mapping"),
        "small": ("small files", "creates and writes small files"),
        "anon": ("anonymous hog", "touches anonymous memory"),
        "fsync": ("fsync writer", "appends a block, then fsync(2), for ever"),
        "fsmark": ("fs_mark", "creates a file, writes it, fsync(2), closes it"),
        "copy": ("file copy", "reads a block of one file, writes it to another"),
        "oltp": ("OLTP", "14 pages read and 4 written at random, a log record, fsync(2) of the "
                 "log; as sysbench"),
        "mstream": ("mapped stream", "loads through a file mapping, page after page"),
        "sparse": ("mapped sparse file", "one load from each page of a file that is one hole, "
                   "then over"),
        "highpass": ("one pass of high orders", "asks once for each block of 2^order pages that "
                     "fits, holds them all, then is over"),
        "sendfile": ("file server", "sendfile(2) with readahead; nothing marks its pages accessed"),
        "replay": ("replay", "the calls of an uploaded trace, none before its time"),
        "highalloc": ("high-order allocator", "blocks of 2^order pages for the kernel, held"),
    },
}  # fmt: skip
"""Label and help of each choice; a new member must be named here (a test says so)."""


def options_of(kind: type[StrEnum]) -> tuple[Option, ...]:
    """The choices of an enum, in its own order."""
    named = OPTIONS.get(kind, {})
    pairs = [pair for pair in (*EXCLUSIVE_PATCHES, *EXCLUSIVE_ANSWERS) if isinstance(pair[0], kind)]
    return tuple(
        Option(
            str(k), *named.get(str(k), (str(k), "")),
            tuple(str(b if k is a else a) for a, b, _ in pairs if k in (a, b)),
        )
        for k in kind
    )  # fmt: skip


_KEYS = {row.path: row.key for row in TABLE}


def key_of(path: str) -> str:
    """The link's key that carries a field."""
    return _KEYS.get(path) or _KEYS[path.partition(".")[0]]


def _control(spec: type, f: dataclasses.Field[Any], prefix: str) -> Control:
    path = f"{prefix}{f.name}"
    group = _GROUP_OF.get(path) or _GROUP_OF.get(prefix.rstrip(".") or f.name, Group.RUN)
    common: dict[str, Any] = {
        "path": path,
        "label": _LABELS.get(path, f.metadata.get("kernel_name") or f.name.replace("_", " ")),
        "group": group,
        "key": key_of(path),
        "help": _HELP.get(path) or f.metadata.get("help", ""),
        "kernel_name": f.metadata.get("kernel_name", ""),
        "unit": f.metadata.get("unit", ""),
        "default": value_at(DEFAULTS[VERSION], path),
    }
    kind = enum_of(spec, f.name)
    if kind is not None:
        return Control(widget=Widget.CHOICE, options=options_of(kind), **common)
    if f.name in _SETS and spec is Scenario:
        return Control(widget=Widget.SET, options=options_of(_SETS[f.name]), **common)
    if f.name in CELLS:
        return Control(widget=Widget.LIST, **common)
    if "lo" not in f.metadata:
        return Control(widget=Widget.NAME, **common)
    share = spec is MixSpec and f.metadata["unit"] == "share"
    return Control(
        widget=Widget.SHARE if share else Widget.NUMBER,
        lo=f.metadata["lo"], hi=f.metadata["hi"], step=_STEPS.get(path, 1), **common,
    )  # fmt: skip


def _controls() -> tuple[Control, ...]:
    found = []
    for f in dataclasses.fields(Scenario):
        if f.name in _SECTIONS:
            spec = type(getattr(DEFAULTS[VERSION], f.name))
            found += [_control(spec, inner, f"{f.name}.") for inner in dataclasses.fields(spec)]
        else:
            found.append(_control(Scenario, f, ""))
    order = list(Group)
    return tuple(sorted(found, key=lambda control: order.index(control.group)))


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a row of a list."""

    field: str
    label: str
    unit: str
    help: str
    letter: str
    """Of the link's grammar; empty for the fields that stand without one."""
    lo: int = 0
    hi: int = 0
    default: Any = None
    options: tuple[Option, ...] = ()


_CELL_LABELS = {
    "name": "name", "limit_mib": "limit", "soft_limit_mib": "soft limit", "parent": "below",
    "kind": "does", "memcg": "in", "rate_kib_per_s": "rate",
    "file_mib": "file", "threads": "tasks", "block_kib": "block", "run_pages": "run",
    "think_us": "think", "at_ms": "at", "what": "what", "whose": "whose", "value": "becomes",
    "order": "order", "hold_ms": "hold", "shared_file": "shared file",
    "trace": "trace",
}  # fmt: skip


def _cells(spec: type, letters: dict[str, str]) -> tuple[Cell, ...]:
    by_field = {name: letter for letter, name in letters.items()}
    cells = []
    for f in dataclasses.fields(spec):
        kind = enum_of(spec, f.name)
        default = None if f.default is dataclasses.MISSING else f.default
        cells.append(
            Cell(
                f.name, _CELL_LABELS.get(f.name, f.name), f.metadata.get("unit", ""),
                f.metadata.get("help", ""), by_field.get(f.name, ""), f.metadata.get("lo", 0),
                f.metadata.get("hi", 0), default, options_of(kind) if kind else (),
            )
        )  # fmt: skip
    return tuple(cells)


def _letters(of: str) -> dict[str, str]:
    from sim.scenario_url_items import MEMCG_LETTERS, WORKLOAD_LETTERS

    return {"memcgs": MEMCG_LETTERS, "workloads": WORKLOAD_LETTERS}[of]


CELLS: dict[str, tuple[Cell, ...]] = {
    "memcgs": _cells(MemcgSpec, _letters("memcgs")),
    "workloads": _cells(WorkloadSpec, _letters("workloads")),
    "interventions": _cells(Intervention, {}),
}
"""Fields of one row of each list."""
MAX_ROWS = 12
"""Longer lists are edited as text."""

CONTROLS: tuple[Control, ...] = _controls()
"""Every control, in the order of the page."""
BY_PATH: dict[str, Control] = {control.path: control for control in CONTROLS}
