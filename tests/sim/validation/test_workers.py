"""Two processes give what one gives, in order."""

from __future__ import annotations

import pytest

from sim.result import Result
from sim.scenario import ScenarioError
from sim.validation.workers import simulated
from tests.support.small import small


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one() -> None:
    scenarios = [small(seed=seed, duration_ms=200) for seed in (3, 1, 2)]
    here = list(simulated(scenarios, Result.digest, workers=1))
    assert list(simulated(scenarios, Result.digest, workers=2)) == here
    assert len(set(here)) == 3


def test_a_scenario_that_cannot_run_says_so() -> None:
    with pytest.raises(ScenarioError, match="duration_ms"):
        list(simulated([small(duration_ms=-1)], Result.digest, workers=1))
