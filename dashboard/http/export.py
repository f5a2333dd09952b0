"""A chart as an image file, from the same link as the page."""

from __future__ import annotations

import time

from flask import Blueprint, Response, request

from dashboard.http.errors import Refusal
from dashboard.http.query import compared, finished, link, number, submit, whole
from dashboard.http.runs import WAIT_S_MAX
from dashboard.services.images import FORMATS, ImageError
from dashboard.services.services import Services
from sim.result import Result
from sim.scenario_url import RESERVED_KEYS

WIDTH, HEIGHT = 900, 420
_MAX_SIDE, _MAX_PIXELS = 4000, 24_000_000
THEMES = ("light", "dark")


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
        width, height, scale = size()
        keys = [submit(services, what) for what in compared(services)]
        result, *others = results(services, keys)
        drawn = figure_dict(
            figure, result, theme=theme, width=width, height=height,
            url=f"{request.host_url}?{scenario_link()}", others=tuple(others),
        )  # fmt: skip
        try:
            image = services.images.render(drawn, kind, width, height, scale)
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


def scenario_link() -> str:
    """The link of the page with the same runs."""
    parts = link().split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in RESERVED_KEYS)


def size() -> tuple[int, int, float]:
    """Width and height in CSS pixels, and scale, kept to what a server can draw."""
    width = whole("width", WIDTH, 200, _MAX_SIDE)
    height = whole("height", HEIGHT, 120, _MAX_SIDE)
    scale = number("scale", 1, 0.5, 4)
    most = (_MAX_PIXELS / (width * height)) ** 0.5
    return width, height, min(scale, most)
