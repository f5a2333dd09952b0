"""Plotted columns of a Result: rates between samples, gauges at samples, each with its unit.

Every chart, frame and CSV takes its lines from ``columns``. A rate of sample i is the difference
of samples i and i-1 over the time between them; a gauge is the later sample; so the columns of a
run's chunks, one after another, are those of the whole run. A family that was not recorded gives
no column. A ratio without a denominator (request size while nothing is written) is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sim.machine.request import Issuer
from sim.result import Result
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, PAGE_SIZE, SECTOR_SIZE

MIB = 1 << 20
PAGE_MIB = PAGE_SIZE / MIB
SECTOR_MIB = SECTOR_SIZE / MIB

ISSUERS: dict[str, int] = {issuer.name.lower(): int(issuer) for issuer in Issuer}
"""Name of each issuer in column and metric names."""
CONTEXTS = ("kswapd", "direct", "memcg")
"""Contexts that reclaim."""


class Column(NamedTuple):
    """One plotted line: float64 values at the times of ``t_s``."""

    unit: str
    values: np.ndarray


_MEMORY_GAUGES = {
    "memory_mib.free": "nr_free_pages",
    "memory_mib.inactive_anon": "nr_inactive_anon",
    "memory_mib.active_anon": "nr_active_anon",
    "memory_mib.inactive_file": "nr_inactive_file",
    "memory_mib.active_file": "nr_active_file",
    "memory_mib.dirty_list": "nr_dirty_list",
    "memory_mib.unevictable": "nr_unevictable",
    "memory_mib.isolated_anon": "nr_isolated_anon",
    "memory_mib.isolated_file": "nr_isolated_file",
    "memory_mib.dirty": "nr_file_dirty",
    "memory_mib.writeback": "nr_writeback",
    "memory_mib.swap_used": "nr_swap_used_pages",
    "dirty_thresh_mib": "dirty_thresh_pages",
    "background_thresh_mib": "background_thresh_pages",
}
_GAUGES = {
    "queue_depth.async": ("requests", "nr_requests_async"),
    "queue_depth.sync": ("requests", "nr_requests_sync"),
    "congested.async": ("0 or 1", "bdi_async_congested"),
    "congested.sync": ("0 or 1", "bdi_sync_congested"),
    "memcg_pending": ("memcgs", "memcg_pending"),
}
_RATES: dict[str, tuple[str, str, float]] = {
    # column: unit, counter, factor
    "seeks_per_s.read": ("seeks/s", "seeks_read", 1),
    "seeks_per_s.write": ("seeks/s", "seeks_written", 1),
    "read_requests_per_s": ("requests/s", "requests_read", 1),
    "write_requests_per_s": ("requests/s", "requests_written", 1),
    "read_mib_per_s": ("MiB/s", "sectors_read", SECTOR_MIB),
    "write_mib_per_s": ("MiB/s", "sectors_written", SECTOR_MIB),
    "app_write_mib_per_s": ("MiB/s", "app_pages_written", PAGE_MIB),
    "app_read_mib_per_s": ("MiB/s", "app_pages_read", PAGE_MIB),
    "dirtied_mib_per_s": ("MiB/s", "pages_dirtied", PAGE_MIB),
    "cleaned_mib_per_s": ("MiB/s", "pages_cleaned", PAGE_MIB),
    "swap_in_mib_per_s": ("MiB/s", "pswpin", PAGE_MIB),
    "swap_out_mib_per_s": ("MiB/s", "pswpout", PAGE_MIB),
    "scan_pages_per_s.kswapd": ("pages/s", "pgscan_kswapd", 1),
    "scan_pages_per_s.direct": ("pages/s", "pgscan_direct", 1),
    "scan_pages_per_s.memcg": ("pages/s", "pgscan_memcg", 1),
    "steal_pages_per_s.kswapd": ("pages/s", "pgsteal_kswapd", 1),
    "steal_pages_per_s.direct": ("pages/s", "pgsteal_direct", 1),
    "steal_pages_per_s.memcg": ("pages/s", "pgsteal_memcg", 1),
    "direct_reclaims_per_s": ("calls/s", "direct_reclaims", 1),
    "memcg_reclaims_per_s": ("calls/s", "memcg_reclaims", 1),
    "activated_pages_per_s": ("pages/s", "pgactivate", 1),
    "deactivated_pages_per_s": ("pages/s", "pgdeactivate", 1),
    "rotated_pages_per_s": ("pages/s", "pgrotated", 1),
    "dirty_list_put_pages_per_s": ("pages/s", "dirty_list_put", 1),
    "dirty_list_returned_pages_per_s": ("pages/s", "dirty_list_returned", 1),
    "dirty_skipped_per_s": ("pages/s", "dirty_skipped", 1),
    "major_faults_per_s": ("faults/s", "pgmajfault", 1),
    "oom_kills_per_s": ("kills/s", "oom_kills", 1),
    "stall_ms_per_s.direct": ("ms/s", "direct_stall_ns", 1 / NSEC_PER_MSEC),
    "stall_ms_per_s.memcg": ("ms/s", "memcg_stall_ns", 1 / NSEC_PER_MSEC),
    "stall_ms_per_s.balance_dirty": ("ms/s", "balance_dirty_ns", 1 / NSEC_PER_MSEC),
    "kswapd_awake_share": ("share", "kswapd_awake_ns", 1 / NSEC_PER_SEC),
    "kswapd_run_share": ("share", "kswapd_run_ns", 1 / NSEC_PER_SEC),
    "flusher_run_share": ("share", "flusher_run_ns", 1 / NSEC_PER_SEC),
    "disk_busy_share": ("share", "disk_busy_ns", 1 / NSEC_PER_SEC),
}
_RATIOS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], float]] = {
    # column: unit, numerator counters, denominator counters, factor
    "write_request_kib_mean": (
        "KiB", ("sectors_written",), ("requests_written",), SECTOR_SIZE / 1024,
    ),
    "read_request_kib_mean": ("KiB", ("sectors_read",), ("requests_read",), SECTOR_SIZE / 1024),
    "reclaim_age_ms_mean": (
        "ms", ("reclaim_age_ms",), tuple(f"pgsteal_{who}" for who in CONTEXTS), 1,
    ),
    "write_sequential_share": ("share", ("sequential_written",), ("requests_written",), 1),
    "reclaim_efficiency": (
        "share",
        tuple(f"pgsteal_{who}" for who in CONTEXTS),
        tuple(f"pgscan_{who}" for who in CONTEXTS),
        1,
    ),
    **{
        f"reclaim_efficiency.{who}": ("share", (f"pgsteal_{who}",), (f"pgscan_{who}",), 1)
        for who in CONTEXTS
    },
}  # fmt: skip
_MEMCG_FIELDS: dict[str, tuple[str, str, float, bool]] = {
    # field of the record: column, unit, factor, is a rate
    "usage": ("usage_mib", "MiB", PAGE_MIB, False),
    "limit": ("limit_mib", "MiB", PAGE_MIB, False),
    "soft_limit": ("soft_limit_mib", "MiB", PAGE_MIB, False),
    "nr_file": ("file_mib", "MiB", PAGE_MIB, False),
    "nr_anon": ("anon_mib", "MiB", PAGE_MIB, False),
    "nr_dirty": ("dirty_mib", "MiB", PAGE_MIB, False),
    "nr_writeback": ("writeback_mib", "MiB", PAGE_MIB, False),
    "failcnt": ("failcnt_per_s", "failures/s", 1, True),
    "reclaims": ("reclaims_per_s", "calls/s", 1, True),
    "stall_ns": ("stall_ms_per_s", "ms/s", 1 / NSEC_PER_MSEC, True),
    "pgscan": ("scan_pages_per_s", "pages/s", 1, True),
    "pgsteal": ("steal_pages_per_s", "pages/s", 1, True),
    "nr_inactive_anon": ("inactive_anon_mib", "MiB", PAGE_MIB, False),
    "nr_active_anon": ("active_anon_mib", "MiB", PAGE_MIB, False),
    "nr_inactive_file": ("inactive_file_mib", "MiB", PAGE_MIB, False),
    "nr_active_file": ("active_file_mib", "MiB", PAGE_MIB, False),
    "nr_dirty_list": ("dirty_list_mib", "MiB", PAGE_MIB, False),
}
_SCANNED = tuple(f"pgscan_{who}" for who in CONTEXTS)
_RECLAIMED = tuple(f"pgsteal_{who}" for who in CONTEXTS)
_ISOLATED = ("nr_isolated_anon", "nr_isolated_file")
_LISTS = ("nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file",
          "nr_dirty_list", "nr_unevictable")  # fmt: skip
_WRITERS = {
    **{who: (who,) for who in (*CONTEXTS, "flusher", "dirtier")},
    "other": ("other", "journal", "unknown", "memcg_flusher"),
}
"""Who put pages under writeback: column to issuers."""
_ZONE_FIELDS = {
    "nr_free": "free_mib",
    "nr_free_pages": "free_mib",
    "nr_file_dirty": "dirty_mib",
    "nr_writeback": "writeback_mib",
}
_WMARKS = ("min", "low", "high")
BUDDY_BANDS = {"order_0": (0, 0), "order_1_3": (1, 3), "order_4_8": (4, 8), "order_9_10": (9, 10)}
"""Orders of free blocks that are told apart: to PAGE_ALLOC_COSTLY_ORDER, below a huge page, from
there to MAX_ORDER - 1."""


def columns(result: Result) -> dict[str, Column]:
    """Every line that can be plotted of a run, at the times of its samples 1 to n-1.

    ``t_s`` is always there; it is empty when the run has no series.
    """
    times = _sample_times(result)
    out = {"t_s": Column("s", times[1:] / NSEC_PER_SEC)}
    if len(times) < 2:
        return out
    dt_s = np.diff(times) / NSEC_PER_SEC
    for part in (
        _machine_columns, _throughput_columns, _list_columns, _watermark_columns, _buddy_columns,
        _memcg_columns,
    ):  # fmt: skip
        out.update(part(result, times, dt_s))
    return out


def _sample_times(result: Result) -> np.ndarray:
    if not result.has("series") or "t_ns" not in result.series:
        return np.zeros(0, np.int64)
    return np.asarray(result.series["t_ns"], np.int64)


def _gauge(values: np.ndarray, factor: float = 1) -> np.ndarray:
    gauge: np.ndarray = np.asarray(values[1:], np.float64) * factor
    return gauge


def _rate(values: np.ndarray, dt_s: np.ndarray, factor: float = 1) -> np.ndarray:
    # The difference is taken before the conversion: float64 loses ns counters above 2^53.
    rate: np.ndarray = np.asarray(np.diff(values), np.float64) * factor / dt_s
    return rate


def _machine_columns(result: Result, _times: np.ndarray, dt_s: np.ndarray) -> dict[str, Column]:
    series = result.series
    out: dict[str, Column] = {}
    for name, counter in _MEMORY_GAUGES.items():
        if counter in series:
            out[name] = Column("MiB", _gauge(series[counter], PAGE_MIB))
    for name, (unit, counter) in _GAUGES.items():
        if counter in series:
            out[name] = Column(unit, _gauge(series[counter]))
    for name, (unit, counter, factor) in _RATES.items():
        if counter in series:
            out[name] = Column(unit, _rate(series[counter], dt_s, factor))
    for name, (unit, over, under, factor) in _RATIOS.items():
        if all(counter in series for counter in over + under):
            out[name] = Column(unit, _ratio(series, over, under) * factor)
    if "seeks_per_s.read" in out and "seeks_per_s.write" in out:
        both = out["seeks_per_s.read"].values + out["seeks_per_s.write"].values
        out["seeks_per_s"] = Column("seeks/s", both)
    return out


def _ratio(
    series: dict[str, np.ndarray], over: tuple[str, ...], under: tuple[str, ...]
) -> np.ndarray:
    top = np.sum([np.diff(series[name]) for name in over], axis=0)
    bottom = np.sum([np.diff(series[name]) for name in under], axis=0)
    return _divide(top, bottom)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Element by element; NaN where there is nothing to divide by."""
    quotient = np.full(len(bottom), np.nan)
    np.divide(top, bottom, out=quotient, where=bottom != 0)
    return quotient


