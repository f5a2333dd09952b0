"""One or two controls through several values each; sweep.js asks for runs and fills the table."""

from __future__ import annotations

import json
from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.spec import CONTROLS, Control, Widget
from sim.observe.metrics import METRICS

Component = Any

LIMIT = "m"
"""Key of the containers: what is swept there is the limit of the first one."""
_WIDGETS = frozenset({Widget.NUMBER, Widget.CHOICE, Widget.SET})
_SWEPT = {
    c.key: c for c in CONTROLS
    if c.widget in _WIDGETS and c.path != "seed" and not c.path.startswith("mix.")
}  # fmt: skip
_X, _Y = ("dr", "10 20 40 60"), ("bgr", "5 10")
_METRIC = "direct_reclaim_stall_ms_total"
SEEDS = (1, 3, 5)


def sweep() -> Component:
    """The panel."""
    return html.Div(
        [
            html.H2("Two parameters against each other"),
            html.P(
                "Each cell is a run of A with these two values; with several seeds it shows the "
                "median, and the range beside it. A cell opens its scenario.",
                className="prose",
            ),
            html.Div(
                [
                    *_axis("x", "Columns", *_X),
                    *_axis("y", "Rows", *_Y),
                    html.Label("Number", htmlFor=ids.sweep("metric")),
                    html.Select(
                        [_option(name, f"{m.title}, {m.unit}") for name, m in METRICS.items()],
                        id=ids.sweep("metric"),
                        className="select",
                        **attributes({"data-first": _METRIC}),
                    ),
                    html.Label("Seeds", htmlFor=ids.sweep("seeds")),
                    html.Select(
                        [_option(str(n), str(n)) for n in SEEDS],
                        id=ids.sweep("seeds"),
                        className="select",
                    ),
                ],
                className="sweep-form",
            ),
            html.P(
                [
                    html.Button("Start", className="button", **attributes({"data-sweep": "start"})),
                    html.Button(
                        "Cancel",
                        className="button",
                        hidden=True,
                        **attributes({"data-sweep": "cancel"}),
                    ),
                    html.Button(
                        "Copy as CSV",
                        className="button",
                        hidden=True,
                        **attributes({"data-sweep": "csv"}),
                    ),
                    html.Span("", id=ids.sweep("said"), className="quiet", role="status"),
                ],
                className="sweep-bar",
            ),
            html.Div(
                id=ids.sweep("table"),
                className="scroll-x",
                tabIndex=0,
                role="region",
                **attributes({"aria-label": "Sweep"}),
            ),
        ],
        className="sweep",
    )


def _axis(name: str, label: str, key: str, values: str) -> list[Component]:
    choices = [("", "nothing")] if name == "y" else []
    known = {key: _about(control) for key, control in _SWEPT.items()}
    choices += [(LIMIT, "limit of the first container, MiB"), *known.items()]
    return [
        html.Label(label, htmlFor=ids.sweep(name)),
        html.Select(
            [_option(k, text, _limits(k)) for k, text in choices],
            id=ids.sweep(name),
            className="select",
            **attributes({"data-first": key}),
        ),
        html.Span(
            className="sweep-values",
            **attributes(
                {
                    "data-input": "text",
                    "data-input-label": f"{label}: values",
                    "data-first": values, "data-values": name,
                }
            ),
        ),
    ]  # fmt: skip


def _about(control: Control) -> str:
    return f"{control.label}, {control.unit}" if control.unit else control.label


def _option(value: str, text: str, limits: str = "") -> Component:
    more = {"data-limits": limits} if limits else {}
    return html.Option(text, value=value, **attributes(more))


def _limits(key: str) -> str:
    """What its values may be, for sweep.js: lowest and highest, or words."""
    if key == LIMIT:
        return json.dumps([1, 1 << 20])
    control = _SWEPT.get(key)
    if control is None:
        return ""
    if control.widget is Widget.NUMBER:
        return json.dumps([control.lo, control.hi])
    return json.dumps([option.value for option in control.options])
