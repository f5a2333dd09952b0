"""Equal scenarios give equal bits: again, in another process, in other slices, watched or not."""

from __future__ import annotations

import functools
import itertools
import operator
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import sim.runner
from sim.result import Result
from sim.runner import run
from tests.support.small import SMALL, small

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
from sim.runner import run
from tests.support.small import SMALL
print(run(SMALL).digest())
"""


@pytest.fixture(scope="module")
def digest() -> str:
    return run(SMALL).digest()


def test_the_same_scenario_gives_the_same_bits_twice(digest: str) -> None:
    assert run(SMALL).digest() == digest


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_other_hashes_gives_the_same_bits(digest: str, hash_seed: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split()[-1] == digest


def test_a_run_before_it_does_not_show_in_a_run(digest: str) -> None:
    run(small(seed=99, duration_ms=200))
    assert run(SMALL).digest() == digest


def test_another_seed_gives_other_bits(digest: str) -> None:
    assert run(small(seed=2)).digest() != digest


def test_chunks_do_not_change_the_run(digest: str) -> None:
    chunks: list[Result] = []
    assert run(SMALL, on_chunk=chunks.append).digest() == digest
    assert chunks[-1].counters == run(SMALL).counters


@pytest.mark.parametrize("first_ms", [1, 100, 300, 5000])
@pytest.mark.parametrize("wall_s", [1e-9, 10.0])
def test_the_length_of_slices_does_not_change_the_run(
    monkeypatch: pytest.MonkeyPatch, digest: str, first_ms: int, wall_s: float
) -> None:
    monkeypatch.setattr(sim.runner, "FIRST_SLICE_NS", first_ms * 1_000_000)
    monkeypatch.setattr(sim.runner, "TARGET_SLICE_WALL_S", wall_s)
    slices: list[Result] = []
    assert run(SMALL, on_chunk=slices.append).digest() == digest
    assert len(slices) == 1 or first_ms < 5000


def test_a_slow_host_does_not_change_the_run(monkeypatch: pytest.MonkeyPatch, digest: str) -> None:
    wall = random.Random(1)
    times = iter(lambda: wall.random() * 1000, None)
    monkeypatch.setattr(sim.runner.time, "perf_counter", lambda: next(times))
    assert run(SMALL).digest() == digest


def test_chunks_put_together_are_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks: list[Result] = []
    monkeypatch.setattr(sim.runner, "FIRST_SLICE_NS", 100_000_000)
    monkeypatch.setattr(sim.runner, "TARGET_SLICE_WALL_S", 1e-9)
    whole = run(replace(SMALL, sample_interval_ms=50), on_chunk=chunks.append)
    assert len(chunks) > 1
    for family in ("io", "stalls", "sleeps"):
        assert sum(len(getattr(c, family)) for c in chunks) == len(getattr(whole, family))
    times = [
        chunks[0].series["t_ns"].tolist(),
        *(c.series["t_ns"].tolist()[1:] for c in chunks[1:]),
    ]
    assert functools.reduce(operator.iadd, times, []) == whole.series["t_ns"].tolist()
    for before, after in itertools.pairwise(chunks):
        assert after.series["t_ns"][0] == before.series["t_ns"][-1]
