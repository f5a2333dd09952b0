"""``GET /api/explain/<key>?task=T&t_us=N``: the chain of causes of one stall of a finished run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify

from dashboard.http.errors import Refusal
from dashboard.http.query import run_key, unknown, whole
from dashboard.services.services import Services
from sim.observe.explain import explain, find_stall
from sim.result import Result
from sim.scenario import Patch, Scenario
from sim.scenario_url import encode_comparison

_FLIPPED = ((Patch.P5, Patch.P5_RECORDED, "patch 5"), (Patch.P6, Patch.P6_RECORDED, "patch 6"))
_LATEST_US = 2**53


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("explain", __name__)

    @routes.get("/api/explain/<key>")
    def one(key: str) -> Response:
        result = services.results.result(run_key(key))
        if result is None:
            raise unknown()
        task, t_us = whole("task", -1, -1, 1 << 20), whole("t_us", 0, 0, _LATEST_US)
        row = find_stall(result, task, t_us)
        if row is None:
            raise Refusal(404, f"task {task} has no stall that ends at {t_us} us", field="t_us")
        told = explain(result, row)
        answer = jsonify(
            title=told.title, context=told.context, outcome=told.outcome,
            left_out=told.left_out, missing=told.missing, flips=flips(result),
            steps=[step._asdict() for step in told.steps],
        )  # fmt: skip
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return routes


def flips(result: Result) -> list[dict[str, Any]]:
    """Comparisons with the same scenario, one patch flipped; none for a recording."""
    if not result.meta.get("scenario"):
        return []
    scenario = Scenario.from_dict(result.meta["scenario"])
    found = []
    for plain, recorded, name in _FLIPPED:
        which = recorded if recorded in scenario.patches else plain
        other = replace(scenario, patches=scenario.patches ^ {which})
        state = "off" if which in scenario.patches else "on"
        link = f"/?{encode_comparison((scenario, other))}"
        found.append({"text": f"The same moment with {name} {state}", "link": link})
    return found
