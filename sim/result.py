"""What one run leaves: aligned series, counters, an IO log, stalls, sleeps, a trace.

Recordings of real kernels are Results with gaps: ``families[name]`` is "present" or says why not,
and figures show that sentence instead of zeros. Arrays only; nothing here formats or plots.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from sim.engine.records import SLEEP
from sim.machine.request import IO_LOG, Issuer
from sim.machine.stall import STALL, StallKind
from sim.machine.tracepoints import TRACE
from sim.machine.victim import VICTIM

__all__ = [
    "IO_LOG",
    "SLEEP",
    "STALL",
    "TRACE",
    "VICTIM",
    "Issuer",
    "Result",
    "SleepCause",
    "StallKind",
]


class SleepCause(IntEnum):
    """Why a task sleeps; a task's time is running + runnable + these, to the nanosecond."""

    IDLE = 0
    THINK = 1
    CONGESTION_WAIT = 2
    GET_REQUEST = 3
    PAGE_WRITEBACK = 4
    PAGE_READ = 5
    BALANCE_DIRTY = 6
    TOO_MANY_ISOLATED = 7
    THROTTLE_VM_WRITEOUT = 8
    JOURNAL = 9
    OOM = 10
    NO_PROGRESS = 11


EXTENT = np.dtype(
    [
        ("block", np.int64),  # first, of 4 KiB
        ("nr", np.int64),  # blocks in a row, of pages in a row
        ("inode", np.int64),  # -1 = the swap area
        ("index", np.int64),  # page of the file, or slot of the swap area, in the first block
        ("memcg", np.int64),  # of the task that the file was planned for; -1 = of no single one
    ]
)

FAMILIES = ("series", "io", "stalls", "sleeps", "trace", "counters", "tasks", "victims")
PRESENT = "present"


@dataclass(slots=True)
class Result:
    """One run, simulated or recorded.

    ``series`` holds int64 (or float64) columns of equal length, among them ``t_ns``: the state at
    that time, counters cumulative from the start of the run. Column names are those of
    ``sim.machine.vmstat.NAMES``, ``zone.<NAME>.<field>``, ``memcg.<name>.<field>``.
    """

    meta: dict[str, Any]
    series: dict[str, np.ndarray] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    io: np.ndarray = field(default_factory=lambda: np.zeros(0, IO_LOG))
    stalls: np.ndarray = field(default_factory=lambda: np.zeros(0, STALL))
    sleeps: np.ndarray = field(default_factory=lambda: np.zeros(0, SLEEP))
    trace: np.ndarray = field(default_factory=lambda: np.zeros(0, TRACE))
    tasks: list[dict[str, Any]] = field(default_factory=list)
    victims: np.ndarray = field(default_factory=lambda: np.zeros(0, VICTIM))
    """Who reclaimed and wrote whose pages, cumulative; groups and owners index meta memcgs."""
    extents: np.ndarray = field(default_factory=lambda: np.zeros(0, EXTENT))
    """What the blocks of the disk belong to at the end, in their order; empty = not known."""
    families: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FAMILIES, PRESENT))

    def has(self, family: str) -> bool:
        """Whether a family was recorded at all."""
        return self.families.get(family) == PRESENT

    @property
    def duration_ns(self) -> int:
        """Length of the run, ns."""
        return int(self.meta["duration_ns"])

    def digest(self) -> str:
        """16 hex digits over everything but trace and extents: the run's bits, observers aside."""
        h = hashlib.sha256()
        for name in sorted(self.series):
            h.update(name.encode())
            h.update(np.ascontiguousarray(self.series[name]).tobytes())
        h.update(json.dumps(self.counters, sort_keys=True).encode())
        for array in (self.io, self.stalls, self.sleeps, self.victims):
            for name in array.dtype.names or ():
                h.update(np.ascontiguousarray(array[name]).tobytes())
        h.update(json.dumps(self.tasks, sort_keys=True).encode())
        return h.hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """The run as .npz, readable without pickle."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            header=np.frombuffer(
                json.dumps(
                    {
                        "meta": self.meta,
                        "counters": self.counters,
                        "tasks": self.tasks,
                        "families": self.families,
                    }
                ).encode(),
                np.uint8,
            ),
            io=self.io,
            stalls=self.stalls,
            sleeps=self.sleeps,
            trace=self.trace,
            victims=self.victims,
            extents=self.extents,
            **{f"series.{name}": column for name, column in self.series.items()},
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Result:
        """Inverse of ``to_bytes``.

        Raises:
            ValueError: not a Result.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            header = json.loads(npz["header"].tobytes())
            return cls(
                meta=header["meta"],
                counters=header["counters"],
                tasks=header["tasks"],
                families=header["families"],
                io=npz["io"],
                stalls=npz["stalls"],
                sleeps=npz["sleeps"],
                trace=npz["trace"],
                victims=npz["victims"] if "victims" in npz.files else np.zeros(0, VICTIM),
                extents=npz["extents"] if "extents" in npz.files else np.zeros(0, EXTENT),
                series={k[7:]: npz[k] for k in npz.files if k.startswith("series.")},
            )

    def save(self, path: Path) -> None:
        """Write .npz through a temporary file, so that an interrupted save leaves no half file."""
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.write_bytes(self.to_bytes())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read what ``save`` wrote."""
        return cls.from_bytes(path.read_bytes())
