"""``GET /api/thumb/<preset>.svg``: a preset's run as a stamp, as soon as somebody has run it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.figures.thumb import thumb
from dashboard.http.errors import Refusal
from dashboard.services.services import Services
from sim.presets import PRESETS


def blueprint(services: Services) -> Blueprint:
    """The route; it computes no run."""
    routes = Blueprint("thumbs", __name__)
    results = services.results

    @routes.get("/api/thumb/<name>.svg")
    def of_preset(name: str) -> Response:
        if name not in PRESETS:
            raise Refusal(404, f"no preset {name[:40]}", field="preset", limit=", ".join(PRESETS))
        key = results.key_of(PRESETS[name].scenario)
        drawn = results.store.get(f"{key}:thumb")
        if drawn is None:
            result = results.result(key)
            drawn = thumb(result).encode()
            if result is not None:
                results.store.set(f"{key}:thumb", drawn)
        answer = Response(drawn, mimetype="image/svg+xml")
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return routes
