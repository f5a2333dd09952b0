"""Two parameters against each other: the table, its cells, its limits, its link."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from dashboard import ids
from tests.e2e.axe import violations

SHORT = "/?v=1&seed=1&dur=4000&m=box.64&mix=0&w=seqw.box#tab=sweep"


def fill(page, axis: str, key: str, values: str) -> None:
    page.locator(f"#{ids.sweep(axis)}").select_option(key)
    page.locator(f"[data-values={axis}] input").fill(values)


def test_each_pair_of_values_is_run_and_opens(visit):
    page = visit(SHORT)
    fill(page, "x", "dr", "10 40")
    fill(page, "y", "m", "32 64")
    page.locator(f"#{ids.sweep('metric')}").select_option("write_requests")
    page.get_by_role("button", name="Start").click()
    said = page.locator(f"#{ids.sweep('said')}")
    expect(said).to_have_text("4 runs.")
    cells = page.locator(".sweep-table td a")
    expect(cells).to_have_count(4)
    assert all(re.fullmatch(r"[\d,.]+", text) for text in cells.all_inner_texts())
    kept = re.escape("sweep=dr.10.40__m.32.64__write_requests__1")
    expect(page).to_have_url(re.compile(kept))
    assert violations(page) == []
    cells.nth(3).click()
    expect(page).to_have_url(re.compile(r"(?=.*dr=40)(?=.*m=box\.64)"))
    expect(page.get_by_role("tab", name="Charts")).to_have_attribute("aria-selected", "true")


def test_several_seeds_show_median_and_range(visit):
    page = visit(SHORT.replace("#tab=sweep", "#tab=sweep&sweep=p.none.p5_p6__none__write_seeks__3"))
    expect(page.locator("[data-values=x] input")).to_have_value("none p5.p6")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(f"#{ids.sweep('said')}")).to_have_text("6 runs.")
    expect(page.locator(".sweep-table td").first).to_contain_text(" to ")


def test_what_cannot_be_swept_is_named(visit):
    page = visit("/?v=1&seed=1&dur=4000#tab=sweep")
    said = page.locator(f"#{ids.sweep('said')}")
    for axis, key, values, words in (
        ("x", "dr", "10 400", "400 is not 5 to 100"),
        ("x", "dr", "", "give 1 to 8 values"),
        ("x", "p", "p6 p9", "p9 is not one of"),
        ("x", "m", "32", "has no container"),
        ("y", "m", "32", "the same parameter"),
    ):
        fill(page, axis, key, values)
        page.get_by_role("button", name="Start").click()
        expect(said).to_contain_text(words)
