"""What a folder of recordings holds, by names and file lists alone: nothing is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sim.traces import linux_2_6_36, linux_6_1
from sim.traces.errors import TraceError
from sim.traces.facts import SCENARIOS_6_1, VARIANTS, WORKLOADS_2_6_36

MAX_DEPTH = 3
MAX_RECORDINGS = 1000
_NAME_6_1 = re.compile(r"(?P<scenario>S\d{1,2}[A-Z]?)\.(?P<run>\d{1,3})")
_LINK_NAME = re.compile(r"[A-Za-z0-9._~-]{1,80}")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded run; ``name`` is what a link says after ``rec=``."""

    name: str
    title: str
    kernel: str
    workload: str
    variant: str
    """``v0`` (base) and so on for 2.6.36, else ``base``."""
    seed: int
    path: Path


def catalogue(folder: Path | str) -> list[Recording]:
    """Every run in a folder or up to three folders below it, by name.

    Names that a link cannot carry are left out. Of two equal names the first path is kept.

    Raises:
        TraceError: it is no folder that can be read.
    """
    root = Path(folder)
    found: dict[str, Recording] = {}
    try:
        for recording in _walk(root, 0):
            if _LINK_NAME.fullmatch(recording.name):
                found.setdefault(recording.name, recording)
            if len(found) >= MAX_RECORDINGS:
                break
    except OSError as error:
        raise TraceError(root, 0, error.strerror or "cannot be read") from None
    return [found[name] for name in sorted(found)]


def _walk(folder: Path, depth: int) -> Iterator[Recording]:
    if linux_6_1.is_run(folder):
        yield _run_6_1(folder)
        return
    entries = sorted(folder.iterdir())
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            if entry.name == "results":
                yield from _results(entry)
            elif depth < MAX_DEPTH and entry.name != "traces":
                yield from _walk(entry, depth + 1)


def _run_6_1(folder: Path) -> Recording:
    match = _NAME_6_1.fullmatch(folder.name)
    workload = match["scenario"] if match else folder.name
    run = int(match["run"]) if match else 0
    known = SCENARIOS_6_1.get(workload)
    title = f"Linux 6.1: {known}, run {run}" if known else f"Recording {folder.name}"
    kernel = linux_6_1.KERNEL if match else "unknown"
    return Recording(folder.name, title, kernel, workload, "base", run, folder)


def _results(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.json")):
        match = linux_2_6_36.NAME.fullmatch(path.stem)
        if match is None:
            continue
        workload, variant = match["workload"], int(match["variant"])
        what = WORKLOADS_2_6_36.get(workload, workload)
        which = VARIANTS.get(variant, f"variant {variant}")
        ratios = ", dirty ratios 60/80 %" if "DR80" in match["extra"] else ""
        stack = ", stack tracer on" if match["stack"] else ""
        run = int(match["run"])
        title = f"Linux 2.6.36: {what}; {which}, run {run}{ratios}{stack}"
        kernel = linux_2_6_36.KERNEL
        yield Recording(path.stem, title, kernel, workload, f"v{variant}", run, path)
