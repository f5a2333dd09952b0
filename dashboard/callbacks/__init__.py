"""Callbacks: parse, call, return. Only what becomes the link starts a run."""

from __future__ import annotations

import dash

from dashboard.callbacks import compare, navigation, run
from dashboard.services.services import Services


def register(app: dash.Dash, services: Services) -> None:
    """All callbacks of the page."""
    for room in (navigation, compare):
        room.register(app, services)
    run.register(app)
