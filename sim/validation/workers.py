"""Runs of several seeds in two processes; only numbers come back, never a whole run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from sim.result import Result
from sim.runner import run
from sim.scenario import Scenario, WorkloadKind

WORKERS = 2
T = TypeVar("T")


def simulated(
    scenarios: Sequence[Scenario],
    measure: Callable[[Result], T],
    workers: int = WORKERS,
    until_over: Sequence[WorkloadKind | None] = (),
) -> Iterator[T]:
    """``measure`` of each scenario's run, in order, as they are ready.

    Args:
        scenarios: what to run.
        measure: a function at the top of a module, for it is named to other processes.
        workers: processes; 1 runs here.
        until_over: of each scenario, the kind with whose tasks it ends; empty: none.
    """
    ends = until_over or [None] * len(scenarios)
    if workers < 2 or len(scenarios) < 2:
        for scenario, end in zip(scenarios, ends, strict=True):
            yield measure(run(scenario, until_over=end))
        return
    # Started afresh, for a forked process would share numba's locks.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        yield from pool.map(_measured, scenarios, ends, [measure] * len(scenarios))
    finally:
        pool.shutdown(cancel_futures=True)


def _measured(scenario: Scenario, end: WorkloadKind | None, measure: Callable[[Result], T]) -> T:
    return measure(run(scenario, until_over=end))
