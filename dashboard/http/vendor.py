"""plotly.min.js from the installed package: our own JavaScript draws the charts with it."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import plotly
from flask import Blueprint, Response, request

from dashboard.http.headers import IMMUTABLE
from dashboard.services.services import Services

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"/vendor/plotly-{plotly.__version__}.min.js"
_BROTLI_LEVEL = 9  # 1.5 s once, kept in the cache


def blueprint(services: Services) -> Blueprint:
    """The route; compresses in the background so that no visitor waits for it."""
    routes = Blueprint("vendor", __name__)
    packed: dict[str, bytes] = {}

    def pack() -> None:
        packed["gzip"] = services.results.single_flight(
            f"plotly-{plotly.__version__}:gz", lambda: gzip.compress(PLOTLY_JS.read_bytes(), 6)
        )
        packed["br"] = services.results.single_flight(
            f"plotly-{plotly.__version__}:br",
            lambda: brotli.compress(PLOTLY_JS.read_bytes(), quality=_BROTLI_LEVEL),
        )

    threading.Thread(target=pack, name="pack-plotly", daemon=True).start()

    @routes.get(PLOTLY_URL)
    def plotly_js() -> Response:
        for encoding in ("br", "gzip"):
            if encoding in packed and request.accept_encodings[encoding] > 0:
                answer = Response(packed[encoding], mimetype="text/javascript")
                answer.headers["Content-Encoding"] = encoding
                break
        else:
            answer = Response(PLOTLY_JS.read_bytes(), mimetype="text/javascript")
        answer.headers["Cache-Control"] = IMMUTABLE
        answer.headers["Vary"] = "Accept-Encoding"
        return answer

    return routes
