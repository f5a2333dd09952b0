"""What scripts, exported links and the page's own JavaScript ask: JSON, frames, images, uploads."""

from __future__ import annotations

from flask import Flask

from dashboard.http import (
    divergence,
    errors,
    events,
    explain,
    export,
    figures,
    frames,
    headers,
    jobfiles,
    packed,
    recordings,
    report,
    runs,
    seeds,
    start,
    thumbs,
    validation,
)
from dashboard.services.services import Services


def register(server: Flask, services: Services) -> None:
    """Add every route and the answers to errors."""
    headers.compress(server)
    errors.register(server)
    rooms = (
        start, runs, frames, figures, events, explain, divergence, export, report, recordings,
        jobfiles, seeds, thumbs, validation, packed,
    )  # fmt: skip
    for room in rooms:
        server.register_blueprint(room.blueprint(services))
    errors.close_api(server)
    headers.register(server)
