"""The trace of a run as the ftrace text of 2.6.36, and its totals by the kernel's own rules.

Lines read ``%16s-%-5d [%03d] %5lu.%06lu: event: fields``. The kernel's post-processing script
drops silently what it does not expect, so: names hold letters, digits and ``-`` only, times have
six decimals and never wrap, events and fields are those of include/trace/events/vmscan.h of
2.6.36. Left out: the address of struct page is made up from the pfn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.machine.tracepoints import (
    EV_DIRECT_BEGIN,
    EV_DIRECT_END,
    EV_KSWAPD_SLEEP,
    EV_KSWAPD_WAKE,
    EV_LRU_ISOLATE,
    EV_WAKEUP_KSWAPD,
    EV_WRITEPAGE,
    RECLAIM_WB_ANON,
    RECLAIM_WB_ASYNC,
    RECLAIM_WB_FILE,
    RECLAIM_WB_SYNC,
    TRACEPOINTS,
)
from sim.result import Result
from sim.units import NSEC_PER_USEC

TASK_COMM_LEN = 15
STRUCT_PAGE_BYTES = 56
VMEMMAP_START = 0xFFFFEA0000000000

_GFP_NAMES: tuple[tuple[int, str], ...] = (
    # gfpflags.h of 2.6.36, in its order: a name is printed when all its bits are set
    (0x200DA, "GFP_HIGHUSER_MOVABLE"),
    (0x200D2, "GFP_HIGHUSER"),
    (0x200D0, "GFP_USER"),
    (0x800D0, "GFP_TEMPORARY"),
    (0xD0, "GFP_KERNEL"),
    (0x50, "GFP_NOFS"),
    (0x20, "GFP_ATOMIC"),
    (0x10, "GFP_NOIO"),
    (0x20, "GFP_HIGH"),
    (0x10, "GFP_WAIT"),
    (0x40, "GFP_IO"),
    (0x100, "GFP_COLD"),
    (0x200, "GFP_NOWARN"),
    (0x400, "GFP_REPEAT"),
    (0x800, "GFP_NOFAIL"),
    (0x1000, "GFP_NORETRY"),
    (0x4000, "GFP_COMP"),
    (0x8000, "GFP_ZERO"),
    (0x10000, "GFP_NOMEMALLOC"),
    (0x20000, "GFP_HARDWALL"),
    (0x40000, "GFP_THISNODE"),
    (0x80000, "GFP_RECLAIMABLE"),
    (0x08, "GFP_MOVABLE"),
)
_WRITEBACK_NAMES: tuple[tuple[int, str], ...] = (
    (RECLAIM_WB_ANON, "RECLAIM_WB_ANON"),
    (RECLAIM_WB_FILE, "RECLAIM_WB_FILE"),
    (RECLAIM_WB_SYNC, "RECLAIM_WB_SYNC"),
    (RECLAIM_WB_ASYNC, "RECLAIM_WB_ASYNC"),
)


def _flags(value: int, names: tuple[tuple[int, str], ...], none: str) -> str:
    """Names of the bits, joined by ``|``; bits without a name in hex (__print_flags)."""
    if not value:
        return none
    words = []
    for mask, name in names:
        if value & mask == mask:
            words.append(name)
            value &= ~mask
    return "|".join([*words, *([f"0x{value:x}"] if value else [])])


def _writepage_fields(a: Sequence[int]) -> str:
    pfn, flags = a[0], a[1]
    page = VMEMMAP_START + pfn * STRUCT_PAGE_BYTES
    return f"page={page:016x} pfn={pfn} flags={_flags(flags, _WRITEBACK_NAMES, 'RECLAIM_WB_NONE')}"


def _fields(event: int) -> Callable[[Sequence[int]], str]:
    if event == EV_WRITEPAGE:
        return _writepage_fields
    names = TRACEPOINTS[event].fields

    def plain(a: Sequence[int]) -> str:
        return " ".join(
            f"{name}={_flags(value, _GFP_NAMES, 'GFP_NOWAIT') if name == 'gfp_flags' else value}"
            for name, value in zip(names, a, strict=False)
        )

    return plain


_FORMAT = tuple((f"{point.name}: ", _fields(i)) for i, point in enumerate(TRACEPOINTS))


def event_text(event: int, a: Sequence[int]) -> str:
    """Name and fields of a trace record as ftrace prints them, without task and time."""
    name, fields = _FORMAT[event]
    return f"{name}{fields(a)}"


def comm(name: str) -> str:
    """A task name that the kernel's script accepts: ``flush-8:0`` becomes ``flush-8-0``."""
    return re.sub(r"[^A-Za-z0-9-]", "-", name)[:TASK_COMM_LEN] or "task"


def _task_columns(tasks: Sequence[dict[str, Any]]) -> list[str]:
    """``%16s-%-5d`` of every task."""
    return [
        f"{comm(str(task.get('comm', f'task{i}'))):>16}-{int(task.get('pid', i)):<5d}"
        for i, task in enumerate(tasks)
    ]


def header(result: Result) -> Iterator[str]:
    """Comment lines that ftrace writes first, and what this run was."""
    meta = result.meta
    yield "# tracer: nop"
    yield "#"
    yield "# format: ftrace of 2.6.36"
    for key in ("source", "title", "digest", "model_version", "seed"):
        if key in meta:
            yield f"# {key}: {meta[key]}"
    yield "#"
    yield "#           TASK-PID    CPU#    TIMESTAMP  FUNCTION"
    yield "#              | |       |          |         |"


def applied_families(result: Result) -> frozenset[int]:
    """Patches 1 to 4 that the run had; all, when it does not say."""
    names = result.meta.get("scenario", {}).get("tracepoints")
    if names is None:
        return frozenset(point.family for point in TRACEPOINTS)
    return frozenset(int(str(name).removeprefix("p")) for name in names)


