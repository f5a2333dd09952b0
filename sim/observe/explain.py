"""One stall as a chain of causes, from the logs that a Result holds.

What was scanned and written between its sleeps, what each sleep waited for, and the request whose
end ended it.

Nothing is guessed: what no record says is left out or called unknown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.machine.request import Issuer
from sim.machine.stall import StallKind
from sim.machine.tracepoints import EV_LRU_ISOLATE, EV_MEMCG_ISOLATE, EV_WRITEPAGE
from sim.observe.stacks import Stack, stack_at
from sim.result import Result, SleepCause
from sim.units import NSEC_PER_MSEC, NSEC_PER_USEC, SECTOR_SIZE, SECTORS_PER_PAGE

MAX_STEPS = 200
"""Of one chain; the rest is counted."""
_DEF_PRIORITY = 12
_SCANNED, _TAKEN = 3, 4
_SOFTIRQ_NS, _SOFTIRQ_SECTOR_NS = 20_000, 183_000 // (128 * SECTORS_PER_PAGE)
_ENTRY = {
    StallKind.DIRECT_RECLAIM: "__alloc_pages_slowpath → try_to_free_pages",
    StallKind.MEMCG_RECLAIM: "mem_cgroup_hierarchical_reclaim → try_to_free_mem_cgroup_pages",
    StallKind.BALANCE_DIRTY: "generic_perform_write → balance_dirty_pages",
}
_WAITS = {
    SleepCause.CONGESTION_WAIT: "congestion_wait",
    SleepCause.GET_REQUEST: "->writepage asleep for a free request (get_request_wait)",
    SleepCause.PAGE_WRITEBACK: "a page under writeback (wait_on_page_writeback)",
    SleepCause.PAGE_READ: "a page being read",
    SleepCause.BALANCE_DIRTY: "a pause of balance_dirty_pages",
    SleepCause.TOO_MANY_ISOLATED: "too_many_isolated",
    SleepCause.THROTTLE_VM_WRITEOUT: "throttle_vm_writeout",
    SleepCause.JOURNAL: "the journal's commit",
}


class Step(NamedTuple):
    """One link of the chain: ``begin_ms`` after the stall began, for ``length_ms``."""

    begin_ms: float
    length_ms: float
    text: str


class Explanation(NamedTuple):
    """A stall in words."""

    title: str
    context: str
    steps: tuple[Step, ...]
    left_out: int
    outcome: str
    missing: tuple[str, ...]
    stack: Stack | None = None
    """The calls in which it happened; None where no record says them."""
    stall: tuple[int, int] | None = None
    """Task and end in us of the stall that a request was issued in."""


_BY_REQUEST = frozenset(
    {
        SleepCause.CONGESTION_WAIT, SleepCause.GET_REQUEST, SleepCause.PAGE_WRITEBACK,
        SleepCause.PAGE_READ, SleepCause.THROTTLE_VM_WRITEOUT, SleepCause.JOURNAL,
    }
)  # fmt: skip
"""Causes of sleep that the end of a request may end."""
_CONTEXT_OF_STALL = {
    StallKind.DIRECT_RECLAIM: Issuer.DIRECT,
    StallKind.MEMCG_RECLAIM: Issuer.MEMCG,
    StallKind.BALANCE_DIRTY: Issuer.DIRTIER,
}


def find_stall(result: Result, task: int, t_end_us: int) -> int | None:
    """Row of the task's stall that ended within 1 us of this; None when there is none."""
    stalls = result.stalls
    same = (stalls["task"] == task) & (abs(stalls["t_end_ns"] // NSEC_PER_USEC - t_end_us) <= 1)
    rows = np.flatnonzero(same)
    return int(rows[-1]) if len(rows) else None


def explain(result: Result, row: int) -> Explanation:
    """The chain of stall ``row``.

    Raises:
        IndexError: the Result has no such stall.
    """
    stall = result.stalls[row]
    task, begin, end = int(stall["task"]), int(stall["t_begin_ns"]), int(stall["t_end_ns"])
    kind = StallKind(int(stall["kind"]))
    name = task_name(result, task)
    steps = sorted(
        [*_sleeps(result, task, begin, end), *_work(result, task, begin, end)],
        key=lambda step: (step.begin_ms, step.length_ms),
    )
    length_ms = (end - begin) / NSEC_PER_MSEC
    return Explanation(
        title=f"{name}: {length_ms:.3f} ms from {begin / 1e9:.6f} s",
        context=_context(result, stall, kind),
        steps=tuple(steps[:MAX_STEPS]),
        left_out=max(0, len(steps) - MAX_STEPS),
        outcome=_outcome(stall, kind),
        missing=_missing(result),
        stack=stack_at(result, _CONTEXT_OF_STALL.get(kind, -1), task, begin),
    )


def task_name(result: Result, task: int) -> str:
    """Its name, or its number where none is known."""
    known = result.tasks[task] if 0 <= task < len(result.tasks) else {}
    return str(known.get("name") or known.get("comm") or f"task {task}")


def _context(result: Result, stall: Any, kind: StallKind) -> str:
    parts = [_ENTRY.get(kind, "entered where is not known")]
    names = result.meta.get("memcgs") or ()
    memcg = int(stall["memcg"])
    if kind is StallKind.MEMCG_RECLAIM and 0 <= memcg < len(names):
        parts.append(f"charged to {names[memcg]}, which was at its limit")
    if kind in (StallKind.DIRECT_RECLAIM, StallKind.MEMCG_RECLAIM):
        parts.append(f"order {int(stall['order'])}")
    return ", ".join(parts)


def _outcome(stall: Any, kind: StallKind) -> str:
    if kind is StallKind.BALANCE_DIRTY:
        return f"wrote {int(stall['nr_written'])} pages and left"
    parts = []
    priority = int(stall["priority"])
    if priority >= 0:
        parts.append(f"priority {_DEF_PRIORITY} down to {priority}")
    for field, word in (
        ("nr_scanned", "scanned"), ("nr_dirty", "met dirty"), ("nr_written", "written"),
        ("nr_reclaimed", "freed"),
    ):  # fmt: skip
        if int(stall[field]) >= 0:
            parts.append(f"{int(stall[field])} pages {word}")
    return ", ".join(parts)


def _missing(result: Result) -> tuple[str, ...]:
    words = {
        "trace": "the scans between the sleeps", "sleeps": "what it waited for",
        "io": "the requests that ended the waits",
    }  # fmt: skip
    return tuple(
        f"{what}: {result.families[family]}"
        for family, what in words.items()
        if not result.has(family)
    )


def _sleeps(result: Result, task: int, begin: int, end: int) -> list[Step]:
    if not result.has("sleeps"):
        return []
    sleeps = result.sleeps
    inside = (
        (sleeps["task"] == task) & (sleeps["t_begin_ns"] >= begin) & (sleeps["t_end_ns"] <= end)
    )
    return [
        Step(
            (int(sleep["t_begin_ns"]) - begin) / NSEC_PER_MSEC,
            (int(sleep["t_end_ns"]) - int(sleep["t_begin_ns"])) / NSEC_PER_MSEC,
            _slept(result, sleep),
        )
        for sleep in sleeps[inside]
    ]


def _slept(result: Result, sleep: Any) -> str:
    what = wait_name(sleep)
    if _by_timer(result, sleep):
        return f"slept for {what}, until its timer ran out"
    if not result.has("io"):
        return f"slept for {what}"
    row = ended_by(result, sleep)
    if row is None:
        return f"slept for {what}; no request ended at the moment it woke"
    return f"slept for {what}, until {request_text(result, result.io[row])} was done"


def wait_name(sleep: Any) -> str:
    """What a sleeping task waits for."""
    cause = SleepCause(int(sleep["cause"]))
    return _WAITS.get(cause, cause.name.lower().replace("_", " "))


def _by_timer(result: Result, sleep: Any) -> bool:
    """A timer fires at a tick, so on a whole ms; a softirq of the disk ends at any ns."""
    simulated = bool(result.meta.get("scenario"))
    return simulated and int(sleep["t_end_ns"]) % NSEC_PER_MSEC == 0


def ended_by(result: Result, sleep: Any) -> int | None:
    """Row of the request whose end woke the sleeper; None where none ended just before.

    The softirq that ends a request's pages wakes those who wait, so a task wakes up to
    ``softirq_ns_max`` after the device was done. Of several such requests it is the sleeper's own
    read, else the last.
    """
    if int(sleep["cause"]) not in _BY_REQUEST or _by_timer(result, sleep):
        return None
    io, woke = result.io, int(sleep["t_end_ns"])
    after = woke - io["t_done_ns"]
    rows = np.flatnonzero((after >= 0) & (after <= softirq_ns_max(io["nr_sectors"])))
    if not len(rows):
        return None
    if int(sleep["cause"]) == SleepCause.PAGE_READ:
        own = rows[(io["task"][rows] == sleep["task"]) & (io["write"][rows] == 0)]
        rows = own if len(own) else rows
    return int(rows[np.argmax(io["t_done_ns"][rows])])


def softirq_ns_max(nr_sectors: Any) -> Any:
    """Longest time from the device's end of a request to the end of its softirq, ns.

    183 us were recorded after 128 pages on a CPU of 1000 MIPS.
    """
    return _SOFTIRQ_NS + nr_sectors * _SOFTIRQ_SECTOR_NS


def request_text(result: Result, request: Any) -> str:
    """What it is, where, and who issued it."""
    way = {1: "write", 0: "read"}.get(int(request["write"]), "transfer")
    kib = int(request["nr_sectors"]) * SECTOR_SIZE / 1024
    code = int(request["issuer"])
    who = Issuer(code).name.lower() if code in set(Issuer) else "somebody unknown"
    text = f"a {way} of {kib:g} KiB at sector {int(request['sector'])}, issued by {who}"
    if int(request["task"]) >= 0:
        text += f" ({task_name(result, int(request['task']))})"
    if int(request["t_queue_ns"]) >= 0:
        waited = (int(request["t_done_ns"]) - int(request["t_queue_ns"])) / NSEC_PER_MSEC
        text += f" and queued {waited:.3f} ms before,"
    return text


def _work(result: Result, task: int, begin: int, end: int) -> list[Step]:
    """What the task did between its sleeps, one step for each stretch."""
    if not result.has("trace"):
        return []
    trace = result.trace
    mine = trace[(trace["task"] == task) & (trace["t_ns"] >= begin) & (trace["t_ns"] <= end)]
    edges = np.zeros(0, np.int64)
    if result.has("sleeps"):
        sleeps = result.sleeps
        inside = (sleeps["task"] == task) & (sleeps["t_end_ns"] > begin)
        edges = np.sort(sleeps["t_end_ns"][inside & (sleeps["t_end_ns"] <= end)])
    stretch = np.searchsorted(edges, mine["t_ns"], side="right")
    found = [_stretch(mine[stretch == i], begin) for i in np.unique(stretch)]
    return [step for step in found if step is not None]


def _stretch(events: np.ndarray, begin: int) -> Step | None:
    isolated = events[np.isin(events["event"], (EV_LRU_ISOLATE, EV_MEMCG_ISOLATE))]
    written = int((events["event"] == EV_WRITEPAGE).sum())
    parts = []
    if len(isolated):
        scanned, taken = (int(isolated["a"][:, i].sum()) for i in (_SCANNED, _TAKEN))
        parts.append(f"{len(isolated)} times isolated pages: {scanned} scanned, {taken} taken")
    if written:
        parts.append(f"{written} pages given to ->writepage")
    if not parts:
        return None
    first, last = int(events["t_ns"].min()), int(events["t_ns"].max())
    return Step((first - begin) / NSEC_PER_MSEC, (last - first) / NSEC_PER_MSEC, "; ".join(parts))
