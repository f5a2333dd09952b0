"""The request log of a run as a binary blktrace, for blkparse, btt and iowatcher.

Records are ``struct blk_io_trace`` of include/linux/blktrace_api.h (2.6.36): 48 bytes, little
endian, magic 0x65617400 + version 7, then ``pdu_len`` bytes. The log holds whole requests, so:

* Q, G and I are one event each for a request, at the time its first bio was queued, with the size
  the request had in the end: no M or F is written, and Q of the merged bios is not known;
* D is when the disk was given the request, C when its end was seen;
* an event whose time was not recorded is left out; pid is the task that queued the request.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.result import Result
from sim.units import SECTOR_SIZE

MAGIC = 0x65617400 | 7
TASK_COMM_LEN = 16
DEVICE = 8 << 20
"""sda: major 8, minor 0."""

RECORD = np.dtype(
    [
        ("magic", "<u4"),
        ("sequence", "<u4"),
        ("time", "<u8"),  # ns
        ("sector", "<u8"),
        ("bytes", "<u4"),
        ("action", "<u4"),
        ("pid", "<u4"),
        ("device", "<u4"),
        ("cpu", "<u4"),
        ("error", "<u2"),
        ("pdu_len", "<u2"),
    ]
)
TC_READ, TC_WRITE, TC_SYNC, TC_QUEUE = 1 << 16, 1 << 17, 1 << 19, 1 << 20
TC_ISSUE, TC_COMPLETE, TC_NOTIFY, TC_META = 1 << 22, 1 << 23, 1 << 26, 1 << 28
TN_PROCESS = 0 | TC_NOTIFY
# At one time: what ends, then what begins, in the order of a request's life.
_EVENTS = (
    (8 | TC_COMPLETE, "t_done_ns"),  # C
    (1 | TC_QUEUE, "t_queue_ns"),  # Q
    (4 | TC_QUEUE, "t_queue_ns"),  # G
    (12 | TC_QUEUE, "t_queue_ns"),  # I
    (7 | TC_ISSUE, "t_issue_ns"),  # D
)
_BATCH = 65_536


def events(result: Result) -> np.ndarray:
    """Every known event of every request, in order of time: rows of RECORD."""
    io = result.io
    pids = np.array([int(task.get("pid", i)) for i, task in enumerate(result.tasks)] + [0])
    # Task -1 is unknown and takes the last row, pid 0.
    pid = pids[np.where(io["task"] < len(result.tasks), io["task"], -1)]
    write = io["write"] != 0
    category = np.where(write, TC_WRITE, TC_READ)
    category |= np.where(write & (io["sync"] > 0), TC_SYNC, 0)
    category |= np.where(io["meta"] > 0, TC_META, 0)
    parts = []
    for rank, (action, clock) in enumerate(_EVENTS):
        known = io[clock] >= 0
        part = np.zeros(int(known.sum()), RECORD)
        part["magic"] = MAGIC
        part["sequence"] = rank  # until they are in order
        part["time"] = io[clock][known]
        part["sector"] = io["sector"][known]
        part["bytes"] = io["nr_sectors"][known].astype(np.int64) * SECTOR_SIZE
        part["action"] = action | category[known]
        part["pid"] = pid[known]
        part["device"] = DEVICE
        parts.append(part)
    every = np.concatenate(parts)
    every = every[np.lexsort((every["sequence"], every["time"]))]
    every["sequence"] = np.arange(1, len(every) + 1)
    return every


def _names(result: Result) -> Iterator[bytes]:
    """A process notice for every task: its name follows the record."""
    for i, task in enumerate(result.tasks):
        note = np.zeros(1, RECORD)
        note["magic"], note["action"] = MAGIC, TN_PROCESS
        note["pid"], note["pdu_len"] = int(task.get("pid", i)), TASK_COMM_LEN
        comm = task.get("comm") or task.get("name") or f"task{i}"
        name = str(comm).encode("ascii", "replace")
        yield note.tobytes() + name[: TASK_COMM_LEN - 1].ljust(TASK_COMM_LEN, b"\0")


def chunks(result: Result) -> Iterator[bytes]:
    """The whole file, part by part."""
    yield b"".join(_names(result))
    every = events(result)
    for start in range(0, len(every), _BATCH):
        yield every[start : start + _BATCH].tobytes()
