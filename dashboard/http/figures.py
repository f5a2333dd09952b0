"""``GET /api/figures``: what every chart shows, as JSON for the page's own drawing."""

from __future__ import annotations

import hashlib
import json

from flask import Blueprint, Response, request

from dashboard.figures.registry import spec_json
from dashboard.figures.theme import THEMES
from dashboard.services.services import Services


def blueprint(_services: Services) -> Blueprint:
    """The route; the answer changes with the program only, so it carries a hash as ETag."""
    routes = Blueprint("figures", __name__)
    bodies = {theme: json.dumps(spec_json(theme)) for theme in THEMES}
    etags = {
        theme: hashlib.sha256(body.encode()).hexdigest()[:16] for theme, body in bodies.items()
    }

    @routes.get("/api/figures")
    def figures() -> Response:
        theme = request.args.get("theme", "light")
        theme = theme if theme in bodies else "light"
        answer = Response(bodies[theme], mimetype="application/json")
        answer.set_etag(etags[theme])
        answer.headers["Cache-Control"] = "no-cache"
        answer.make_conditional(request)
        return answer

    return routes
