"""Sampled counters of both sets: 250 ms rows of 6.1 (csv) and 1 s rows of 2.6.36 (samp).

A column gets our name (``sim.machine.vmstat``) where it is the same quantity in the same unit;
any other is kept as ``recorded.<its name>``, pressure stall information as ``psi.*`` (us).
Counters are differences from the first row, gauges stay as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.result import PRESENT, Result
from sim.traces.source import MAX_BYTES, Source
from sim.traces.tables import Layout, bare_result, read_table
from sim.units import NSEC_PER_MSEC, NSEC_PER_USEC, PAGE_SIZE

SERIES = Layout("t_us", b",", NSEC_PER_USEC, hexadecimal="bdi.state")
SAMP = Layout("t", None, NSEC_PER_MSEC, decimals=3)

_GAUGES = {
    "nr_free_pages": "nr_free_pages", "nr_inactive_anon": "nr_inactive_anon",
    "nr_active_anon": "nr_active_anon", "nr_inactive_file": "nr_inactive_file",
    "nr_active_file": "nr_active_file", "nr_dirty": "nr_file_dirty",
    "nr_writeback": "nr_writeback", "nr_dirty_threshold": "dirty_thresh_pages",
    "nr_dirty_background_threshold": "background_thresh_pages",
}  # fmt: skip
_COUNTERS = {
    "pswpin": ("pswpin", 1), "pswpout": ("pswpout", 1), "pgactivate": ("pgactivate", 1),
    "pgfault": ("pgfault", 1), "pgmajfault": ("pgmajfault", 1),
    "pgscan_kswapd": ("pgscan_kswapd", 1), "pgscan_direct": ("pgscan_direct", 1),
    "pgsteal_kswapd": ("pgsteal_kswapd", 1), "pgsteal_direct": ("pgsteal_direct", 1),
    "kswapd_steal": ("pgsteal_kswapd", 1), "allocstall": ("allocstall", 1),
    "pageoutrun": ("pageoutrun", 1), "nr_vmscan_write": ("nr_vmscan_write", 1),
    "kswapd_low_wmark_hit_quickly": ("kswapd_low_wmark_hit_quickly", 1),
    "kswapd_high_wmark_hit_quickly": ("kswapd_high_wmark_hit_quickly", 1),
    "nr_dirtied": ("pages_dirtied", 1), "nr_written": ("pages_cleaned", 1),
    "ds.rd_ios": ("requests_read", 1), "ds.wr_ios": ("requests_written", 1),
    "ds.rd_sect": ("sectors_read", 1), "ds.wr_sect": ("sectors_written", 1),
    "ds.io_ms": ("disk_busy_ns", NSEC_PER_MSEC),
}  # fmt: skip
# Fields of a cgroup: ours, divisor. Bytes become pages; v1 and v2 have different names.
_MEMCG_GAUGES = {
    "cache": ("nr_file", PAGE_SIZE), "file": ("nr_file", PAGE_SIZE),
    "rss": ("nr_anon", PAGE_SIZE), "anon": ("nr_anon", PAGE_SIZE),
    "dirty": ("nr_dirty", PAGE_SIZE), "file_dirty": ("nr_dirty", PAGE_SIZE),
    "writeback": ("nr_writeback", PAGE_SIZE), "file_writeback": ("nr_writeback", PAGE_SIZE),
    "memory.usage_in_bytes": ("usage", PAGE_SIZE), "memory.current": ("usage", PAGE_SIZE),
}  # fmt: skip
_MEMCG_COUNTERS = {"memory.failcnt": "failcnt", "pgscan": "pgscan", "pgsteal": "pgsteal"}
# Gauges among the rest; everything else that is kept counts from the first row.
_OTHER_GAUGES = ("nr_", "mi.", "bdi.", "ds.inflight", "cg_")
_NOT_AVAILABLE = {"pgrotate"}  # -1 in every samp


def read_series(path: Path, max_bytes: int = MAX_BYTES) -> Result:
    """A 250 ms csv alone.

    Raises:
        TraceError: no row of it can be used.
    """
    columns, problems = read_table(Source(path, max_bytes), SERIES)
    return _result(path, columns, problems.sentences())


def read_samp(path: Path, max_bytes: int = MAX_BYTES) -> Result:
    """A 1 s samp of 2.6.36 alone.

    Raises:
        TraceError: no row of it can be used.
    """
    columns, problems = read_table(Source(path, max_bytes), SAMP)
    return _result(path, columns, problems.sentences(), kernel="2.6.36")


def _result(
    path: Path, columns: dict[str, np.ndarray], problems: list[str], kernel: str = "unknown"
) -> Result:
    times = next(iter(columns.values()))
    result = bare_result(path, int(max(times[-1] - times[0], 1)), kernel=kernel)
    result.series = named(columns)
    result.series["t_ns"] = times - times[0]
    result.counters = last_counters(result.series)
    result.families["series"] = result.families["counters"] = PRESENT
    result.meta |= {
        "title": f"Series {path.name}", "problems": problems, "clock_origin_ns": int(times[0]),
        "memcgs": ["root", *groups(columns)],
    }  # fmt: skip
    return result


def groups(columns: dict[str, np.ndarray]) -> list[str]:
    """Names of the cgroups that have columns."""
    found = {name[3:].partition(".")[0] for name in columns if name.startswith("cg_")}
    if "memcg_usage" in columns and columns["memcg_usage"].max() > 0:
        found.add("g1")
    return sorted(found)


def named(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns under our names; ``t_ns`` as it was recorded."""
    first, *rest = columns
    out = {"t_ns": columns[first]}
    stall_columns = [name for name in rest if name.startswith("allocstall_")]
    for name in rest:
        values = columns[name]
        if name.startswith("cg_"):
            _memcg_column(name, values, out)
        elif name in _GAUGES:
            out[_GAUGES[name]] = values
        elif name in _COUNTERS:
            ours, factor = _COUNTERS[name]
            out[ours] = _since_first(values) * factor
        elif name.startswith("psi."):
            out[name] = _since_first(values)
        elif name not in _NOT_AVAILABLE and name not in stall_columns and name != "memcg_usage":
            gauge = name.startswith(_OTHER_GAUGES)
            out[f"recorded.{name}"] = values if gauge else _since_first(values)
    if stall_columns:
        total = np.sum([columns[name] for name in stall_columns], axis=0)
        out["allocstall"] = _since_first(total)
    if "memcg_usage" in columns and columns["memcg_usage"].max() > 0:
        out["memcg.g1.usage"] = columns["memcg_usage"] // PAGE_SIZE
    _reclaim_columns(columns, out)
    return out


