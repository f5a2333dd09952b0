"""``GET /api/seeds?<comparison>&seeds=N``: a comparison over N seeds, in mmtests' rows.

Asked again until it is complete; each time a few more of its runs are put in the queue, so that
other visitors' come between. One definition of the statistics: ``sim.observe.mmtests``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify

from dashboard.controls.state import head
from dashboard.figures.theme import RUN_NAMES
from dashboard.http.errors import Refusal
from dashboard.http.query import Wanted, compared, finished, submit, viewer, whole
from dashboard.services.services import Services
from sim.observe import mmtests
from sim.observe.metrics import HEADLINE, METRICS
from sim.result import Result
from sim.scenario import Scenario

SEEDS, SEEDS_MAX = 5, 10
AT_ONCE = 4
"""Runs of one asker that may wait or run."""


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("seeds", __name__)

    @routes.get("/api/seeds")
    def seeds() -> Response:
        count = whole("seeds", SEEDS, 2, SEEDS_MAX)
        scenarios = [_simulated(what) for what in compared(services)]
        every = [replace(s, seed=s.seed + i) for s in scenarios for i in range(count)]
        found = _numbers(services, every)
        done = sum(sample is not None for sample in found)
        if done < len(every):
            answer = jsonify(done=done, total=len(every))
            answer.status_code = 202
        else:
            known = [sample for sample in found if sample is not None]
            samples = [known[i : i + count] for i in range(0, len(known), count)]
            answer = jsonify(_told(scenarios, samples, count))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


def _simulated(what: Wanted) -> Scenario:
    if what.scenario is None:
        raise Refusal(400, "a recording has no other seeds", field="rec")
    return what.scenario


def _numbers(services: Services, every: list[Scenario]) -> list[mmtests.Sample | None]:
    """Of each run that is done; the next few of the others are submitted.

    Raises:
        Refusal: one failed, or the queue is full.
    """
    found: list[mmtests.Sample | None] = []
    pending = 0
    for scenario in every:
        name = f"{services.results.key_of(scenario)}:n"
        kept = services.results.store.get(name)
        if kept is None and pending < AT_ONCE:
            key = submit(services, Wanted(scenario, None, []))
            result = finished(services, key, services.jobs.status(key, viewer()))
            if result is None:
                pending += 1
            else:
                kept = services.results.single_flight(name, partial(_encoded, result))
        found.append(None if kept is None else json.loads(kept))
    return found


def _encoded(result: Result) -> bytes:
    return json.dumps(mmtests.numbers(result)).encode()


def _title(name: str) -> str:
    """A metric's in words; mmtests' rows are called by theirs."""
    return METRICS[name].title if name in METRICS else name


def _told(
    scenarios: list[Scenario], samples: list[list[mmtests.Sample]], count: int
) -> dict[str, Any]:
    lines = mmtests.compare(samples, [*HEADLINE, *mmtests.row_names()])
    cells = [cell for line in lines for cell in line.cells[1:] if cell is not None]
    beyond = sum(bool(cell.significant) for cell in cells)
    verdict = (
        f"{beyond} of {len(cells)} changes are beyond seed noise: the 95 % interval of the mean "
        f"difference, seed by seed, leaves out 0. Of 20 without a change, one is by chance."
        if beyond
        else f"No difference beyond seed noise in {count} seeds."
    )
    return {
        "seeds": count,
        "labels": [
            f"{letter}: {head(scenario).preset}"
            for letter, scenario in zip(RUN_NAMES, scenarios, strict=False)
        ],
        "lines": [asdict(line) | {"name": _title(line.name)} for line in lines],
        "verdict": verdict,
    }
