"""What is compared: one number per observable, by one formula for recorded and simulated Results.

Names and meanings are those of the tables in the README of the recorded 2.6.36 runs; d/m is direct
and memcg reclaim together, k kswapd, fl the flusher, other what is left (kjournald).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.machine.request import (
    ISSUER_DIRECT,
    ISSUER_FLUSHER,
    ISSUER_JOURNAL,
    ISSUER_KSWAPD,
    ISSUER_MEMCG,
    ISSUER_OTHER,
)
from sim.machine.stall import STALL_MEMCG
from sim.result import Result
from sim.units import NSEC_PER_SEC, PAGE_SIZE, SECTOR_SIZE
from sim.validation.score import COUNT, STACK, STALL

Number = float | None


class Observable(NamedTuple):
    """One row's quantity."""

    name: str
    unit: str
    measure: Callable[[Result], Number]
    floor: float
    """Values below it count as nothing: no ratio is taken and no sign."""
    kind: str = COUNT
    """What tolerance it has: see ``score``."""


def total(*names: str) -> Callable[[Result], Number]:
    """The sum of these counters."""

    def measure(result: Result) -> Number:
        values = [result.counters[name] for name in names if name in result.counters]
        return float(sum(values)) if values else None

    return measure


def seconds(*names: str) -> Callable[[Result], Number]:
    """The sum of these counters, ns, in s."""
    counted = total(*names)

    def measure(result: Result) -> Number:
        ns = counted(result)
        return None if ns is None else ns / NSEC_PER_SEC

    return measure


def _scanned(result: Result) -> Number:
    """Memcg reclaim is recorded as shrink_page_list counts: a mapped page twice."""
    direct = result.counters.get("pgscan_direct")
    if result.meta.get("source") == "recorded":
        memcg = result.counters.get("pgscan_memcg", 0)
    else:
        memcg = int(result.stalls["nr_scanned"][result.stalls["kind"] == STALL_MEMCG].sum())
    return None if direct is None else float(direct + memcg)


def _written(result: Result, *issuers: int) -> np.ndarray:
    """Sectors of each written request of these contexts, of all when none is named."""
    io = result.io
    chosen = io["write"] != 0
    if issuers:
        chosen &= np.isin(io["issuer"], issuers)
    return np.asarray(io["nr_sectors"][chosen], np.int64)


def average_kb(*issuers: int) -> Callable[[Result], Number]:
    """Mean size of written requests, KiB, of these contexts or of all."""

    def measure(result: Result) -> Number:
        sectors = _written(result, *issuers)
        return float(sectors.mean()) * SECTOR_SIZE / 1024 if len(sectors) else None

    return measure


def _pages_other(result: Result) -> Number:
    sectors = int(_written(result, ISSUER_OTHER, ISSUER_JOURNAL).sum())
    return sectors * SECTOR_SIZE / PAGE_SIZE


def written_requests(result: Result) -> Number:
    """How many requests were written."""
    return float(len(_written(result)))


def _reads(result: Result) -> Number:
    return float((result.io["write"] == 0).sum())


def sequential_share(result: Result) -> Number:
    """Written requests that begin where the request served before them ended."""
    io = np.sort(result.io, order="t_done_ns")
    ends = io["sector"][:-1] + io["nr_sectors"][:-1]
    follows = (io["sector"][1:] == ends) & (io["write"][1:] != 0)
    requests = int((io["write"] != 0).sum())
    return float(follows.sum()) / requests if requests else None


def disk_rate(result: Result) -> Number:
    """Written to the disk, MB/s."""
    return float(_written(result).sum()) * SECTOR_SIZE / 1e6 * NSEC_PER_SEC / result.duration_ns


def _busy(result: Result) -> Number:
    return result.counters.get("disk_busy_ns", 0) / NSEC_PER_SEC


