"""Share of a run's time outside compiled kernels, over the presets with a modelled hard disk.

Every call of the control plane into a compiled function is timed and added up (the clock itself
costs about 0.1 us a call, which counts as outside); what is left of the run's wall time is Python:
generators, the event heap, samples, building the machine, the Result.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.dispatcher import Dispatcher

DURATION_MS = 10_000


class _Timed:
    """A compiled function that adds up its time."""

    total_s = 0.0
    calls = 0

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return self.function(*arguments)
        finally:
            _Timed.total_s += time.perf_counter() - began
            _Timed.calls += 1


@contextmanager
def _timed_kernels() -> Iterator[None]:
    """For a while, every compiled function that a module of ``sim`` names is timed."""
    kernels = [
        (module, key, value)
        for name, module in list(sys.modules.items())
        if name.startswith("sim.")
        for key, value in list(vars(module).items())
        if isinstance(value, Dispatcher)
    ]
    for module, key, value in kernels:
        setattr(module, key, _Timed(value))
    try:
        yield
    finally:
        for module, key, value in kernels:
            setattr(module, key, value)


def main() -> int:
    """Print the table."""
    from dataclasses import replace

    from sim.presets import PRESETS
    from sim.runner import run
    from sim.scenario import DiskModel

    presets = {
        name: replace(p.scenario, duration_ms=min(p.scenario.duration_ms, DURATION_MS))
        for name, p in PRESETS.items()
        if p.scenario.disk.model == DiskModel.HDD_7200
    }
    for scenario in presets.values():
        run(scenario)  # compiled and loaded before anything is replaced
    print(f"{'preset':24}{'wall s':>8}{'kernels s':>11}{'calls':>10}{'outside':>9}")
    walls = kernels = 0.0
    with _timed_kernels():
        for name, scenario in presets.items():
            _Timed.total_s, _Timed.calls = 0.0, 0
            began = time.perf_counter()
            run(scenario)
            wall = time.perf_counter() - began
            walls, kernels = walls + wall, kernels + _Timed.total_s
            share = 1 - _Timed.total_s / wall
            print(
                f"{name:24}{wall:8.2f}{_Timed.total_s:11.2f}{_Timed.calls:10d}{100 * share:8.1f}%"
            )
    print(f"{'all':24}{walls:8.2f}{kernels:11.2f}{'':10}{100 * (1 - kernels / walls):8.1f}%")
    return 0
