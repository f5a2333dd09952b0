"""A run of the 2.6.36 set: its summary, request log, 1 s samples and trace, found by one name.

t = 0 is the first request or the first sample, whichever came first (they lie 1 to 50 ms apart).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from sim.result import PRESENT, Result
from sim.traces import ftrace
from sim.traces.blklog import request_log
from sim.traces.errors import TraceError
from sim.traces.facts import DISK_2_6_36, VARIANTS, ZONES_2_6_36
from sim.traces.ftrace import io_counters
from sim.traces.linux_6_1 import find, load_json, window_ns
from sim.traces.series import SAMP, groups, last_counters, named
from sim.traces.source import MAX_BYTES, Source
from sim.traces.tables import attempt, bare_result, missing, read_table
from sim.units import NSEC_PER_SEC, PAGE_SIZE

KERNEL = "2.6.36"
NAME = re.compile(
    r"(?P<workload>[a-z]+\d*)_(?P<fs>[a-z0-9]+)_v(?P<variant>\d{1,3})_r(?P<run>\d{1,3})"
    r"(?P<stack>_stk)?(?P<extra>[A-Za-z0-9_]*)"
)
_CONTEXTS = ("kswapd", "direct", "memcg")
_ISSUERS = {  # pw.X: our counter; kjournald is in "other"
    "kswapd": "written_kswapd", "direct": "written_direct", "memcg": "written_memcg",
    "flusher": "written_flusher", "other": "written_other", "bdp": "written_dirtier",
}  # fmt: skip
_SUMS = {
    "qkeep": "queue_congested_keep", "skip_dirty": "dirty_skipped", "rng_calls": "range_calls",
    "rng_pages": "range_pages", "lumpy_waits": "lumpy_waits",
}  # fmt: skip
_STACK_CLASSES = {0: "kswapd", 1: "direct", 2: "memcg", 3: "flusher"}
_STACK = re.compile(r"class (\d) max (\d{1,6}) comm")
_KINDS = {"seqw": "seqw", "mmapd": "mmap", "anon": "anon", "smallf": "small", "randw": "randw"}
_HIST_SHIFT = 10  # X.hist[i] ends at 2^(i + 10) ns
MAX_BUCKETS = 48
_ENDINGS = ("blklog.csv", "samp.txt", "vmscan_trace.txt")


def run_of(path: Path) -> tuple[Path, str] | None:
    """(folder of the set, run name) of results/NAME.json, or of NAME without any ending."""
    if path.name.endswith(".json"):
        return _root(path.parent), path.name[: -len(".json")]
    if not path.exists() and NAME.fullmatch(path.name):
        for folder in (path.parent, path.parent.parent):
            if (folder / "results" / f"{path.name}.json").is_file() or _siblings(folder, path.name):
                return folder, path.name
    return None


def _root(folder: Path) -> Path:
    return folder.parent if folder.name in ("results", "traces") else folder


def _siblings(root: Path, name: str) -> dict[str, Path]:
    found = {
        ending: find(folder, f"{name}.{ending}")
        for ending in _ENDINGS
        for folder in (root / "traces", root)
        if find(folder, f"{name}.{ending}")
    }
    return {ending: path for ending, path in found.items() if path is not None}


def read_run(
    root: Path, name: str, max_bytes: int = MAX_BYTES, summary: Path | None = None
) -> Result:
    """Everything that is there of one run.

    Args:
        root: the set's folder, or the one that holds all files.
        name: of the run.
        max_bytes: limit of each file, after decompression.
        summary: the results file, when it has another name.

    Raises:
        TraceError: nothing is, or it cannot be used.
    """
    in_results, beside = root / "results" / f"{name}.json", root / f"{name}.json"
    summary_path = summary or (in_results if in_results.is_file() else beside)
    problems: list[str] = []
    data: dict[str, Any] = {}
    if summary_path.is_file():
        data = attempt(problems, load_json, summary_path) or {}
    files = _siblings(root, name)
    io, io_origin = None, None
    columns: dict[str, np.ndarray] = {}
    if "blklog.csv" in files:
        log = attempt(problems, request_log, files["blklog.csv"], max_bytes)
        if log is not None:
            io, io_origin, damage = log
            problems += damage
    if "samp.txt" in files:
        table = attempt(problems, read_table, Source(files["samp.txt"], max_bytes), SAMP)
        if table is not None:
            columns = table[0]
            problems += table[1].sentences()
    if not data and io is None and not columns:
        raise TraceError(root / name, 0, problems[0] if problems else "no such run")
    times = next(iter(columns.values()), np.zeros(0, np.int64))
    origins = [int(times[0])] if len(times) else []
    origins += [io_origin] if io_origin is not None else []
    begin = min(origins, default=0)
    result = bare_result(root / name, 1, kernel=KERNEL, problems=problems)
    if columns:
        result.series = named(columns)
        result.series["t_ns"] = times - begin
        result.counters = last_counters(result.series)
        result.families["series"] = PRESENT
    else:
        result.families["series"] = missing("no samp file that can be used")
    result.families["io"] = missing("no blklog file that can be used") if io is None else PRESENT
    if io is not None and io_origin is not None:
        for column in ("t_issue_ns", "t_done_ns"):
            io[column] += io_origin - begin
        result.io = io
        result.counters |= io_counters(io, issue_order=False)
    _describe(result, name, data, groups(columns), summary_path)
    _fill_traces(result, files, begin, max_bytes)
    ends = [int(times[-1]) - begin] if len(times) else []
    ends += [int(result.io["t_done_ns"].max())] if len(result.io) else []
    ends += [int(result.stalls["t_end_ns"].max())] if len(result.stalls) else []
    if not result.counters:
        raise TraceError(root / name, 0, [*result.meta["problems"], "holds nothing of a run"][0])
    window = result.meta.pop("window_ns")
    result.meta["duration_ns"] = max(ends or [window])
    result.families["counters"] = PRESENT
    return result


def _describe(
    result: Result, name: str, data: dict[str, Any], memcgs: list[str], path: Path
) -> None:
    match = NAME.fullmatch(name)
    variant = int(match["variant"]) if match else 0
    what = f"{match['workload']}, {VARIANTS.get(variant, f'v{variant}')}" if match else name
    run = int(match["run"]) if match else 0
    stack = ", stack tracer on" if match and match["stack"] else ""
    result.meta |= {
        "title": f"Linux {KERNEL}, {what}, run {run}{stack}", "seed": run, "variant": variant,
        "memcgs": ["root", *memcgs], "disk": dict(DISK_2_6_36), "window_ns": 1,
    }  # fmt: skip
    for family in ("stalls", "sleeps"):
        result.families[family] = missing("only histograms and totals")
    result.families["trace"] = missing("no trace of this run")
    result.families["tasks"] = missing("no results file")
    if not data:
        return
    try:
        _fill_summary(result, data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        why = f"no results of a 2.6.36 run: {str(error)[:80]}"
        result.meta["problems"].append(str(TraceError(path, 0, why)))


def _fill_summary(result: Result, data: dict[str, Any]) -> None:
    stat = data["simstat"]
    mem = str(data.get("mem", ""))
    result.meta["zones"] = ZONES_2_6_36.get(mem, {})
    result.meta["mem"] = mem
    result.meta["settings"] = str(data.get("extra") or "")
    result.meta["window_ns"] = window_ns(data["window_s"])
    result.meta["stall_hist"] = {
        name: {
            "edges_ns": [
                1 << (i + _HIST_SHIFT) for i in range(len(stat[f"{key}.hist"][:MAX_BUCKETS]))
            ],
            "counts": [int(n) for n in stat[f"{key}.hist"][:MAX_BUCKETS]],
        }
        for name, key in (("direct", "direct"), ("memcg", "memcg"), ("balance_dirty", "bdp"))
        if f"{key}.hist" in stat
    }
    result.meta["stall_max_ns"] = {
        "direct": int(stat["direct.stall_max"]), "memcg": int(stat["memcg.stall_max"]),
        "balance_dirty": int(stat["bdp.max"]),
    }  # fmt: skip
    result.meta["bio_stack_bytes"] = {
        key[len("depth.") :]: int(value)
        for key, value in stat.items() if key.startswith("depth.")
    }  # fmt: skip
    result.meta["operation_latency"] = _latencies(data.get("proc", {}))
    result.counters |= _counters(data) | _stack_counters(data.get("stacks", []))
    result.tasks = [
        {
            "name": name, "pid": -1, "kind": _KINDS.get(name.partition(":")[2], "other"),
            "memcg": result.meta["memcgs"][-1],
        }
        for name in data.get("proc", {})
    ]  # fmt: skip
    result.families["tasks"] = PRESENT
    limit = _memcg_stat(data, "hierarchical_memory_limit")
    for memcg in result.meta["memcgs"][1:]:
        if limit is not None and "t_ns" in result.series:
            pages = np.full(len(result.series["t_ns"]), limit // PAGE_SIZE, np.int64)
            result.series[f"memcg.{memcg}.limit"] = pages


def _counters(data: dict[str, Any]) -> dict[str, int]:
    """simstat, vmstat and the workloads' own numbers under the names of ``vmstat.NAMES``."""
    stat, vm = data["simstat"], data.get("vmstat_delta", {})
    out = {
        ours: int(stat[f"pw.{theirs}.file"]) + int(stat[f"pw.{theirs}.swap"])
        for theirs, ours in _ISSUERS.items()
    }
    out |= {ours: sum(int(stat[f"{w}.{key}"]) for w in _CONTEXTS) for key, ours in _SUMS.items()}
    for who in _CONTEXTS:
        for theirs, ours in [
            ("cw_calls", "congestion_waits"), ("cw_ns", "congestion_wait_ns"),
            ("wpns", "writepage_ns"),
        ]:  # fmt: skip
            # Counted inside try_to_free_pages alone, as "scanned" is: of kswapd both are 0 always.
            if who != "kswapd" or theirs == "wpns":
                out[f"{who}_{ours}"] = int(stat[f"{who}.{theirs}"])
        out[f"dirty_met_{who}"] = int(stat[f"{who}.saw_dirty"])
        out[f"writeback_met_{who}"] = int(stat[f"{who}.saw_wb"])
        # The recording does not tell sync from async: reclaim of order 0 writes async only.
        how = "_async" if who == "direct" else ""
        out[f"{who}_write_file{how}"] = int(stat[f"{who}.wp_file"])
        out[f"{who}_write_anon{how}"] = int(stat[f"{who}.wp_anon"])
    for who in ("direct", "memcg"):
        out[f"{who}_reclaims"] = int(stat[f"{who}.reclaims"])
        out[f"{who}_stall_ns"] = int(stat[f"{who}.stall_ns"])
    out["pgscan_memcg"] = int(stat["memcg.scanned"])
    out["pgsteal_memcg"] = int(stat["memcg.reclaimed"])
    if vm:
        for who in ("kswapd", "direct"):
            keys = (f"pgscan_{who}_dma", f"pgscan_{who}_dma32")
            out[f"pgscan_{who}"] = sum(int(vm.get(key, 0)) for key in keys)
        out["pgsteal_kswapd"] = int(vm.get("kswapd_steal", 0))
        stolen = int(vm.get("pgsteal_dma", 0)) + int(vm.get("pgsteal_dma32", 0))
        out["pgsteal_direct"] = stolen - out["pgsteal_kswapd"] - out["pgsteal_memcg"]
        out["pgrefill"] = int(vm.get("pgrefill_dma", 0)) + int(vm.get("pgrefill_dma32", 0))
        for same in (
            "pgactivate", "pgdeactivate", "pgfault", "pgmajfault", "pswpin", "pswpout",
            "allocstall", "pageoutrun", "kswapd_low_wmark_hit_quickly",
            "kswapd_high_wmark_hit_quickly", "kswapd_skip_congestion_wait",
        ):  # fmt: skip
            out[same] = int(vm.get(same, 0))  # a counter that did not move is not listed
        out["pgrotated"] = int(vm.get("pgrotated", 0))
    out["nr_vmscan_write"] = int(data["nr_vmscan_write"])
    out["balance_dirty_calls"] = int(stat["bdp.calls"])
    out["balance_dirty_ns"] = int(stat["bdp.ns"])
    out["oom_kills"] = int(data.get("oom", 0))
    failcnt = data.get("mcgstat", [])
    if len(failcnt) % 2 and str(failcnt[-1]).isdecimal():
        out["memcg_failcnt"] = int(failcnt[-1])
    return out | _app_counters(data.get("proc", {}))


