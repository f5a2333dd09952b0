"""Frames of a run for the page: what is there from a message on, at once."""

from __future__ import annotations

from flask import Blueprint, Response

from dashboard.http.headers import IMMUTABLE
from dashboard.http.query import run_key, unknown, viewer, whole
from dashboard.services.frames import MIME
from dashboard.services.jobs import JobStatus, RunState
from dashboard.services.services import Services


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("frames", __name__)

    @routes.get("/api/frames/<key>")
    def frames(key: str) -> Response:
        key = run_key(key)
        start = whole("from", 0, 0, 1_000_000)
        status = services.jobs.status(key, viewer())
        if status is None:
            raise unknown()
        data = services.jobs.frames(key, start)
        done = status.state is RunState.DONE
        if data:
            answer = Response(data, mimetype=MIME)
            # Of a complete run the answer is always the same: messages and their grouping.
            answer.headers["Cache-Control"] = IMMUTABLE if done else "no-store"
        elif done and start < status.chunks:
            services.results.drop(key)  # a part of it was evicted: it has to be computed again
            raise unknown()
        else:
            answer = Response(status=204)
            answer.headers["Cache-Control"] = "no-store"
        _tell(answer, status)
        return answer

    return routes


def _tell(answer: Response, status: JobStatus) -> None:
    answer.headers["X-Run-State"] = status.state
    if status.position:
        answer.headers["X-Run-Position"] = str(status.position)
    if status.message:
        answer.headers["X-Run-Message"] = status.message.encode("ascii", "replace").decode()
