"""A page with nothing but the charts, on synthetic runs: for tests of the page's JavaScript."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from dashboard.figures.registry import FIGURES, spec_json
from dashboard.http.packed import PLOTLY_JS
from dashboard.services.frames import Encoder, slices
from sim.result import Result

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCRIPTS = (
    "board.js", *sorted(path.name for path in ASSETS.glob("chart*.js")), "density.js",
    "element.js", "exports.js", "frames.js", "marks.js", "playback.js", "player.js",
    "run-loading.js", "selection.js", "time-axis.js",
)  # fmt: skip
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def messages(result: Result, chunk_bytes: int = 30_000) -> list[bytes]:
    """A run's messages, many small ones."""
    encoder = Encoder("key")
    parts = slices(result, chunk_bytes)
    return [message for part in parts for message in encoder.encode(part)]


def page() -> str:
    """Sections, player bar and axis, as the layout makes them."""
    tools = "".join(
        f'<button class="tool" data-action="{action}">{action}</button>'
        for action in ("png", "svg", "csv", "table")
    )
    sections = "".join(
        f'<section class="figure" data-figure="{name}"><div class="figure-head"><h2>{spec.title}'
        f"</h2>{tools}</div></section>"
        for name, spec in FIGURES.items()
    )
    buttons = "".join(
        f'<button data-player="{action}">{action}</button>'
        for action in ("home", "back", "play", "forward", "end", "slower", "faster", "zoom-reset")
    )
    styles = "".join(
        f'<link rel="stylesheet" href="/assets/{path.name}">' for path in ASSETS.glob("*.css")
    )
    scripts = "".join(f'<script src="/assets/{name}"></script>' for name in SCRIPTS)
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light"><head><title>charts</title>'
        f'<link rel="icon" href="data:,">{styles}<script defer src="/plotly.js"></script></head>'
        f'<body>{buttons}<input type="range" data-player="scrub"><select data-player="speed">'
        '</select><output data-player="time"></output><span data-run-state></span>'
        f'<b data-headline="write_seeks"></b><main>{sections}<div class="axis" data-player="axis">'
        f"</div></main>{scripts}</body></html>"
    )


@contextmanager
def chart_server(runs: dict[str, Result]) -> Iterator[str]:
    """Serve ``runs`` by key; a key with ``.live`` behind it comes message by message."""
    sent = {key: messages(result) for key, result in runs.items()}
    polls: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/":
                self.answer(page().encode(), "text/html; charset=utf-8")
            elif url.path == "/plotly.js":
                kept = {"Cache-Control": "max-age=3600"}
                self.answer(PLOTLY_JS.read_bytes(), "text/javascript", more=kept)
            elif url.path == "/api/figures":
                self.answer(json.dumps(spec_json(query["theme"])).encode(), "application/json")
            elif url.path.startswith("/assets/"):
                path = ASSETS / Path(url.path).name
                self.answer(path.read_bytes(), TYPES[path.suffix])
            elif url.path.startswith("/api/frames/"):
                self.frames(url.path.rpartition("/")[2], int(query["from"]))
            else:
                self.answer(b"", "text/plain", 404)

        def frames(self, name: str, start: int) -> None:
            key, _, live = name.partition(".")
            if key not in sent:
                self.answer(b"{}", "application/json", 404)
                return
            there = len(sent[key])
            if live:
                polls[name] = polls.get(name, 0) + 1
                there = min(there, polls[name] // 4)
            data = b"".join(sent[key][start:there][:4])
            state = {"X-Run-State": "DONE" if there == len(sent[key]) else "RUNNING"}
            self.answer(data, "application/x-rlf1", 200 if data else 204, state)

        def answer(
            self, data: bytes, kind: str, status: int = 200, more: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Security-Policy": POLICY, **(more or {})}
            if status != 204:
                headers["Content-Length"] = str(len(data))
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