def _throughput_columns(result: Result, times: np.ndarray, dt_s: np.ndarray) -> dict[str, Column]:
    """Written by each issuer: completed requests, else pages put under writeback."""
    if result.has("io"):
        return _io_columns(result, times, dt_s)
    return {
        f"write_mib_per_s.{who}": Column(
            "MiB/s", _rate(result.series[f"written_{who}"], dt_s, PAGE_MIB)
        )
        for who in ISSUERS
        if f"written_{who}" in result.series
    }


def _io_columns(result: Result, times: np.ndarray, dt_s: np.ndarray) -> dict[str, Column]:
    io = result.io
    # Interval i is (times[i], times[i+1]]: a request that ends on a sample belongs before it.
    interval = np.searchsorted(times, io["t_done_ns"], side="left") - 1
    inside = (interval >= 0) & (interval < len(dt_s))

    def per_s(chosen: np.ndarray, weight: np.ndarray | None, factor: float) -> np.ndarray:
        pick = inside & chosen
        weights = None if weight is None else weight[pick]
        rate: np.ndarray = np.bincount(interval[pick], weights, len(dt_s)) * factor / dt_s
        return rate

    writes = io["write"] == 1
    out = {
        f"write_mib_per_s.{who}": Column(
            "MiB/s", per_s(writes & (io["issuer"] == code), io["nr_sectors"], SECTOR_MIB)
        )
        for who, code in ISSUERS.items()
    }
    if "requests_written" not in result.series:
        out["write_mib_per_s"] = Column("MiB/s", per_s(writes, io["nr_sectors"], SECTOR_MIB))
        out["read_mib_per_s"] = Column("MiB/s", per_s(~writes, io["nr_sectors"], SECTOR_MIB))
        out["write_requests_per_s"] = Column("requests/s", per_s(writes, None, 1))
        out["read_requests_per_s"] = Column("requests/s", per_s(~writes, None, 1))
        out["write_request_kib_mean"] = Column("KiB", _io_request_kib(out, "write"))
        out["read_request_kib_mean"] = Column("KiB", _io_request_kib(out, "read"))
        if len(io) and (io["positioned"] >= 0).all():
            out["seeks_per_s"] = Column("seeks/s", per_s(io["positioned"] == 1, None, 1))
    return out


