from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from dashboard.figures.registry import FIGURES

LINK = "v=1&seed=7&dur=3000"


@pytest.mark.parametrize(
    ("path", "field"),
    [("nothing.png", "figure"), ("throughput.gif", "format"), ("throughput.exe", "format")],
)
def test_what_cannot_be_exported_is_named(app_client, path, field):
    answer = app_client.get(f"/export/{path}?{LINK}")
    assert answer.status_code == 404
    assert answer.json["field"] == field
    assert answer.json["limit"]


def test_an_unknown_theme_is_refused(app_client):
    answer = app_client.get(f"/export/{next(iter(FIGURES))}.png?{LINK}&theme=pink")
    assert answer.status_code == 400


def drawn(services, monkeypatch):
    """What the renderer was asked for, without a browser."""
    asked = []

    def render(*order):
        asked.append(order)
        return b"image"

    monkeypatch.setattr(services.images, "render", render)
    return asked


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_can_be_exported(app_client, services, monkeypatch, figure):
    asked = drawn(services, monkeypatch)
    answer = app_client.get(f"/export/{figure}.svg?{LINK}&width=700&height=300&theme=dark")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "image/svg+xml"
    ((plot, kind, width, height, scale),) = asked
    assert (kind, width, height, scale) == ("svg", 700, 300, 1)
    assert plot["data"] is not None
    assert f"{figure}-" in answer.headers["Content-Disposition"]


def test_a_comparison_is_exported_with_both_runs(app_client, services, monkeypatch):
    asked = drawn(services, monkeypatch)
    for link in (LINK, LINK + "&b.seed=8"):
        assert app_client.get(f"/export/{next(iter(FIGURES))}.png?{link}").status_code == 200
    assert len(asked[1][0]["data"]) > len(asked[0][0]["data"])


@pytest.mark.parametrize("figure", FIGURES)
def test_the_window_that_the_page_shows_is_exported(app_client, services, monkeypatch, figure):
    asked = drawn(services, monkeypatch)
    link = f"{LINK}&m=box.64&b.seed=8&view.t=500-2250&view.tab=charts"
    assert app_client.get(f"/export/{figure}.png?{link}").status_code == 200
    layout = asked[0][0]["layout"]
    if FIGURES[figure].x == "time":
        assert layout["xaxis"]["range"] == [0.5, 2.25]
    caption = layout["annotations"][-1]["text"].replace("<br>", "")
    assert "b.seed=8#t=500-2250" in caption.replace(" ", "")
    assert "view." not in caption


def test_the_scale_that_the_page_shows_is_exported(app_client, services, monkeypatch):
    asked = drawn(services, monkeypatch)
    view = "view.log=request_size.seeks&view.lin=stall_cdf"
    for figure in ("request_size", "throughput", "stall_cdf"):
        assert app_client.get(f"/export/{figure}.png?{LINK}&{view}").status_code == 200
    size, throughput, cdf = (order[0]["layout"] for order in asked)
    assert size["yaxis"]["type"] == "log"
    assert "type" not in throughput["yaxis"]
    assert "type" not in cdf["xaxis"]
    caption = size["annotations"][-1]["text"].replace("<br>", "").replace(" ", "")
    assert "#log=request_size.seeks&amp;lin=stall_cdf" in caption


def test_the_moment_that_the_page_shows_is_exported(app_client, services, monkeypatch):
    asked = drawn(services, monkeypatch)
    for view in ("view.at=1500", "view.t=500-2000", ""):
        assert app_client.get(f"/export/lru_lists.png?{LINK}&{view}").status_code == 200
    notes = [plot["layout"]["annotations"][-1]["text"].replace("<br>", " ") for plot, *_ in asked]
    for note, end in zip(notes, ("1.5", "2", "3"), strict=True):
        assert re.search(rf"pages that moved from [\d.]+ to {end} s", note)


@pytest.mark.parametrize(
    ("query", "field", "limit"),
    [("width=99999", "width", "200 to 4000"), ("height=nan", "height", "120 to 4000"),
     ("width=3e3", "width", "whole number"), ("scale=50", "scale", "0.5 to 4"),
     ("width=4000&height=4000&scale=2", "scale", "24,000,000 pixels"),
     ("view.t=5-1", "view.t", "<ms>-<ms>"), ("view.t=now", "view.t", "<ms>-<ms>"),
     ("view.log=io_offset", "view.log", "stall_cdf"), ("view.lin=x", "view.lin", "seeks"),
     ("view.bands=seeks", "view.bands", "io_offset"), ("view.at=-1", "view.at", "<ms>")],
)  # fmt: skip
def test_a_bad_parameter_is_named_with_its_limit(app_client, query, field, limit):
    answer = app_client.get(f"/export/throughput.png?{LINK}&{query}")
    assert answer.status_code == 400
    assert answer.json["field"] == field
    assert limit in answer.json["limit"]


@pytest.mark.browser
def test_a_chart_as_png(app_client):
    answer = app_client.get(f"/export/throughput.png?{LINK}&width=640&height=320&scale=2")
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.size == (1280, 640)
    again = app_client.get(
        f"/export/throughput.png?{LINK}&width=640&height=320&scale=2",
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304


def test_the_trace_is_ftrace_text(app_client):
    answer = app_client.get(f"/api/trace?{LINK}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert answer.text.startswith("# tracer: nop\n")
