"""From the link to runs: submit what it names, hand the keys to playback."""

from __future__ import annotations

from typing import Any

import dash
from dash import ClientsideFunction, Input, Output

from dashboard import ids
from dashboard.controls.link import PageLink
from dashboard.controls.state import head
from dashboard.figures.theme import RUN_NAMES
from dashboard.services.jobs import Busy
from dashboard.services.limits import by_cli, past_limit
from dashboard.services.services import Services
from sim.scenario import Scenario
from sim.scenario_url import encode

Run = dict[str, Any]


def register(app: dash.Dash, services: Services) -> None:
    """Link → request (with this page's id) → runs → playback."""
    in_browser: Any = app.clientside_callback

    @app.callback(Output(ids.RUN, "data"), Input(ids.REQUEST, "data"), prevent_initial_call=True)
    def start(request: dict[str, Any]) -> dict[str, Any]:
        link = PageLink.parse(request.get("search"))
        viewer = str(request.get("viewer", ""))
        runs = [recorded(services, link, viewer)] if link.input_key else []
        runs += [simulated(services, s, viewer) for s in link.scenarios[len(runs) :]]
        return {"runs": labelled(runs), "rec": bool(link.input_key)}

    in_browser(
        ClientsideFunction("lab", "request"), Output(ids.REQUEST, "data"), Input(ids.URL, "search")
    )
    in_browser(
        ClientsideFunction("lab", "load"),
        Output(ids.LIVE, "data-loaded"),
        Input(ids.RUN, "data"),
        Input(ids.OVERLAY, "value"),
    )


def simulated(services: Services, scenario: Scenario, viewer: str) -> Run:
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
        return about | {"refused": "LIMIT", "message": str(problem), "hint": hint}
    try:
        return about | {"key": services.jobs.submit(scenario, viewer)}
    except Busy as busy:
        return about | {"refused": "BUSY", "message": str(busy)}


def recorded(services: Services, link: PageLink, viewer: str) -> Run:
    """Have a recording read; its key, or that it is not here."""
    find = services.recordings.named if link.input_key == "rec" else services.recordings.uploaded
    found = find(link.input_name)
    if found is None:
        message = f"This link opens the recording {link.input_name}, which is not on this server."
        return {"refused": "MISSING", "message": message, "label": link.input_name}
    about = {"title": found.title, "label": link.input_name, "digest": found.key}
    try:
        return about | {"key": services.jobs.submit_recording(found, viewer)}
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
