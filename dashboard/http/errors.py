"""Errors: JSON for programs, a page for people, never a traceback."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from markupsafe import escape
from werkzeug.exceptions import HTTPException, NotFound

log = logging.getLogger(__name__)
_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_FOR_PROGRAMS = ("/api/", "/export/", "/healthz", "/_dash", "/vendor/")

_TITLES = {
    400: "This link asks for something that cannot be",
    403: "Not from here",
    404: "Nothing is here",
    405: "Not this way",
    413: "Too large",
    500: "Something broke on our side",
    503: "Busy",
}
_HINTS = {
    403: "this request must come from the page itself",
    404: "/api/presets lists what there is to run",
    405: "cancel and upload are POST, all else is GET",
    500: "the same link gives the same error: please report it",
}


class Refusal(Exception):
    """An answer that says what is wrong, where, which limit, and what to do."""

    def __init__(
        self, status: int, error: str, *, field: str = "", limit: str = "", hint: str = "",
        retry_after_s: int = 0, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "field": field, "limit": limit, "hint": hint} | more
        self.retry_after_s = retry_after_s


def register(server: Flask) -> None:
    """Answer every error in the form its asker reads."""

    @server.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return _answer(refusal.status, refusal.body, refusal.retry_after_s)

    @server.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = error.get_response()
        if status < 400:  # a redirection
            answer = Response(status=status)
            answer.headers.extend(response.headers)
            return answer
        text = _TITLES.get(status, error.name)
        body = {"error": text, "field": "", "limit": "", "hint": _HINTS.get(status, "")}
        return _answer(status, body)

    @server.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.error("%s %s", request.method, request.path, exc_info=error)
        body = {"error": _TITLES[500], "field": "", "limit": "", "hint": _HINTS[500]}
        return _answer(500, body)


def close_api(server: Flask) -> None:
    """Dash answers any other path with the page: not below the paths of programs."""

    def nothing(**_parts: str) -> Response:
        raise NotFound

    for i, prefix in enumerate(("/api/", "/export/", "/vendor/")):
        server.add_url_rule(f"{prefix}<path:rest>", f"nothing-{i}", nothing)
        server.add_url_rule(prefix, f"nothing-{i}-root", nothing)


def _answer(status: int, body: dict[str, Any], retry_after_s: int = 0) -> Response:
    if request.path.startswith(_FOR_PROGRAMS) and not _is_navigation():
        response = jsonify(body)
    else:
        response = Response(_page(status, body), mimetype="text/html")
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if retry_after_s:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _is_navigation() -> bool:
    """A person followed a link, as the browser says."""
    return (
        request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.accept_mimetypes.best == "text/html"
    )


def _page(status: int, body: dict[str, Any]) -> str:
    styles = "".join(
        f'<link rel="stylesheet" href="/assets/{path.name}?m={int(path.stat().st_mtime)}">'
        for path in sorted(_ASSETS.glob("*.css"))
    )
    title = _TITLES.get(status, "This did not work")
    error = str(body["error"]).strip()
    lines = [error[:1].upper() + error[1:]] if error != title else []
    if body["field"]:
        limit = f" (limit: {body['limit']})" if body["limit"] else ""
        lines.append(f"Field: {body['field']}{limit}")
    if body["hint"]:
        lines.append(f"What helps: {body['hint']}")
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – Reclaim Lab</title>{styles}</head>"
        f'<body class="error-page"><main class="error-card"><p class="error-status">{status}</p>'
        f"<h1>{escape(title)}</h1>{text}"
        '<p><a href="/">Back to the lab</a></p></main></body></html>'
    )
