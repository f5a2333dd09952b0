"""Recorded operations on files as CSV: ``time,op,file,offset,length``, one system call a line.

The first line is the header; the columns may stand in any order, and others are refused. ``time``
is in seconds from any origin, never going back; the first operation is at 0. ``op`` is ``read``,
``write`` or ``fsync``; ``file`` any name; ``offset`` and ``length`` are bytes, empty or 0 for
``fsync``. Whole pages are read and written: an operation is widened to pages of 4 KiB.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sim.scenario_problem import Problem

COLUMNS = ("time", "op", "file", "offset", "length")
MAX_ROWS = 200_000
MAX_FILES = 1000
MAX_MIB = 16_384
"""All files of a trace together."""
MAX_SECONDS = 3600
MAX_BYTES = 32 << 20
"""Of the text."""
MAX_PROBLEMS = 10
PAGE = 4096
_TIME = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,12}))?")
_BYTES = re.compile(r"[0-9]{1,15}")


class Operation(StrEnum):
    """System calls that are replayed."""

    READ = "read"
    WRITE = "write"
    FSYNC = "fsync"


_OPERATIONS = {str(operation): operation for operation in Operation}


@dataclass(frozen=True, slots=True)
class Row:
    """One system call."""

    t_ns: int
    """From the first one."""
    operation: Operation
    file: int
    """Number of its name in ``Replay.files``."""
    index: int
    """First page."""
    pages: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A trace: names of its files in the order they appear, and the calls."""

    files: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def number_of(text: bytes) -> int:
    """The trace's number: the first 12 hex digits of its sha256."""
    return int(hashlib.sha256(text).hexdigest()[:12], 16)


def read_replay(text: str) -> tuple[Replay, list[Problem]]:
    """The trace, and what refuses it, each with its line; never raises."""
    reader = _Reader()
    try:
        reader.read(text)
    except csv.Error as error:
        reader.wrong("", f"cannot be read as CSV: {error}")
    if not reader.problems and not reader.rows:
        reader.wrong("", "has no operation")
    return Replay(tuple(reader.files), tuple(reader.rows)), reader.problems[:MAX_PROBLEMS]


class _Reader:
    """Lines so far."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.rows: list[Row] = []
        self.problems: list[Problem] = []
        self.line = 0
        self._ends: dict[int, int] = {}
        self._pages = 0
        self._origin_ns: int | None = None

    def wrong(self, value: str, message: str) -> None:
        self.problems.append(Problem(f"line {self.line}" if self.line else "trace", value, message))

    def read(self, text: str) -> None:
        lines: Iterator[list[str]] = csv.reader(text.splitlines())
        header: list[str] = []
        for self.line, cells in enumerate(lines, 1):
            if not "".join(cells).strip():
                continue
            if not header:
                header = [cell.strip().lower() for cell in cells]
                if sorted(header) != sorted(COLUMNS):
                    return self.wrong(",".join(cells)[:80], f"must be {','.join(COLUMNS)}")
                continue
            if len(cells) != len(header):
                self.wrong(str(len(cells)), f"must have {len(header)} fields")
            else:
                self._row(dict(zip(header, (cell.strip() for cell in cells), strict=True)))
            if len(self.problems) >= MAX_PROBLEMS:
                return None
            if len(self.rows) > MAX_ROWS:
                return self.wrong(str(len(self.rows)), f"at most {MAX_ROWS} operations")
        return None

    def _row(self, row: dict[str, str]) -> None:
        found = len(self.problems)
        t_ns = self._time(row["time"])
        operation = _OPERATIONS.get(row["op"].lower())
        if operation is None:
            self.wrong(row["op"][:80], f"op is none of {', '.join(Operation)}")
            return
        if not row["file"]:
            self.wrong("", "file has no name")
        offset = self._bytes(row, "offset", operation)
        length = self._bytes(row, "length", operation)
        if operation is not Operation.FSYNC and length == 0 and len(self.problems) == found:
            self.wrong("0", f"{operation} of no bytes")
        if len(self.problems) > found:
            return
        file = self.files.setdefault(row["file"], len(self.files))
        index = offset // PAGE
        pages = 0 if operation is Operation.FSYNC else -(-(offset + length) // PAGE) - index
        grown = max(index + pages - self._ends.get(file, 0), 0)
        self._ends[file] = self._ends.get(file, 0) + grown
        self._pages += grown
        if len(self.files) > MAX_FILES:
            self.wrong(row["file"][:80], f"at most {MAX_FILES} files")
        elif self._pages > MAX_MIB * 256:
            self.wrong(str(offset + length), f"all files together have at most {MAX_MIB} MiB")
        else:
            self.rows.append(Row(t_ns, operation, file, index, pages))

    def _time(self, text: str) -> int:
        match = _TIME.fullmatch(text)
        if match is None:
            self.wrong(text[:80], "time is no number of seconds, as 12.000345")
            return 0
        time_ns = int(match[1]) * 1_000_000_000 + int((match[2] or "").ljust(9, "0")[:9])
        if self._origin_ns is None:
            self._origin_ns = time_ns
        t_ns = time_ns - self._origin_ns
        if self.rows and t_ns < self.rows[-1].t_ns:
            self.wrong(text, "time goes back")
        elif t_ns < 0 or t_ns > MAX_SECONDS * 1_000_000_000:
            self.wrong(text, f"is not within {MAX_SECONDS} s from the first operation")
        return t_ns

    def _bytes(self, row: dict[str, str], name: str, operation: Operation) -> int:
        text = row[name]
        if operation is Operation.FSYNC:
            if text not in ("", "0"):
                self.wrong(text[:80], f"fsync has no {name}")
            return 0
        if not _BYTES.fullmatch(text):
            self.wrong(text[:80], f"{name} is no number of bytes")
            return 0
        return int(text)
