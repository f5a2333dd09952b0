"""Tables of a run that are not single numbers: mmtests' rows, stall CDF, latency of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sim.result import Issuer, Result, StallKind
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, NSEC_PER_USEC

Number = int | float


class Row(NamedTuple):
    """One row of mmtests' comparison; ``value`` None where this kernel has no such counter."""

    name: str
    value: Number | None
    unit: str


class StallCdf(NamedTuple):
    """Share of stalls that are at most so long."""

    length_ms: np.ndarray
    share: np.ndarray


class Latency(NamedTuple):
    """Latencies of one task's operations; percentiles are upper edges of histogram buckets."""

    comm: str
    operations: int
    p50_us: float
    p99_us: float
    max_us: float


STALL_NAMES: dict[str, StallKind] = {
    "direct": StallKind.DIRECT_RECLAIM,
    "memcg": StallKind.MEMCG_RECLAIM,
    "balance_dirty": StallKind.BALANCE_DIRTY,
    "unknown": StallKind.UNKNOWN,
}
MAX_CDF_POINTS = 400
VICTIM_MEMCGS = 8
"""Containers in a table of who took whose pages; the others are counted as one."""


class Victim(NamedTuple):
    """Pages that one context, working for one group, took from one owner."""

    issuer: str
    group: str
    owner: str
    reclaimed: int
    written: int


# ---- mmtests (MonitorMmtestsvmstat, MonitorFtracereclaimcompact: row names only)


class _Source:
    """Counters of one run as mmtests' rows want them: None propagates."""

    def __init__(self, result: Result) -> None:
        self._counters = result.counters if result.has("counters") else {}
        self._seconds = result.duration_ns / NSEC_PER_SEC

    def count(self, name: str) -> int | None:
        return self._counters.get(name)

    def less(self, a: str, b: str) -> int | None:
        """Counter a without those that b counts too."""
        value: int | None = self._with(lambda x, y: x - y, a, b)
        return value

    def _with(self, function: Callable[..., Any], *names: str) -> Any:
        values = [self.count(name) for name in names]
        return None if None in values else function(*values)

    def efficiency(self, who: str) -> float | None:
        """Percent; mmtests calls it 100 where nothing was scanned."""
        value: float | None = self._with(
            lambda steal, scan: 100 * steal / scan if scan else 100.0,
            f"pgsteal_{who}",
            f"pgscan_{who}",
        )
        return value

    def velocity(self, who: str) -> float | None:
        value: float | None = self._with(lambda scan: scan / self._seconds, f"pgscan_{who}")
        return value

    def direct_share(self) -> float | None:
        value: float | None = self._with(
            lambda direct, kswapd: 100 * direct / (direct + kswapd) if direct + kswapd else 0.0,
            "pgscan_direct",
            "pgscan_kswapd",
        )
        return value

    def ms(self, *names: str) -> float | None:
        value: float | None = self._with(lambda *ns: sum(ns) / NSEC_PER_MSEC, *names)
        return value

    def total(self, *names: str) -> int | None:
        value: int | None = self._with(lambda *counts: sum(counts), *names)
        return value


def mmtests_rows(result: Result) -> list[Row]:
    """The run in the row names of mmtests' vmstat and reclaim tables, in their order.

    Rows of later kernels stay, without a value, so that tables line up with published ones.
    """
    s = _Source(result)
    waits = ("direct_congestion_wait_ns", "memcg_congestion_wait_ns", "kswapd_congestion_wait_ns")
    return [
        Row("Minor Faults", s.less("pgfault", "pgmajfault"), "faults"),
        Row("Major Faults", s.count("pgmajfault"), "faults"),
        Row("Swap Ins", s.count("pswpin"), "pages"),
        Row("Swap Outs", s.count("pswpout"), "pages"),
        Row("Allocation stalls", s.count("allocstall"), "calls"),
        Row("Direct pages scanned", s.count("pgscan_direct"), "pages"),
        Row("Kswapd pages scanned", s.count("pgscan_kswapd"), "pages"),
        Row("Kswapd pages reclaimed", s.count("pgsteal_kswapd"), "pages"),
        Row("Direct pages reclaimed", s.count("pgsteal_direct"), "pages"),
        Row("Kswapd efficiency %", s.efficiency("kswapd"), "%"),
        Row("Kswapd velocity", s.velocity("kswapd"), "pages/s"),
        Row("Direct efficiency %", s.efficiency("direct"), "%"),
        Row("Direct velocity", s.velocity("direct"), "pages/s"),
        Row("Percentage direct scans", s.direct_share(), "%"),
        Row("Page writes by reclaim", s.count("nr_vmscan_write"), "pages"),
        Row("Page writes file", s.less("nr_vmscan_write", "pswpout"), "pages"),
        Row("Page writes anon", s.count("pswpout"), "pages"),
        Row("Page reclaim immediate", None, "pages"),
        Row("Sector Reads", s.count("sectors_read"), "sectors"),
        Row("Sector Writes", s.count("sectors_written"), "sectors"),
        Row("FullCongest waits", s.total(*(w[:-3] + "s" for w in waits)), "waits"),
        Row("FullCongest time waited", s.ms(*waits), "ms"),
        Row("FullCongest direct waited", s.ms(*waits[:2]), "ms"),
        Row("FullCongest kswapd waited", s.ms(waits[2]), "ms"),
        Row("Time direct reclaim stalled", s.ms("direct_stall_ns"), "ms"),
        Row("Time kswapd awake", s.ms("kswapd_awake_ns"), "ms"),
    ]


