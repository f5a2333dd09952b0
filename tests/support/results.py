"""Small Results made by hand, for tests of what is computed from Results."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.machine.request import IO_LOG
from sim.machine.tracepoints import TRACE
from sim.result import SLEEP, STALL, Result

MS = 1_000_000


def rows(dtype: np.dtype[Any], *records: dict[str, Any]) -> np.ndarray:
    """Records of a structured dtype; fields that are not named are 0."""
    out = np.zeros(len(records), dtype)
    for row, record in zip(out, records, strict=True):
        for name, value in record.items():
            row[name] = value
    return out


def stalls(*records: dict[str, Any]) -> np.ndarray:
    return rows(STALL, *records)


def sleeps(*records: dict[str, Any]) -> np.ndarray:
    return rows(SLEEP, *records)


def requests(*records: dict[str, Any]) -> np.ndarray:
    return rows(IO_LOG, *records)


def trace(*records: tuple[int, int, int, list[int]]) -> np.ndarray:
    """(t_ns, event, task, fields)."""
    out = np.zeros(len(records), TRACE)
    for row, (t_ns, event, task, fields) in zip(out, records, strict=True):
        row["t_ns"], row["event"], row["task"] = t_ns, event, task
        row["a"][: len(fields)] = fields
    return out


def result(duration_ms: int = 1000, **fields: Any) -> Result:
    """A Result with only what the test gives."""
    meta = {"duration_ns": duration_ms * MS, **fields.pop("meta", {})}
    return Result(meta=meta, **fields)
