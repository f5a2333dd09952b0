"""A run or a comparison as one document, in three forms."""

from __future__ import annotations

import json
import re

import pytest

from dashboard.figures.registry import FIGURES
from dashboard.http.report import AT_ONCE
from dashboard.services.images import ImageError, Images
from sim.observe.metrics import HEADLINE, METRICS

RUN = "v=1&seed=7&dur=3000&m=box.64"
PAIR = f"{RUN}&b.seed=8"


def report(app_client, kind: str, query: str) -> str:
    answer = app_client.get(f"/export/report.{kind}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("kind", ["md", "txt", "html"])
def test_a_report_says_what_was_run_and_how_to_run_it_again(app_client, kind):
    text = report(app_client, kind, RUN)
    status = app_client.get(f"/api/run?{RUN}&format=json").json
    for word in ("duration 3000 ms", "seed", "model version", status["key"].partition(".")[0]):
        assert word in text.replace("\n   ", " ")
    assert f"http://localhost/?{RUN}" in text.replace("&amp;", "&")
    for name in HEADLINE:
        assert METRICS[name].title in text


def test_a_comparison_has_a_verdict_and_a_column_for_each_run(app_client):
    for kind in ("md", "txt", "html"):
        text = " ".join(report(app_client, kind, PAIR).split())
        assert "B differs from A: seed 8 instead of 7" in text
        assert "headline numbers" in text
        assert "better" in text
    assert re.search(r"\|  \| A: .+ \| B: .+ \| change \|", report(app_client, "md", PAIR))


def test_plain_text_fits_a_mail(app_client):
    lines = report(app_client, "txt", PAIR).splitlines()
    assert [x for x in lines if len(x) > 72 and "http://" not in x] == []
    assert all(x.isascii() for x in lines)


def test_a_page_has_every_chart_that_shows_something(app_client):
    text = report(app_client, "html", PAIR)
    block = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    figures = figures_of(text)
    assert "<" not in block[1]
    assert list(figures) == [name for name in FIGURES if name in figures]
    assert {"io_offset", "victims", "stall_timeline"} <= set(figures)
    assert set(figures) == set(re.findall(r'data-report-figure="(\w+)"', text))
    for figure in figures.values():
        assert figure["height"] == figure["layout"]["height"]
    markdown = report(app_client, "md", PAIR)
    assert set(re.findall(r"export/(\w+)\.png", markdown)) == set(figures)


def figures_of(page: str) -> dict:
    block = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    return json.loads(block[1])


VIEW = "view.log=request_size.seeks&view.lin=stall_cdf&view.bands=io_offset&view.at=1500"


def test_a_report_has_the_axes_and_the_moment_of_the_page(app_client):
    plain, seen = (
        figures_of(report(app_client, "html", query)) for query in (RUN, f"{RUN}&{VIEW}")
    )
    for name in ("request_size", "seeks"):
        assert "type" not in plain[name]["layout"]["yaxis"]
        assert seen[name]["layout"]["yaxis"]["type"] == "log"
    assert plain["stall_cdf"]["layout"]["xaxis"]["type"] == "log"
    assert "type" not in seen["stall_cdf"]["layout"]["xaxis"]
    assert "band" in seen["io_offset"]["layout"]["annotations"][-1]["text"]
    assert "band" not in plain["io_offset"]["layout"]["annotations"][-1]["text"]
    assert "from 1.4 to 1.5 s" in seen["lru_lists"]["layout"]["annotations"][-1]["text"]
    assert seen["throughput"]["layout"]["yaxis"] == plain["throughput"]["layout"]["yaxis"]


def test_a_zoomed_report_says_so_and_its_links_show_the_same(app_client):
    query = f"{RUN}&view.t=500-2250&view.log=seeks"
    page = report(app_client, "html", query)
    for name, figure in figures_of(page).items():
        if FIGURES[name].x == "time":
            assert figure["layout"]["xaxis"]["range"] == [0.5, 2.25]
    for kind in ("html", "md", "txt"):
        text = " ".join(report(app_client, kind, query).split()).replace("&amp;", "&")
        assert "Charts show 0.5 to 2.25 s; numbers are of the whole run." in text
        assert f"?{RUN}#t=500-2250&log=seeks" in text
    images = re.findall(r"export/(\w+)\.png\?(\S+)\)", report(app_client, "md", query))
    assert len(images) == len(figures_of(page))
    assert {asked for _, asked in images} == {f"{RUN}&view.t=500-2250&view.log=seeks"}
    assert "Charts show" not in report(app_client, "md", RUN)


def test_four_runs_have_a_column_each(app_client):
    text = report(app_client, "txt", f"{PAIR}&c.seed=9&d.seed=10")
    assert "D differs from A: seed 10 instead of 7." in text
    row = next(line for line in text.splitlines() if line.startswith("Minor Faults"))
    assert len(row.split()) == 6
    page = report(app_client, "html", f"{PAIR}&c.seed=9&d.seed=10")
    assert ">D is</th>" in page


def test_a_report_of_a_recording_says_so(app_client):
    listed = app_client.get("/api/recordings").json
    if not listed:
        pytest.skip("no recording among the fixtures")
    text = report(app_client, "txt", f"rec={listed[0]['name']}")
    assert "recording of a real machine" in text


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"report.doc?{RUN}", 404, "format"),
        (f"report.html?{RUN}&theme=pink", 400, "theme"),
        ("report.md?v=1&dur=900000000", 400, "duration_ms"),
        (f"report.md?{RUN}&view.log=io_offset", 400, "view.log"),
        (f"report.txt?{RUN}&view.t=9-3", 400, "view.t"),
        (f"report.html?{RUN}&view.at=soon", 400, "view.at"),
    ],
)
def test_what_cannot_be_reported_is_named(app_client, path, status, field):
    answer = app_client.get(f"/export/{path}")
    assert (answer.status_code, answer.json["field"]) == (status, field)


def test_more_reports_at_once_than_allowed_are_told_so(app_client, monkeypatch):
    report(app_client, "md", RUN)
    answers = []

    def again(*_arguments):
        place = len(answers)
        if place < AT_ONCE:
            answers.append(None)
            other = app_client.application.test_client()
            answers[place] = other.get(f"/export/report.md?{RUN}")
        return ()

    monkeypatch.setattr("dashboard.http.report.charts", again)
    assert app_client.get(f"/export/report.md?{RUN}").status_code == 200
    assert sorted(a.status_code for a in answers) == [200] * (AT_ONCE - 1) + [503]
    assert app_client.get(f"/export/report.md?{RUN}").status_code == 200


@pytest.mark.browser
def test_the_server_prints_a_report(app_client):
    """A4, every chart drawn before; the second time from the cache."""
    answer = app_client.get(f"/export/report.pdf?{RUN}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", answer.data)) > 2
    assert app_client.get(f"/export/report.pdf?{RUN}").data == answer.data


def test_without_a_browser_a_printed_report_is_refused_with_what_helps(app_client, monkeypatch):
    monkeypatch.setattr(Images, "print_page", no_browser)
    answer = app_client.get(f"/export/report.pdf?{RUN}")
    assert answer.status_code == 503
    assert "apt-get install chromium" in answer.json["error"]


def no_browser(*_args):
    raise ImageError("no Chromium on this server: apt-get install chromium")
