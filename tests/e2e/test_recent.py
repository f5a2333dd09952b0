"""Scenarios that this browser remembers: in the header, in the palette, and where it cannot."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard import ids
from tests.e2e.axe import violations

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

KEY = "reclaim-lab-recent"
SHORT = "/?v=1&seed=3&dur=4000"
PATCHED = "?v=1&seed=3&p=p6&dur=4000"


def kept(page: Page) -> list[str]:
    """Links in the browser's storage."""
    text = page.evaluate(f"localStorage.getItem('{KEY}')")
    return [one["link"] for one in json.loads(text or "[]") if isinstance(one, dict)]


def wait_for(page: Page, links: list[str]) -> None:
    for _ in range(100):
        if kept(page) == links:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{kept(page)} instead of {links}")


def opened(page: Page) -> Locator:
    box = page.locator(f"#{ids.RECENT}")
    box.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(box.locator("[data-recent-said]")).to_be_visible()
    return box


def patch_6(page: Page) -> None:
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(re.compile("p=p6"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_was_looked_at_is_listed_and_opens_again(visit, theme):
    page = visit(SHORT, theme=theme)
    wait_for(page, [SHORT[1:]])
    patch_6(page)
    wait_for(page, [PATCHED, SHORT[1:]])
    box = opened(page)
    links = box.get_by_role("link")
    expect(links).to_have_count(2)
    expect(links.first).to_have_attribute("aria-current", "page")
    expect(links.first).to_contain_text("patch 6 on")
    assert links.nth(1).get_attribute("href") == SHORT
    assert violations(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(SHORT) + "$"))
    wait_for(page, [SHORT[1:], PATCHED])
    page.keyboard.press("Control+k")
    palette = page.locator(f"#{ids.PALETTE}")
    first = palette.get_by_role("option").first
    expect(first).to_contain_text("Recent")
    assert first.get_attribute("href") == f"/{PATCHED}"
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(palette).to_be_hidden()
    expect(page).to_have_url(re.compile(re.escape(PATCHED) + "$"))


def test_they_can_be_cleared(visit):
    page = visit(SHORT)
    wait_for(page, [SHORT[1:]])
    box = opened(page)
    box.get_by_role("button", name="Clear the recent scenarios").click()
    expect(box).to_contain_text("None yet.")
    expect(box.get_by_role("link")).to_have_count(0)
    expect(box.locator("summary")).to_be_focused()
    assert kept(page) == []


def test_at_most_twenty_and_nothing_that_is_no_link_of_ours(visit):
    page = visit(SHORT)
    wait_for(page, [SHORT[1:]])
    many = [{"link": f"?v=1&seed={n}", "name": f"t{n}", "changes": ""} for n in range(10, 40)]
    bad = [{"link": "javascript:alert(1)", "name": "x", "changes": ""}, {"link": "?v=1"}, None, 7]
    text = json.dumps([*bad, *many])
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    patch_6(page)
    wait_for(page, [PATCHED, *(f"?v=1&seed={n}" for n in range(10, 29))])
    page.evaluate(f"localStorage.setItem('{KEY}', 'no JSON')")
    expect(opened(page)).to_contain_text("None yet.")


@pytest.mark.parametrize("call", ["getItem", "setItem"])
def test_a_closed_or_full_storage_is_no_error(visit, call):
    page = visit("/?v=1&seed=4&dur=4000")
    page.evaluate(
        f"void (Storage.prototype.{call} = () => {{ throw new DOMException('', 'Quota'); }})"
    )
    patch_6(page)
    box = opened(page)
    expect(box.get_by_role("link").first).to_contain_text("patch 6 on")
    expect(box).to_contain_text("This browser keeps nothing")


def test_an_embedded_page_remembers_and_shows_nothing(visit):
    page = visit(f"/embed{SHORT[1:]}")
    expect(page.locator('[data-run-state][data-state="DONE"]').first).to_be_visible()
    expect(page.locator(f"#{ids.RECENT}")).to_be_hidden()
    page.wait_for_timeout(2000)
    assert kept(page) == []
