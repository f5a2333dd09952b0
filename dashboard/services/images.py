"""Figures and reports as files for links and the CLI: one renderer, a bounded queue, a time limit.

The page's own buttons draw in the browser and do not come here. Images are cached under a hash
of the figure, because SVG from a browser differs from call to call in its ids.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from dashboard.services.image_renderer import NO_CHROME
from dashboard.services.results import ResultStore

FORMATS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
QUEUE_LIMIT = 8
TIMEOUT_S = 30.0
_IDLE_S = 300.0
_KEEP_S = 7 * 86_400
_ROOT = Path(__file__).resolve().parents[2]


class ImageError(Exception):
    """No image, and a sentence why; ``status`` is for HTTP."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status


class Images:
    """The renderer, started when first needed and ended when idle."""

    def __init__(self, results: ResultStore, *, timeout_s: float = TIMEOUT_S) -> None:
        self.results = results
        self.timeout_s = timeout_s
        self._waiting = threading.BoundedSemaphore(QUEUE_LIMIT)
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def render(
        self, figure: dict[str, Any], kind: str, width: int, height: int, scale: float
    ) -> bytes:
        """The figure as an image of ``kind``, from the cache when it was drawn before.

        Raises:
            ImageError: no browser, too many waiting, too slow, or the figure cannot be drawn.
        """
        opts = {"format": kind, "width": width, "height": height, "scale": scale}
        order = json.dumps(
            {"figure": figure, "opts": opts}, sort_keys=True, default=_plain
        ).encode()
        key = f"image-{hashlib.sha256(order).hexdigest()[:32]}:{kind}"
        return self._kept(key, order)

    def print_page(self, html: str) -> bytes:
        """A page that needs no server, as PDF on A4; ``data-drawn`` of its body says when.

        Raises:
            ImageError: as ``render``.
        """
        key = f"print-{hashlib.sha256(html.encode()).hexdigest()[:32]}:pdf"
        with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as page:
            page.write(html)
            page.flush()
            return self._kept(key, json.dumps({"page": page.name}).encode())

    def _kept(self, key: str, order: bytes) -> bytes:
        cached = self.results.store.get(key)
        if cached is not None:
            return cached
        if not self._waiting.acquire(blocking=False):
            raise ImageError(f"busy: {QUEUE_LIMIT} images are waiting, try again in a minute")
        try:
            return self.results.single_flight(key, lambda: self._draw(order), _KEEP_S)
        finally:
            self._waiting.release()

    def _draw(self, order: bytes) -> bytes:
        end = time.monotonic() + self.timeout_s
        if not self._turn.acquire(timeout=self.timeout_s):
            raise ImageError(f"busy: no image could be drawn in {self.timeout_s:.0f} s")
        try:
            if self._idle is not None:
                self._idle.cancel()
            process = self._running()
            assert process.stdin is not None
            try:
                process.stdin.write(order + b"\n")
                process.stdin.flush()
                image = self._read(process, end)
            except (OSError, EOFError, TimeoutError) as error:
                self._end()
                late = isinstance(error, TimeoutError)
                raise ImageError(
                    f"the image took longer than {self.timeout_s:.0f} s"
                    if late
                    else "the image renderer died; try again"
                ) from None
            self._idle = threading.Timer(_IDLE_S, self.stop)
            self._idle.daemon = True
            self._idle.start()
            return image
        finally:
            self._turn.release()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.services.image_renderer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        return self._process

    def _read(self, process: subprocess.Popen[bytes], end: float) -> bytes:
        assert process.stdout is not None
        line = bytearray()
        while not line.endswith(b"\n"):
            line += _some(process.stdout, 1, end)
        header = json.loads(line)
        image = bytearray()
        while len(image) < header["bytes"]:
            image += _some(process.stdout, header["bytes"] - len(image), end)
        error = header.get("error")
        if error == NO_CHROME:
            self._end()
            raise ImageError(
                "no Chromium on this server, so it makes no images: apt-get install chromium;"
                " the buttons of the page work without"
            )
        if error:
            self._end()
            raise ImageError(f"the figure cannot be drawn: {header['detail']}", 500)
        return bytes(image)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            try:
                process.stdin.close()  # it closes its browser and leaves
                process.wait(timeout=3)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def stop(self) -> None:
        """End the renderer and its browser."""
        with self._turn:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            self._end()


def _plain(value: Any) -> Any:
    """Arrays and their elements as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a figure")


def _some(pipe: IO[bytes], size: int, end: float) -> bytes:
    """Up to ``size`` bytes.

    Raises:
        TimeoutError: none came in time.
        EOFError: the process has gone.
    """
    ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
    if not ready:
        raise TimeoutError
    data = os.read(pipe.fileno(), min(size, 1 << 16))
    if not data:
        raise EOFError
    return data
