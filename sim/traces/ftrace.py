"""A whole ftrace text as a Result: arrays from what ``ftrace_events`` collected.

``fill`` is shared by a bare trace file, whose series are counted from the events themselves, and
by a run folder, which has sampled series besides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.machine.request import IO_LOG, Issuer
from sim.machine.stall import STALL
from sim.machine.tracepoints import TRACE
from sim.machine.vmstat import NAMES
from sim.result import PRESENT, SLEEP, Result, StallKind
from sim.traces import ftrace_events as fe
from sim.traces.errors import Problems
from sim.traces.source import MAX_BYTES, Source
from sim.traces.tables import bare_result, clipped, missing
from sim.units import NSEC_PER_MSEC, PAGE_SIZE

GRID_NS = 250 * NSEC_PER_MSEC
MAX_MARKS = 1000
MAX_GRID = 20_000
"""Samples of a series that is counted from events."""

# Marks of the recorded workloads, as ``sim.scenario.WorkloadKind`` has them.
MARKED_KINDS = {
    "seqwrite": "seqw", "randwrite": "randw", "seqread": "seqr", "randread": "randr",
    "mmap": "mmap", "small": "small", "anon": "anon",
}  # fmt: skip

_RECLAIM = ("direct_reclaims", "memcg_reclaims", "direct_stall_ns", "memcg_stall_ns")
_BY_CONTEXT = ("kswapd", "direct", "memcg")
# Counters that are 0, not unknown, once an event of the left column was switched on.
_ZEROS: dict[tuple[bytes, ...], tuple[str, ...]] = {
    (b"mm_vmscan_direct_reclaim_begin", b"mm_vmscan_memcg_reclaim_begin"): _RECLAIM,
    (b"mm_vmscan_kswapd_wake",): ("kswapd_wakeups", "kswapd_rewakeups", "kswapd_awake_ns"),
    (b"mm_vmscan_wakeup_kswapd",): ("wakeup_kswapd",),
    (b"mm_vmscan_lru_isolate", b"mm_vmscan_memcg_isolate"): tuple(
        f"isolated_{who}" for who in _BY_CONTEXT
    ),
    (b"mm_vmscan_lru_shrink_inactive",): tuple(
        f"{what}_{who}"
        for what in ("pgscan", "pgsteal", "dirty_met", "writeback_met")
        for who in _BY_CONTEXT
    ),
    (b"mm_vmscan_writepage", b"mm_vmscan_write_folio"): (
        "kswapd_write_file", "kswapd_write_anon", "direct_write_file_async",
        "direct_write_file_sync", "direct_write_anon_async", "direct_write_anon_sync",
        "memcg_write_file", "memcg_write_anon", "nr_vmscan_write",
    ),
    (b"mm_vmscan_throttled",): tuple(
        f"{who}_congestion_wait{end}" for who in _BY_CONTEXT for end in ("s", "_ns")
    ),
    (b"balance_dirty_pages",): ("balance_dirty_pauses", "balance_dirty_ns"),
    (b"writeback_single_inode",): ("written_flusher",),
}  # fmt: skip


def read_ftrace(path: Path, max_bytes: int = MAX_BYTES) -> Result:
    """One trace file alone.

    Raises:
        TraceError: nothing in it is a trace event.
    """
    events = collect(path, max_bytes)
    begin = events.reader.first_ns
    duration = max(events.reader.last_ns - begin, 1)
    result = bare_result(path, duration)
    step = max(GRID_NS, duration // MAX_GRID)
    times = np.arange(0, duration + step, step, dtype=np.int64)
    result.series = {"t_ns": times}
    fill(result, events, begin)
    result.series |= event_series(result, events, begin, times)
    result.series |= _dirty_gauges(events, begin, times)
    result.meta["title"] = f"Trace {path.name}"
    result.meta["memcgs"] = ["root", *(["memcg"] if (result.stalls["memcg"] == 1).any() else [])]
    place_tasks(result)
    result.meta["note"] = "Series are counted from the events of the trace."
    return result


def collect(path: Path, max_bytes: int = MAX_BYTES) -> fe.EventCollector:
    """Every event of a trace file.

    Raises:
        TraceError: nothing in it is a trace event.
    """
    events = fe.EventCollector(Problems(path))
    events.reader.read(Source(path, max_bytes))
    events.finish()
    return events


def is_complete(events: fe.EventCollector) -> bool:
    """Whether the recorder of the 6.1 set made it: then every event of its list was on."""
    return any(text.startswith("PHASE start") for _, _, text in events.marks)


def fill(result: Result, events: fe.EventCollector, begin_ns: int) -> None:
    """Put everything but the series into ``result``; ``begin_ns`` is t = 0 on the trace's clock."""
    reader = events.reader
    # Reclaim outside a call (its beginning is before the trace) is of no context.
    counters = {name: n for name, n in events.counters.items() if name in NAMES}
    complete = is_complete(events)
    for names, zeros in _ZEROS.items():
        if complete or any(name in reader.events for name in names):
            counters = dict.fromkeys(zeros, 0) | counters
    for who in _BY_CONTEXT:  # every write by reclaim has left its event
        writes = [v for k, v in counters.items() if k.startswith(f"{who}_write_")]
        if writes:
            counters[f"written_{who}"] = sum(writes)
    result.stalls = _stalls(events, begin_ns)
    result.sleeps = _sleeps(events, begin_ns)
    result.trace = _trace(events, begin_ns)
    result.tasks = _tasks(events)
    result.families |= {"stalls": PRESENT, "trace": PRESENT, "tasks": PRESENT}
    result.families["series"] = result.families["counters"] = PRESENT
    result.families["sleeps"] = missing(
        "only reclaim_throttle and balance_dirty_pages leave an event"
    )
    if not len(result.stalls) and not complete:
        result.families["stalls"] = missing("no event of reclaim or balance_dirty_pages was on")
    if events.requests:
        result.families["io"] = PRESENT
        result.io = _io(result, events, begin_ns)
        counters |= io_counters(result.io, issue_order=True)
    else:
        result.families["io"] = missing("no request of a disk in the trace")
    counters |= _app_counters(events)
    result.counters |= counters
    _describe(result, events, begin_ns)


