"""A chart as an image file, from the same link as the page."""

from __future__ import annotations

import math
import re
import time

from flask import Blueprint, Response, request

from dashboard.http.errors import Refusal
from dashboard.http.query import compared, finished, link, submit
from dashboard.http.runs import WAIT_S_MAX
from dashboard.services.images import FORMATS, ImageError
from dashboard.services.services import Services
from dashboard.view_state import SCALE_KEYS, Scale, ViewState
from sim.result import Result
from sim.scenario_url import RESERVED_KEYS

WIDTH, HEIGHT = 900, 420
_MAX_SIDE, _MAX_PIXELS = 4000, 24_000_000
THEMES = ("light", "dark")
_AT = re.compile(r"\d{1,9}")
_WINDOW = re.compile(r"(\d{1,9})-(\d{1,9})")


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("export", __name__)

    @routes.get("/export/<figure>.<kind>")
    def export(figure: str, kind: str) -> Response:
        from dashboard.figures.registry import FIGURES, figure_dict

        if kind not in FORMATS:
            raise Refusal(404, f"no format {kind[:10]}", field="format", limit=", ".join(FORMATS))
        if figure not in FIGURES:
            raise Refusal(404, f"no figure {figure[:40]}", field="figure", limit=", ".join(FIGURES))
        theme = request.args.get("theme", "light")
        if theme not in THEMES:
            raise Refusal(400, "no such theme", field="theme", limit=", ".join(THEMES))
        width, height, times = size()
        keys = [submit(services, what) for what in compared(services)]
        seen = view()
        result, *others = results(services, keys)
        drawn = figure_dict(
            figure, result, theme=theme, width=width, height=height,
            url=f"{request.host_url}?{page_link()}", others=tuple(others), view=seen,
        )  # fmt: skip
        try:
            image = services.images.render(drawn, kind, width, height, times)
        except ImageError as error:
            raise Refusal(error.status, str(error), field="figure", retry_after_s=10) from None
        answer = Response(image, mimetype=FORMATS[kind])
        name = f"{figure}-{'-'.join(keys)}.{kind}"
        answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return routes


def results(services: Services, keys: list[str]) -> list[Result]:
    """The runs, waited for; they are computed at the same time.

    Raises:
        Refusal: one failed, or takes longer than a request may.
    """
    end = time.monotonic() + WAIT_S_MAX
    done = []
    for key in keys:
        status = services.jobs.wait(key, max(0.0, end - time.monotonic()))
        result = finished(services, key, status)
        if result is None:
            raise Refusal(
                503, "the run is still being computed", field="run", hint="ask again",
                retry_after_s=5, key=key,
            )  # fmt: skip
        done.append(result)
    return done


def page_link() -> str:
    """The link of the page with the same runs and the same view."""
    pairs = [part.partition("=") for part in link().split("&")]
    runs = [f"{k}{eq}{v}" for k, eq, v in pairs if k not in RESERVED_KEYS and k[:5] != "view."]
    view = [f"{k[5:]}={v}" for k, _, v in pairs if k[:5] == "view."]
    return "&".join(runs) + (f"#{'&'.join(view)}" if view else "")


def view() -> ViewState:
    """What the ``view.`` keys of this request say.

    Raises:
        Refusal: 400, one of them says nothing that can be shown.
    """
    return ViewState(window=_window(), at=_at(), scales=_scales())


def _window() -> tuple[float, float] | None:
    """``view.t=<ms>-<ms>`` in s; None = the whole run."""
    text = request.args.get("view.t", "")
    if not text:
        return None
    found = _WINDOW.fullmatch(text)
    begin, end = (int(part) / 1000 for part in found.groups()) if found else (0, 0)
    if not begin < end:
        raise Refusal(
            400, f"no window {text[:40]}", field="view.t", limit="<ms>-<ms>, the first is smaller"
        )
    return begin, end


def _at() -> float | None:
    """``view.at=<ms>`` in s; None = at the end."""
    text = request.args.get("view.at", "")
    if text and not _AT.fullmatch(text):
        raise Refusal(400, f"no time {text[:40]}", field="view.at", limit="<ms>, a whole number")
    return int(text) / 1000 if text else None


def _scales() -> dict[str, Scale]:
    """``view.log``, ``view.lin`` and ``view.bands``: figures, separated by full stops."""
    from dashboard.figures.registry import FIGURES

    said: dict[str, Scale] = {}
    for key, kind in SCALE_KEYS.items():
        known = [name for name, spec in FIGURES.items() if kind in (spec.scale, spec.other_scale)]
        for name in request.args.get(f"view.{key}", "").split("."):
            if name and name not in known:
                raise Refusal(
                    400, f"no axis of {name[:40]} to switch", field=f"view.{key}",
                    limit=", ".join(known),
                )  # fmt: skip
            if name:
                said[name] = kind
    return said


def size() -> tuple[int, int, float]:
    """Width and height in CSS pixels, and scale.

    Raises:
        Refusal: 400, more or less than a server draws.
    """
    width = int(_asked("width", WIDTH, 200, _MAX_SIDE, whole=True))
    height = int(_asked("height", HEIGHT, 120, _MAX_SIDE, whole=True))
    scale = _asked("scale", 1, 0.5, 4)
    if width * height * scale * scale > _MAX_PIXELS:
        most = (_MAX_PIXELS / (width * height)) ** 0.5
        raise Refusal(
            400, f"an image of {width} x {height} at scale {scale:g} has too many pixels",
            field="scale", limit=f"{_MAX_PIXELS:,} pixels: at most {most:.2f} at this size",
        )  # fmt: skip
    return width, height, scale


def _asked(name: str, default: float, lo: float, hi: float, *, whole: bool = False) -> float:
    text = request.args.get(name, "")
    limit = f"{lo:g} to {hi:g}{', a whole number' if whole else ''}"
    try:
        value = (int(text) if whole else float(text)) if text else default
    except ValueError:
        value = math.nan
    if not lo <= value <= hi:
        raise Refusal(400, f"{name} cannot be {text[:20]}", field=name, limit=limit)
    return value