# ---- stalls


def stall_cdf(result: Result, max_points: int = MAX_CDF_POINTS) -> dict[str, StallCdf]:
    """Distribution of stall lengths per kind; kinds without a stall are left out."""
    if not result.has("stalls"):
        return {}
    out: dict[str, StallCdf] = {}
    lengths_ns = result.stalls["t_end_ns"] - result.stalls["t_begin_ns"]
    for name, kind in STALL_NAMES.items():
        mine = np.sort(lengths_ns[result.stalls["kind"] == kind])
        if len(mine):
            ranks = _ranks(len(mine), max_points)
            out[name] = StallCdf(mine[ranks] / NSEC_PER_MSEC, (ranks + 1) / len(mine))
    return out


def _ranks(n: int, most: int) -> np.ndarray:
    """Ranks to plot: all, or half spread evenly and half crowding towards the longest."""
    if n <= most:
        return np.arange(n)
    even = np.linspace(0, n - 1, most // 2).astype(np.int64)
    tail = n - np.geomspace(1, n, most - most // 2).astype(np.int64)
    return np.union1d(even, tail)


# ---- whose pages


def victim_rows(result: Result) -> list[Victim]:
    """Who reclaimed and wrote whose pages (C19), largest first; empty where not recorded."""
    names = result.meta.get("memcgs") or ["root"]
    rows = [
        Victim(
            Issuer(int(row["issuer"])).name.lower(),
            names[int(row["group"])],
            names[int(row["owner"])],
            int(row["reclaimed"]),
            int(row["written"]),
        )
        for row in result.victims
    ]
    return sorted(rows, key=lambda row: (-row.reclaimed, -row.written, row))


def victim_cells(result: Result, most: int = VICTIM_MEMCGS) -> np.ndarray:
    """``result.victims`` with all but the root and ``most`` containers counted as one, number -1.

    Kept are those that most pages were taken from or for.
    """
    rows = result.victims
    nr_memcgs = len(result.meta.get("memcgs") or ["root"])
    if nr_memcgs - 1 <= most:
        return rows
    pages = rows["reclaimed"] + rows["written"]
    weight = np.bincount(rows["owner"], pages, nr_memcgs)
    weight += np.bincount(rows["group"], pages, nr_memcgs)
    kept = np.full(nr_memcgs, -1, np.int64)
    largest = 1 + np.argsort(-weight[1:], kind="stable")[:most]
    kept[largest], kept[0] = largest, 0
    keys = np.stack([rows["issuer"], kept[rows["group"]], kept[rows["owner"]]])
    cells, which = np.unique(keys, axis=1, return_inverse=True)
    folded = np.zeros(cells.shape[1], rows.dtype)
    folded["issuer"], folded["group"], folded["owner"] = cells
    for what in ("reclaimed", "written"):
        np.add.at(folded[what], which.ravel(), rows[what])
    return folded


def victim_columns(result: Result) -> dict[str, np.ndarray]:
    """``victim_cells`` by name: issuer, group, owner, pages reclaimed, pages written."""
    cells = victim_cells(result)
    return {name: cells[name] for name in cells.dtype.names or ()}


# ---- operations


def latency_upper_us(bucket: int) -> int:
    """First whole us above a bucket: four buckets to every doubling, from 1 us up."""
    octave, quarter = divmod(bucket, 4)
    return -(-((5 + quarter) << octave) // 4)


def latency_summary(result: Result) -> list[Latency]:
    """Latencies of the operations of every task that carries a histogram, bucket to count."""
    rows = []
    for task in result.tasks:
        histogram = {int(b): int(n) for b, n in (task.get("latency") or {}).items()}
        if not histogram:
            continue
        buckets = sorted(histogram)
        upto = np.cumsum([histogram[b] for b in buckets])
        total = int(upto[-1])
        p50, p99, top = (
            float(latency_upper_us(buckets[int(np.searchsorted(upto, -(-total * p // 100)))]))
            for p in (50, 99, 100)
        )
        longest = task["op_max_ns"] / NSEC_PER_USEC if "op_max_ns" in task else top
        rows.append(Latency(str(task.get("comm", "")), total, p50, p99, longest))
    return rows