def app_rate(result: Result) -> Number:
    """MB/s of the writers and of the mapping's dirtier; the anonymous hog does not count."""
    pages = float(result.counters.get("app_pages_written", 0))
    if result.meta.get("source") == "recorded":
        latencies = result.meta.get("operation_latency")
        if latencies is None:
            return None
        # A recorded operation of the dirtier is one store, whatever the length of its runs.
        pages += sum(seen["ops"] for name, seen in latencies.items() if name.endswith(":mmapd"))
    else:
        specs = result.meta["scenario"]["workloads"]
        runs = [int(spec["run_pages"]) for spec in specs if spec["kind"] == "mmap"]
        dirtiers = [task for task in result.tasks if task["kind"] == "mmap"]
        pages += sum(task["ops"] * run for task, run in zip(dirtiers, runs, strict=True))
    return float(pages * PAGE_SIZE / 1e6 * NSEC_PER_SEC / result.duration_ns)


OBSERVABLES: tuple[Observable, ...] = (
    Observable("reclaims d/m", "calls", total("direct_reclaims", "memcg_reclaims"), 10),
    Observable("scanned d/m", "pages", _scanned, 500),
    Observable("scanned k", "pages", total("pgscan_kswapd"), 500),
    Observable("freed d/m", "pages", total("pgsteal_direct", "pgsteal_memcg"), 500),
    Observable("freed k", "pages", total("pgsteal_kswapd"), 500),
    Observable("written direct", "pages", total("written_direct"), 100),
    Observable("written memcg", "pages", total("written_memcg"), 100),
    Observable("written kswapd", "pages", total("written_kswapd"), 100),
    Observable("written flusher", "pages", total("written_flusher"), 100),
    Observable("written bdp", "pages", total("written_dirtier"), 100),
    Observable("written other", "pages", _pages_other, 100),
    Observable("skipped dirty", "pages", total("dirty_skipped"), 100),
    Observable("q-congested keep", "pages", total("queue_congested_keep"), 100),
    Observable("stall", "s", seconds("direct_stall_ns", "memcg_stall_ns"), 0.1, STALL),
    Observable(
        "in congestion_wait d/m", "s",
        seconds("direct_congestion_wait_ns", "memcg_congestion_wait_ns"), 0.1, STALL,
    ),
    Observable(
        "in writepage d/m", "s", seconds("direct_writepage_ns", "memcg_writepage_ns"), 0.1, STALL
    ),
    Observable("in writepage k", "s", seconds("kswapd_writepage_ns"), 0.1, STALL),
    Observable("bdp", "s", seconds("balance_dirty_ns"), 0.1, STALL),
    Observable("write requests", "requests", written_requests, 10),
    Observable("read requests", "requests", _reads, 10),
    Observable("average write, all", "KiB", average_kb(), 1),
    Observable("average write, d/m", "KiB", average_kb(ISSUER_DIRECT, ISSUER_MEMCG), 1),
    Observable("average write, k", "KiB", average_kb(ISSUER_KSWAPD), 1),
    Observable("average write, fl", "KiB", average_kb(ISSUER_FLUSHER), 1),
    Observable("sequential share", "", sequential_share, 0.005),
    Observable("disk", "MB/s", disk_rate, 0.5),
    Observable("busy", "s", _busy, 0.1),
    Observable("app", "MB/s", app_rate, 0.5),
    Observable("swapped out", "pages", total("pswpout"), 100),
    Observable("nr_vmscan_write", "pages", total("nr_vmscan_write"), 100),
    Observable("major faults", "faults", total("pgmajfault"), 100),
    Observable("kswapd skips wait", "times", total("kswapd_skip_congestion_wait"), 10),
    Observable("kswapd congestion_wait", "times", total("kswapd_congestion_waits"), 10),
)  # fmt: skip
"""Of the runs without a stack tracer."""

STACKS: tuple[Observable, ...] = tuple(
    Observable(f"deepest stack {short}", "B", total(f"stack_bytes_max_{who}"), 1, STACK)
    for short, who in (("d", "direct"), ("m", "memcg"), ("k", "kswapd"), ("fl", "flusher"))
)
"""Of the runs with the stack tracer on: nothing else of those is to be compared."""


def measured(result: Result) -> dict[str, Number]:
    """Every observable of one run by name."""
    return {observable.name: observable.measure(result) for observable in OBSERVABLES + STACKS}
