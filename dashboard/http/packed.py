"""What every visit loads, each as one file, compressed once and never asked for again.

* The page's scripts and styles: sixty files in ``assets``, which a browser would fetch six at
  a time.
* plotly.js, the basic bundle, for we draw scatter traces only. The installed package has the whole
  of it, which a browser takes four times as long to read; the bundle in ``assets/vendor`` is of the
  same release (a test compares), from npm's ``plotly.js-basic-dist-min``, byte for byte (a test has
  its digest). It names hosts of Plotly's, for maps and for sharing: we use neither, the page's
  policy forbids other hosts, and every browser test complains of a request to one.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from flask import Blueprint, Response, request

from dashboard.http.headers import IMMUTABLE
from dashboard.services.services import Services

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PLOTLY_JS = ASSETS / "vendor" / "plotly-basic.min.js"
THEME = ASSETS / "appearance.js"
"""Read before anything is drawn; not among the others."""
_TYPES = {"js": "text/javascript", "css": "text/css"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A file that is named by its content."""

    url: str
    body: bytes
    mimetype: str


def packed(name: str, suffix: str, body: bytes) -> Packed:
    """``name`` is the path up to the digest."""
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Packed(f"/{name}-{digest}.{suffix}", body, _TYPES[suffix])


def _together(suffix: str) -> bytes:
    files = sorted(path for path in ASSETS.glob(f"*.{suffix}") if path != THEME)
    return b"\n".join(path.read_bytes() for path in files)


# Below assets/, for styles name their images relative to themselves.
SCRIPTS = packed("assets/lab", "js", _together("js"))
STYLES = packed("assets/lab", "css", _together("css"))
THEME_SCRIPT = packed("assets/theme", "js", THEME.read_bytes())
PLOTLY = packed("vendor/plotly", "js", PLOTLY_JS.read_bytes())
FILES = (THEME_SCRIPT, STYLES, SCRIPTS, PLOTLY)


def blueprint(services: Services) -> Blueprint:
    """The routes; compresses in the background so that no visitor waits for it."""
    routes = Blueprint("packed", __name__)
    small: dict[tuple[str, str], bytes] = {}

    def pack() -> None:
        for file in FILES:
            name = file.url.rpartition("/")[2]
            for encoding, compress in (("gzip", _gzip), ("br", _brotli)):
                small[file.url, encoding] = services.results.single_flight(
                    f"{name}:{encoding}", partial(compress, file.body)
                )

    threading.Thread(target=pack, name="pack", daemon=True).start()

    def serve(file: Packed) -> Response:
        for encoding in ("br", "gzip"):
            body = small.get((file.url, encoding))
            if body is not None and request.accept_encodings[encoding] > 0:
                answer = Response(body, mimetype=file.mimetype)
                answer.headers["Content-Encoding"] = encoding
                break
        else:
            answer = Response(file.body, mimetype=file.mimetype)
        answer.headers["Cache-Control"] = IMMUTABLE
        answer.headers["Vary"] = "Accept-Encoding"
        return answer

    for file in FILES:
        routes.add_url_rule(file.url, file.url.replace(".", "-"), serve, defaults={"file": file})
    return routes


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=9))  # once, kept in the cache
