"""``GET /export/report.<md|txt|html|pdf>?<scenario or comparison>``: all of it as one document."""

from __future__ import annotations

import threading
from pathlib import Path

from flask import Blueprint, Response, request

from dashboard.callbacks.navigation import recording_title, words
from dashboard.controls.link import PageLink
from dashboard.controls.state import head
from dashboard.controls.words import kinship
from dashboard.http.errors import Refusal
from dashboard.http.export import THEMES, page_link, results, view
from dashboard.http.packed import PLOTLY, PLOTLY_JS
from dashboard.http.query import compared, submit
from dashboard.layout.delta import RunNumbers
from dashboard.layout.report import Report, charts, markdown, plain, ran
from dashboard.layout.report_page import included, linked, report_page
from dashboard.services.images import ImageError
from dashboard.services.services import Services
from dashboard.view_state import ViewState
from sim.result import Result
from sim.scenario_url import encode

KINDS = {
    "md": "text/markdown", "txt": "text/plain", "html": "text/html", "pdf": "application/pdf",
}  # fmt: skip
AT_ONCE = 3
"""Reports made at the same time; each draws all charts."""
_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_STYLES = ("00-tokens.css", "20-parts.css", "40-report.css")


def blueprint(services: Services) -> Blueprint:
    """The route."""
    routes = Blueprint("report", __name__)
    turns = threading.BoundedSemaphore(AT_ONCE)

    @routes.get("/export/report.<kind>")
    def document(kind: str) -> Response:
        if kind not in KINDS:
            raise Refusal(404, f"no format {kind[:10]}", field="format", limit=", ".join(KINDS))
        theme = request.args.get("theme", "light")
        if theme not in THEMES:
            raise Refusal(400, "no such theme", field="theme", limit=", ".join(THEMES))
        seen = view()
        wanted = compared(services)
        keys = [submit(services, what) for what in wanted]
        found = results(services, keys)
        if not turns.acquire(blocking=False):
            raise Refusal(
                503, "busy with other reports", limit=f"{AT_ONCE} at once", retry_after_s=5
            )
        try:
            report = made(services, found, theme, seen)
            text: str | bytes = (
                _printed(services, report, theme)
                if kind == "pdf"
                else _written(kind, report, theme)
            )
        finally:
            turns.release()
        answer = Response(text, mimetype=KINDS[kind])
        name = f"report-{'-'.join(keys)}.{kind}"
        answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return routes


def made(services: Services, found: list[Result], theme: str, seen: ViewState) -> Report:
    """The report of the request's finished runs, its charts as they were seen."""
    asked = page_link().partition("#")[0]
    link = PageLink.parse(asked)
    query = link.search_or(asked)[0].removeprefix("?")
    above, recorded = head(link.a), recording_title(services, link)
    names = [head(scenario).preset for scenario in link.scenarios]
    links = [f"{request.host_url}?{encode(scenario)}" for scenario in link.scenarios]
    if link.input_key:
        names[0] = recorded
        links[0] = f"{request.host_url}?{link.input_key}={link.input_name}"
    runs = [
        ran(letter, name, result, at)
        for letter, name, result, at in zip("ABCD", names, found, links, strict=False)
    ]
    view_keys = seen.keys()
    fragment = "&".join(f"{key}={text}" for key, text in view_keys.items())
    url = f"{request.host_url}?{query}{'#' if fragment else ''}{fragment}"
    return Report(
        title=recorded or above.title,
        question=_question(link, above.question),
        difference=words(link),
        link=url,
        query="&".join([query, *(f"view.{key}={text}" for key, text in view_keys.items())]),
        window=seen.window,
        runs=tuple(runs),
        numbers=tuple(
            RunNumbers.of(result, f"{run.letter}: {run.title}")
            for run, result in zip(runs, found, strict=True)
        ),
        charts=charts(found, theme, url, seen),
    )


def _question(link: PageLink, question: str) -> str:
    """The preset's; a scenario that is near none has its differences with its run."""
    if link.input_key:
        return "A recording of a real machine."
    return question if kinship(link.a) else ""


def _written(kind: str, report: Report, theme: str) -> str:
    if kind == "md":
        return markdown(report, request.host_url)
    if kind == "txt":
        return plain(report, request.host_url)
    styles = [_asset(name) for name in _STYLES]
    return report_page(report, theme, *linked(styles, [PLOTLY.url, _asset("report.js")]))


def _printed(services: Services, report: Report, theme: str) -> bytes:
    """As a browser prints it.

    Raises:
        Refusal: 503, there is none on this server, or it is busy.
    """
    styles = [(_ASSETS / name).read_text() for name in _STYLES]
    scripts = [PLOTLY_JS.read_text(), (_ASSETS / "report.js").read_text()]
    page = report_page(report, theme, *included(styles, scripts))
    try:
        return services.images.print_page(page)
    except ImageError as error:
        raise Refusal(error.status, str(error), retry_after_s=60) from None


def _asset(name: str) -> str:
    return f"/assets/{name}?m={int((_ASSETS / name).stat().st_mtime)}"
