"""Files that visitors drop to be run: fio job files, and recorded traces to be replayed.

Each becomes a scenario, and its link is the answer. A trace is kept; the link has its number.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dashboard.http.errors import Refusal
from dashboard.http.headers import require_same_origin
from dashboard.services.limits import past_limit, traces_of
from dashboard.services.services import Services
from sim.fio import read_fio
from sim.replay import MAX_BYTES
from sim.replay_store import replay_of
from sim.scenario import Problem, Scenario, ScenarioError
from sim.scenario_url import encode

MAX_KIB = 256
"""Of a job file; fio's own examples have at most a few KiB."""


def blueprint(services: Services) -> Blueprint:
    """The routes."""
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
        return _link(services, *read_fio(text))

    @routes.post("/api/traces")
    def keep() -> Response:
        require_same_origin(request)
        limit = f"{MAX_BYTES >> 20} MiB"
        if (request.content_length or 0) > MAX_BYTES:
            raise Refusal(413, f"a trace of more than {limit}", field="file", limit=limit)
        return _link(services, *replay_of(request.get_data(), traces_of(services.settings)))

    return routes


def _link(services: Services, scenario: Scenario, problems: list[Problem]) -> Response:
    refused = problems or scenario.validate()
    if not refused:
        limit = past_limit(scenario, services.settings)
        refused = [limit] if limit else []
    if refused:
        raise _refusal(refused)
    try:
        return jsonify(link=f"/?{encode(scenario)}", groups=len(scenario.workloads))
    except ScenarioError as error:
        raise _refusal([error.problem]) from None


def _refusal(problems: list[Problem]) -> Refusal:
    """Every key that refuses the file: it is taken as a whole or not at all."""
    return Refusal(
        400,
        "\n".join(str(problem) for problem in problems),
        field=problems[0].field,
        limit=problems[0].limit,
        problems=[str(problem) for problem in problems],
    )
