"""Uploaded traces: files named by their number in a folder of our caches, kept until removed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from sim.replay import MAX_BYTES, Replay, number_of, read_replay
from sim.scenario import MixSpec, Scenario, WorkloadKind, WorkloadSpec, int_range
from sim.scenario_problem import Problem, ScenarioError
from sim.units import NSEC_PER_SEC

MAX_KEPT_BYTES = 16 * MAX_BYTES
"""Traces in the folder; then those used longest ago go."""


def trace_folder() -> Path:
    """Where uploaded traces lie, mode 0700."""
    from sim.engine.jit import cache_root  # loads numba, which a web process must not

    folder = cache_root() / "replays"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def is_stored(number: int, folder: Path | None = None) -> bool:
    """Whether the trace is here."""
    return _path(number, folder or trace_folder()).is_file()


def store_trace(text: bytes, folder: Path | None = None) -> int:
    """Keep a trace that ``read_replay`` takes; its number."""
    folder = folder or trace_folder()
    number = number_of(text)
    path = _path(number, folder)
    handle, partial = tempfile.mkstemp(prefix=".part-", dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    os.replace(partial, path)
    _make_room(folder)
    return number


def _make_room(folder: Path) -> None:
    kept = []
    for path in folder.glob("*.csv"):
        with contextlib.suppress(FileNotFoundError):  # another process made room
            stat = path.stat()
            kept.append((stat.st_mtime_ns, stat.st_size, path))
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= MAX_KEPT_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size


def stored_trace(number: int, folder: Path | None = None) -> Replay:
    """The trace of a number.

    Raises:
        ScenarioError: it is not here, or not what its number says.
    """
    path = _path(number, folder or trace_folder())
    try:
        stat = path.stat()
    except OSError:
        raise ScenarioError(missing(number)) from None
    with contextlib.suppress(OSError):
        os.utime(path)
    return _read(path, number, stat.st_size)


def replay_of(text: bytes, folder: Path | None = None) -> tuple[Scenario, list[Problem]]:
    """A scenario that replays a trace on the default machine, and what refuses the trace.

    It lasts to the first whole second behind the last operation. A trace that is taken is stored.
    """
    if len(text) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES >> 20} MiB"
        return Scenario(), [Problem("trace", f"{len(text)} bytes", message, str(MAX_BYTES))]
    try:
        replay, problems = read_replay(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Scenario(), [Problem("trace", f"byte {error.start}", "is no UTF-8 text")]
    if problems:
        return Scenario(), problems
    lo, hi = int_range(Scenario, "duration_ms")
    duration_ms = (replay.rows[-1].t_ns // NSEC_PER_SEC + 1) * 1000
    work = WorkloadSpec(kind=WorkloadKind.REPLAY, trace=store_trace(text, folder))
    scenario = Scenario(
        duration_ms=min(max(duration_ms, lo), hi),
        mix=MixSpec(rate_kib_per_s=0),
        workloads=(work,),
    )
    return scenario, []


def missing(number: int) -> Problem:
    """Says which upload a link needs."""
    message = f"needs the upload {number:012x}: the trace is not here (any more)"
    return Problem("workloads.trace", str(number), message)


@lru_cache(maxsize=2)
def _read(path: Path, number: int, _size: int) -> Replay:
    text = path.read_bytes()
    replay, problems = read_replay(text.decode("utf-8-sig"))
    if problems or number_of(text) != number:
        raise ScenarioError(missing(number))
    return replay


def _path(number: int, folder: Path) -> Path:
    return folder / f"{number:012x}.csv"
