"""A server on a free port, a browser, and a page that may neither complain nor ask elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is."""
    folder = tmp_path_factory.mktemp("e2e")
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.server", str(folder / "cache")],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        ) as server,
    ):  # fmt: skip
        assert server.stdout is not None
        assert server.stdin is not None
        port = server.stdout.readline().strip()
        assert port, (folder / "server.log").read_text()[-2000:]
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
        server.wait(timeout=20)


@pytest.fixture
def visit(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """``visit("/?v=1", width=390)`` opens a page; at the end none of them may have complained."""
    contexts, complaints = [], []

    def open_page(link: str = "/", *, width: int = 1280, theme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if is_foreign(r.url) else None)
        page.goto(base_url + link, timeout=2 * PATIENCE_MS)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def is_foreign(url: str) -> bool:
    """Whether a request leaves the server's own host."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"
