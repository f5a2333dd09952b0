"""Help in finding one's way: a tour of five steps, and the place of the command palette."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes

Component = Any

STEPS: tuple[tuple[str, str, str], ...] = (
    (
        ids.TITLE,
        "A question, not a demo",
        "Every preset asks one question about reclaim; the line below it says what to look at.",
    ),
    (
        ids.SIDEBAR,
        "Change one thing",
        "Flip a patch or turn a control: the link changes and the machine runs again, at once.",
    ),
    (
        ids.figure("io_offset"),
        "Read the disk",
        "Each mark is a request, its colour says who sent it. Drag over any time chart: the "
        "numbers of that interval appear above.",
    ),
    (
        ids.BAR,
        "Compare",
        "Fork the scenario as B and change B only. Both runs share seed and time axis; Numbers "
        "has the differences and a verdict.",
    ),
    (
        ids.COPY,
        "Take it away",
        "The link holds scenario, comparison and view. Every chart saves as PNG, SVG or CSV; "
        "Ctrl K finds everything else.",
    ),
)
"""(id of what it stands beside, heading, text): at most five."""


def tour() -> Component:
    """Started by a button; tour.js moves it."""
    return html.Dialog(
        [
            *(
                html.Div(
                    [html.H2(title), html.P(text)],
                    hidden=True,
                    **attributes({"data-step": beside}),
                )
                for beside, title, text in STEPS
            ),
            html.Div(
                [
                    html.Span("", className="quiet", **attributes({"data-tour-count": ""})),
                    _button("End", "end"),
                    _button("Back", "back"),
                    _button("Next", "next", " primary"),
                ],
                className="tour-row",
            ),
        ],
        id=ids.TOUR,
        className="sheet tour",
        **attributes({"aria-label": "Tour", "aria-live": "polite"}),
    )


def _button(label: str, action: str, more: str = "") -> Component:
    return html.Button(label, className=f"button small{more}", **attributes({"data-tour": action}))


def tour_start() -> Component:
    """The button that starts it."""
    return html.Button("Tour", className="button wide-only", **attributes({"data-tour": "start"}))


def palette() -> Component:
    """Opened by Ctrl K; palette.js fills it."""
    return html.Dialog(
        [],
        id=ids.PALETTE,
        className="sheet palette",
        **attributes({"aria-label": "Find a preset, control, chart or command"}),
    )


def palette_open() -> Component:
    """The button that opens it."""
    return html.Button(
        ["Find ", html.Kbd("Ctrl K")], id=ids.PALETTE_TOGGLE, className="button wide-only"
    )
