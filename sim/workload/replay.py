"""Recorded operations as rows of ``m.replay``, each in its place in a task's files.

Open loop, as fio replays an iolog: no operation begins before its recorded time; one that comes
late is followed by the next at once. Operations on one file keep their order, for a file is one
task's: file number n of a trace is that of task n modulo the tasks of the group.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.replay import Operation, Replay
from sim.workload.kinds import REPLAY_FSYNC, REPLAY_READ, REPLAY_WRITE

CODES = {
    Operation.READ: REPLAY_READ, Operation.WRITE: REPLAY_WRITE, Operation.FSYNC: REPLAY_FSYNC,
}  # fmt: skip
ROW_WORDS = 5
"""Of ``m.replay``: due, ns; operation; inode; first page; pages."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one task replays."""

    sizes: tuple[int, ...]
    """Pages of each of its files."""
    existing: tuple[bool, ...]
    """Whether the file was there before the run: it is read somewhere in the trace."""
    rows: tuple[tuple[int, int, int, int, int], ...]
    """As in ``m.replay``, with the number of the file among its own for the inode."""


def shares(replay: Replay, tasks: int) -> list[Share]:
    """One share for each task of the group."""
    sizes = [1] * len(replay.files)
    read = [False] * len(replay.files)
    rows: list[list[tuple[int, int, int, int, int]]] = [[] for _ in range(tasks)]
    for row in replay.rows:
        sizes[row.file] = max(sizes[row.file], row.index + row.pages)
        read[row.file] |= row.operation is Operation.READ
        place, code = row.file // tasks, CODES[row.operation]
        rows[row.file % tasks].append((row.t_ns, code, place, row.index, row.pages))
    return [
        Share(tuple(sizes[task::tasks]), tuple(read[task::tasks]), tuple(rows[task]))
        for task in range(tasks)
    ]