def _io_request_kib(out: dict[str, Column], direction: str) -> np.ndarray:
    mib = out[f"{direction}_mib_per_s"].values
    return _divide(mib * 1024, out[f"{direction}_requests_per_s"].values)


def _list_columns(result: Result, _times: np.ndarray, dt_s: np.ndarray) -> dict[str, Column]:
    """Ways of pages that have no counter of their own but follow exactly from those that have.

    A page that is scanned is isolated until it is reclaimed or put back: a batch under way at a
    sample is neither yet. What the lists grow by, and what reclaim took, has come to them; pages
    that were freed otherwise (a task or a file that ended) count against it.
    """
    series = result.series
    moved = {
        "put_back_pages_per_s": (_SCANNED, (*_RECLAIMED, *_ISOLATED)),
        "came_pages_per_s": ((*_LISTS, *_ISOLATED, *_RECLAIMED), ()),
        **{
            f"writeback_pages_per_s.{who}": (tuple(f"written_{one}" for one in issuers), ())
            for who, issuers in _WRITERS.items()
        },
    }
    out = {}
    for name, (plus, minus) in moved.items():
        if all(counter in series for counter in plus + minus):
            total = np.sum([series[counter] for counter in plus], axis=0)
            if minus:
                total = total - np.sum([series[counter] for counter in minus], axis=0)
            out[name] = Column("pages/s", _rate(total, dt_s))
    return out


