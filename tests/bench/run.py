"""One run of the default preset in a fresh process, kernels compiled before: median of 5."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5


class Cost(NamedTuple):
    """What one process took."""

    wall_s: float
    user_s: float
    sys_s: float
    peak_mib: float


def measure(*arguments: str) -> Cost:
    """Run ``python arguments`` to its end; its output goes nowhere, its errors are shown."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return Cost(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024)


def table(rows: dict[str, list[Cost]]) -> str:
    """Median of each column, and the range of the wall times."""
    lines = [f"{'':28}{'wall s':>8}{'user s':>8}{'sys s':>8}{'MiB':>8}   wall s min-max"]
    for name, costs in rows.items():
        wall, user, system, peak = (median(column) for column in zip(*costs, strict=True))
        walls = [cost.wall_s for cost in costs]
        lines.append(
            f"{name:28}{wall:8.2f}{user:8.2f}{system:8.2f}{peak:8.0f}"
            f"   {min(walls):.2f}-{max(walls):.2f}"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table; the imports stand beside the run so that they can be subtracted."""
    from sim.presets import PRESETS

    preset = next(iter(PRESETS))
    try:
        measure("-m", "sim", "warm")
        rows = {
            "python, nothing": [measure("-c", "") for _ in range(RUNS)],
            "import sim.runner": [measure("-c", "import sim.runner") for _ in range(RUNS)],
            f"sim run {preset}": [
                measure("-m", "sim", "run", preset, "--json") for _ in range(RUNS)
            ],
        }
    except subprocess.CalledProcessError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0
