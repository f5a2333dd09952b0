"""The recorded Linux 6.1 against the model with the rules of that kernel.

One workload, one sequential writer, three places: no limit (S1), a container of cgroup v1 (S4), one
of cgroup v2 (S5X). Two recordings of each: their spread is a lower bound. The recorded writer ends
with its file, ours goes on to the end of the window, so amounts are per GiB that it wrote. What the
README of the recordings says never to compare (CPU cost of reclaim, times of calls that met clean
pages only, awake time of kswapd) has no row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim import traces
from sim.machine.stall import STALL_DIRECT, STALL_MEMCG
from sim.observe.tables import latency_summary
from sim.result import Result
from sim.scenario import Scenario
from sim.traces import Recording
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, PAGE_SIZE
from sim.validation.observables import (
    Number,
    Observable,
    average_kb,
    disk_rate,
    seconds,
    sequential_share,
    total,
    written_requests,
)
from sim.validation.recorded import Row
from sim.validation.score import P99, SPREAD, range_of, ratio, verdict
from sim.validation.workers import WORKERS, simulated

NAME = "linux-6.1"
PLACES = ("S1", "S4", "S5X")
_MIB = 1 << 20
_CPU_TIME = {("S5X", "stall"), ("S5X", "stall p99")}
"""Reclaim there met clean pages only: its time is that of the emulated CPU."""


def _stall_p99_ms(result: Result) -> Number:
    """Of direct and memcg reclaim calls."""
    stalls = result.stalls[np.isin(result.stalls["kind"], (STALL_DIRECT, STALL_MEMCG))]
    lengths = (stalls["t_end_ns"] - stalls["t_begin_ns"]) / NSEC_PER_MSEC
    return float(np.percentile(lengths, 99)) if len(lengths) else None


def _dirty_mib(result: Result) -> Number:
    """Mean over the run of dirty pages and those under writeback."""
    series = result.series
    if "nr_file_dirty" not in series or "nr_writeback" not in series:
        return None
    pages = series["nr_file_dirty"] + series["nr_writeback"]
    return float(np.mean(pages)) * PAGE_SIZE / _MIB


def _memcg_dirty_mib(result: Result) -> Number:
    names = [f"memcg.{name}" for name in result.meta["memcgs"][1:2]]
    found = [name for name in names if f"{name}.nr_dirty" in result.series]
    if not found:
        return None
    pages = result.series[f"{found[0]}.nr_dirty"] + result.series[f"{found[0]}.nr_writeback"]
    return float(np.mean(pages)) * PAGE_SIZE / _MIB


def _kswapd_share(result: Result) -> Number:
    by_kswapd = result.counters.get("pgsteal_kswapd", 0)
    others = sum(result.counters.get(f"pgsteal_{who}", 0) for who in ("direct", "memcg"))
    return by_kswapd / (by_kswapd + others) if by_kswapd + others else None


def _busy_share(result: Result) -> Number:
    return result.counters.get("disk_busy_ns", 0) / result.duration_ns


def _write_ms(percent: str) -> Callable[[Result], Number]:
    """Of every write(2) of 64 KiB."""

    def measure(result: Result) -> Number:
        recorded = result.meta.get("write_latency_ms")
        if recorded is not None:
            return float(recorded[percent]) if percent in recorded else None
        tasks = latency_summary(result)
        return getattr(tasks[0], f"{percent}_us") / 1000 if tasks else None

    return measure


def _throttled(result: Result) -> Number:
    if result.meta.get("source") == "recorded":
        return float(sum(result.counters.get(f"{w}_congestion_waits", 0) for w in _WAITERS))
    return float(sum(result.counters[name] for name in _THROTTLES))


_WAITERS = ("direct", "memcg")
_THROTTLES = (
    "throttled_writeback", "throttled_isolated", "throttled_noprogress", "throttled_congested",
)  # fmt: skip

_RECLAIMERS = ("kswapd", "direct", "memcg")


def _each(what: str) -> Callable[[Result], Number]:
    return total(*(f"{what}_{who}" for who in _RECLAIMERS))


def _met(result: Result) -> Number:
    """Dirty or under writeback; 6.1 traces the sum as nr_dirty."""
    dirty, writeback = _each("dirty_met")(result), _each("writeback_met")(result)
    if dirty is None or writeback is None or result.meta.get("source") == "recorded":
        return dirty
    return dirty + writeback


def _per_gib(measure: Callable[[Result], Number]) -> Callable[[Result], Number]:
    """Per GiB that the writer wrote."""

    def measured_(result: Result) -> Number:
        value, pages = measure(result), result.counters.get("app_pages_written", 0)
        return value * (1 << 30) / (pages * PAGE_SIZE) if value is not None and pages else None

    return measured_


def _app_rate(result: Result) -> Number:
    pages = result.counters.get("app_pages_written", 0)
    return float(pages * PAGE_SIZE / 1e6 * NSEC_PER_SEC / result.duration_ns)


def _amount(name: str, unit: str, measure: Callable[[Result], Number], floor: float) -> Observable:
    return Observable(name, f"{unit}/GiB", _per_gib(measure), floor, SPREAD)


OBSERVABLES: tuple[Observable, ...] = (
    _amount("reclaim calls", "calls", total("direct_reclaims", "memcg_reclaims"), 50),
    _amount("scanned", "pages", _each("pgscan"), 500),
    _amount("reclaimed", "pages", _each("pgsteal"), 500),
    Observable("kswapd's share", "", _kswapd_share, 0.01, SPREAD),
    _amount("dirty or writeback met", "pages", _met, 500),
    _amount("under writeback met", "pages", _each("writeback_met"), 500),
    _amount("written by reclaim", "pages", _each("written"), 100),
    _amount("stall", "s", seconds("direct_stall_ns", "memcg_stall_ns"), 0.1),
    Observable("stall p99", "ms", _stall_p99_ms, 1, P99),
    _amount("throttled", "times", _throttled, 10),
    _amount(
        "throttled for", "s", seconds("direct_congestion_wait_ns", "memcg_congestion_wait_ns"), 0.1
    ),
    _amount("dirty pauses", "times", total("balance_dirty_pauses"), 20),
    _amount("dirty pauses for", "s", seconds("balance_dirty_ns"), 0.1),
    Observable("write() p50", "ms", _write_ms("p50"), 0.1, P99),
    Observable("write() p99", "ms", _write_ms("p99"), 1, P99),
    _amount("write requests", "requests", written_requests, 10),
    Observable("average write", "KiB", average_kb(), 1, SPREAD),
    Observable("sequential share", "", sequential_share, 0.005, SPREAD),
    Observable("disk", "MB/s", disk_rate, 0.5, SPREAD),
    Observable("busy share", "", _busy_share, 0.01, SPREAD),
    Observable("app", "MB/s", _app_rate, 0.5, SPREAD),
    Observable("dirty and writeback", "MiB", _dirty_mib, 0.5, SPREAD),
    Observable("the container's", "MiB", _memcg_dirty_mib, 0.5, SPREAD),
)


def measured(result: Result) -> dict[str, Number]:
    """Every observable of one run by name."""
    return {o.name: o.measure(result) for o in OBSERVABLES}


def groups(folder: Path) -> dict[str, list[Recording]]:
    """The recorded runs of each place.

    Raises:
        TraceError: the folder cannot be read.
    """
    found: dict[str, list[Recording]] = {}
    for recording in traces.catalogue(folder):
        if recording.kernel == "6.1" and recording.workload in PLACES:
            found.setdefault(recording.workload, []).append(recording)
    return {place: found[place] for place in PLACES if place in found}


def parameters(folder: Path) -> list[dict[str, Any]]:
    """Every parameter of each place's first run, with its source."""
    return [
        {"workload": place, "variant": "6.1", "field": f.field, "value": f.value,
         "source": f.source}
        for place, recordings in groups(folder).items()
        for f in traces.facts_of(recordings[0])
    ]  # fmt: skip


def table(folder: Path, seeds: int, workers: int = WORKERS) -> list[Row]:
    """All rows.

    Raises:
        TraceError: the folder or a recording in it cannot be read.
    """
    here = groups(folder)
    wanted = {place: _scenarios(found, seeds) for place, found in here.items()}
    runs = simulated([s for some in wanted.values() for s in some], measured, workers)
    rows: list[Row] = []
    for place, recordings in here.items():
        real = [measured(traces.read(recording.path)) for recording in recordings]
        ours = [next(runs) for _ in wanted[place]]
        for o in OBSERVABLES:
            if (place, o.name) in _CPU_TIME:
                continue
            recorded = range_of(run[o.name] for run in real)
            model = range_of(run[o.name] for run in ours)
            rows.append(
                Row(
                    place, "6.1", o.name, o.unit, recorded, model,
                    ratio(recorded, model, o.floor), verdict(recorded, model, o.kind, o.floor),
                )
            )  # fmt: skip
    return rows


def _scenarios(recordings: list[Recording], seeds: int) -> list[Scenario]:
    known = [s for s in map(traces.scenario_for, recordings) if s is not None]
    return [replace(known[i % len(known)], seed=i + 1) for i in range(seeds)]
