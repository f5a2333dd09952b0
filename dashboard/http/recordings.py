"""Recordings: the list of the server's folder, and files that visitors drop."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import ClientDisconnected

from dashboard.http.errors import Refusal
from dashboard.http.headers import require_same_origin
from dashboard.services.recordings import TooLarge
from dashboard.services.services import Services
from sim.traces import TraceError

_PIECE = 1 << 18


def blueprint(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("recordings", __name__)
    recordings = services.recordings

    @routes.get("/api/recordings")
    def catalogue() -> Response:
        try:
            listed = recordings.catalogue()
        except TraceError as error:
            raise Refusal(
                500, f"the folder of recordings cannot be read: {error.message}", field="rec"
            ) from None
        return jsonify(
            [
                {
                    "name": r.name, "title": r.title, "kernel": r.kernel, "workload": r.workload,
                    "variant": r.variant, "link": f"/?v=1&rec={r.name}",
                }
                for r in listed.values()
            ]
        )  # fmt: skip

    @routes.post("/api/recordings")
    def upload() -> Response:
        require_same_origin(request)
        limit = f"{recordings.max_mib} MiB"
        if (request.content_length or 0) > recordings.max_mib << 20:
            raise Refusal(413, f"the file is larger than {limit}", field="file", limit=limit)
        name = unquote(request.headers.get("X-File-Name", "recording"))
        try:
            digest = recordings.add(name, _pieces())
        except TooLarge as error:
            raise Refusal(413, str(error), field="file", limit=limit) from None
        except ValueError as error:
            raise Refusal(400, str(error), field="file") from None
        answer = jsonify(file=digest, link=f"/?v=1&file={digest}", run=f"/api/run?file={digest}")
        answer.status_code = 201
        return answer

    return routes


def _pieces() -> Iterator[bytes]:
    """The body as it arrives, never whole in memory."""
    try:
        while piece := request.stream.read(_PIECE):
            yield piece
    except ClientDisconnected:
        raise Refusal(400, "the upload was cut off", field="file") from None