def _describe(result: Result, events: fe.EventCollector, begin_ns: int) -> None:
    reader = events.reader
    result.meta["events"] = {name.decode(): count for name, count in sorted(reader.events.items())}
    result.meta["lost_events"] = reader.lost_events
    result.meta["unmatched"] = {name: n for name, n in events.unmatched.items() if n}
    result.meta["marks"] = [
        [t - begin_ns, task, text] for t, task, text in events.marks[:MAX_MARKS]
    ]
    result.meta["clock_origin_ns"] = begin_ns
    result.meta.setdefault("problems", []).extend(reader.problems.sentences())


def _stalls(events: fe.EventCollector, begin_ns: int) -> np.ndarray:
    columns = np.array(events.stalls, np.int64).reshape(-1, len(STALL.names or ()))
    columns[:, fe.BEGIN] -= begin_ns
    columns[:, fe.END] -= begin_ns
    in_reclaim = columns[:, fe.KIND] != StallKind.BALANCE_DIRTY
    columns[columns[:, fe.PRIORITY] == fe.UNKNOWN_PRIORITY, fe.PRIORITY] = -1
    seen, complete = events.reader.events, is_complete(events)
    unknown = [fe.WRITEPAGE, fe.PAGE_WAIT]
    if b"mm_vmscan_lru_shrink_inactive" not in seen and not complete:
        unknown += [fe.SCANNED, fe.DIRTY]
    if not complete and not seen.keys() & {b"mm_vmscan_writepage", b"mm_vmscan_write_folio"}:
        unknown.append(fe.WRITTEN)
    if not complete and b"mm_vmscan_throttled" not in seen:
        unknown.append(fe.CONGESTION_WAIT)
    columns[np.ix_(in_reclaim, unknown)] = -1
    stalls = clipped(columns, STALL)
    return stalls[np.argsort(stalls["t_begin_ns"], kind="stable")]