def _since_first(values: np.ndarray) -> np.ndarray:
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return np.asarray(values - known[0])


def _memcg_column(name: str, values: np.ndarray, out: dict[str, np.ndarray]) -> None:
    group, _, field = name[3:].partition(".")
    if field in _MEMCG_GAUGES:
        ours, unit = _MEMCG_GAUGES[field]
        out[f"memcg.{group}.{ours}"] = values // unit
    elif field in _MEMCG_COUNTERS:
        out[f"memcg.{group}.{_MEMCG_COUNTERS[field]}"] = _since_first(values)
    elif field.startswith("psi."):
        out[f"psi.{group}.{field[4:]}"] = _since_first(values)
    else:
        out[f"recorded.{name}"] = values


def _reclaim_columns(columns: dict[str, np.ndarray], out: dict[str, np.ndarray]) -> None:
    """Scanned and reclaimed pages by context, where the kernel's columns sum over some of them."""

    def grown(*names: str) -> np.ndarray | None:
        if any(name not in columns for name in names):
            return None
        total = np.sum([columns[name] for name in names], axis=0)
        return _since_first(total)

    if "pgscan_kswapd_dma32" in columns:  # 2.6.36: by zone; memcg reclaim is in no pgscan_*
        for who in ("kswapd", "direct"):
            scanned = grown(f"pgscan_{who}_dma32", f"pgscan_{who}_dma")
            if scanned is not None:
                out[f"pgscan_{who}"] = scanned
        stolen = grown("pgsteal_dma32", "pgsteal_dma")
        if stolen is not None and "pgsteal_kswapd" in out and "pgscan_direct" in out:
            rest = stolen - out["pgsteal_kswapd"]
            # Nothing tells direct from memcg reclaim but that one of them did not happen.
            direct = out["pgscan_direct"][-1] > 0
            out["pgsteal_direct"] = rest if direct else np.zeros_like(rest)
            out["pgsteal_memcg"] = np.zeros_like(rest) if direct else rest
        return
    # Later kernels: pgscan_file and _anon hold every context, memcg reclaim has no other place.
    everything = grown("pgscan_anon", "pgscan_file")
    if everything is not None and "pgscan_kswapd" in out and "pgscan_direct" in out:
        out["pgscan_memcg"] = everything - out["pgscan_kswapd"] - out["pgscan_direct"]


def last_counters(series: dict[str, np.ndarray]) -> dict[str, int]:
    """The counters of the machine at the last sample."""
    ours = {name for name, _ in _COUNTERS.values()} | {
        f"{what}_{who}" for what in ("pgscan", "pgsteal") for who in ("kswapd", "direct", "memcg")
    }
    counters = {
        name: int(series[name][-1])
        for name in sorted(ours)
        if name in series and series[name].dtype.kind == "i"
    }
    failures = [
        int(values[-1])
        for name, values in series.items()
        if name.endswith(".failcnt") and values.dtype.kind == "i"
    ]
    return counters | ({"memcg_failcnt": sum(failures)} if failures else {})
