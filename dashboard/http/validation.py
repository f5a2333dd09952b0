"""``GET /api/validation``: the kept scoreboard of the model against real kernels."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dashboard.services.services import Services
from sim import MODEL_VERSION
from sim.validation import scoreboard


def blueprint(_services: Services) -> Blueprint:
    """The route; read once, it changes with the program only."""
    routes = Blueprint("validation", __name__)
    kept = scoreboard.read()

    @routes.get("/api/validation")
    def validation() -> Response:
        answer = jsonify({"model_version": MODEL_VERSION, "parts": kept})
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return routes