def _sleeps(events: fe.EventCollector, begin_ns: int) -> np.ndarray:
    columns = np.array(events.sleeps, np.int64).reshape(-1, len(SLEEP.names or ()))
    columns[:, :2] -= begin_ns
    sleeps = clipped(columns, SLEEP)
    return sleeps[np.argsort(sleeps["t_begin_ns"], kind="stable")]


def _trace(events: fe.EventCollector, begin_ns: int) -> np.ndarray:
    trace = np.zeros(len(events.rows), TRACE)
    width = 4 + trace["a"].shape[1]
    padded = [row + (0,) * (width - len(row)) for row in events.rows]
    columns = np.array(padded, np.int64).reshape(-1, width)
    trace["t_ns"] = columns[:, 0] - begin_ns
    trace["event"] = columns[:, 1]
    trace["cpu"] = columns[:, 2]
    trace["task"] = columns[:, 3]
    trace["a"] = columns[:, 4:]
    return trace


def _io(result: Result, events: fe.EventCollector, begin_ns: int) -> np.ndarray:
    """Requests of the busiest disk, in the order in which they ended."""
    by_size = sorted(events.requests, key=lambda device: -len(events.requests[device]))
    result.meta["device"] = by_size[0].decode("ascii", "replace")
    result.meta["other_devices"] = {
        device.decode("ascii", "replace"): len(events.requests[device]) for device in by_size[1:]
    }
    rows = np.array(events.requests[by_size[0]], np.int64)
    t_queue, t_issue, t_done, sector, nr, task, write, sync, meta, issuer, depth = rows.T
    columns = {
        "t_queue_ns": np.where(t_queue < 0, -1, t_queue - begin_ns),
        "t_issue_ns": t_issue - begin_ns, "t_done_ns": t_done - begin_ns,
        "sector": sector, "nr_sectors": nr, "task": task, "write": write, "sync": sync,
        "meta": meta, "issuer": issuer,
        # The disk serves issued requests in an order of its own, which the trace does not show.
        "positioned": np.full(len(rows), -1), "queue_depth": depth,
    }  # fmt: skip
    assert tuple(columns) == IO_LOG.names
    return clipped(np.stack(list(columns.values()), axis=1), IO_LOG)


def io_counters(io: np.ndarray, *, issue_order: bool) -> dict[str, int]:
    """Counters that a request log holds; seeks only where every row knows them."""
    order = np.argsort(io["t_issue_ns"], kind="stable") if issue_order else slice(None)
    io = io[order]
    writes = io["write"] == 1
    ends = io["sector"] + io["nr_sectors"]
    follows = np.zeros(len(io), bool)
    follows[1:] = io["sector"][1:] == ends[:-1]
    sectors = io["nr_sectors"].astype(np.int64)
    busy_until = np.maximum.accumulate(io["t_done_ns"])
    starts = io["t_issue_ns"].copy()
    starts[1:] = np.maximum(starts[1:], busy_until[:-1])
    counters = {
        "requests_read": int((~writes).sum()),
        "requests_written": int(writes.sum()),
        "sectors_read": int(sectors[~writes].sum()),
        "sectors_written": int(sectors[writes].sum()),
        "sequential_written": int((follows & writes).sum()),
        "disk_busy_ns": int(np.maximum(io["t_done_ns"] - starts, 0).sum()),
    }
    if len(io) and (io["positioned"] >= 0).all():
        counters["seeks_read"] = int(io["positioned"][~writes].sum(dtype=np.int64))
        counters["seeks_written"] = int(io["positioned"][writes].sum(dtype=np.int64))
    return counters


def _app_counters(events: fe.EventCollector) -> dict[str, int]:
    """Pages that the marked workloads say they wrote or read."""
    pages = {"app_pages_written": 0, "app_pages_read": 0}
    found = False
    for _, _, text in events.marks:
        words = text.split()
        if len(words) > 3 and words[0] == "WL" and words[2] == "end":
            size = words[3].removeprefix("bytes=")
            if size.isdecimal() and len(size) < 18:
                reads = "read" in words[1]
                pages["app_pages_read" if reads else "app_pages_written"] += int(size) // PAGE_SIZE
                found = True
    return pages if found else {}


