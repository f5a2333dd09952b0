"""What a request's query means: a scenario, or a recording, and the endpoint's own keys."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from dashboard.http.errors import Refusal
from dashboard.services.jobs import Busy, JobStatus, RunState
from dashboard.services.limits import by_cli, past_limit
from dashboard.services.recordings import Recorded
from dashboard.services.results import KEY
from dashboard.services.services import Services
from sim.scenario import Problem, Scenario
from sim.scenario_url import decode, decode_comparison

if TYPE_CHECKING:
    from sim.result import Result

OWN_KEYS = frozenset({"viewer", "wait", "kind", "seeds", "t0", "t1", "y0", "y1", "px", "py"})
_VIEWER = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run that a query names."""

    scenario: Scenario | None
    recorded: Recorded | None
    problems: list[Problem]


def wanted(services: Services) -> Wanted:
    """The run of this request.

    Raises:
        Refusal: 400 for a scenario past a limit, 404 for a recording that is not here.
    """
    recorded = _recorded(services)
    if recorded is not None:
        return Wanted(None, recorded, [])
    return _allowed(services, *decode(link()))


def compared(services: Services) -> list[Wanted]:
    """The runs A to D of this request.

    Raises:
        Refusal: as ``wanted``.
    """
    first, *others = decode_comparison(link())
    recorded = _recorded(services)
    a = _allowed(services, *first) if recorded is None else Wanted(None, recorded, [])
    return [a, *(_allowed(services, *other) for other in others)]


def link() -> str:
    """The part of the query that names runs."""
    query = request.query_string.decode("ascii", "replace")
    return "&".join(part for part in query.split("&") if part.partition("=")[0] not in OWN_KEYS)


def _allowed(services: Services, scenario: Scenario, problems: list[Problem]) -> Wanted:
    problem = past_limit(scenario, services.settings)
    if problem is not None:
        raise Refusal(
            400, problem.message, field=problem.field, limit=problem.limit, hint=by_cli(scenario),
            value=problem.value,
        )  # fmt: skip
    return Wanted(scenario, None, problems)


def _recorded(services: Services) -> Recorded | None:
    for key, find in (("rec", services.recordings.named), ("file", services.recordings.uploaded)):
        name = request.args.get(key, "")
        if not name:
            continue
        found = find(name)
        if found is None:
            raise Refusal(
                404,
                f"needs {'recording' if key == 'rec' else 'file'} {name[:80]}",
                field=key,
                hint="POST it to /api/recordings"
                if key == "file"
                else "/api/recordings lists those of this server",
            )
        return found
    return None


def submit(services: Services, what: Wanted) -> str:
    """Have it computed; its run key.

    Raises:
        Refusal: 503 when the queue is full.
    """
    try:
        if what.recorded is not None:
            return services.jobs.submit_recording(what.recorded, viewer())
        assert what.scenario is not None
        return services.jobs.submit(what.scenario, viewer())
    except Busy as busy:
        raise Refusal(
            503, str(busy), limit=str(busy.waiting), hint="runs in the cache are still answered",
            retry_after_s=30,
        ) from None  # fmt: skip


def finished(services: Services, key: str, status: JobStatus | None) -> Result | None:
    """The Result of a run that is done; None while it is under way.

    Raises:
        Refusal: it failed or was cancelled.
    """
    if status is None:
        return None
    if status.state is RunState.FAILED:
        raise Refusal(
            500, f"the run failed: {status.message}", field="run", hint="the same link fails again",
            **status.to_dict(),
        )  # fmt: skip
    if status.state is RunState.CANCELLED:
        raise Refusal(409, "the run was cancelled", field="run", hint="ask again", key=key)
    return services.results.result(key) if status.state is RunState.DONE else None


def viewer() -> str:
    """Who asks: the page by a name of its own, programs by their address."""
    name = request.headers.get("X-Viewer") or request.args.get("viewer", "")
    return name if _VIEWER.fullmatch(name) else f"from {request.remote_addr}"


def run_key(text: str) -> str:
    """A run key from a path.

    Raises:
        Refusal: 404, it cannot be one.
    """
    if not KEY.fullmatch(text):
        raise unknown()
    return text


def unknown() -> Refusal:
    """The answer for a key that says nothing (any more)."""
    return Refusal(
        404, "no such run here (any more)", field="key", hint="ask /api/run with the scenario"
    )


def number(name: str, default: float, lo: float, hi: float) -> float:
    """A number of the query within its range, the default when it is none."""
    try:
        value = float(request.args.get(name, default))
    except ValueError:
        return default
    return default if math.isnan(value) else min(max(value, lo), hi)


def whole(name: str, default: int, lo: int, hi: int) -> int:
    """A whole number of the query within its range."""
    return int(number(name, default, lo, hi))
