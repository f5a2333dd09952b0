"""What can be wrong with a recording, with file and line.

A recording that has nothing usable raises; one that is damaged in places is read as far as it
goes, and its ``Problems`` say what is missing.
"""

from __future__ import annotations

from pathlib import Path

SHOWN = 20
"""Problems that are kept word by word; the rest are counted."""


class TraceError(ValueError):
    """A file that is no recording, or none of whose lines can be used.

    Args:
        path: the file as the caller named it.
        line: line number from 1, 0 where the whole file is meant.
        message: what is wrong, in one sentence.
    """

    def __init__(self, path: Path | str, line: int, message: str) -> None:
        where = f"{Path(path).name}:{line}" if line else Path(path).name
        super().__init__(f"{where}: {message}")
        self.path = Path(path)
        self.line = line
        self.message = message


class Problems:
    """Lines of one file that could not be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._first: list[TraceError] = []

    def add(self, line: int, message: str) -> None:
        """Note a line (0: the file) that was left out."""
        self.count += 1
        if len(self._first) < SHOWN:
            self._first.append(TraceError(self.path, line, message))

    def error(self, message: str) -> TraceError:
        """The error to raise when nothing was usable: the first problem, else ``message``."""
        return self._first[0] if self._first else TraceError(self.path, 0, message)

    def sentences(self) -> list[str]:
        """The problems for ``Result.meta["problems"]``."""
        more = self.count - len(self._first)
        tail = [f"{self.path.name}: {more} more lines were left out"] if more else []
        return [str(problem) for problem in self._first] + tail


class BadLine(ValueError):
    """What is wrong with one line; its reader adds file and number."""