def records(result: Result) -> np.ndarray:
    """Trace records of the applied patches, in order of time."""
    families = np.array([point.family for point in TRACEPOINTS])
    trace: np.ndarray = result.trace[
        np.isin(families[result.trace["event"]], list(applied_families(result)))
    ]
    times = trace["t_ns"]
    if len(times) > 1 and (np.diff(times) < 0).any():
        # CPUs run ahead of one another by up to a quantum.
        trace = trace[np.argsort(times, kind="stable")]
    return trace


def lines(result: Result) -> Iterator[str]:
    """The whole text, line by line, without line ends."""
    yield from header(result)
    who = _task_columns(result.tasks)
    for t_ns, event, cpu, task, a in _rows(records(result)):
        us = t_ns // NSEC_PER_USEC
        name, fields = _FORMAT[event]
        column = who[task] if 0 <= task < len(who) else f"{'task' + str(task):>16}-{task:<5d}"
        yield (f"{column} [{cpu:03d}] {us // 1_000_000:5d}.{us % 1_000_000:06d}: {name}{fields(a)}")


_BATCH = 4096


def _rows(trace: np.ndarray) -> Iterator[tuple[int, int, int, int, list[int]]]:
    """Records as plain ints, a batch at a time: a long trace is never a list of objects."""
    for start in range(0, len(trace), _BATCH):
        part = trace[start : start + _BATCH]
        yield from zip(
            part["t_ns"].tolist(), part["event"].tolist(), part["cpu"].tolist(),
            part["task"].tolist(), part["a"].tolist(), strict=True,
        )  # fmt: skip


# ---- the script's totals


@dataclass(slots=True)
class _Process:
    """What the script keeps per process."""

    direct_begins: int = 0
    direct_begin_us: int | None = None
    direct_ends: int = 0
    first_end_unmatched: bool = False
    stalled_us: int = 0
    kswapd_wakes: int = 0
    kswapd_rewakes: int = 0
    kswapd_begin_us: int = 0
    """0 = not awake: the script cannot tell a wake at time 0 from none."""
    awake_us: int = 0
    wakeup_requests: int = 0
    nr_scanned: int = 0
    writes: dict[str, int] = field(default_factory=dict)


_WRITES = ("file_sync", "anon_sync", "file_async", "anon_async")


def _count(process: _Process, us: int, event: int, a: Sequence[int]) -> None:
    """One event, by the rules of trace-vmscan-postprocess.pl of 2.6.36."""
    if event == EV_DIRECT_BEGIN:
        process.direct_begins += 1
        process.direct_begin_us = us
    elif event == EV_DIRECT_END:
        if process.direct_begin_us is not None:
            process.stalled_us += us - process.direct_begin_us
        elif process.direct_ends == 0:
            # The trace began inside this reclaim. The script then loses all of this process's
            # latencies: it stops reading them at the first that it does not have.
            process.first_end_unmatched = True
        process.direct_ends += 1
    elif event == EV_KSWAPD_WAKE:
        if not process.kswapd_begin_us:
            process.kswapd_wakes += 1
            process.kswapd_begin_us = us
        else:
            process.kswapd_rewakes += 1
    elif event == EV_KSWAPD_SLEEP:
        # The script takes a sleep without a wake as awake since time 0.
        process.awake_us += us - process.kswapd_begin_us
        process.kswapd_begin_us = 0
    elif event == EV_WAKEUP_KSWAPD:
        process.wakeup_requests += 1
    elif event == EV_LRU_ISOLATE:
        process.nr_scanned += a[3]
    elif event == EV_WRITEPAGE:
        kind = "file" if a[1] & RECLAIM_WB_FILE else "anon"
        kind += "_sync" if a[1] & RECLAIM_WB_SYNC else "_async"
        process.writes[kind] = process.writes.get(kind, 0) + 1


def summary(trace: np.ndarray) -> dict[str, int | float]:
    """The script's Summary of trace records, by the names of our metrics.

    Processes with a direct_reclaim_begin make the direct totals, those with a kswapd_wake the
    kswapd totals: so wakeup requests of a process that never reclaimed are not counted, memcg
    reclaim is not counted, and "scanned" includes the active lists.
    """
    processes: dict[int, _Process] = {}
    for t_ns, event, _cpu, task, a in _rows(trace):
        process = processes.setdefault(task, _Process())
        _count(process, t_ns // NSEC_PER_USEC, event, a)
    direct = [p for p in processes.values() if p.direct_begins]
    kswapd = [p for p in processes.values() if p.kswapd_wakes]

    def writes(group: list[_Process], prefix: str) -> dict[str, int]:
        return {f"{prefix}_{kind}": sum(p.writes.get(kind, 0) for p in group) for kind in _WRITES}

    return {
        "direct_reclaims": sum(p.direct_begins for p in direct),
        "direct_reclaim_pages_scanned_traced": sum(p.nr_scanned for p in direct),
        **writes(direct, "direct_reclaim_write"),
        "wake_kswapd_requests": sum(p.wakeup_requests for p in direct),
        "direct_reclaim_stall_ms_total": sum(
            p.stalled_us for p in direct if not p.first_end_unmatched
        )
        / 1000,
        "kswapd_wakeups": sum(p.kswapd_wakes for p in kswapd),
        "kswapd_rewakeups": sum(p.kswapd_rewakes for p in kswapd),
        "kswapd_pages_scanned_traced": sum(p.nr_scanned for p in kswapd),
        **writes(kswapd, "kswapd_write"),
        "kswapd_awake_ms": sum(p.awake_us for p in kswapd) / 1000,
    }
