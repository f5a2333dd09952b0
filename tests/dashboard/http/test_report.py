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
    figures = json.loads(block[1])
    assert "<" not in block[1]
    assert list(figures) == [name for name in FIGURES if name in figures]
    assert {"io_offset", "victims", "stall_timeline"} <= set(figures)
    assert set(figures) == set(re.findall(r'data-report-figure="(\w+)"', text))
    for figure in figures.values():
        assert figure["height"] == figure["layout"]["height"]
    markdown = report(app_client, "md", PAIR)
    assert set(re.findall(r"export/(\w+)\.png", markdown)) == set(figures)


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
