"""Rows of the published tables as formulas over the metrics of a run."""

from __future__ import annotations

from typing import NamedTuple

from sim.observe.metrics import METRICS, metrics
from sim.result import Result
from sim.scenario import WorkloadKind
from sim.units import NSEC_PER_MSEC
from sim.validation.restated import Report, Restated

WORK, ELAPSED = "work", "elapsed_ms"
WOKEN = "kswapd woken"
WAKE_REQUESTS = "wake_kswapd_requests"
"""Beside the metrics: operations done, how long the run was or its work took, and how often a
sleeping or napping kswapd was woken."""


class Formula(NamedTuple):
    """A row: one sum over another."""

    top: tuple[str, ...]
    bottom: tuple[str, ...] = (WORK,)


_DIRECT = ("direct_reclaim_pages_scanned_traced",)
_KSWAPD = ("kswapd_pages_scanned_traced",)
_FREED = ("direct_reclaim_pages_reclaimed", "kswapd_pages_reclaimed")
_KSWAPD_WRITES = ("kswapd_write_file_async", "kswapd_write_anon_async")
_DIRECT_WRITES = (
    "direct_reclaim_write_file_async", "direct_reclaim_write_anon_async",
    "direct_reclaim_write_file_sync", "direct_reclaim_write_anon_sync",
)  # fmt: skip

FORMULAS: dict[str, Formula] = {
    "Direct reclaims": Formula(("direct_reclaims",)),
    "Direct reclaim pages scanned": Formula(_DIRECT),
    "Direct reclaim pages reclaimed": Formula(("direct_reclaim_pages_reclaimed",)),
    "Direct reclaim write async I/O": Formula(_DIRECT_WRITES[:2]),
    "Direct reclaim write sync I/O": Formula(_DIRECT_WRITES[2:]),
    "Direct reclaim write file async I/O": Formula(_DIRECT_WRITES[:1]),
    "Direct reclaim write anon async I/O": Formula(_DIRECT_WRITES[1:2]),
    "Direct reclaim write file sync I/O": Formula(_DIRECT_WRITES[2:3]),
    "Direct reclaim write anon sync I/O": Formula(_DIRECT_WRITES[3:]),
    "Wake kswapd requests": Formula((WAKE_REQUESTS,)),
    "Kswapd wakeups": Formula(("kswapd_wakeups",)),
    "Kswapd pages scanned": Formula(_KSWAPD),
    "Kswapd pages reclaimed": Formula(("kswapd_pages_reclaimed",)),
    "Kswapd reclaim write async I/O": Formula(_KSWAPD_WRITES),
    "Kswapd reclaim write file async I/O": Formula(_KSWAPD_WRITES[:1]),
    "Kswapd reclaim write anon async I/O": Formula(_KSWAPD_WRITES[1:]),
    "Time stalled direct reclaim (s)": Formula(("direct_reclaim_stall_ms_total",)),
    "Time kswapd awake (s)": Formula(("kswapd_awake_ms",)),
    "Direct congestion_wait number": Formula(("direct_congestion_waits",)),
    "Direct congestion_wait time (ms)": Formula(("direct_congestion_wait_ms",)),
    "Direct conditional (wait_iff) number": Formula(("wait_iff_congested_calls",)),
    "Kswapd congestion_wait number": Formula(("kswapd_congestion_waits",)),
    "Kswapd congestion_wait time (ms)": Formula(("kswapd_congestion_wait_ms",)),
    "Swap Ins": Formula(("swap_in",)),
    "Swap Outs": Formula(("swap_out",)),
    "Page writes by reclaim": Formula(("nr_vmscan_write",)),
    "Page writes skipped": Formula(("dirty_pages_skipped",)),
    "Page reclaim invalidate": Formula(("nr_vmscan_immediate",)),
    "Page reclaim throttled": Formula(("writeback_throttles",)),
    "Total pages scanned": Formula((*_DIRECT, *_KSWAPD)),
    "Total pages reclaimed": Formula(_FREED),
    "Total elapsed time (s)": Formula((ELAPSED,)),
    "Files/s mean": Formula((WORK,), (ELAPSED,)),
    "Kswapd efficiency %": Formula(("kswapd_pages_reclaimed",), _KSWAPD),
    "Direct efficiency %": Formula(("direct_reclaim_pages_reclaimed",), _DIRECT),
    "Kswapd velocity (pages/s)": Formula(_KSWAPD, (ELAPSED,)),
    "Direct velocity (pages/s)": Formula(_DIRECT, (ELAPSED,)),
    "Percentage direct scans": Formula(_DIRECT, (*_DIRECT, *_KSWAPD)),
    "% pages scanned/reclaimed": Formula(_FREED, (*_DIRECT, *_KSWAPD)),
    "% pages scanned/written": Formula((*_DIRECT_WRITES, *_KSWAPD_WRITES), (*_DIRECT, *_KSWAPD)),
    "% time kswapd awake": Formula(("kswapd_awake_ms",), (ELAPSED,)),
    "Pass 1 (% huge alloc)": Formula(
        ("highorder_alloc_success",), ("highorder_alloc_success", "highorder_alloc_failed")
    ),
}
"""Row to formula."""
NO_FORMULA = {
    "User/Sys": "the CPU time of the programs themselves is not modelled",
    "direct reclaim": "has the CPU time of the programs in it, which is not modelled",
    "Overhead": "the CPU time of the programs themselves is not modelled",
    "Page": "counts metadata, whose pages are not modelled",
    "sysbench tps": "the runs have eight threads, and files of their own for each",
    "Pass 2": "one pass is run",
    "At Rest": "one pass is run",
}
"""Word in a row's name to the reason why the model has no number for it."""

