"""The LRU lists of a run in playback: they follow the playhead, are read, exported and linked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.axe import violations

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

LINK = "/?v=1&seed=3&dur=4000&m=box.64"


def lists(page: Page) -> Locator:
    """The chart, drawn."""
    expect(page.locator('[data-run-state][data-run="A"]')).to_have_attribute("data-state", "DONE")
    section = page.locator("[data-figure=lru_lists]")
    section.scroll_into_view_if_needed()
    expect(section.locator(".figure-canvas svg")).to_be_visible()
    return section


def counted(page: Page, column: str, t: float) -> int:
    """Pages that the run's samples say for the interval that ends at ``t``."""
    return int(
        page.evaluate(
            "([name, t]) => { const run = reclaimLab.runs()[0];"
            " const k = run.times.findIndex((x) => Math.abs(x - t) < 1e-6);"
            " return Math.round(run.columns[name][k] * (run.times[k] - run.times[k - 1])); }",
            [column, t],
        )
    )


def test_the_picture_is_of_the_playheads_interval_and_follows_it(visit):
    page = visit(LINK)
    section = lists(page)
    for t in (1.5, 3.0):
        page.evaluate(f"reclaimLab.player.seek({t})")
        note = section.locator(".figure-note")
        expect(note).to_have_text(f"pages that moved from {t - 0.1:g} to {t:g} s")
        activated = counted(page, "activated_pages_per_s", t)
        expect(section.get_by_text(f"activated {activated:,}", exact=True)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(section.locator(".figure-note")).to_have_text("pages that moved from 3 to 3.1 s")
    said = section.get_by_role("img").first
    expect(said).to_have_attribute("aria-label", re.compile(r"active file [\d,]+ pages"))
    assert violations(page) == []


def test_while_it_plays_the_picture_changes_and_never_disappears(visit):
    page = visit(LINK)
    section = lists(page)
    page.evaluate(
        "() => { window.seen = new Set(); window.gone = 0;"
        " const chart = document.querySelector('[data-figure=lru_lists]');"
        " const look = () => { const texts = chart.querySelectorAll('svg text');"
        " if (!texts.length || !chart.querySelector('svg rect')) window.gone += 1;"
        " window.seen.add(chart.querySelector('.figure-note').textContent);"
        " requestAnimationFrame(look); }; look(); reclaimLab.player.speed(1);"
        " reclaimLab.player.play(); }"
    )
    page.wait_for_timeout(2500)
    page.evaluate("reclaimLab.player.pause()")
    seen, gone = page.evaluate("[window.seen.size, window.gone]")
    assert gone == 0
    assert seen >= 6, "it moves with the samples"
    end = page.evaluate("reclaimLab.player.state().t")
    shown = section.locator(".figure-note").inner_text()
    assert float(re.findall(r"[\d.]+", shown)[-1]) == pytest.approx(end, abs=0.11)


def test_its_numbers_are_a_table_and_its_image_leads_back_to_the_moment(visit):
    page = visit(f"{LINK}#at=2500", width=390, theme="dark")
    section = lists(page)
    expect(section.locator(".figure-note")).to_have_text("pages that moved from 2.4 to 2.5 s")
    section.get_by_role("button", name="as a table").click()
    head = section.get_by_role("columnheader", name="put_back_pages_per_s (pages/s)")
    expect(head).to_be_attached()
    assert section.locator("tbody tr").count() == 40
    with page.expect_download() as download:
        section.get_by_role("button", name="as SVG").click()
    image = Path(download.value.path()).read_text().replace("</tspan>", "")
    assert "pages that moved from 2.4 to 2.5 s" in re.sub(r"<[^>]+>", "", image)
    assert "at=2500" in re.sub(r"\s|<[^>]+>", "", image)
    with page.expect_download() as download:
        section.get_by_role("button", name="numbers of").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert len(rows) == 2 + 40
    assert "memcg.box.scan_pages_per_s" in rows[1] or "activated_pages_per_s" in rows[1]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
