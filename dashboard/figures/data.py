"""What a chart may read of a run: columns, events and a description, as frames carry them.

``assets/frames.js`` gathers the same from a run's messages, so that ``bind.py`` and
``assets/chart-*.js`` draw alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dashboard.interventions import marks
from dashboard.rounding import eleven_bits
from sim.observe.metrics import columns
from sim.observe.tables import victim_columns
from sim.result import Issuer, Result
from sim.units import NSEC_PER_SEC, NSEC_PER_USEC, PAGE_SIZE, SECTOR_SIZE

Array = np.ndarray
GIB_PER_BLOCK = PAGE_SIZE / 2**30


@dataclass
class RunData:
    """One run, ready to be drawn."""

    label: str
    duration_s: float
    times: Array
    columns: dict[str, Array]
    events: dict[str, dict[str, Array]]
    families: dict[str, str]
    about: dict[str, Any] = field(default_factory=dict)
    """title, digest, seed, model_version, memcgs, tasks, disk, marks"""

    @property
    def memcgs(self) -> list[str]:
        """Containers, the root left out."""
        return list(self.about.get("memcgs", ()))[1:]

    def task_name(self, task: int) -> str:
        """Name of a task, as its row is labelled."""
        tasks = self.about.get("tasks", ())
        if 0 <= task < len(tasks):
            name = tasks[task].get("name") or tasks[task].get("comm")
            if name:
                return str(name)
        return f"task {task}"

    def described(self, path: str) -> float | None:
        """A number of the run's description, by a path like ``disk.congestion_on``."""
        at: Any = self.about
        for name in path.split("."):
            at = at.get(name) if isinstance(at, dict) else None
        return float(at) if isinstance(at, int | float) and at > 0 else None


def run_data(result: Result, label: str = "A") -> RunData:
    """The part of a Result that charts read."""
    drawn = columns(result)
    times = drawn.pop("t_s").values
    meta = result.meta
    events = {}
    if result.has("io"):
        events["io"] = _io(result.io)
    if result.has("stalls"):
        events["stalls"] = _stalls(result.stalls)
    if result.has("victims"):
        events["victims"] = victim_columns(result)
    kept = ("title", "source", "digest", "seed", "model_version", "memcgs", "disk", "note")
    return RunData(
        label=label,
        duration_s=result.duration_ns / NSEC_PER_SEC,
        times=times,
        columns={name: column.values for name, column in drawn.items()},
        events=events,
        families=dict(result.families),
        about={name: meta[name] for name in kept if name in meta}
        | {"tasks": result.tasks, "marks": marks(meta)},
    )


def _seconds(t_ns: Array) -> Array:
    seconds: Array = (t_ns // NSEC_PER_USEC) / 1e6
    return seconds


def _io(io: Array) -> dict[str, Array]:
    waited = io["t_done_ns"] - io["t_queue_ns"]
    return {
        "t": _seconds(io["t_done_ns"]),
        "offset": io["sector"] * SECTOR_SIZE // PAGE_SIZE * GIB_PER_BLOCK,
        "issuer": np.where(io["issuer"] < 0, int(Issuer.UNKNOWN), io["issuer"]).astype(np.int64),
        "write": (io["write"] == 1).astype(np.int64),
        "wait_us": np.where(io["t_queue_ns"] < 0, -1.0, eleven_bits(waited / NSEC_PER_USEC)),
    }


def _stalls(stalls: Array) -> dict[str, Array]:
    end = _seconds(stalls["t_end_ns"])
    length = (stalls["t_end_ns"] - stalls["t_begin_ns"]) / 1e9
    return {
        "t": end,
        "begin": end - length,
        "length": length,
        "task": stalls["task"].astype(np.int64),
        "kind": stalls["kind"].astype(np.int64),
    }