Numbers = dict[str, float | None]


def measured(result: Result) -> Numbers:
    """Metrics of one run, the operations of each kind and how long each kind took."""
    numbers: Numbers = dict(metrics(result))
    for kind in WorkloadKind:
        tasks = [task for task in result.tasks if task.get("kind") == str(kind)]
        if not tasks:
            continue
        numbers[f"{WORK} {kind}"] = float(sum(task["ops"] for task in tasks))
        if all(task["finished"] for task in tasks):
            lives = (t["run_ns"] + t["runnable_ns"] + sum(t["sleep_ns"].values()) for t in tasks)
            numbers[f"{ELAPSED} {kind}"] = max(lives) / NSEC_PER_MSEC
    woken = [result.counters.get(f"kswapd_{n}") for n in ("wakeups", "low_wmark_hit_quickly")]
    numbers[WOKEN] = float(sum(n or 0 for n in woken)) if None not in woken else None
    numbers[ELAPSED] = result.duration_ns / NSEC_PER_MSEC
    return numbers


def value(name: str, restated: Restated, numbers: Numbers) -> float | None:
    """A row's number; None where there is no formula, or something in it was not measured."""
    formula = FORMULAS.get(name)
    if formula is None or _is_absent(name, restated):
        return None
    known = dict(numbers)
    kind = restated.work
    if kind is None:
        known[WORK] = numbers.get(ELAPSED)
    else:
        known[WORK] = numbers.get(f"{WORK} {kind}")
        known[ELAPSED] = numbers.get(f"{ELAPSED} {kind}", numbers.get(ELAPSED))
    top, bottom = (_sum(names, known, restated.report) for names in formula)
    return top / bottom if top is not None and bottom else None


def _is_absent(name: str, restated: Restated) -> bool:
    return any(word in name for word in restated.absent)


def _sum(names: tuple[str, ...], numbers: Numbers, report: Report) -> float | None:
    if report is not Report.JUNE_2010:
        names = tuple(name.removesuffix("_traced") for name in names)
    if report is Report.JULY_2011:
        names = tuple(WOKEN if name == WAKE_REQUESTS else name for name in names)
    values = [v for name in names if (v := numbers.get(name)) is not None]
    return float(sum(values)) if len(values) == len(names) else None


def why_missing(name: str, restated: Restated) -> str:
    """Why a row of a restated table has no number."""
    if _is_absent(name, restated):
        return "what else ran there and was swapped is unknown, so nothing anonymous is run"
    if name in FORMULAS:
        return "was not measured, or there was nothing to divide by"
    return next(reason for word, reason in NO_FORMULA.items() if word in name)


def unknown_metrics() -> set[str]:
    """Names in the formulas that are no metric; empty but for a mistake."""
    names = {name for formula in FORMULAS.values() for names in formula for name in names}
    plain = {name.removesuffix("_traced") for name in names}
    return (names | plain) - METRICS.keys() - {WORK, ELAPSED}
