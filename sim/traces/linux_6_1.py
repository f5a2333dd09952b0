"""A run folder of the 6.1 set: trace, 250 ms series, summary and settings of one boot.

t = 0 is the last sample before the first event, so that every event lies behind a sample.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from sim.result import PRESENT, Result
from sim.traces import ftrace
from sim.traces.errors import TraceError
from sim.traces.ftrace_events import EventCollector
from sim.traces.series import SERIES, groups, last_counters, named
from sim.traces.source import MAX_BYTES, Source
from sim.traces.tables import attempt, bare_result, missing, read_table
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, PAGE_SIZE

KERNEL = "6.1"
MAX_SETTINGS_BYTES = 4 << 20
MAX_RUN_S = 1_000_000
_ZONE = re.compile(
    r"^zone (\w{1,16}) pages: free=(\d{1,12}) min=(\d{1,12}) low=(\d{1,12}) high=(\d{1,12})"
    r" present=(\d{1,12}) managed=(\d{1,12})$", re.MULTILINE,
)  # fmt: skip
_LIMIT = re.compile(r"^cgroup: .*= (\d{1,6}) MiB", re.MULTILINE)
_VERSION = re.compile(r"^kernel: Linux (\S{1,40})", re.MULTILINE)
DISK = {"capacity_sectors": (4 << 30) // 512}


def is_run(folder: Path) -> bool:
    """Whether a folder holds a trace or the series of a run."""
    return find(folder, "trace.txt") is not None or find(folder, "series.csv") is not None


def find(folder: Path, name: str) -> Path | None:
    """A file, compressed or not."""
    candidates = (folder / f"{name}{ending}" for ending in (".xz", ".gz", ""))
    return next((path for path in candidates if path.is_file()), None)


def read_run(folder: Path, max_bytes: int = MAX_BYTES) -> Result:
    """The folder as one Result.

    Raises:
        TraceError: neither trace nor series can be used.
    """
    trace, series = find(folder, "trace.txt"), find(folder, "series.csv")
    problems: list[str] = []
    events = attempt(problems, ftrace.collect, trace, max_bytes) if trace else None
    columns: dict[str, np.ndarray] = {}
    if series:
        table = attempt(problems, read_table, Source(series, max_bytes), SERIES)
        if table is not None:
            columns = table[0]
            problems += table[1].sentences()
    if not columns and events is None:
        why = problems[0] if problems else "holds neither trace.txt nor series.csv"
        raise TraceError(folder, 0, why)
    first_event = events.reader.first_ns if events else None
    last_event = events.reader.last_ns if events else None
    cut = _around(columns, first_event, last_event)
    times = next(iter(cut.values()), np.zeros(0, np.int64))
    known = [t for t in (first_event, *times[:1].tolist()) if t is not None]
    begin, end = min(known), max([*times[-1:].tolist(), last_event or 0])
    result = bare_result(folder, max(end - begin, 1), kernel=KERNEL, problems=problems)
    settings = _settings(folder, result)
    result.meta["memcgs"] = ["root", *groups(columns)]
    if cut:
        result.series = named(cut)
        result.series["t_ns"] = times - begin
        result.counters = last_counters(result.series)
        result.families["series"] = result.families["counters"] = PRESENT
        _add_limits(result, settings)
    if events is not None:
        _add_events(result, events, begin)
    else:
        for family in ("io", "stalls", "sleeps", "trace", "tasks"):
            result.families[family] = missing("no trace.txt that can be used")
    if not cut:
        result.families["series"] = missing("no series.csv that can be used")
    return result


def _around(
    columns: dict[str, np.ndarray], first_ns: int | None, last_ns: int | None
) -> dict[str, np.ndarray]:
    """Rows from the last one before the first event to the first one after the last."""
    if not columns or first_ns is None or last_ns is None:
        return columns
    times = next(iter(columns.values()))
    begin = max(int(np.searchsorted(times, first_ns, side="right")) - 1, 0)
    end = int(np.searchsorted(times, last_ns, side="left")) + 1
    if end - begin < 1:
        return {}
    return {name: values[begin:end] for name, values in columns.items()}


def _add_events(result: Result, events: EventCollector, begin_ns: int) -> None:
    sampled = dict(result.counters)
    ftrace.fill(result, events, begin_ns)
    names = result.meta["memcgs"]
    if len(names) == 1 and (result.stalls["memcg"] == 1).any():
        names.append("memcg")
    elif len(names) > 2:
        in_memcg = result.stalls["memcg"] == 1
        result.stalls["memcg"][in_memcg] = -1  # the trace does not say whose limit it was
    ftrace.place_tasks(result)
    if result.series:
        counted = ftrace.event_series(result, events, begin_ns, result.series["t_ns"])
        result.series |= counted
        # What neither reclaim nor the flusher wrote: fsync, the journal's ordered data.
        known = ("kswapd", "direct", "memcg", "flusher")
        if "pages_cleaned" in sampled and all(f"written_{w}" in result.counters for w in known):
            rest = sampled["pages_cleaned"] - sum(result.counters[f"written_{w}"] for w in known)
            result.counters["written_unknown"] = max(rest, 0)


def _settings(folder: Path, result: Result) -> dict[str, Any]:
    """What config.txt, workload.txt and summary.json say about the run, into ``meta``."""
    problems = result.meta["problems"]
    config = _text(folder / "config.txt", problems)
    zones = {
        name: {
            "present_pages": int(present), "managed_pages": int(managed), "free_pages": int(free),
            "min_pages": int(low_mark), "low_pages": int(low), "high_pages": int(high),
        }
        for name, free, low_mark, low, high, present, managed in _ZONE.findall(config)
    }  # fmt: skip
    version, limit = _VERSION.search(config), _LIMIT.search(config)
    summary = _summary(folder, problems)
    conditions = summary.get("conditions")
    run = conditions.get("run") if isinstance(conditions, dict) else None
    quality = summary.get("quality")
    result.meta |= {
        "title": f"Linux {KERNEL}, {folder.name}", "zones": zones, "disk": dict(DISK),
        "kernel_release": version.group(1) if version else "",
        "seed": run if isinstance(run, int) else 0,
        "note": " ".join(_text(folder / "workload.txt", problems).split())[:1000],
        "quality": quality if isinstance(quality, dict) else {},
    }  # fmt: skip
    latency = summary.get("syscall_latency_ms")
    writes = latency.get("lat_write") if isinstance(latency, dict) else None
    if isinstance(writes, dict):
        result.meta["write_latency_ms"] = {
            name: float(value)
            for name, value in writes.items()
            if isinstance(value, int | float) and name in ("p50", "p99", "max")
        }
    return {"limit_pages": int(limit.group(1)) * (1 << 20) // PAGE_SIZE if limit else 0}


def _add_limits(result: Result, settings: dict[str, Any]) -> None:
    for name in result.meta["memcgs"][1:]:
        if settings["limit_pages"]:
            shape = len(result.series["t_ns"])
            limit = np.full(shape, settings["limit_pages"], np.int64)
            result.series[f"memcg.{name}.limit"] = limit


def _text(path: Path, problems: list[str]) -> str:
    if not path.is_file():
        return ""
    text = attempt(problems, Source(path, MAX_SETTINGS_BYTES).text) or b""
    return text.decode("utf-8", "replace")


def _summary(folder: Path, problems: list[str]) -> dict[str, Any]:
    path = folder / "summary.json"
    return (attempt(problems, load_json, path) or {}) if path.is_file() else {}


def load_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        TraceError: it is none.
    """
    try:
        data = json.loads(Source(path, MAX_SETTINGS_BYTES).text())
    except json.JSONDecodeError as error:
        raise TraceError(path, error.lineno, f"no JSON: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(path, 0, "no JSON text") from None
    if not isinstance(data, dict):
        raise TraceError(path, 0, "no JSON object")
    return data


def window_ns(seconds: Any) -> int:
    """Length of a run, ns.

    Raises:
        ValueError: none that a recording could have.
    """
    if not isinstance(seconds, int | float) or not 0 < seconds < MAX_RUN_S:
        raise ValueError(f"a window of {str(seconds)[:40]} s")
    return round(seconds * NSEC_PER_SEC)


def read_summary(path: Path) -> Result:
    """summary.json alone: counters and histograms.

    Raises:
        TraceError: it lacks what a summary has.
    """
    data = load_json(path)
    try:
        result = bare_result(path, window_ns(data["trace_span_s"]), kernel=KERNEL)
        result.counters = _summary_counters(data)
        result.meta["stall_hist"] = {
            who: {
                "edges_ns": [
                    round(float(edge.lstrip("<=")) * NSEC_PER_MSEC)
                    for edge in call["hist_ms"] if edge.startswith("<=")
                ],
                "counts": [int(n) for n in call["hist_ms"].values()],
            }
            for who, call in data["reclaim_calls"].items()
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TraceError(path, 0, f"no summary of a 6.1 run: {str(error)[:80]}") from None
    result.meta["title"] = f"Linux {KERNEL}, {data.get('run', path.stem)}"
    result.families["counters"] = PRESENT
    result.families["stalls"] = missing("only histograms and totals")
    return result


def _summary_counters(data: dict[str, Any]) -> dict[str, int]:
    counters: dict[str, int] = {}
    for who in ("kswapd", "direct", "memcg"):
        shrink = data["shrink_inactive"].get(who, {})
        for ours, theirs in [
            ("pgscan", "nr_scanned"), ("pgsteal", "nr_reclaimed"), ("dirty_met", "nr_dirty"),
            ("writeback_met", "nr_writeback"),
        ]:  # fmt: skip
            counters[f"{ours}_{who}"] = int(shrink.get(theirs, 0))
        total = data["reclaim_totals"].get(who, {})
        if who != "kswapd":
            counters[f"{who}_reclaims"] = int(total.get("calls", 0))
            counters[f"{who}_stall_ns"] = round(total.get("stall_ms", 0) * NSEC_PER_MSEC)
        throttled = [v for k, v in data["reclaim_throttle"].items() if k.startswith(f"{who}:")]
        waits = [t["delay_ms"] for t in throttled]
        counters[f"{who}_congestion_waits"] = sum(int(w["n"]) for w in waits)
        slept_ms = sum(float(w["sum"]) for w in waits)
        counters[f"{who}_congestion_wait_ns"] = round(slept_ms * NSEC_PER_MSEC)
    pauses = data["balance_dirty_pages"]["pause_ms"].values()
    counters["balance_dirty_pauses"] = sum(int(p["n"]) for p in pauses)
    counters["balance_dirty_ns"] = round(sum(float(p["sum"]) for p in pauses) * NSEC_PER_MSEC)
    kswapd = data["kswapd"]
    counters["kswapd_wakeups"] = int(kswapd["wakes"]) - int(kswapd["rewakes"])
    counters["kswapd_rewakeups"] = int(kswapd["rewakes"])
    awake_ms = float(kswapd["awake_ms"].get("sum", 0)) + float(kswapd["open_ms"])
    counters["kswapd_awake_ns"] = round(awake_ms * NSEC_PER_MSEC)
    for name, letter in (("read", "R"), ("written", "W")):
        requests = [v["sectors"] for k, v in data["block"]["requests"].items() if letter in k]
        key = "requests_read" if name == "read" else "requests_written"
        counters[key] = sum(int(r["n"]) for r in requests)
        counters[f"sectors_{name}"] = sum(int(r["sum"]) for r in requests)
    return counters
