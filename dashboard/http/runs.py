"""Runs for programs: health, presets, a scenario's numbers, status and cancel."""

from __future__ import annotations

import csv
import io
import json
import math
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request

from dashboard.http.errors import Refusal
from dashboard.http.headers import require_same_origin
from dashboard.http.query import (
    Wanted,
    finished,
    number,
    run_key,
    submit,
    unknown,
    viewer,
    wanted,
)
from dashboard.services.jobs import JobStatus
from dashboard.services.services import Services
from sim import MODEL_VERSION
from sim.observe import ftrace
from sim.observe.metrics import METRICS, columns, metrics
from sim.presets import PRESETS
from sim.result import Result
from sim.scenario_url import encode

WAIT_S, WAIT_S_MAX = 2.0, 15.0
FORMATS = ("json", "csv", "npz")
_WAITERS = 3
"""Requests that may wait for a run at once, of the server's 8 threads."""


def blueprint(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("runs", __name__)
    waiters = threading.BoundedSemaphore(_WAITERS)

    _add_server(routes, services)

    @routes.get("/api/run")
    def run() -> Response:
        kind = request.args.get("format", "json")
        if kind not in FORMATS:
            raise Refusal(400, f"no format {kind[:20]}", field="format", limit=", ".join(FORMATS))
        what = wanted(services)
        key = submit(services, what)
        status = services.jobs.status(key, viewer())
        if (status is None or not status.state.ended) and waiters.acquire(blocking=False):
            try:
                status = services.jobs.wait(key, number("wait", WAIT_S, 0, WAIT_S_MAX))
            finally:
                waiters.release()
        result = finished(services, key, status)
        if result is None:
            return _later(key, status)
        return _answer(services, kind, key, what, result)

    @routes.get("/api/trace")
    def trace() -> Response:
        what = wanted(services)
        key = submit(services, what)
        result = finished(services, key, services.jobs.wait(key, WAIT_S_MAX))
        if result is None:
            return _later(key, services.jobs.status(key))
        if not result.has("trace"):
            raise Refusal(404, f"no trace: {result.families.get('trace', '')}", field="trace")
        answer = Response(_text(ftrace.lines(result)), mimetype="text/plain")
        answer.headers["Content-Disposition"] = f'attachment; filename="reclaim-lab-{key}.txt"'
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    @routes.get("/api/status/<key>")
    def status_of(key: str) -> Response:
        status = services.jobs.status(run_key(key), viewer())
        if status is None:
            raise unknown()
        answer = jsonify(status.to_dict())
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.post("/api/cancel/<key>")
    def cancel(key: str) -> Response:
        require_same_origin(request)
        status = services.jobs.cancel(run_key(key), viewer())
        if status is None:
            raise unknown()
        return jsonify(status.to_dict())

    return routes


def _add_server(routes: Blueprint, services: Services) -> None:
    """What the server has: its health, its presets."""

    @routes.get("/healthz")
    def healthz() -> Response:
        load = services.jobs.load()
        runners = {
            name.removeprefix("runners_"): n
            for name, n in load.items()
            if name.startswith("runners_")
        }
        answer = jsonify(
            status="ok" if runners.get("broken", 0) == 0 else "degraded",
            version=MODEL_VERSION,
            sources=services.results.sources,
            runners=runners,
            queue={"queued": load["queued"], "running": load["running"]},
            cache_bytes=services.results.store.bytes_used(),
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.get("/api/presets")
    def presets() -> Response:
        return jsonify(
            [
                {
                    "name": name, "title": preset.title, "question": preset.question,
                    "source": preset.source, "claims": list(preset.claims),
                    "link": f"/?{encode(preset.scenario)}",
                }
                for name, preset in PRESETS.items()
            ]
        )  # fmt: skip


def _text(lines: Iterator[str]) -> Iterator[str]:
    """Lines in pieces worth sending."""
    for piece in iter(lambda: list(islice(lines, 500)), []):
        yield "\n".join(piece) + "\n"


def _later(key: str, status: JobStatus | None) -> Response:
    known = status.to_dict() if status is not None else {"key": key, "state": "QUEUED"}
    answer = jsonify(known | {"status": f"/api/status/{key}"})
    answer.status_code = 202
    answer.headers["Retry-After"] = "1"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(services: Services, kind: str, key: str, what: Wanted, result: Result) -> Response:
    if kind == "npz":
        data = services.results.result_bytes(key)
        if data is None:
            return _later(key, None)
        answer = Response(data, mimetype="application/octet-stream")
    elif kind == "csv":
        answer = Response(as_csv(result), mimetype="text/csv")
    else:
        numbers = services.results.single_flight(f"{key}:j", lambda: _numbers(result))
        head = json.dumps(_asked(key, what, result)).encode()
        answer = Response(head[:-1] + b", " + numbers[1:] + b"\n", mimetype="application/json")
    if kind != "json":
        answer.headers["Content-Disposition"] = f'attachment; filename="reclaim-lab-{key}.{kind}"'
    answer.headers["X-Run-Key"] = key
    # The same link gives other numbers when the model changes: ask again, cheaply.
    answer.headers["Cache-Control"] = "no-cache"
    answer.set_etag(f"{key}-{kind}-{len(what.problems)}")
    answer.make_conditional(request)
    return answer


def _asked(key: str, what: Wanted, result: Result) -> dict[str, Any]:
    """What of the answer depends on how it was asked for."""
    return {
        "key": key,
        "seed": result.meta.get("seed"),
        "link": f"/?{encode(what.scenario)}" if what.scenario is not None else "",
        "problems": [
            {"field": p.field, "value": p.value, "message": p.message} for p in what.problems
        ],
    }


def _numbers(result: Result) -> bytes:
    """The rest, kept with the run: every metric and every plotted column take 50 ms and more."""
    meta = result.meta
    numbers = {
        "digest": meta.get("digest", ""),
        "model_version": meta.get("model_version"),
        "result_digest": result.digest(),
        "title": meta.get("title", ""),
        "source": meta.get("source", ""),
        "note": meta.get("note", ""),
        "scenario": meta.get("scenario", {}),
        "families": result.families,
        "metrics": {
            name: {"value": _plain(value), "unit": METRICS[name].unit}
            for name, value in metrics(result).items()
        },
        "columns": {
            name: {"unit": column.unit, "values": [_plain(v) for v in column.values.tolist()]}
            for name, column in columns(result).items()
        },
    }
    return json.dumps(numbers, allow_nan=False).encode()


def _plain(value: Any) -> int | float | None:
    if value is None or not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def as_csv(result: Result) -> str:
    """Every plotted column, one row for each sample; empty = no value."""
    table = columns(result)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(f"{name} [{column.unit}]" for name, column in table.items())
    rows = np.column_stack([column.values for column in table.values()])
    writer.writerows(["" if math.isnan(v) else repr(v) for v in row] for row in rows.tolist())
    return text.getvalue()
