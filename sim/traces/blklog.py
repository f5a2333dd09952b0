"""Request logs of the 2.6.36 set: one row a request, in order of service, one at a time.

``cls`` has the codes of ``Issuer`` (4, other, includes kjournald). The time in the queue is not
recorded. Whether the head had to move follows from the disk's formula: not for a request that
begins where the last one ended, nor for a forward gap of at most 64 KiB, which is read over.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.machine.request import IO_LOG, Issuer
from sim.result import PRESENT, Result
from sim.traces.errors import TraceError
from sim.traces.ftrace import io_counters
from sim.traces.source import MAX_BYTES, Source
from sim.traces.tables import UNKNOWN_DEPTH, Layout, bare_result, clipped, read_table
from sim.units import NSEC_PER_USEC

BLKLOG = Layout("t_us", b",", NSEC_PER_USEC)
COLUMNS = ("t_us", "sector", "nsect", "write", "sync", "meta", "cls", "svc_us")
READ_OVER_SECTORS = 64 * 1024 // 512


def read_blklog(path: Path, max_bytes: int = MAX_BYTES) -> Result:
    """A request log alone.

    Raises:
        TraceError: columns are missing or no row can be used.
    """
    io, origin, problems = request_log(path, max_bytes)
    result = bare_result(path, int(max(io["t_done_ns"].max(), 1)), kernel="2.6.36")
    result.io = io
    result.counters = io_counters(io, issue_order=False)
    result.families["io"] = result.families["counters"] = PRESENT
    result.meta |= {
        "title": f"Request log {path.name}", "problems": problems, "clock_origin_ns": origin,
    }  # fmt: skip
    return result


def request_log(path: Path, max_bytes: int = MAX_BYTES) -> tuple[np.ndarray, int, list[str]]:
    """(rows of IO_LOG from the first request on, its time on the guest's clock, problems).

    Raises:
        TraceError: columns are missing or no row can be used.
    """
    columns, problems = read_table(Source(path, max_bytes), BLKLOG)
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        raise TraceError(path, 1, f"no column {absent[0]}")
    if any(columns[name].dtype.kind != "i" for name in COLUMNS):
        raise TraceError(path, 0, "has empty cells")
    t, sector, nr, write, sync, meta, issuer, service = (columns[name] for name in COLUMNS)
    gap = np.full(len(t), -1, np.int64)
    gap[1:] = sector[1:] - (sector[:-1] + nr[:-1])
    positioned = (gap < 0) | (gap > READ_OVER_SECTORS)
    rows = {
        "t_queue_ns": np.full(len(t), -1), "t_issue_ns": t - t[0],
        "t_done_ns": t - t[0] + service * NSEC_PER_USEC, "sector": sector, "nr_sectors": nr,
        "task": np.full(len(t), -1), "write": write, "sync": sync, "meta": meta,
        "issuer": np.where((issuer >= 0) & (issuer <= Issuer.DIRTIER), issuer, Issuer.UNKNOWN),
        "positioned": positioned, "queue_depth": np.full(len(t), UNKNOWN_DEPTH),
    }  # fmt: skip
    assert tuple(rows) == IO_LOG.names
    matrix = np.stack([np.asarray(column, np.int64) for column in rows.values()], axis=1)
    return clipped(matrix, IO_LOG), int(t[0]), problems.sentences()
