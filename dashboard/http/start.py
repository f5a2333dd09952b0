"""The page's own way to its runs: a link, or what its controls say, becomes runs under way.

Apart from Dash, so that a run is being computed while the page still takes in what else a changed
control means, and on a visit before Dash has drawn anything.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from dashboard.callbacks.navigation import opened
from dashboard.controls.link import PageLink
from dashboard.controls.state import after_form, head
from dashboard.figures.theme import RUN_NAMES
from dashboard.http.errors import Refusal
from dashboard.http.headers import require_same_origin
from dashboard.http.query import viewer
from dashboard.services.jobs import Busy
from dashboard.services.limits import by_cli, past_limit
from dashboard.services.services import Services
from sim.scenario import Scenario
from sim.scenario_url import encode

Run = dict[str, Any]
MAX_BYTES = 1 << 16


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("start", __name__)

    @routes.post("/api/start")
    def start() -> Response:
        require_same_origin(request)
        link = opened(services, asked(_body()))
        answer = jsonify(
            search=link.search_or("")[0],
            runs=runs(services, link, viewer()),
            rec=bool(link.input_key),
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


def _body() -> dict[str, Any]:
    if (request.content_length or 0) > MAX_BYTES:
        raise Refusal(413, "the form is too long", field="form", limit=f"{MAX_BYTES} bytes")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "not a JSON object", field="body", hint='send {"search": "?v=1"}')
    return body


def asked(body: dict[str, Any]) -> PageLink:
    """The link that is to be run: ``search``, or that with the controls' ``form`` in it.

    Raises:
        Refusal: 400, ``form`` is not what the page sends.
    """
    search, form = body.get("search"), body.get("form")
    search = search if isinstance(search, str) else ""
    if not form:
        return PageLink.parse(search)
    try:
        return after_form(search, form)[0]
    except (AttributeError, TypeError, ValueError):
        raise Refusal(400, "not a form of the page's", field="form") from None


def runs(services: Services, link: PageLink, who: str) -> list[Run]:
    """Have everything that a link names computed or read: A to D."""
    first = [recorded(services, link, who)] if link.input_key else []
    return labelled(first + [simulated(services, s, who) for s in link.scenarios[len(first) :]])


def simulated(services: Services, scenario: Scenario, who: str) -> Run:
    """Have a scenario computed; its key, or why it is not."""
    about = {
        "title": head(scenario).title,
        "digest": scenario.digest(),
        "seed": scenario.seed,
        "label": head(scenario).preset,
        "search": f"?{encode(scenario)}",
        "duration_s": scenario.duration_ms / 1000,
    }
    problem = past_limit(scenario, services.settings)
    if problem is not None:
        hint = by_cli(scenario)
        refused = "MISSING" if problem.field.endswith(".trace") else "LIMIT"
        return about | {"refused": refused, "message": str(problem), "hint": hint}
    try:
        return about | {"key": services.jobs.submit(scenario, who)}
    except Busy as busy:
        return about | {"refused": "BUSY", "message": str(busy)}


def recorded(services: Services, link: PageLink, who: str) -> Run:
    """Have a recording read; its key, or that it is not here."""
    find = services.recordings.named if link.input_key == "rec" else services.recordings.uploaded
    found = find(link.input_name)
    if found is None:
        message = f"This link opens the recording {link.input_name}, which is not on this server."
        return {"refused": "MISSING", "message": message, "label": link.input_name}
    about = {"title": found.title, "label": link.input_name, "digest": found.key}
    try:
        return about | {"key": services.jobs.submit_recording(found, who)}
    except Busy as busy:
        return about | {"refused": "BUSY", "message": str(busy)}


def labelled(runs: list[Run]) -> list[Run]:
    """A, B, C, D in front of the labels, where there are several."""
    if len(runs) < 2:
        return runs
    return [
        run | {"label": f"{letter}: {run['label']}"}
        for letter, run in zip(RUN_NAMES, runs, strict=False)
    ]
