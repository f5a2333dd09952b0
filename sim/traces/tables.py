"""What every reader shares: an empty recorded Result, arrays from columns, tables of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from sim.result import FAMILIES, Result
from sim.traces.errors import BadLine, Problems, TraceError
from sim.traces.source import Source
from sim.units import NSEC_PER_SEC

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_.():+-]{1,80}")

UNKNOWN_DEPTH = 255
"""``queue_depth`` of a request log that does not know it."""
MAX_VALUE = 1 << 53
MAX_TIME_DIGITS = 14
MAX_STEP_NS = 3600 * NSEC_PER_SEC
EMPTY = -(1 << 62)


def missing(why: str) -> str:
    """What ``Result.families`` says of a family that is not there."""
    return f"not recorded: {why}"


def bare_result(path: Path, duration_ns: int, **meta: Any) -> Result:
    """A recorded Result in which nothing is present yet."""
    return Result(
        meta={
            "duration_ns": duration_ns,
            "source": "recorded",
            "title": path.name,
            "scenario": {},
            "digest": "",
            "model_version": 0,
            "seed": 0,
            "kernel": "unknown",
            "memcgs": ["root"],
            "zones": {},
            "disk": {},
            "note": "",
            "problems": [],
            **meta,
        },
        families=dict.fromkeys(FAMILIES, missing("the file has nothing of it")),
    )


def clipped(columns: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """An int64 matrix as records; values beyond a narrow field are set to its bound."""
    out = np.zeros(len(columns), dtype)
    for i, name in enumerate(dtype.names or ()):
        bounds = np.iinfo(dtype[name])
        out[name] = np.clip(columns[:, i], bounds.min, bounds.max)
    return out


class Layout(NamedTuple):
    """How a table is written. Its first column is the time."""

    time: str
    """Name of the first column."""
    separator: bytes | None
    """Between columns; None is any white space."""
    ns_per_unit: int
    """ns of one unit of the time, after its decimals are shifted away."""
    decimals: int = 0
    """Digits behind the point of the time."""
    hexadecimal: str = ""
    """Name of the one column that has hexadecimal numbers."""


def read_table(source: Source, layout: Layout) -> tuple[dict[str, np.ndarray], Problems]:
    """Columns by the header's names, the first of them a time in ns that never goes back.

    An empty cell is not a number: such a column is float64 with NaN, or left out when it has
    nothing else.

    Raises:
        TraceError: no header or no usable row.
    """
    problems = Problems(source.path)
    names: list[str] = []
    rows: list[list[int]] = []
    odd = -1
    for lines in source.blocks():
        first = source.line + 1
        for offset, line in enumerate(lines):
            if not names:
                names = _header(source, line, layout)
                odd = names.index(layout.hexadecimal) if layout.hexadecimal in names else -1
                continue
            if not line or line.isspace():
                continue
            try:
                row = _row(line.split(layout.separator), len(names), layout, odd)
                step = row[0] - rows[-1][0] if rows else 0
                if not 0 <= step <= MAX_STEP_NS:
                    raise BadLine(f"the time jumps by {step / NSEC_PER_SEC:.6g} s")
            except BadLine as error:
                problems.add(first + offset, str(error))
            else:
                rows.append(row)
    if source.problem:
        problems.add(0, f"{source.problem}; kept the first {len(rows)} rows")
    if not rows or len(rows) < problems.count:
        raise problems.error("holds no row of numbers")
    columns = dict(zip(names, np.array(rows, np.int64).T, strict=True))
    return {name: c for name, raw in columns.items() if len(c := _with_gaps(raw))}, problems


def _header(source: Source, line: bytes, layout: Layout) -> list[str]:
    names = [word.decode("ascii", "replace") for word in line.strip().split(layout.separator)]
    if not names or names[0] != layout.time:
        raise TraceError(source.path, 1, f"the first column is not {layout.time}")
    for name in names:
        if not _NAME.fullmatch(name):
            raise TraceError(source.path, 1, f"{name[:40]!r} is no name of a column")
    if len(set(names)) < len(names):
        raise TraceError(source.path, 1, "two columns have one name")
    return names


def _row(words: list[bytes], width: int, layout: Layout, odd: int) -> list[int]:
    if len(words) != width:
        raise BadLine(f"{len(words)} columns, the header has {width}")
    whole, _, part = words[0].partition(b".")
    if len(whole) > MAX_TIME_DIGITS:
        raise BadLine("no time")
    time = _whole(whole) * 10**layout.decimals
    if layout.decimals:
        time += _whole(part[: layout.decimals].ljust(layout.decimals, b"0"))
    if time < 0:
        raise BadLine("no time")
    if odd > 0 and words[odd]:
        words[odd] = b"%d" % _whole(words[odd], 16)
    time *= layout.ns_per_unit
    return [time, *(EMPTY if not w or w == b"\r" else _whole(w) for w in words[1:])]


def _with_gaps(values: np.ndarray) -> np.ndarray:
    empty = values == EMPTY
    if empty.all():
        return values[:0]
    return np.where(empty, np.nan, values) if empty.any() else values


def _whole(word: bytes, base: int = 10) -> int:
    try:
        value = int(word, base)
    except ValueError:
        raise BadLine(f"{word[:40].decode('ascii', 'replace')!r} is no number") from None
    if not -MAX_VALUE < value < MAX_VALUE:
        raise BadLine(f"{word[:40].decode('ascii', 'replace')} is out of range")
    return value


def attempt(problems: list[str], reader: Callable[..., T], *args: Any) -> T | None:
    """One file of several: a file that cannot be used is a problem of the whole, not its end."""
    try:
        return reader(*args)
    except TraceError as error:
        problems.append(str(error))
        return None
