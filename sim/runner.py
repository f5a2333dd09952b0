"""``run(scenario) -> Result``: the only way to a simulated Result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sim import MODEL_VERSION
from sim.build import Simulation, build
from sim.machine.machine import IO_LOG_LOST, STALL_LOST, TRACE_LOST
from sim.machine.request import IO_LOG
from sim.machine.stall import STALL
from sim.machine.tracepoints import TRACE
from sim.machine.victim import victims
from sim.observe.files import extents
from sim.replay import Replay
from sim.replay_store import stored_trace
from sim.result import SLEEP, Result, SleepCause
from sim.scenario import Scenario, ScenarioError, WorkloadKind
from sim.warm import warm_scenarios

FIRST_SLICE_NS = 200_000_000
TARGET_SLICE_WALL_S = 0.08
"""A slice of simulated time is chosen to take about this long, so that a run can be stopped."""


class RunStopped(Exception):
    """``should_stop`` said so; nothing of the run is kept."""


def run(
    scenario: Scenario,
    *,
    on_chunk: Callable[[Result], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    until_over: WorkloadKind | None = None,
    trace: Callable[[int], Replay] = stored_trace,
) -> Result:
    """Simulate one scenario.

    Args:
        scenario: what to run.
        on_chunk: called with the Result of each slice of simulated time, in order; its series
            begin with the last row of the slice before.
        should_stop: asked between slices.
        trace: finds an uploaded trace by its number.
        until_over: end the run early, with a slice of 200 ms, when all tasks of this kind are over.

    Raises:
        ScenarioError: the scenario is not valid; names field and limit.
        RunStopped: ``should_stop`` returned True.
    """
    problems = scenario.validate()
    if problems:
        raise ScenarioError(problems[0])
    simulation = build(scenario, trace)
    end_ns = scenario.duration_ms * 1_000_000
    now_ns, slice_ns = 0, FIRST_SLICE_NS
    interval_ns = scenario.sample_interval_ms * 1_000_000
    taken = _Taken()
    while now_ns < end_ns:
        if should_stop is not None and should_stop():
            raise RunStopped
        begun = time.perf_counter()
        if until_over is not None:
            slice_ns = min(slice_ns, FIRST_SLICE_NS)
        target_ns = min(now_ns + max(slice_ns // interval_ns, 1) * interval_ns, end_ns)
        simulation.system.engine.run_until(target_ns)
        if until_over is not None and _all_over(simulation, until_over):
            end_ns = target_ns
        wall_s = max(time.perf_counter() - begun, 1e-4)
        grow = min(max(TARGET_SLICE_WALL_S / wall_s, 0.25), 4.0)
        slice_ns = int((target_ns - now_ns) * grow)
        if target_ns >= end_ns:
            simulation.system.engine.finish()
        simulation.sampler.empty_logs()
        if on_chunk is not None:
            on_chunk(_result(simulation, scenario, now_ns, target_ns, taken))
        now_ns = target_ns
    result = _result(simulation, scenario, 0, end_ns, _Taken())
    result.meta["duration_ns"] = end_ns
    result.extents = extents(simulation.system.arrays)
    return result


def _all_over(simulation: Simulation, kind: WorkloadKind) -> bool:
    pairs = zip(simulation.system.engine.tasks, simulation.task_info, strict=True)
    return all(task.finished for task, info in pairs if info["kind"] == str(kind))


class _Taken:
    """How much of the logs earlier chunks held."""

    def __init__(self) -> None:
        self.rows = 0
        self.logs = {"io": 0, "trace": 0, "stalls": 0, "sleeps": 0}


def _result(
    simulation: Simulation, scenario: Scenario, begin_ns: int, end_ns: int, taken: _Taken
) -> Result:
    sampler = simulation.sampler
    first = max(taken.rows - 1, 0)
    rows = np.array(sampler.rows[first:], np.int64).reshape(-1, len(sampler.columns))
    taken.rows = len(sampler.rows)
    series = {name: rows[:, i].copy() for i, name in enumerate(sampler.columns)}
    arrays = {}
    empty = {"io": IO_LOG, "trace": TRACE, "stalls": STALL, "sleeps": SLEEP}
    for name, dtype in empty.items():
        parts = sampler.logs[name][taken.logs[name] :]
        taken.logs[name] = len(sampler.logs[name])
        arrays[name] = np.concatenate(parts, dtype=dtype) if parts else np.zeros(0, dtype)
    counters = sampler.counters()
    return Result(
        meta=simulation.meta
        | {
            "t0_ns": begin_ns,
            "t1_ns": end_ns,
            "duration_ns": scenario.duration_ms * 1_000_000,
            "model_version": MODEL_VERSION,
            "lost": _lost(simulation),
        },
        series=series,
        counters=counters,
        io=arrays["io"],
        stalls=arrays["stalls"],
        sleeps=arrays["sleeps"],
        trace=_in_order(arrays["trace"]),
        tasks=_tasks(simulation),
        victims=victims(simulation.system.arrays.victim),
    )


def _in_order(trace: np.ndarray) -> np.ndarray:
    """CPUs' clocks differ by a quantum at most: by time, then by order of writing."""
    return trace[np.argsort(trace["t_ns"], kind="stable")]


def _lost(simulation: Simulation) -> dict[str, int]:
    clock = simulation.system.clock
    return {"io": clock[IO_LOG_LOST], "trace": clock[TRACE_LOST], "stalls": clock[STALL_LOST]}


def _tasks(simulation: Simulation) -> list[dict[str, Any]]:
    system = simulation.system
    latency = system.arrays.latency
    tasks = []
    for task, info in zip(system.engine.tasks, simulation.task_info, strict=True):
        t = task.number
        counts = latency[t]
        tasks.append(
            {"comm": info["name"], "pid": int(system.tcol["pid"][t])}
            | info
            | {
                "run_ns": task.run_ns,
                "runnable_ns": task.runnable_ns,
                "sleep_ns": {
                    SleepCause(cause).name.lower(): ns
                    for cause, ns in sorted(task.sleep_ns.items())
                },
                "finished": task.finished,
                "ops": int(counts.sum()),
                "op_max_ns": int(system.tcol["op_max_ns"][t]),
                "latency": {int(i): int(counts[i]) for i in np.flatnonzero(counts)},
            }
        )
    return tasks


def warm() -> None:
    """Run a little of everything, so that every kernel is compiled and on disk."""
    for _, scenario in warm_scenarios():
        run(scenario)
