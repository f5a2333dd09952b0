"""The compiled kernels and the same kernels as Python do the same, to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.runner import run
from tests.support.small import TINY

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from sim.engine.jit import JIT
from sim.runner import run
from tests.support.small import TINY
assert not JIT
print(run(TINY).digest())
"""


def test_the_scenario_meets_global_and_memcg_reclaim_and_a_commit() -> None:
    counters = run(TINY).counters
    for name in ("pgsteal_direct", "pgsteal_memcg", "journal_commits", "requests_read"):
        assert counters[name] > 0, name


@pytest.mark.slow
def test_uncompiled_kernels_give_the_same_bits_without_a_warning() -> None:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split()[-1] == run(TINY).digest()
