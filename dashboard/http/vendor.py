"""plotly.js for our own JavaScript: the basic bundle, for we draw scatter traces only.

The installed package has the whole of it, which a browser takes four times as long to read; the
bundle in ``assets/vendor`` is of the same release (a test compares), from npm's
``plotly.js-basic-dist-min``, byte for byte (a test has its digest). It names hosts of Plotly's, for
maps and for sharing: we use neither, the page's policy forbids other hosts, and every browser test
complains of a request to one.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from flask import Blueprint, Response, request

from dashboard.http.headers import IMMUTABLE
from dashboard.services.services import Services

PLOTLY_JS = Path(__file__).resolve().parents[2] / "assets" / "vendor" / "plotly-basic.min.js"
_DIGEST = hashlib.sha256(PLOTLY_JS.read_bytes()).hexdigest()[:12]
PLOTLY_URL = f"/vendor/plotly-{_DIGEST}.min.js"
_BROTLI_LEVEL = 9  # once, kept in the cache


def blueprint(services: Services) -> Blueprint:
    """The route; compresses in the background so that no visitor waits for it."""
    routes = Blueprint("vendor", __name__)
    packed: dict[str, bytes] = {}

    def pack() -> None:
        packed["gzip"] = services.results.single_flight(
            f"plotly-{_DIGEST}:gz", lambda: gzip.compress(PLOTLY_JS.read_bytes(), 6)
        )
        packed["br"] = services.results.single_flight(
            f"plotly-{_DIGEST}:br",
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
