"""The run: state line, headline numbers, transport, and the card of one that cannot be shown.

playback.js and run-line.js fill in what moves.
"""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.figures.theme import RUN_NAMES
from dashboard.layout.icons import icon_button
from sim.observe.metrics import HEADLINE as HEADLINE_METRICS
from sim.observe.metrics import METRICS

Component = Any

SPEEDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
BETTER = {"lower": "lower is better", "higher": "higher is better", "": ""}


def run_line() -> Component:
    """State, progress, cancel; a line for each run."""
    return html.Div([_one_run(name) for name in RUN_NAMES], id=ids.RUN_LINE, className="runs")


def _one_run(run: str) -> Component:
    return html.Div(
        [
            html.Span(run, className=f"run-letter run-letter-{run.lower()}"),
            html.Span(
                "", className="run-state", **attributes({"data-run-state": "", "data-run": run})
            ),
            html.Span(
                html.Span(className="run-bar-fill"),
                className="run-bar",
                **attributes({"aria-hidden": "true"}),
            ),
            html.Span("", className="run-clock", **attributes({"data-run-clock": run})),
            html.Span("", className="run-name", **attributes({"data-run-name": run})),
            html.Button(
                "Cancel", className="button small", hidden=True, **attributes({"data-cancel": run})
            ),
        ],
        className="run",
        hidden=run != "A",
        **attributes({"data-run-line": run}),
    )


def run_card() -> Component:
    """Failed, busy, cancelled, refused or missing: what happened, with what, and what to do."""
    return html.Div(
        [
            html.P("", className="card-title"),
            html.P("", className="card-text"),
            html.Dl([], className="card-facts"),
            html.Button("Try again", id=ids.RUN_RETRY, className="button primary"),
        ],
        id=ids.RUN_CARD,
        className="card",
        role="alert",
        hidden=True,
    )


def here_offer() -> Component:
    """After a control was changed in playback: the same change, but from there on."""
    return html.Div(
        [
            html.Span("", role="status", **attributes({"data-here-said": ""})),
            html.Button(
                "From here instead", className="button primary", title="From here (h)",
                **attributes({"data-here": "take"}),
            ),
            html.Button("Keep", className="button", **attributes({"data-here": "keep"})),
        ],
        id=ids.HERE,
        className="here-offer",
        hidden=True,
        role="group",
        **attributes({"aria-label": "From the start or from here"}),
    )  # fmt: skip


def headline() -> Component:
    """The few numbers that say most, of all runs below each other."""
    return html.Dl([_tile(name) for name in HEADLINE_METRICS], id=ids.HEADLINE, className="tiles")


def _tile(name: str) -> Component:
    metric = METRICS[name]
    better = BETTER[metric.better]
    return html.Div(
        [
            html.Dt(
                metric.title
                if metric.unit in metric.title.lower() or metric.unit == "ms"
                else f"{metric.title}, {metric.unit}",
                title=f"{metric.formula}{f'; {better}' if better else ''}",
            ),
            html.Dd([_value(name, run) for run in RUN_NAMES]),
        ],
        className="tile",
    )


def _value(name: str, run: str) -> Component:
    named = attributes({"data-headline": name, "data-run": run, "data-unit": METRICS[name].unit})
    return html.Span("–", className=f"value value-{run.lower()} of-run-{run.lower()}", **named)


def _player(action: str, label: str, id_: str) -> Component:
    shape = "whole" if action == "zoom-reset" else action
    return icon_button(shape, label, id_, **{"data-player": action})


def transport() -> Component:
    """Play, step, speed, scrub, clock."""
    return html.Div(
        [
            _player("home", "To the start", ids.START),
            _player("back", "One sample back", ids.STEP_BACK),
            _player("play", "Play", ids.PLAY),
            _player("forward", "One sample on", ids.STEP),
            _player("end", "To the end", ids.END),
            html.Span(
                id=ids.SCRUB,
                className="scrub-place",
                **attributes(
                    {
                        "data-input": "range",
                        "data-input-player": "scrub",
                        "data-input-label": "Simulated time",
                    }
                ),
            ),
            html.Output("", id=ids.CLOCK, className="clock", **attributes({"data-player": "time"})),
            html.Label(
                [
                    html.Span("speed", className="offscreen"),
                    html.Select(
                        [html.Option(f"{x}×", value=str(x), selected=x == 10) for x in SPEEDS],
                        id=ids.SPEED,
                        className="speed",
                        **attributes({"data-player": "speed"}),
                    ),
                ]
            ),
            _player("zoom-reset", "Whole run", ids.ZOOM_RESET),
            html.Span(
                [
                    html.Button(
                        "Stall disk 2 s",
                        className="button small",
                        title="The disk completes nothing for 2 s, from the playhead on",
                        **attributes({"data-inject": "stall"}),
                    ),
                    html.Button(
                        "Halve limit",
                        className="button small",
                        hidden=True,
                        **attributes({"data-inject": "limit"}),
                    ),
                ],
                className="inject",
                role="group",
                **attributes({"aria-label": "Change something at the playhead"}),
            ),
        ],
        id=ids.TRANSPORT,
        className="transport",
        role="group",
        **attributes({"aria-label": "Playback"}),
    )
