"""Changes on the way: their marks, their rows, the inject buttons and "from here"."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dashboard import ids
from tests.e2e.axe import violations

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

SHORT = "/?v=1&seed=3&dur=4000"


def done(page: Page) -> None:
    state = page.locator('[data-run-state][data-run="A"]')
    expect(state).to_have_attribute("data-state", "DONE")


def at(page: Page) -> float:
    t: float = page.evaluate("reclaimLab.player.state().t")
    return t


def test_marks_stand_in_every_time_chart_and_a_press_goes_there(visit):
    page = visit(f"{SHORT}&m=box.64&i=1500.patch.p6.on~3000.limit.box.32", theme="dark")
    done(page)
    flags = page.locator("[data-marks] button")
    expect(flags).to_have_text(["patch 6 on", "box limit 32 MiB"])
    lines = page.locator("[data-figure=throughput] .shapelayer path")
    expect(lines).to_have_count(2)
    flags.nth(1).click()
    assert at(page) == pytest.approx(3.0)
    assert violations(page) == []
    page.locator("[data-figure=throughput] .figure-over").dblclick()
    page.evaluate("reclaimLab.player.zoom(2, 4)")
    expect(flags).to_have_text(["box limit 32 MiB"])


def test_inject_buttons_and_rows_edit_one_list(visit):
    page = visit(f"{SHORT}&m=box.64")
    done(page)
    page.evaluate("reclaimLab.player.seek(1.5)")
    page.get_by_role("button", name="Stall disk 2 s").click()
    expect(page).to_have_url(re.compile(r"i=1500\.stall\.disk\.2000"))
    flags = page.locator("[data-marks] button")  # they come with the new run
    expect(flags).to_have_count(1)
    expect(page.locator(f"#{ids.CLOCK}")).to_have_text("1.5 s of 4 s")
    page.evaluate("reclaimLab.player.seek(2)")
    expect(page.locator(f"#{ids.CLOCK}")).to_have_text("2.0 s of 4 s")
    halve = page.get_by_role("button", name="Halve limit of box")
    halve.click()
    expect(page).to_have_url(re.compile(r"~2000\.limit\.box\.32"))
    expect(flags).to_have_count(2)
    page.evaluate("reclaimLab.player.seek(3)")  # the run may not have come so far yet
    expect(page.locator(f"#{ids.CLOCK}")).to_have_text("3.0 s of 4 s")
    halve.click()
    expect(page).to_have_url(re.compile(r"~3000\.limit\.box\.16"))
    page.locator("details[data-group=timeline] > summary").click()
    rows = page.locator(f"#{ids.ROWS['interventions']} fieldset")
    expect(rows).to_have_count(3)
    rows.nth(0).get_by_label("what, row 1").select_option("patch")
    expect(page).to_have_url(re.compile(r"i=1500\.patch\.p5\.on~2000"))
    rows.nth(0).get_by_label("whose, row 1").select_option("p6")
    expect(page).to_have_url(re.compile(r"i=1500\.patch\.p6\.on~2000"))
    rows.nth(1).get_by_label("becomes").fill("48")
    rows.nth(1).get_by_label("becomes").press("Enter")
    expect(page).to_have_url(re.compile(r"~2000\.limit\.box\.48~3000"))
    page.get_by_role("button", name="Remove 2 s: box limit 48 MiB").click()
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"p6\.on~3000\.limit\.box\.16"))


def test_a_control_changed_in_playback_may_count_from_here(visit):
    page = visit(SHORT)
    done(page)
    page.evaluate("reclaimLab.player.seek(2.5)")
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(re.compile(r"p=p6"))
    offer = page.locator(f"#{ids.HERE}")
    expect(offer).to_contain_text("2.50 s")
    assert violations(page) == []
    page.get_by_role("button", name="From here instead").click()
    expect(page).to_have_url(re.compile(r"i=2500\.patch\.p6\.on"))
    expect(page).not_to_have_url(re.compile(r"[?&]p=p6"))
    expect(offer).to_be_hidden()
    done(page)
    expect(page.locator(f"#{ids.CLOCK}")).to_have_text("2.5 s of 4 s")
    page.go_back()
    expect(page).to_have_url(re.compile(r"[?&]p=p6"))


def test_a_control_that_cannot_change_later_offers_nothing(visit):
    page = visit(SHORT)
    done(page)
    page.evaluate("reclaimLab.player.seek(2.5)")
    page.locator('[data-path="disk.model"]').get_by_role("button", name="USB stick").click()
    expect(page).to_have_url(re.compile(r"disk=usb-stick"))
    expect(page.locator(f"#{ids.HERE}")).to_be_hidden()
