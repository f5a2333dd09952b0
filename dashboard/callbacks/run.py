"""From the link to runs, all in the browser: ``assets/run-start.js`` asks ``/api/start``."""

from __future__ import annotations

from typing import Any

import dash
from dash import ClientsideFunction, Input, Output

from dashboard import ids


def register(app: dash.Dash) -> None:
    """Another link starts its runs; the overlay's switch loads or drops those beside A."""
    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("lab", "follow"),
        Output(ids.LIVE, "data-followed"),
        Input(ids.URL, "search"),
    )
    in_browser(
        ClientsideFunction("lab", "show"),
        Output(ids.LIVE, "data-loaded"),
        Input(ids.OVERLAY, "value"),
    )
