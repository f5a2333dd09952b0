"""The place of the scoreboard: the model against recorded and published runs of real kernels."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.attributes import attributes

Component = Any


def validation() -> Component:
    """The panel; validation.js fills it when its tab is opened."""
    return html.Div(
        [
            html.H2("The model against real kernels"),
            html.P(
                "Nothing here is fitted to these numbers. A row says what was measured, what the "
                "model finds with the same parameters, and how far apart they are, the wrong ones "
                "too. The strip shows simulated over measured: its middle is equal, each mark a "
                "factor of two.",
                className="prose",
            ),
            html.Div(**attributes({"data-validation": "", "aria-live": "polite"})),
        ],
        className="validation",
    )
