"""From the page to its report: one button, every chart drawn, readable in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard import ids
from tests.e2e.axe import violations

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

LINK = "/?v=1&seed=3&dur=4000&m=box.64"


def test_the_report_of_a_page_has_its_link_and_its_charts(visit):
    page = visit(LINK)
    expect(page.locator('[data-run-state][data-run="A"]')).to_have_attribute("data-state", "DONE")
    button = page.locator(f"#{ids.REPORT}")
    expect(button).to_have_attribute("href", f"/export/report.html{LINK[1:]}")
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(button).to_have_attribute("href", re.compile(r"&p=p6"))
    for theme in ("light", "dark"):
        report = visit(f"/export/report.html{LINK[1:]}&theme={theme}", theme=theme, width=390)
        expect(report.locator("body")).to_have_attribute("data-drawn", "true")
        assert report.locator("[data-report-figure] img").count() > 10
        assert report.locator("img:not([alt])").count() == 0
        assert violations(report) == []
        report.emulate_media(media="print")
        expect(report.get_by_text("Print or save as PDF")).to_be_hidden()


def test_a_report_shows_what_the_page_has_switched_and_zoomed(visit):
    page = visit(f"{LINK}#log=seeks.nonsense&t=500-3500&at=2500")
    expect(page.locator('[data-run-state][data-run="A"]')).to_have_attribute("data-state", "DONE")
    view = "&view.t=500-3500&view.at=2500&view.log=seeks"
    button = page.locator(f"#{ids.REPORT}")
    expect(button).to_have_attribute("href", f"/export/report.html{LINK[1:]}{view}")
    page.get_by_role("tab", name="Trace and data").click()
    form = page.locator('a[href^="/export/report.md"]')
    form.hover()
    expect(form).to_have_attribute("href", re.compile(re.escape(f"{LINK[3:]}{view}") + "$"))
    report = visit(f"/export/report.html{LINK[1:]}{view}")
    expect(report.locator("body")).to_have_attribute("data-drawn", "true")
    expect(report.get_by_text("Charts show 0.5 to 3.5 s")).to_be_visible()
    assert violations(report) == []
