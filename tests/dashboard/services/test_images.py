from __future__ import annotations

import io
import os
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from dashboard.services.byte_store import FileBytes
from dashboard.services.images import QUEUE_LIMIT, ImageError, Images
from dashboard.services.results import ResultStore

FIGURE = {
    "data": [{"type": "scatter", "x": [0, 1, 2], "y": [3, 1, 2], "name": "dirty"}],
    "layout": {"title": {"text": "a chart"}},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    store = FileBytes(tmp_path_factory.mktemp("images"), 1 << 24)
    images = Images(ResultStore(store, "s"))
    yield images
    images.stop()


@pytest.mark.browser
def test_png_svg_and_pdf_have_the_size_asked_for(images):
    with Image.open(io.BytesIO(images.render(FIGURE, "png", 400, 200, 2))) as image:
        assert image.size == (800, 400)
    svg = ET.fromstring(images.render(FIGURE, "svg", 400, 200, 1))
    assert (svg.attrib["width"], svg.attrib["height"]) == ("400", "200")
    assert "a chart" in "".join(svg.itertext())
    assert images.render(FIGURE, "pdf", 400, 200, 1).startswith(b"%PDF")


@pytest.mark.browser
def test_an_image_is_drawn_once(images):
    first = images.render(FIGURE, "svg", 300, 200, 1)
    began = time.monotonic()
    assert images.render(FIGURE, "svg", 300, 200, 1) == first
    assert time.monotonic() - began < 0.05


@pytest.mark.browser
def test_a_killed_renderer_is_replaced(images):
    images.render(FIGURE, "png", 210, 200, 1)
    images._process.kill()
    images._process.wait()
    assert images.render(FIGURE, "png", 211, 200, 1).startswith(b"\x89PNG")


@pytest.mark.browser
def test_an_image_that_takes_too_long_is_given_up(images):
    images.render(FIGURE, "png", 220, 200, 1)
    process = images._process
    images.timeout_s, before = 0.001, images.timeout_s
    try:
        with pytest.raises(ImageError, match=r"longer than|no image could"):
            images.render(FIGURE, "png", 221, 200, 1)
    finally:
        images.timeout_s = before
    assert process.poll() is not None
    assert images.render(FIGURE, "png", 222, 200, 1).startswith(b"\x89PNG")


def test_without_a_browser_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    images = Images(ResultStore(FileBytes(tmp_path, 1 << 20), "s"))
    with pytest.raises(ImageError, match="no Chromium on this server") as caught:
        images.render(FIGURE, "png", 300, 200, 1)
    assert caught.value.status == 503
    assert images._process is None


def test_past_the_queue_limit_the_answer_is_busy(tmp_path, monkeypatch):
    images = Images(ResultStore(FileBytes(tmp_path, 1 << 20), "s"))
    release = threading.Event()

    def draw(_order):
        release.wait(10)
        return b"image"

    monkeypatch.setattr(images, "_draw", draw)
    with ThreadPoolExecutor(QUEUE_LIMIT) as pool:
        waiting = [
            pool.submit(images.render, FIGURE, "png", 300 + i, 200, 1) for i in range(QUEUE_LIMIT)
        ]
        while images._waiting._value:
            time.sleep(0.005)
        with pytest.raises(ImageError, match="busy"):
            images.render(FIGURE, "png", 200, 200, 1)
        release.set()
        assert {future.result(10) for future in waiting} == {b"image"}


@pytest.mark.browser
def test_stop_leaves_no_browser(tmp_path):
    images = Images(ResultStore(FileBytes(tmp_path, 1 << 20), "s"))
    images.render(FIGURE, "png", 300, 200, 1)
    pid = images._process.pid
    images.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