def _watermark_columns(result: Result, times: np.ndarray, _dt_s: np.ndarray) -> dict[str, Column]:
    """Zones, and the sums of their watermarks as level lines."""
    out: dict[str, Column] = {}
    zones: dict[str, dict[str, Any]] = result.meta.get("zones") or {}
    n = len(times) - 1
    for mark in _WMARKS:
        levels = [zone[f"{mark}_pages"] for zone in zones.values() if f"{mark}_pages" in zone]
        if levels:
            out[f"wmark_mib.{mark}"] = Column("MiB", np.full(n, sum(levels) * PAGE_MIB))
    for name, zone in zones.items():
        for mark in _WMARKS:
            if f"{mark}_pages" in zone:
                level = zone[f"{mark}_pages"] * PAGE_MIB
                out[f"zone.{name}.wmark_{mark}_mib"] = Column("MiB", np.full(n, level))
    for name, field, values in _grouped(result, "zone."):
        if field in _ZONE_FIELDS:
            column = f"zone.{name}.{_ZONE_FIELDS[field]}"
            out[column] = Column("MiB", _gauge(values, PAGE_MIB))
    return out


def _buddy_columns(result: Result, _times: np.ndarray, _dt_s: np.ndarray) -> dict[str, Column]:
    """Free memory of all zones by order of its blocks, as /proc/buddyinfo counts them."""
    prefix = "free_blocks_order"
    by_order: dict[int, np.ndarray] = {}
    for _, field, blocks in _grouped(result, "zone."):
        if field.startswith(prefix):
            order = int(field.removeprefix(prefix))
            by_order[order] = by_order.get(order, 0) + (np.asarray(blocks, np.int64) << order)
    out = {}
    for band, (low, high) in BUDDY_BANDS.items():
        parts = [by_order[order] for order in range(low, high + 1) if order in by_order]
        if parts:
            out[f"buddy_mib.{band}"] = Column("MiB", _gauge(np.sum(parts, axis=0), PAGE_MIB))
    return out


def _memcg_columns(result: Result, _times: np.ndarray, dt_s: np.ndarray) -> dict[str, Column]:
    out: dict[str, Column] = {}
    for name, field, values in _grouped(result, "memcg."):
        if field in _MEMCG_FIELDS:
            column, unit, factor, is_rate = _MEMCG_FIELDS[field]
            line = _rate(values, dt_s, factor) if is_rate else _gauge(values, factor)
            out[f"memcg.{name}.{column}"] = Column(unit, line)
    return out


def _grouped(result: Result, prefix: str) -> Iterator[tuple[str, str, np.ndarray]]:
    """Series named ``<prefix><owner>.<field>``."""
    for name, values in result.series.items():
        if name.startswith(prefix):
            owner, _, field = name[len(prefix) :].rpartition(".")
            yield owner, field, values