def _tasks(events: fe.EventCollector) -> list[dict[str, Any]]:
    kinds: dict[int, str] = {}
    for _, task, text in events.marks:
        words = text.split()
        if len(words) > 2 and words[0] == "WL":
            kinds[task] = MARKED_KINDS.get(words[1], words[1])
    tasks = events.reader.tasks
    return [
        {"name": comm, "pid": pid, "kind": kinds.get(i) or _kind_by_name(comm), "memcg": "root"}
        for i, (comm, pid) in enumerate(zip(tasks.comms, tasks.pids, strict=True))
    ]


def _kind_by_name(comm: str) -> str:
    kernel = fe.issuer_of(comm) != Issuer.OTHER or comm.startswith(("rcu_", "migration/"))
    return "kernel" if kernel else "other"


def place_tasks(result: Result) -> None:
    """Tasks that were in memcg reclaim belong to that memcg; of others nothing is recorded."""
    in_memcg = result.stalls[result.stalls["memcg"] > 0]
    for task, memcg in {(int(s["task"]), int(s["memcg"])) for s in in_memcg}:
        result.tasks[task]["memcg"] = result.meta["memcgs"][memcg]


def event_series(
    result: Result, events: fe.EventCollector, begin_ns: int, times: np.ndarray
) -> dict[str, np.ndarray]:
    """Counters at ``times``, counted from the events up to each of them."""
    out: dict[str, np.ndarray] = {}
    length = result.stalls["t_end_ns"] - result.stalls["t_begin_ns"]
    for name, kind, ns in [
        ("direct", StallKind.DIRECT_RECLAIM, length),
        ("memcg", StallKind.MEMCG_RECLAIM, length),
        ("balance_dirty", StallKind.BALANCE_DIRTY, result.stalls["pause_ns"]),
    ]:
        chosen = result.stalls["kind"] == kind
        ends = result.stalls["t_end_ns"][chosen]
        if name != "balance_dirty" and f"{name}_reclaims" in result.counters:
            out[f"{name}_reclaims"] = _cumulated(ends, np.ones(len(ends), np.int64), times)
            out[f"{name}_stall_ns"] = _cumulated(ends, ns[chosen], times)
        elif name == "balance_dirty" and "balance_dirty_ns" in result.counters:
            out["balance_dirty_ns"] = _cumulated(ends, ns[chosen], times)
    if "pgscan_kswapd" in result.counters:
        for who in _BY_CONTEXT:
            rows = [(t - begin_ns, a, b) for t, name, a, b in events.steals if name == who]
            t, scanned, stolen = np.array(rows, np.int64).reshape(-1, 3).T
            out[f"pgscan_{who}"] = _cumulated(t, scanned, times)
            out[f"pgsteal_{who}"] = _cumulated(t, stolen, times)
    if "kswapd_awake_ns" in result.counters:
        awake = np.array(events.kswapd_awake, np.int64).reshape(-1, 2) - begin_ns
        out["kswapd_awake_ns"] = np.sum(
            [np.clip(times - since, 0, until - since) for since, until in awake], axis=0,
            dtype=np.int64,
        ) + np.zeros(len(times), np.int64)  # fmt: skip
    return out


def _cumulated(t: np.ndarray, amount: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(t, kind="stable")
    total = np.concatenate([[0], np.cumsum(amount[order])]).astype(np.int64)
    return total[np.searchsorted(t[order], times, side="right")]


def _dirty_gauges(
    events: fe.EventCollector, begin_ns: int, times: np.ndarray
) -> dict[str, np.ndarray]:
    """Gauges of global_dirty_state, each sample the last event before it (the first: the first)."""
    if not events.dirty_state:
        return {}
    rows = np.array(events.dirty_state, np.int64)
    last = np.maximum(np.searchsorted(rows[:, 0] - begin_ns, times, side="right") - 1, 0)
    names = ("nr_file_dirty", "nr_writeback", "dirty_thresh_pages", "background_thresh_pages")
    return {name: rows[last, column] for column, name in enumerate(names, 1)}
