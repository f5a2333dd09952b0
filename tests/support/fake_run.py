"""A stand-in for ``sim.runner``: the same signature, plausible arrays, no machine behind them.

The seed says what happens: ``SLOW + n`` spends n ms on each chunk, ``FAILS`` raises, ``DIES`` is
killed, ``DEAF`` never looks at ``should_stop``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sim import MODEL_VERSION
from sim.machine.vmstat import GAUGES, NAMES
from sim.replay import Replay
from sim.result import IO_LOG, SLEEP, STALL, Result
from sim.scenario import Scenario
from tests.support.synthetic_result import victims_of

FAILS, DIES, DEAF, SLOW = 666, 667, 668, 10_000
CHUNK_NS = 1_000_000_000
MS = 1_000_000


def run(
    scenario: Scenario,
    *,
    on_chunk: Callable[[Result], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    trace: Callable[[int], Replay] | None = None,
) -> Result:
    for group in scenario.workloads:
        assert not group.trace or (trace and trace(group.trace).rows), "a trace without its upload"
    result = whole(scenario)
    duration = result.duration_ns
    for t0 in range(0, duration, CHUNK_NS):
        _misbehave(scenario.seed, t0)
        if should_stop is not None and should_stop():
            break
        if on_chunk is not None:
            on_chunk(cut(result, t0, min(duration, t0 + CHUNK_NS)))
    return result


def _misbehave(seed: int, t0: int) -> None:
    if seed >= SLOW:
        time.sleep((seed - SLOW) / 1000)
    if t0 == 0:
        return
    if seed == FAILS:
        raise ArithmeticError("the fake was asked to fail")
    if seed == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == DEAF:
        time.sleep(60)


def cut(result: Result, t0: int, t1: int) -> Result:
    """The chunk of one slice of simulated time."""
    t = result.series["t_ns"]
    lo, hi = np.searchsorted(t, t0, "right") - 1, np.searchsorted(t, t1, "right")
    series = {name: values[lo:hi] for name, values in result.series.items()}

    def ended(records: np.ndarray, name: str) -> np.ndarray:
        return records[(records[name] > t0) & (records[name] <= t1)]

    return replace(
        result,
        meta={**result.meta, "t0_ns": t0, "t1_ns": t1},
        series=series,
        counters={name: int(series[name][-1]) for name in NAMES},
        io=ended(result.io, "t_done_ns"),
        stalls=ended(result.stalls, "t_end_ns"),
        sleeps=ended(result.sleeps, "t_end_ns"),
    )


def whole(scenario: Scenario) -> Result:
    """The run that the seed stands for."""
    rng = np.random.default_rng(scenario.seed)
    duration = scenario.duration_ms * MS
    step = scenario.sample_interval_ms * MS
    t = np.arange(0, duration + 1, step, dtype=np.int64)
    series = {"t_ns": t}
    for name in NAMES:
        if name in GAUGES:
            level = 5000 + np.cumsum(rng.integers(-200, 200, len(t)))
            series[name] = np.clip(level, 0, None).astype(np.int64)
        else:
            series[name] = np.cumsum(rng.integers(0, 2000, len(t))).astype(np.int64)
    for order in range(11):
        series[f"zone.DMA32.free_blocks_order{order}"] = series["nr_free_pages"] // 11 >> order
    names = ["root", *(g.name for g in scenario.memcgs)]
    for name in names:
        for field in ("usage", "limit", "nr_dirty", "failcnt", "stall_ns"):
            series[f"memcg.{name}.{field}"] = np.cumsum(rng.integers(0, 50, len(t)))
    return Result(
        meta=_meta(scenario, duration, names),
        series=series,
        counters={name: int(series[name][-1]) for name in NAMES},
        io=_io(rng, duration),
        stalls=_stalls(rng, duration, len(names)),
        sleeps=_sleeps(rng, duration),
        tasks=[{"name": f"writer-{i}", "memcg": "root"} for i in range(4)],
        victims=victims_of(np.random.default_rng(scenario.seed), len(names)),
    )


def _meta(scenario: Scenario, duration: int, names: list[str]) -> dict[str, Any]:
    return {
        "duration_ns": duration,
        "source": "simulated",
        "title": "",
        "scenario": scenario.to_dict(),
        "digest": scenario.digest(),
        "model_version": MODEL_VERSION,
        "seed": scenario.seed,
        "memcgs": names,
        "zones": {
            "DMA32": {
                "present_pages": 255_000, "min_pages": 1000, "low_pages": 1250, "high_pages": 1500,
            }
        },
        "disk": {"capacity_sectors": 312_581_808},
        "note": "",
    }  # fmt: skip


def _io(rng: np.random.Generator, duration: int) -> np.ndarray:
    n = max(1, duration // (5 * MS))
    io = np.zeros(n, IO_LOG)
    io["t_done_ns"] = np.sort(rng.integers(1, duration, n))
    io["t_issue_ns"] = io["t_done_ns"] - rng.integers(MS, 10 * MS, n)
    io["t_queue_ns"] = io["t_issue_ns"] - rng.integers(0, 100 * MS, n)
    io["sector"] = rng.integers(0, 312_000_000, n)
    io["nr_sectors"] = rng.integers(1, 128, n) * 8
    for name, high in (("write", 2), ("sync", 2), ("issuer", 8), ("positioned", 2)):
        io[name] = rng.integers(0, high, n)
    io["queue_depth"] = rng.integers(0, 128, n)
    return io


def _stalls(rng: np.random.Generator, duration: int, nr_memcgs: int) -> np.ndarray:
    n = max(1, duration // (50 * MS))
    stalls = np.zeros(n, STALL)
    stalls["t_end_ns"] = np.sort(rng.integers(1, duration, n))
    length = (10 ** rng.uniform(3, 8, n)).astype(np.int64)
    stalls["t_begin_ns"] = np.maximum(0, stalls["t_end_ns"] - length)
    stalls["kind"] = rng.integers(0, 3, n)
    stalls["priority"] = rng.integers(0, 13, n)
    stalls["memcg"] = rng.integers(0, nr_memcgs, n)
    stalls["nr_scanned"] = rng.integers(0, 4096, n)
    return stalls


def _sleeps(rng: np.random.Generator, duration: int) -> np.ndarray:
    n = max(1, duration // (40 * MS))
    sleeps = np.zeros(n, SLEEP)
    sleeps["t_end_ns"] = np.sort(rng.integers(1, duration, n))
    sleeps["t_begin_ns"] = np.maximum(0, sleeps["t_end_ns"] - rng.integers(1, 100 * MS, n))
    sleeps["cause"] = rng.integers(2, 12, n)
    return sleeps
