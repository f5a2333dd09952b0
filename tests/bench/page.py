"""The page in headless Chromium: load, first data after a control change, bytes; median of 5.

Serves the dashboard from this checkout on a free port with warm kernels and an empty result cache.
Prints what the budgets of the product name; asserts nothing, for a figure depends on the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
OBSERVE = """
window.bench = {lcp: 0, cls: 0, first: {}, pressed: 0};
addEventListener('pointerdown', e => { bench.pressed = e.timeStamp; }, true);
new PerformanceObserver(list => { for (const e of list.getEntries()) bench.lcp = e.startTime; })
  .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => { for (const e of list.getEntries())
    if (!e.hadRecentInput) bench.cls += e.value; })
  .observe({type: 'layout-shift', buffered: true});
document.addEventListener('rl:status', e => {
  if (e.detail.fraction > 0 && !(e.detail.key in bench.first))
    bench.first[e.detail.key] = performance.now();
});
"""


@contextmanager
def served() -> Iterator[str]:
    """The address of a dashboard of its own, ready to run."""
    folder = tempfile.mkdtemp(prefix="bench-page-")
    kernels = os.environ.get("NUMBA_CACHE_DIR") or str(_kernel_cache())
    environment = os.environ | {"RECLAIM_LAB_CACHE_DIR": folder, "NUMBA_CACHE_DIR": kernels}
    port = "8931"
    command = [
        sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "8", "--no-control-socket",
        "-b", f"127.0.0.1:{port}", "dashboard.wsgi:server",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_warm(address)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _kernel_cache() -> Path:
    base = os.environ.get("RECLAIM_LAB_CACHE_DIR") or Path.home() / ".cache" / "reclaim-lab"
    return Path(base) / "numba"


def _wait_until_warm(address: str) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
                if b'"ready"' in answer.read():
                    return
        except OSError:
            time.sleep(0.2)
        time.sleep(0.2)
    raise TimeoutError("the dashboard did not get ready in ten minutes")


def _load(page: Page, address: str, seed: int) -> dict[str, float]:
    size = {"bytes": 0.0}

    def count(event: dict[str, Any]) -> None:
        size["bytes"] += event["encodedDataLength"]

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", count)
    page.goto(f"{address}/?v=1&seed={seed}", wait_until="load")
    page.locator("[data-figure] .main-svg").first.wait_for(timeout=60_000)
    chart_ms = page.evaluate("performance.now()")
    page.locator("[data-run-state][data-state=DONE]").first.wait_for(timeout=120_000)
    bench = page.evaluate("bench")
    return {
        "LCP ms": bench["lcp"],
        "CLS": bench["cls"],
        "first chart ms": chart_ms,
        "first load kB": size["bytes"] / 1000,
    }


def _change(page: Page) -> float:
    """Flip patch 6 and wait for the new run's first samples: ms since the button went down."""
    before = set(page.evaluate("Object.keys(bench.first)"))
    page.get_by_text("patch 6", exact=True).first.click()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        first: dict[str, float] = page.evaluate("bench.first")
        fresh = [t for key, t in first.items() if key not in before]
        if fresh:
            pressed: float = page.evaluate("bench.pressed")
            return min(fresh) - pressed
        time.sleep(0.02)
    raise TimeoutError("no data 30 s after a control change")


def main() -> int:
    """Print the medians."""
    rows: dict[str, list[float]] = {}
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=list(FLAGS), timeout=60_000
        )
        for i in range(ROUNDS):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.add_init_script(OBSERVE)
            values = _load(page, address, 100 + i)
            values["first data after a change ms"] = _change(page)
            for name, value in values.items():
                rows.setdefault(name, []).append(value)
            page.context.close()
        browser.close()
    for name, column in rows.items():
        print(f"{name:32}{median(column):10.2f}   {min(column):.2f}-{max(column):.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
