"""``GET /api/explain/<key>?task=T&t_us=N``: the chain of causes of one stall of a finished run.

``?io=<4 KiB block of the disk>&t_us=N`` is the request that ended there and then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from dashboard.http.errors import Refusal
from dashboard.http.query import run_key, unknown, whole
from dashboard.services.services import Services
from sim.observe.explain import Explanation, explain, find_stall
from sim.observe.explain_request import explain_request, find_request, neighbours
from sim.result import Result
from sim.scenario import Patch, Scenario
from sim.scenario_url import encode_comparison
from sim.units import NSEC_PER_USEC, SECTORS_PER_PAGE

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
        t_us = whole("t_us", 0, 0, _LATEST_US)
        told = _request(result, t_us) if "io" in request.args else _stall(result, t_us)
        answer = jsonify(flips=flips(result), **told)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return routes


def _stall(result: Result, t_us: int) -> dict[str, Any]:
    task = whole("task", -1, -1, 1 << 20)
    row = find_stall(result, task, t_us)
    if row is None:
        raise Refusal(404, f"task {task} has no stall that ends at {t_us} us", field="t_us")
    return _told(explain(result, row))


def _request(result: Result, t_us: int) -> dict[str, Any]:
    block = whole("io", -1, -1, _LATEST_US)
    row = find_request(result, block, t_us)
    if row is None:
        raise Refusal(404, f"no request at block {block} ends at {t_us} us", field="t_us")
    before, after = (_address(result, other) for other in neighbours(result, row))
    return _told(explain_request(result, row)) | {"before": before, "after": after}


def _address(result: Result, row: int | None) -> list[int] | None:
    """[block, us] of a request, as the page asks for it."""
    if row is None:
        return None
    one = result.io[row]
    return [int(one["sector"]) // SECTORS_PER_PAGE, int(one["t_done_ns"]) // NSEC_PER_USEC]


def _told(told: Explanation) -> dict[str, Any]:
    return told._asdict() | {
        "steps": [step._asdict() for step in told.steps],
        "stack": told.stack and told.stack._asdict(),
    }


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
