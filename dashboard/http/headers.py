"""What every answer carries: security headers, compression, how long it may be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request
from flask_compress import Compress

from dashboard.http.errors import Refusal
from dashboard.services.frames import MIME

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

IMMUTABLE = "public, max-age=31536000, immutable"
EMBED = "/embed"
_SCRIPT_HASHES = "RECLAIM_LAB_SCRIPT_HASHES"


def compress(server: Flask) -> None:
    """Brotli or gzip for everything that gets smaller."""
    server.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["br"],
        COMPRESS_BR_LEVEL=5,
        COMPRESS_MIMETYPES=[
            "text/html", "text/css", "text/csv", "text/plain", "text/javascript",
            "application/javascript", "application/json", "image/svg+xml", MIME,
        ],
    )  # fmt: skip
    Compress(server)


class AsciiQuery:
    """WSGI: raw bytes of a query become %XX, for Werkzeug breaks on what is not UTF-8."""

    def __init__(self, inner: WSGIApplication) -> None:
        self.inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on."""
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in query)
        return self.inner(environ, start_response)


def allow_scripts(server: Flask, hashes: Sequence[str]) -> None:
    """The hashes of the page's inline scripts, known when all callbacks are registered."""
    server.config[_SCRIPT_HASHES] = " ".join(hashes)


def register(server: Flask) -> None:
    """Add the headers to every answer."""
    server.wsgi_app = AsciiQuery(server.wsgi_app)  # type: ignore[method-assign]

    @server.after_request
    def secure(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        headers.setdefault("Content-Security-Policy", _policy(server, request.path))
        if request.path.startswith("/assets/") and "m" in request.args:
            headers["Cache-Control"] = IMMUTABLE
        return response


def _policy(server: Flask, path: str) -> str:
    # Anybody may embed what is made for it: it shows a run and its charts, no more.
    within = "*" if path == EMBED else "'self'"
    hashes = server.config.get(_SCRIPT_HASHES, "")
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; "
        f"frame-ancestors {within}"
    )


def require_same_origin(asked: Request) -> None:
    """Refuse a POST that another site made.

    Raises:
        Refusal: 403.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    origin = asked.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    else:
        same = origin is not None and urlsplit(origin).netloc == asked.host
    if not same:
        raise Refusal(
            403, "this is for the page itself", field="Origin",
            hint=f"send the header Origin: {asked.scheme}://{asked.host}",
        )  # fmt: skip
