"""``create_app(settings)``: services, page and HTTP interface put together."""

from __future__ import annotations

import atexit
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dash
from flask import Flask, Response, request
from flask_caching import Cache

from dashboard import callbacks, http
from dashboard.callbacks.navigation import heading
from dashboard.controls.link import PageLink
from dashboard.http.headers import allow_scripts
from dashboard.http.packed import PLOTLY, SCRIPTS, STYLES, THEME, THEME_SCRIPT
from dashboard.layout import shell
from dashboard.layout.first_paint import FirstPaint
from dashboard.layout.static import live_ids, settled
from dashboard.services import cache_backend
from dashboard.services.images import Images
from dashboard.services.jobs import Jobs, LocalJobs
from dashboard.services.recordings import Recordings
from dashboard.services.results import ResultStore, result_folder
from dashboard.services.services import Services
from dashboard.settings import Settings

TITLE = "Reclaim Lab"
_FIRST_PAINT = "<!-- first paint -->"
_PAGE = ("/", "/_dash-layout", "/_dash-dependencies")
_ROOT = Path(__file__).resolve().parent.parent
_STYLES, _SCRIPTS = "<!-- styles -->", "<!-- scripts -->"
_INDEX = f"""<!DOCTYPE html>
<html lang="en">
    <head>
        {{%metas%}}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{%title%}}</title>
        {{%favicon%}}
        <script src="{THEME_SCRIPT.url}"></script>
        {{%css%}}
        {_STYLES}
        <script defer src="{PLOTLY.url}"></script>
    </head>
    <body>
        <noscript>Reclaim Lab draws its charts with JavaScript, which is off.</noscript>
        {{%app_entry%}}
        {_FIRST_PAINT}
        <footer>
            {{%config%}}
            {_SCRIPTS}
            {{%scripts%}}
            {{%renderer%}}
        </footer>
    </body>
</html>"""


_PACKED = r".*\.(js|css)$"


def _with_assets(index: str) -> str:
    """Our own scripts and styles as one file each."""
    styles = f'<link rel="stylesheet" href="{STYLES.url}">'
    return index.replace(_STYLES, styles).replace(
        _SCRIPTS, f'<script src="{SCRIPTS.url}"></script>'
    )


def create_app(settings: Settings, jobs: Jobs | None = None, *, frozen: bool = True) -> dash.Dash:
    """The app, ready for its first request.

    ``jobs`` other than local ones are for tests. ``frozen``: the page is made once, here; without,
    edited assets show at the next request.
    """
    app = dash.Dash(
        __name__,
        title=TITLE,
        update_title="",
        assets_folder=str(_ROOT / "assets"),
        assets_path_ignore=["vendor"],
        assets_ignore=_PACKED if frozen else re.escape(THEME.name),
        index_string=_with_assets(_INDEX) if frozen else _INDEX,
        serve_locally=True,
        compress=False,  # http.headers does, for our own routes too
        enable_mcp=False,
    )
    server = app.server
    services = make_services(settings, server, jobs)
    http.register(server, services)
    _make_page(app, services)
    allow_scripts(server, app.csp_hashes())
    # Dash marks its set-up as done before it does it: a second thread's first request would be
    # served half set up. So it is done here, by a request of our own, before any thread serves.
    made = {path: server.test_client().get(path) for path in _PAGE}
    if frozen:
        for path, answer in made.items():
            _freeze(server, path, answer.get_data(), answer.mimetype)
        _paint_first(server, services, made["/"].get_data(as_text=True))
        server.view_functions["/<path:path>"] = server.view_functions["/"]
    server.extensions["reclaim_lab"] = services
    return app


def _freeze(server: Flask, endpoint: str, body: bytes, mimetype: str) -> None:
    """Answer with bytes: the page is the same for all, and takes Dash 30 to 50 ms to write."""

    def page(**_parts: str) -> Response:
        answer = Response(body, mimetype=mimetype)
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    server.view_functions[endpoint] = page


def _paint_first(server: Flask, services: Services, body: str) -> None:
    """The page itself differs by link in what can be read before Dash has drawn it."""
    before, _, after = body.partition(_FIRST_PAINT)
    picture = FirstPaint(shell.page(services))

    def page(**_parts: str) -> Response:
        link = PageLink.parse(request.query_string.decode("ascii", "replace"))
        above = heading(services, link)
        answer = Response(before + picture.of(asdict(above)) + after, mimetype="text/html")
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    server.view_functions["/"] = page


def make_services(settings: Settings, server: Flask, jobs: Jobs | None) -> Services:
    """Everything that outlives a request; runners begin to warm up."""
    cache = Cache(
        server,
        config={
            "CACHE_TYPE": cache_backend.REDIS if settings.redis_url else cache_backend.FILES,
            "CACHE_DIR": str(result_folder(settings)),
            "CACHE_THRESHOLD": settings.cache_mib << 20,
            "CACHE_DEFAULT_TIMEOUT": 0,
            "CACHE_REDIS_URL": settings.redis_url,
        },
    )
    store: Any = cache.cache  # one of ours, not one of flask-caching's
    results = ResultStore(store)
    if jobs is None:
        jobs = _start_jobs(settings, results)
        atexit.register(jobs.stop)
    images = Images(results)
    atexit.register(images.stop)
    return Services(
        settings=settings,
        results=results,
        jobs=jobs,
        recordings=Recordings(settings, results.sources),
        images=images,
    )


def _start_jobs(settings: Settings, results: ResultStore) -> Jobs:
    local = LocalJobs(settings, results).start()
    if not settings.celery:
        return local
    from dashboard.services.worker import CeleryJobs

    return CeleryJobs(results, local)


def _make_page(app: dash.Dash, services: Services) -> None:
    callbacks.register(app, services)
    live = live_ids(app.callback_map)
    app.layout = lambda: settled(shell.page(services), live)
