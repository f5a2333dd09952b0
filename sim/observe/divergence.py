"""Where two runs part: the first record that differs, and what each run does there.

Until that moment nothing that was recorded differs, so what follows is a consequence of it. A pure
function of two Results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.observe import ftrace
from sim.result import Issuer, Result, SleepCause
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC

CONTEXT = 4
"""Records told of each run from the parting on."""
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Parting:
    """The first difference; times in ns of the run."""

    family: str
    """``trace``, ``sleeps`` or ``io``."""
    t_ns: int
    same: int
    """Records of this family before it, equal in both."""
    before: str
    """The last equal one; empty when there is none."""
    a: list[str]
    b: list[str]

    def to_dict(self, other: str = "B") -> dict[str, Any]:
        """For JSON, with the sentence."""
        return {**asdict(self), "sentence": sentence(self, other)}


def first_divergence(a: Result, b: Result) -> Parting | None:
    """The earliest differing record of the families that both have; None when all are equal.

    Raises:
        LookupError: the runs have no such family in common.
    """
    families = [name for name in _FAMILIES if a.has(name) and b.has(name)]
    if ftrace.applied_families(a) != ftrace.applied_families(b):
        families = [name for name in families if name != "trace"]
    if not families:
        raise LookupError("neither trace nor sleeps nor requests were recorded of both runs")
    found = [parting for name in families if (parting := _parting(a, b, name)) is not None]
    return min(found, key=lambda parting: parting.t_ns) if found else None


def _parting(a: Result, b: Result, family: str) -> Parting | None:
    records, clock, words = _FAMILIES[family]
    ours, theirs = records(a), records(b)
    common = min(len(ours), len(theirs))
    equal = np.ones(common, bool)
    for name in ours.dtype.names or ():
        one = ours[name][:common] == theirs[name][:common]
        equal &= one.all(axis=1) if one.ndim > 1 else one
    different = np.flatnonzero(~equal)
    if not len(different) and len(ours) == len(theirs):
        return None
    i = int(different[0]) if len(different) else common
    times = [int(some[clock][i]) for some in (ours, theirs) if i < len(some)]
    return Parting(
        family,
        min(times),
        i,
        words(a, ours[i - 1]) if i else "",
        [words(a, row) for row in ours[i : i + CONTEXT]],
        [words(b, row) for row in theirs[i : i + CONTEXT]],
    )


def _ended(result: Result) -> Array:
    """Sleeps in order of their ends; the log is in that of their accounting."""
    sleeps = result.sleeps
    ordered: Array = sleeps[np.lexsort((sleeps["task"], sleeps["t_end_ns"]))]
    return ordered


def _task(result: Result, task: int) -> str:
    about = result.tasks[task] if 0 <= task < len(result.tasks) else {}
    return str(about.get("name") or about.get("comm") or f"task {task}")


def _event(result: Result, row: np.void) -> str:
    text = ftrace.event_text(int(row["event"]), row["a"].tolist())
    return f"{_seconds(row['t_ns'])} {_task(result, int(row['task']))}: {text}"


def _sleep(result: Result, row: np.void) -> str:
    cause = SleepCause(int(row["cause"])).name.lower()
    ms = (int(row["t_end_ns"]) - int(row["t_begin_ns"])) / NSEC_PER_MSEC
    who = _task(result, int(row["task"]))
    return f"{_seconds(row['t_end_ns'])} {who} slept {ms:.3f} ms: {cause}"


def _io(_result: Result, row: np.void) -> str:
    way = "write" if row["write"] == 1 else "read"
    issuer = Issuer(int(row["issuer"])).name.lower().replace("_", " ")
    return (
        f"{_seconds(row['t_done_ns'])} {way} of {int(row['nr_sectors']) / 2:g} KiB by {issuer} at"
        f" sector {int(row['sector']):,} done"
    )


def _seconds(ns: Any) -> str:
    return f"{int(ns) / NSEC_PER_SEC:.6f} s"


_Words = Callable[[Result, np.void], str]
_FAMILIES: dict[str, tuple[Callable[[Result], Array], str, _Words]] = {
    "trace": (ftrace.records, "t_ns", _event),
    "sleeps": (_ended, "t_end_ns", _sleep),
    "io": (lambda result: result.io, "t_done_ns", _io),
}


def sentence(parting: Parting, other: str = "B") -> str:
    """What differs first, in words; ``other`` is the name of the second run."""
    what = {"trace": "trace events", "sleeps": "sleeps", "io": "requests"}[parting.family]
    sides = [side[0] if side else "nothing more" for side in (parting.a, parting.b)]
    return (
        f"Until {_seconds(parting.t_ns)} A and {other} are the same"
        f" ({parting.same:,} equal {what}). Then A: {sides[0]}. {other}: {sides[1]}."
    )
