"""Observation is an instrument: what is traced and sampled does not change what happens."""

from __future__ import annotations

from itertools import combinations

import pytest

from sim.machine.vmstat import NAMES
from sim.runner import run
from sim.scenario import Tracepoints
from tests.support.small import SMALL, small

FAMILIES = [frozenset(c) for n in range(5) for c in combinations(Tracepoints, n)]


@pytest.fixture(scope="module")
def digest() -> str:
    return run(SMALL).digest()


@pytest.mark.parametrize("families", FAMILIES, ids=lambda f: "+".join(sorted(f)) or "none")
def test_tracepoints_do_not_change_the_run(digest: str, families: frozenset[Tracepoints]) -> None:
    result = run(small(tracepoints=families))
    assert result.digest() == digest
    assert bool(len(result.trace)) == bool(families - {Tracepoints.P4})


def test_the_distance_of_samples_does_not_change_what_is_counted() -> None:
    often = run(small(sample_interval_ms=10))
    usual = run(SMALL)
    assert often.counters == usual.counters
    assert often.tasks == usual.tasks
    common = sorted(set(often.series["t_ns"]) & set(usual.series["t_ns"]))
    assert len(common) >= 2
    for result in (often, usual):
        rows = [list(result.series["t_ns"]).index(t) for t in common]
        result.series = {name: result.series[name][rows] for name in NAMES}
    assert all((often.series[name] == usual.series[name]).all() for name in NAMES)
