"""Events in a window of time and height: marks when they are few, else a picture of density."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request

from dashboard.figures.density import density_cells, picture
from dashboard.figures.stalls import KINDS as STALL_KINDS
from dashboard.figures.theme import COLORS, ISSUER_STYLES
from dashboard.http.errors import Refusal
from dashboard.http.headers import IMMUTABLE
from dashboard.http.query import finished, number, run_key, unknown, viewer, whole
from dashboard.services.services import Services
from sim.result import Result, SleepCause
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, SECTOR_SIZE

MAX_MARKS = 3000
_GIB_PER_SECTOR = SECTOR_SIZE / 2**30
Array = np.ndarray


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("events", __name__)

    @routes.get("/api/events/<key>")
    def events(key: str) -> Response:
        key = run_key(key)
        kind = request.args.get("kind", "io")
        if kind not in KINDS:
            raise Refusal(400, f"no events {kind[:20]}", field="kind", limit=", ".join(KINDS))
        status = services.jobs.status(key, viewer())
        if status is None:
            raise unknown()
        result = finished(services, key, status)
        if result is None:
            answer = jsonify(status.to_dict())
            answer.status_code = 202
            answer.headers["Cache-Control"] = "no-store"
            return answer
        family = "io" if kind == "io" else kind
        if not result.has(family):
            return jsonify(n=0, shown=0, marks={}, why=result.families.get(family, ""))
        answer = jsonify(window(result, kind))
        answer.headers["Cache-Control"] = IMMUTABLE
        return answer

    return routes


def _io(result: Result) -> tuple[Array, Array, Array, dict[str, Array]]:
    io = result.io
    more = {name: io[name] for name in ("nr_sectors", "write", "sync", "positioned", "task")}
    return io["t_done_ns"], io["sector"] * _GIB_PER_SECTOR, io["issuer"], more


def _stalls(result: Result) -> tuple[Array, Array, Array, dict[str, Array]]:
    stalls = result.stalls
    length = (stalls["t_end_ns"] - stalls["t_begin_ns"]) / NSEC_PER_MSEC
    more = {name: stalls[name] for name in ("task", "memcg", "priority", "order", "nr_reclaimed")}
    return stalls["t_end_ns"], length, stalls["kind"], more


def _sleeps(result: Result) -> tuple[Array, Array, Array, dict[str, Array]]:
    sleeps = result.sleeps
    length = (sleeps["t_end_ns"] - sleeps["t_begin_ns"]) / NSEC_PER_MSEC
    return sleeps["t_end_ns"], length, sleeps["cause"], {"task": sleeps["task"]}


KINDS = {"io": _io, "stalls": _stalls, "sleeps": _sleeps}
_ISSUERS = sorted(ISSUER_STYLES.values(), key=lambda style: style.code)
COLORS_OF = {
    "io": [style.color for style in _ISSUERS],
    "stalls": [COLORS[kind.color] for kind in STALL_KINDS],
    # No chart colours causes of sleep; the strongest colours, one for each cause.
    "sleeps": [*dict.fromkeys(COLORS.values())][: len(SleepCause)],
}
"""By code."""


def window(result: Result, kind: str) -> dict[str, Any]:
    """The events of a window: x in s, y in GiB (io) or ms."""
    t_ns, y, code, more = KINDS[kind](result)
    x = t_ns / NSEC_PER_SEC
    top = float(y.max()) if len(y) else 1.0
    x0 = number("t0", 0.0, 0.0, 1e9)
    x1 = number("t1", result.duration_ns / NSEC_PER_SEC, 0.0, 1e9)
    y0 = number("y0", 0.0, -1e12, 1e12)
    y1 = number("y1", top * 1.0001 or 1.0, -1e12, 1e12)
    x0, x1 = min(x0, x1), max(x0, x1)
    y0, y1 = min(y0, y1), max(y0, y1)
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    n = int(inside.sum())
    about = {"n": n, "x0": x0, "x1": x1, "y0": y0, "y1": y1}
    if n <= MAX_MARKS:
        marks = {"x": x, "y": y, "code": code, **more}
        # The place in the run's own log: what /api/explain and a selection in a link name.
        marks["index"] = np.arange(len(x))
        return {
            **about, "shown": n, "marks": {name: v[inside].tolist() for name, v in marks.items()},
        }  # fmt: skip
    shape = whole("px", 800, 16, 2400), whole("py", 160, 16, 1200)
    colors = COLORS_OF[kind]
    cells = density_cells(x[inside], y[inside], code[inside], (x0, x1, y0, y1), shape, len(colors))
    return {**about, "shown": 0, "image": picture(cells, colors)}
