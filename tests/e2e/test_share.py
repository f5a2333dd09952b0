"""The page within another, and with less on it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from dashboard import ids
from tests.e2e.axe import violations

SHORT = "v=1&seed=1&dur=4000"


def done(page) -> None:
    expect(page.locator('[data-run-state][data-state="DONE"]').first).to_be_visible()


def test_an_embedded_page_shows_one_chart_and_the_way_to_the_whole(visit):
    page = visit(f"/?{SHORT}#tab=trace")
    done(page)
    page.locator(f"#{ids.EMBED_CHARTS}").select_option("throughput")
    html = page.locator(f"#{ids.EMBED}").inner_text()
    address = re.search(r'src="http://[^/]+([^"]+)"', html)[1].replace("&amp;", "&")
    assert address == f"/embed?{SHORT}#charts=throughput"
    inner = visit(address)
    done(inner)
    expect(inner.locator("[data-figure]:visible")).to_have_count(1)
    expect(inner.locator('[data-figure="throughput"] .main-svg').first).to_be_visible()
    expect(inner.get_by_role("heading", level=1)).to_be_visible()
    expect(inner.locator(f"#{ids.SIDEBAR}")).to_be_hidden()
    expect(inner.get_by_role("tablist")).to_be_hidden()
    out = inner.get_by_role("link", name="Open in Reclaim Lab")
    assert out.get_attribute("href") == f"/?{SHORT}#charts=throughput"
    assert violations(inner) == []


def test_the_view_of_an_embedded_page_may_stand_in_its_query(visit):
    page = visit(f"/embed?{SHORT}&view.t=1000-2000")
    done(page)
    expect(page).to_have_url(re.compile(rf"/embed\?{SHORT}#t=1000-2000$"))


def test_a_lesson_hides_what_it_is_not_about(visit):
    page = visit(f"/?{SHORT}#tab=trace")
    done(page)
    for name in ("Memcg answers", "tabs", "/proc/sys/vm"):
        page.get_by_role("button", name=name, exact=True).click()
    link = page.locator(f"#{ids.LESSON}").inner_text()
    assert link.endswith(f"/?{SHORT}&hide=answers.tabs.vm#tab=trace")
    page = visit(f"/?{SHORT}&hide=answers.tabs.vm.disk")
    done(page)
    expect(page.get_by_role("tablist")).to_be_hidden()
    expect(page.locator('.fold[data-group="vm"]')).to_be_hidden()
    expect(page.locator('.row[data-path="memcg_answers"]')).to_be_hidden()
    page.get_by_text("patch 6", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"p=p6.*&hide=answers\.disk\.tabs\.vm$"))
    expect(page.locator('.row[data-path="memcg_answers"]')).to_be_hidden()
