"""A run as Chrome trace JSON, which Perfetto and chrome://tracing open.

Tracks: kswapd awake, Direct Reclaim, Memcg Reclaim and balance_dirty_pages by task; sleeps by
task, named by cause; disk requests from issue to completion; counters at the samples. Times are
microseconds from the start of the run, as the format wants, with three decimals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sim.machine.tracepoints import EV_KSWAPD_SLEEP, EV_KSWAPD_WAKE
from sim.result import Issuer, Result, SleepCause, StallKind
from sim.units import NSEC_PER_USEC

RECLAIM, SLEEPS, DISK, COUNTERS = 1, 2, 3, 4
"""Process numbers: groups of tracks."""
_GROUPS = {RECLAIM: "Reclaim", SLEEPS: "Sleeps", DISK: "Disk", COUNTERS: "Counters"}
_STALLS = {
    StallKind.DIRECT_RECLAIM: "Direct Reclaim",
    StallKind.MEMCG_RECLAIM: "Memcg Reclaim",
    StallKind.BALANCE_DIRTY: "balance_dirty_pages",
    StallKind.UNKNOWN: "Stall",
}
_KSWAPD_TRACK = 1
_FIRST_STALL_TRACK = 100
_TASKS_APART = 1000
"""Track numbers of one kind of stall: kind * this + task."""
_GAUGES: dict[str, tuple[str, ...]] = {
    "free pages": ("nr_free_pages",),
    "LRU pages": (
        "nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file",
    ),
    "dirty and writeback pages": ("nr_file_dirty", "nr_writeback"),
    "queued requests": ("nr_requests_async", "nr_requests_sync"),
    "congested": ("bdi_async_congested", "bdi_sync_congested"),
}  # fmt: skip

Event = dict[str, Any]


def _us(ns: int) -> float:
    return ns / NSEC_PER_USEC


def _name(result: Result, task: int) -> str:
    if 0 <= task < len(result.tasks):
        row = result.tasks[task]
        return str(row.get("comm") or row.get("name") or f"task{task}")
    return "unknown"


def _span(pid: int, tid: int, name: str, begin_ns: int, end_ns: int, args: Event) -> Event:
    return {
        "ph": "X", "pid": pid, "tid": tid, "name": name, "cat": _GROUPS[pid].lower(),
        "ts": _us(begin_ns), "dur": _us(end_ns - begin_ns), "args": args,
    }  # fmt: skip


def _label(pid: int, tid: int, what: str, name: str) -> Event:
    return {"ph": "M", "pid": pid, "tid": tid, "name": what, "ts": 0, "args": {"name": name}}


def _integers(record: Any, names: Sequence[str]) -> dict[str, int]:
    return {name: int(record[name]) for name in names}


def kswapd_awake(result: Result) -> Iterator[tuple[int, int, int]]:
    """(node, wake, sleep) in ns; one that is awake at the end sleeps at the end."""
    awake: dict[int, int] = {}
    wanted = np.isin(result.trace["event"], (EV_KSWAPD_WAKE, EV_KSWAPD_SLEEP))
    for record in result.trace[wanted]:
        node, now = int(record["a"][0]), int(record["t_ns"])
        if record["event"] == EV_KSWAPD_WAKE:
            awake.setdefault(node, now)
        elif node in awake:
            yield node, awake.pop(node), now
    for node, since in awake.items():
        yield node, since, result.duration_ns


def _reclaim(result: Result) -> Iterator[Event]:
    nodes = set()
    for node, begin, end in kswapd_awake(result):
        nodes.add(node)
        yield _span(RECLAIM, _KSWAPD_TRACK + node, "awake", begin, end, {})
    for node in nodes:
        yield _label(RECLAIM, _KSWAPD_TRACK + node, "thread_name", f"kswapd{node}")
    fields = (
        "priority", "nr_scanned", "nr_reclaimed", "nr_dirty", "nr_written",
        "congestion_wait_ns", "writepage_ns", "page_wait_ns", "pause_ns",
    )  # fmt: skip
    tracks = {}
    for stall in result.stalls:
        kind, task = StallKind(int(stall["kind"])), int(stall["task"])
        track = _FIRST_STALL_TRACK + kind * _TASKS_APART + task
        tracks[track] = f"{_STALLS[kind]}: {_name(result, task)}"
        begin, end = int(stall["t_begin_ns"]), int(stall["t_end_ns"])
        yield _span(RECLAIM, track, _STALLS[kind], begin, end, _integers(stall, fields))
    for track, name in tracks.items():
        yield _label(RECLAIM, track, "thread_name", name)


def _sleeps(result: Result) -> Iterator[Event]:
    tasks = set()
    for sleep in result.sleeps:
        task = int(sleep["task"])
        tasks.add(task)
        cause = SleepCause(int(sleep["cause"])).name.lower()
        begin, end = int(sleep["t_begin_ns"]), int(sleep["t_end_ns"])
        yield _span(SLEEPS, task + 1, cause, begin, end, {})
    for task in tasks:
        yield _label(SLEEPS, task + 1, "thread_name", _name(result, task))


def _requests(result: Result) -> Iterator[Event]:
    """Begin and end of each request's service; several may be at the disk at once."""
    for number, request in enumerate(result.io):
        begin, end = int(request["t_issue_ns"]), int(request["t_done_ns"])
        if begin < 0 or end < 0:
            continue
        direction = "write" if request["write"] else "read"
        issuer = Issuer(int(request["issuer"])).name.lower()
        common = {
            "pid": DISK, "tid": 1, "cat": "disk", "id": number,
            "name": f"{direction}, {issuer}",
        }  # fmt: skip
        args = _integers(request, ("sector", "nr_sectors", "sync", "meta", "positioned"))
        queued = int(request["t_queue_ns"])
        if queued >= 0:
            args["queued_ns"] = begin - queued
        yield common | {"ph": "b", "ts": _us(begin), "args": args}
        yield common | {"ph": "e", "ts": _us(end), "args": {}}


def _counters(result: Result) -> Iterator[Event]:
    times = result.series.get("t_ns")
    if times is None:
        return
    for name, columns in _GAUGES.items():
        known = [column for column in columns if column in result.series]
        if not known:
            continue
        values = [result.series[column].tolist() for column in known]
        for now, *row in zip(times.tolist(), *values, strict=True):
            yield {
                "ph": "C", "pid": COUNTERS, "tid": 0, "name": name, "ts": _us(now),
                "args": dict(zip(known, row, strict=True)),
            }  # fmt: skip


def events(result: Result) -> list[Event]:
    """Every event: names of tracks first, then in order of time."""
    found = [_label(pid, 0, "process_name", name) for pid, name in _GROUPS.items()]
    for part in (_reclaim, _sleeps, _requests, _counters):
        found.extend(part(result))
    return sorted(found, key=lambda event: (event["ph"] != "M", event["ts"]))


def chunks(result: Result) -> Iterator[bytes]:
    """The JSON text, an event on each line."""
    wanted = ("title", "source", "digest", "model_version", "seed")
    about = {key: result.meta[key] for key in wanted if key in result.meta}
    head = json.dumps({"displayTimeUnit": "ms", "otherData": about})
    yield f'{head[:-1]}, "traceEvents": [\n'.encode()
    separator = ""
    for event in events(result):
        yield (separator + json.dumps(event, allow_nan=False)).encode()
        separator = ",\n"
    yield b"\n]}\n"
