"""Compiled and uncompiled kernels do the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import hashlib
import numpy as np
from tests.support.bare_machine import make
from sim.fs.fs_writeback import wakeup_flusher_threads
from sim.machine.machine import NOW
x = make((1500, 1500, 64, 1 << 12), nr_requests=16, journal_blocks=64, swap_pages=100)
x.start_threads()
x.run(0.1)
for i in range(12):
    x.clock[NOW] = x.s.engine.now_ns
    x.dirty(0, *range(100 * i, 100 * i + 120))
    x.dirty(1, *range(i, 1500, 17), allocate=False)
    x.dirty(2, i)
    x.dirty(3, 17 * i * i)
    wakeup_flusher_threads(x.m, 40 * i)
    x.s.drain(x.s.engine.now_ns)
    x.run(0.9)
x.run(40.0)
h = hashlib.sha256()
for name in ("clock", "vm", "page", "inode", "bdi", "slot_block", "dirty_tag", "fs", "block_used",
             "indirect", "task"):
    h.update(np.ascontiguousarray(getattr(x.arrays, name)).tobytes())
h.update(np.ascontiguousarray(x.log()).tobytes())
print(h.hexdigest(), len(x.log()))
"""


def digest(disable_jit: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": disable_jit, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_leaves_the_same_bytes_compiled_and_not():
    uncompiled = digest("1")
    assert int(uncompiled.split()[1]) > 50
    assert digest("0") == uncompiled
