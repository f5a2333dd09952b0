"""Where metrics take their numbers: counters first, else the stalls and the request log.

A source is a function from a Result to a number, None where it was not recorded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.machine.vmstat import FIRST_AGE_MS, NR_AGES
from sim.result import Issuer, Result, SleepCause, StallKind
from sim.units import NSEC_PER_MSEC, SECTOR_SIZE, SECTORS_PER_PAGE

Number = int | float
Source = Callable[[Result], Number | None]


# ---- counters


def counted(*counters: str, otherwise: Source | None = None) -> Source:
    """Sum of counters; where one of them is missing, what ``otherwise`` says."""

    def source(result: Result) -> Number | None:
        if result.has("counters") and all(name in result.counters for name in counters):
            return sum(int(result.counters[name]) for name in counters)
        return None if otherwise is None else otherwise(result)

    return source


def divided(source: Source, by: int) -> Source:
    """The same in a larger unit."""

    def quotient(result: Result) -> float | None:
        value = source(result)
        return None if value is None else value / by

    return quotient


def ratio(top: Source, bottom: Source, factor: float = 1) -> Source:
    """top * factor / bottom; None where there is nothing to divide by."""

    def quotient(result: Result) -> float | None:
        over, under = top(result), bottom(result)
        return None if over is None or not under else over * factor / under

    return quotient


def duration_ns(result: Result) -> int:
    """Length of the run, as a source."""
    return result.duration_ns


# ---- age of reclaimed pages


def age_percentile_ms(percent: int) -> Source:
    """Upper edge of the bucket with the percentile; None without pages or in the last bucket."""

    def source(result: Result) -> int | None:
        names = [f"reclaim_age_{i}" for i in range(NR_AGES)]
        if not result.has("counters") or any(name not in result.counters for name in names):
            return None
        upto = np.cumsum([result.counters[name] for name in names])
        rank = max(-(-percent * int(upto[-1]) // 100), 1)
        bucket = int(np.searchsorted(upto, rank))
        return FIRST_AGE_MS << bucket if bucket < NR_AGES - 1 else None

    return source


# ---- whose pages


def taken(what: str) -> Source:
    """Pages that kswapd and direct reclaim took from memcgs they did not work for."""

    def source(result: Result) -> int | None:
        if not result.has("victims"):
            return None
        rows = result.victims
        from_zones = (rows["issuer"] == Issuer.KSWAPD) | (rows["issuer"] == Issuer.DIRECT)
        others = (rows["owner"] > 0) & (rows["owner"] != rows["group"])
        return int(rows[what][from_zones & others].sum())

    return source


def taken_in_hierarchy(what: str) -> Source:
    """Pages that reclaim for a memcg, at its limit or at one above it, took from another memcg."""

    def source(result: Result) -> int | None:
        if not result.has("victims"):
            return None
        rows = result.victims
        others = (rows["issuer"] == Issuer.MEMCG) & (rows["group"] > 0)
        return int(rows[what][others & (rows["owner"] != rows["group"])].sum())

    return source


# ---- stalls and sleeps


def _stalls(result: Result, kind: StallKind | None) -> np.ndarray | None:
    """Stalls of one kind; None for the kind: every stall inside page reclaim."""
    if not result.has("stalls"):
        return None
    kinds = result.stalls["kind"]
    wanted = kinds != StallKind.BALANCE_DIRTY if kind is None else kinds == kind
    chosen: np.ndarray = result.stalls[wanted]
    return chosen


def _lengths_ns(intervals: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = intervals["t_end_ns"] - intervals["t_begin_ns"]
    return lengths


def stall_count(kind: StallKind) -> Source:
    """Number of stalls."""

    def source(result: Result) -> int | None:
        stalls = _stalls(result, kind)
        return None if stalls is None else len(stalls)

    return source


def stall_sum(field: str, kind: StallKind) -> Source:
    """Sum of a field over the stalls of a kind; None where a stall does not know it (-1)."""

    def source(result: Result) -> int | None:
        stalls = _stalls(result, kind)
        if stalls is None or (stalls[field] < 0).any():
            return None
        return int(stalls[field].sum(dtype=np.int64))

    return source


def stall_ns(kind: StallKind) -> Source:
    """Total length of the stalls of a kind, ns."""

    def source(result: Result) -> int | None:
        stalls = _stalls(result, kind)
        return None if stalls is None else int(_lengths_ns(stalls).sum())

    return source


def stall_percentile_ms(percent: int, kind: StallKind | None = None) -> Source:
    """Nearest-rank percentile of the stalls of a kind, ms; 0 where there was none."""

    def source(result: Result) -> float | None:
        stalls = _stalls(result, kind)
        if stalls is None:
            return None
        return percentile_ns(_lengths_ns(stalls), percent) / NSEC_PER_MSEC

    return source


def percentile_ns(lengths_ns: np.ndarray, percent: int) -> int:
    """Nearest-rank percentile of integer lengths: always one of them; 0 of none."""
    if not len(lengths_ns):
        return 0
    rank = max(-(-percent * len(lengths_ns) // 100), 1)
    return int(np.partition(lengths_ns, rank - 1)[rank - 1])


def sleep_ms(cause: SleepCause) -> Source:
    """Time that all tasks together slept for a cause, ms."""

    def source(result: Result) -> float | None:
        if not result.has("sleeps"):
            return None
        mine = result.sleeps[result.sleeps["cause"] == cause]
        return int(_lengths_ns(mine).sum()) / NSEC_PER_MSEC

    return source


# ---- the request log


def _logged(result: Result, write: int, issuer: int | None = None) -> np.ndarray | None:
    if not result.has("io"):
        return None
    wanted = result.io["write"] == write
    if issuer is not None:
        wanted &= result.io["issuer"] == issuer
    requests: np.ndarray = result.io[wanted]
    return requests


def _sectors(requests: np.ndarray) -> int:
    return int(requests["nr_sectors"].sum(dtype=np.int64))


def logged_requests(write: int, issuer: int | None = None) -> Source:
    """Number of completed requests in one direction."""

    def source(result: Result) -> int | None:
        requests = _logged(result, write, issuer)
        return None if requests is None else len(requests)

    return source


def logged_sectors(write: int) -> Source:
    """Sectors of 512 bytes moved in one direction."""

    def source(result: Result) -> int | None:
        requests = _logged(result, write)
        return None if requests is None else _sectors(requests)

    return source


def logged_seeks(write: int) -> Source:
    """Requests for which the head had to be positioned; None where the log does not know."""

    def source(result: Result) -> int | None:
        requests = _logged(result, write)
        if requests is None or (requests["positioned"] < 0).any():
            return None
        return int((requests["positioned"] == 1).sum())

    return source


def logged_pages(issuer: int) -> Source:
    """Data pages that the write requests of an issuer carried."""

    def source(result: Result) -> int | None:
        requests = _logged(result, 1, issuer)
        if requests is None:
            return None
        return _sectors(requests[requests["meta"] != 1]) // SECTORS_PER_PAGE

    return source


def logged_request_kib(issuer: int) -> Source:
    """Mean size of the write requests of an issuer, KiB."""

    def source(result: Result) -> float | None:
        requests = _logged(result, 1, issuer)
        if requests is None or not len(requests):
            return None
        return _sectors(requests) * SECTOR_SIZE / 1024 / len(requests)

    return source


def logged_sequential(result: Result) -> int | None:
    """Writes that begin where the request served before them ended."""
    if not result.has("io"):
        return None
    served = result.io[np.argsort(result.io["t_issue_ns"], kind="stable")]
    ends = served["sector"][:-1] + served["nr_sectors"][:-1]
    return int(((served["sector"][1:] == ends) & (served["write"][1:] == 1)).sum())


def logged_busy_ns(result: Result) -> int | None:
    """Time in service of all requests, ns."""
    if not result.has("io"):
        return None
    return int((result.io["t_done_ns"] - result.io["t_issue_ns"]).sum())
