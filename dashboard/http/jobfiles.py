"""fio job files that visitors drop: each becomes a scenario, and its link is the answer."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dashboard.http.errors import Refusal
from dashboard.http.headers import require_same_origin
from dashboard.services.limits import past_limit
from dashboard.services.services import Services
from sim.fio import read_fio
from sim.scenario import Problem, ScenarioError
from sim.scenario_url import encode

MAX_KIB = 256
"""Of a job file; fio's own examples have at most a few KiB."""


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("jobfiles", __name__)

    @routes.post("/api/jobfiles")
    def read() -> Response:
        require_same_origin(request)
        if (request.content_length or 0) > MAX_KIB << 10:
            raise Refusal(
                413, f"a job file of more than {MAX_KIB} KiB", field="file", limit=f"{MAX_KIB} KiB"
            )
        try:
            text = request.get_data().decode()
        except UnicodeDecodeError as error:
            raise Refusal(400, f"is no text: {error.reason}", field="file") from None
        scenario, problems = read_fio(text)
        refused = problems or scenario.validate()
        if not refused:
            limit = past_limit(scenario, services.settings)
            refused = [limit] if limit else []
        if refused:
            raise _refusal(refused)
        try:
            link = f"/?{encode(scenario)}"
        except ScenarioError as error:
            raise _refusal([error.problem]) from None
        return jsonify(link=link, groups=len(scenario.workloads))

    return routes


def _refusal(problems: list[Problem]) -> Refusal:
    """Every key that refuses the file: it is taken as a whole or not at all."""
    return Refusal(
        400,
        "\n".join(str(problem) for problem in problems),
        field=problems[0].field,
        limit=problems[0].limit,
        hint="keys that are known: see sim/fio.py",
        problems=[str(problem) for problem in problems],
    )
