"""Touches a second of the bare LRU path, and as a ratio to libcachesim's LRU on the same trace.

Both replay one trace of a Zipf law in compiled code, in turns in one process; libcachesim reads
its records from a file in the page cache, the machine from an array.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.support.lru_replay import Machine, zipf_trace

ROUNDS = 5
ACCESSES, OBJECTS, CAPACITY, RAM_MIB = 2_000_000, 1 << 20, 1 << 18, 1280
RECORD = np.dtype([("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next_access", "<i8")])
"""libcachesim's oracleGeneral format."""


def _write(trace: np.ndarray, path: Path) -> None:
    records = np.zeros(len(trace), RECORD)
    records["object"], records["size"], records["next_access"] = trace, 1, -2
    records.tofile(path)


def _seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = function()
    return time.perf_counter() - began, found


def _theirs(peer: Any, path: Path) -> tuple[float, int]:
    cache = peer.LRU(cache_size=CAPACITY)
    reader = peer.TraceReader(str(path), peer.TraceType.ORACLE_GENERAL_TRACE)
    seconds, (miss_ratio, _) = _seconds(lambda: cache.process_trace(reader))
    return seconds, round((1 - miss_ratio) * ACCESSES)


def main() -> int:
    """Print medians; 1 when the two do not agree on the hits."""
    try:
        import libcachesim as peer
    except ImportError:
        peer = None
        print("libcachesim cannot be imported: no ratio", file=sys.stderr)
    trace = zipf_trace(ACCESSES, OBJECTS)
    Machine(64).replay(trace[:100])  # compiles
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.bin"
        _write(trace, path)
        for _ in range(ROUNDS):
            machine = Machine(CAPACITY, RAM_MIB)
            seconds, hits = _seconds(lambda machine=machine: machine.replay(trace))
            ours.append(seconds)
            if peer is not None:
                seconds, peer_hits = _theirs(peer, path)
                theirs.append(seconds)
                if peer_hits != hits.sum():
                    print(f"{hits.sum()} hits here, {peer_hits} there", file=sys.stderr)
                    return 1
    for name, column in (("reclaim lab", ours), ("libcachesim", theirs)):
        if column:
            rate = ACCESSES / median(column) / 1e6
            print(f"{name:12} {rate:6.2f} M touches/s  {min(column):.3f}-{max(column):.3f} s")
    if theirs:
        print(
            f"ratio        {median(theirs) / median(ours):6.2f}  ({100 * hits.mean():.1f} % hits)"
        )
    return 0