def _app_counters(proc: dict[str, Any]) -> dict[str, int]:
    out = dict.fromkeys(
        ("app_pages_written", "app_pages_read", "app_pages_touched", "app_files_created"), 0
    )
    for name, numbers in proc.items():
        kind = _KINDS.get(name.partition(":")[2], "other")
        pages = int(numbers["bytes"]) // PAGE_SIZE
        if kind in ("seqw", "randw", "small"):
            out["app_pages_written"] += pages
        elif kind in ("mmap", "anon"):
            out["app_pages_touched"] += pages
        if kind == "small":
            out["app_files_created"] += int(numbers["ops"])
    return out


def _latencies(proc: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Quantiles (us) and the longest (ns) of each process's operations."""
    return {
        name: {
            "ops": int(numbers["ops"]), "max_ns": int(numbers["max"]),
            "quantile_us": {str(q): int(us) for q, us in numbers.get("us_pct", {}).items()},
        }
        for name, numbers in proc.items()
    }  # fmt: skip


def _stack_counters(stacks: list[Any]) -> dict[str, int]:
    """Deepest stack of each context, where the stack tracer was on."""
    found = [m for line in stacks if (m := _STACK.match(str(line)))]
    deepest = {int(m[1]): int(m[2]) for m in found}
    if not deepest:
        return {}
    out = {"stack_bytes_max": max(deepest.values())}
    return out | {
        f"stack_bytes_max_{who}": deepest[code]
        for code, who in _STACK_CLASSES.items() if code in deepest
    }  # fmt: skip


def _memcg_stat(data: dict[str, Any], key: str) -> int | None:
    words = [str(word) for word in data.get("mcgstat", [])]
    if key not in words[:-1]:
        return None
    value = words[words.index(key) + 1]
    return int(value) if value.isdecimal() and len(value) < 18 else None


def _fill_traces(result: Result, files: dict[str, Path], begin_ns: int, max_bytes: int) -> None:
    """The vmscan trace: rows, and the stalls of the time it covers (the end of the window)."""
    if "vmscan_trace.txt" not in files:
        return
    trace_path = files["vmscan_trace.txt"]
    events = attempt(result.meta["problems"], ftrace.collect, trace_path, max_bytes)
    if events is None:
        result.families["trace"] = missing(f"{trace_path.name} cannot be used")
        return
    part = bare_result(trace_path, 1)
    ftrace.fill(part, events, begin_ns)
    result.trace, result.stalls, result.tasks = part.trace, part.stalls, part.tasks
    result.families["trace"] = result.families["tasks"] = PRESENT
    since = (events.reader.first_ns - begin_ns) / NSEC_PER_SEC
    why = f"only histograms and totals; the trace has those from {since:.1f} s on"
    result.families["stalls"] = missing(why)
    result.meta["trace_counters"] = part.counters
    result.meta["trace_unmatched"] = part.meta["unmatched"]
    result.meta["problems"] += part.meta["problems"]
