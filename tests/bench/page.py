"""The page in headless Chromium: load, first data, presses, playback, images, bytes; median of 5.

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
bench.presses = [];
new PerformanceObserver(list => { for (const e of list.getEntries())
    if (e.interactionId) bench.presses.push(e.duration); })
  .observe({type: 'event', durationThreshold: 16, buffered: true});
document.addEventListener('rl:status', e => {
  if (e.detail.fraction > 0 && !(e.detail.key in bench.first))
    bench.first[e.detail.key] = performance.now();
});
"""


# Of playback: how often the playhead moves, and the longest time between two frames.
PLAYBACK = """
ms => new Promise(resolve => {
  const head = document.querySelector('.figure-playhead').style;
  const began = performance.now();
  let [last, place, moves, longest] = [began, head.transform, 0, 0];
  const frame = now => {
    longest = Math.max(longest, now - last);
    if (head.transform !== place) moves += 1;
    [last, place] = [now, head.transform];
    if (now - began < ms) requestAnimationFrame(frame);
    else resolve([1000 * moves / (now - began), longest]);
  };
  requestAnimationFrame(frame);
})
"""
PLAYED_MS = 3000
PRESSED = ("Numbers", "Stalls", "Charts")


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
    size = {"bytes": 0.0, "frames": 0.0}
    frames: set[str] = set()

    def asked(event: dict[str, Any]) -> None:
        if "/api/frames/" in event["request"]["url"]:
            frames.add(event["requestId"])

    def count(event: dict[str, Any]) -> None:
        kind = "frames" if event["requestId"] in frames else "bytes"
        size[kind] += event["encodedDataLength"]

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", count)
    page.goto(f"{address}/?v=1&seed={seed}", wait_until="load")
    page.locator("[data-figure] .main-svg").first.wait_for(timeout=60_000)
    chart_ms = page.evaluate("performance.now()")
    busy_ms = _press(page)
    page.locator("[data-run-state][data-state=DONE]").first.wait_for(timeout=120_000)
    bench = page.evaluate("bench")
    first = dict(size)
    size["bytes"] = 0.0
    page.reload(wait_until="load")
    page.locator("[data-run-state][data-state=DONE]").first.wait_for(timeout=120_000)
    page.wait_for_timeout(1000)
    return {
        "LCP ms": bench["lcp"],
        "CLS": bench["cls"],
        "first chart ms": chart_ms,
        "first load kB": first["bytes"] / 1000,
        "frames of the run kB": first["frames"] / 1000,
        "second load kB": size["bytes"] / 1000,
        "press while data arrive ms": busy_ms,
    }


def _press(page: Page) -> float:
    """Open three tabs: the longest time from a press to its picture, ms."""
    page.evaluate("bench.presses.length = 0")
    for tab in PRESSED:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(150)
    return float(page.evaluate("Math.max(0, ...bench.presses)"))


def _play(page: Page) -> dict[str, float]:
    """From the start at 10x."""
    page.locator("[data-player=home]").click()
    page.locator("[data-player=play]").click()
    rate, longest = page.evaluate(PLAYBACK, PLAYED_MS)
    page.locator("[data-player=end]").click()
    return {"playhead moves per s": rate, "longest frame ms": longest}


def _export(page: Page, address: str, seed: int) -> dict[str, float]:
    """One chart as PNG, by the page and by the server (not its first)."""
    began = time.perf_counter()
    with page.expect_download():
        page.locator("[data-figure=throughput] [data-action=png]").click()
    by_page = time.perf_counter() - began
    url = f"{address}/export/throughput.png?v=1&seed={seed}&width="
    urllib.request.urlopen(f"{url}800", timeout=60).read()
    began = time.perf_counter()
    urllib.request.urlopen(f"{url}801", timeout=60).read()
    by_server = time.perf_counter() - began
    began = time.perf_counter()
    urllib.request.urlopen(f"{url}801", timeout=60).read()
    cached = time.perf_counter() - began
    return {
        "PNG by the page ms": 1000 * by_page,
        "PNG by the server ms": 1000 * by_server,
        "PNG, cached ms": 1000 * cached,
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
            values["press when idle ms"] = _press(page)
            values |= _play(page) | _export(page, address, 100 + i)
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
