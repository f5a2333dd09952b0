"""Runs of several seeds in two processes; only numbers come back, never a whole run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from sim.result import Result
from sim.runner import run
from sim.scenario import Scenario

WORKERS = 2
T = TypeVar("T")


def simulated(
    scenarios: Sequence[Scenario], measure: Callable[[Result], T], workers: int = WORKERS
) -> Iterator[T]:
    """``measure`` of each scenario's run, in order, as they are ready.

    Args:
        scenarios: what to run.
        measure: a function at the top of a module, for it is named to other processes.
        workers: processes; 1 runs here.
    """
    if workers < 2 or len(scenarios) < 2:
        for scenario in scenarios:
            yield measure(run(scenario))
        return
    # Started afresh, for a forked process would share numba's locks.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        yield from pool.map(_measured, scenarios, [measure] * len(scenarios))
    finally:
        pool.shutdown(cancel_futures=True)


def _measured(scenario: Scenario, measure: Callable[[Result], T]) -> T:
    return measure(run(scenario))
