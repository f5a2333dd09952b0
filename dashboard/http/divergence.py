"""``GET /api/divergence/<a>/<b>``: the first record in which two finished runs differ.

``?other=C``: what the second is called in the sentence, B without.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dashboard.http.errors import Refusal
from dashboard.http.query import run_key, unknown
from dashboard.services.services import Services
from sim.observe.divergence import first_divergence
from sim.result import Result

_OTHERS = ("B", "C", "D")


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("divergence", __name__)

    @routes.get("/api/divergence/<a>/<b>")
    def divergence(a: str, b: str) -> Response:
        def finished(key: str) -> Result:
            result = services.results.result(run_key(key))
            if result is None:
                raise unknown()
            return result

        try:
            parting = first_divergence(finished(a), finished(b))
        except LookupError as error:
            raise Refusal(404, str(error), field="key") from None
        other = request.args.get("other", "B")
        if other not in _OTHERS:
            raise Refusal(400, "no run of that name", field="other", limit=", ".join(_OTHERS))
        answer = jsonify(parting.to_dict(other) if parting is not None else {"family": ""})
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return routes
