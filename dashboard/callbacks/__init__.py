"""Callbacks: parse, call, return. The link is the only thing that starts a run."""

from __future__ import annotations

import dash

from dashboard.callbacks import compare, navigation, run
from dashboard.services.services import Services


def register(app: dash.Dash, services: Services) -> None:
    """All callbacks of the page."""
    for room in (navigation, run, compare):
        room.register(app, services)
