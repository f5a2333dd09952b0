"""The stack of charts: a section for each figure of the registry; playback draws into them."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.figures.registry import FIGURES
from dashboard.figures.spec import FigureSpec
from dashboard.figures.theme import ISSUER_STYLES, RUN_DASHES, RUN_NAMES

Component = Any

IO_OFFSET = "io_offset"
"""The chart whose marks are single requests."""
_TOOLS = (
    ("png", "PNG", "Save {title} as PNG"),
    ("svg", "SVG", "Save {title} as SVG"),
    ("csv", "CSV", "Save the numbers of {title} as CSV"),
    ("table", "Table", "Show {title} as a table"),
)
_SWITCHES = {
    "log": ("Logarithmic axis of {title}", "Logarithmic or linear axis"),
    "bands": ("Axis of {title} in two bands", "Two far apart regions, without what is between"),
}
_EXPLAIN = {
    "data-explain-open": "", "aria-label": "Explain the request before the playhead (E)",
}  # fmt: skip
_DASHES = {"solid": "solid", "dash": "dashed", "dashdot": "dashed", "dot": "dotted"}


def charts() -> Component:
    """All sections, in the registry's order."""
    return html.Div(
        [
            *(_section(spec) for spec in FIGURES.values()),
            html.Div(
                className="axis", **attributes({"data-player": "axis", "aria-hidden": "true"})
            ),
        ],
        id=ids.CHARTS,
        className="stack",
    )


def _section(spec: FigureSpec) -> Component:
    name, title = spec.name, spec.title
    return html.Section(
        [
            html.Div(
                [
                    html.H2(title, className="figure-title", title=spec.question),
                    html.Div(
                        className="figure-legend", **attributes({"data-figure-part": "legend"})
                    ),
                    html.Div(
                        _tools(spec),
                        className="figure-tools",
                    ),
                ],
                className="figure-head",
            ),
            html.Div(
                className="figure-plot",
                style={"height": f"{spec.height}px"},
                **attributes({"data-figure-part": "plot"}),
            ),
            html.P(className="figure-note", **attributes({"data-figure-part": "note"})),
            html.Div(
                className="figure-table", hidden=True, **attributes({"data-figure-part": "table"})
            ),
        ],
        id=ids.figure(name),
        className="figure",
        **attributes({"data-figure": name, "aria-label": title}),
    )


def _tools(spec: FigureSpec) -> list[Component]:
    own = [html.Button("Explain", className="tool", **attributes(_EXPLAIN))]
    exports = [
        html.Button(
            text,
            className="tool",
            **attributes({"data-action": action, "aria-label": label.format(title=spec.title)}),
        )
        for action, text, label in _TOOLS
    ]
    return [
        *(own if spec.name == IO_OFFSET else []), *([_scale(spec)] if spec.scale else []), *exports
    ]  # fmt: skip


def _scale(spec: FigureSpec) -> Component:
    """A linear axis or another; scale-switch.js keeps it in the link."""
    kind = spec.other_scale if spec.scale == "linear" else spec.scale
    label, title = _SWITCHES[kind]
    return html.Button(
        kind,
        className="tool",
        title=title,
        **attributes(
            {
                "data-scale": spec.scale,
                "data-other": spec.other_scale,
                "aria-label": label.format(title=spec.title),
                "aria-pressed": "true" if spec.scale == kind else "false",
            }
        ),
    )


def legend() -> Component:
    """Who issued a write: one legend for the page, colours and dashes fixed; it switches them."""
    issuers = [
        html.Li(
            html.Button(
                [_swatch(style.dash, style.color), style.label],
                className="legend-item",
                title=f"Show or hide {style.label} in every chart",
                **attributes({"data-issuer": style.label, "aria-pressed": "true"}),
            )
        )
        for name, style in ISSUER_STYLES.items()
        if name != "unknown"
    ]
    runs = [
        html.Li(
            html.Span([_swatch(dash, "currentcolor"), name], className="legend-item"),
            className=f"legend-run of-run-{name.lower()}",
        )
        for name, dash in zip(RUN_NAMES, RUN_DASHES, strict=True)
    ]
    return html.Ul(
        [*issuers, *runs],
        id=ids.LEGEND,
        className="legend",
        **attributes({"aria-label": "Colours: who writes", "data-legend": ""}),
    )


def _swatch(dash: str, color: str) -> Component:
    return html.Span(className="swatch", style={"borderTop": f"3px {_DASHES[dash]} {color}"})


def explanation() -> Component:
    """Why a task stood still, or why a request was issued; explain.js fills it."""
    return html.Aside(
        id=ids.EXPLAIN, className="explain", hidden=True,
        **attributes({"aria-label": "Explanation"}),
    )  # fmt: skip


def marks() -> Component:
    """The words of what the scenario changes on the way, above their lines; marks.js fills it."""
    return html.Div(
        className="marks", hidden=True, role="group",
        **attributes({"data-marks": "", "aria-label": "What changes while the machine runs"}),
    )  # fmt: skip


def selection() -> Component:
    """The numbers of a selected interval; selection.js fills it."""
    return html.Div(
        [
            html.Div(
                [
                    html.Strong("Selected"),
                    html.Span(role="status", **attributes({"data-selection-span": ""})),
                    html.Button(
                        "Zoom to it", className="tool", **attributes({"data-selection-do": "zoom"})
                    ),
                    html.Button(
                        "Clear", className="tool", **attributes({"data-selection-do": "clear"})
                    ),
                ],
                className="selection-head",
            ),
            html.Div(
                className="scroll-x", tabIndex=0, role="region",
                **attributes({"data-selection-table": "", "aria-label": "Numbers of the interval"}),
            ),
        ],
        id=ids.SELECTION,
        className="selection",
        hidden=True,
        role="group",
        **attributes({"data-selection": "", "aria-label": "Selected interval"}),
    )  # fmt: skip
