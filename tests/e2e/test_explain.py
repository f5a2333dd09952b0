"""Why a task stood still: by keyboard from the table, in the link, and run again otherwise."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard import ids
from tests.e2e.axe import violations

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)


def test_a_stall_of_the_table_is_explained_kept_in_the_link_and_run_otherwise(visit):
    page = visit("/?v=1&seed=3&dur=4000", theme="dark")
    state = page.locator('[data-run-state][data-run="A"]')
    expect(state).to_have_attribute("data-state", "DONE")
    page.locator(f"#{ids.tab('stalls')}").click()
    page.locator(f"#{ids.STALLS} tbody button").first.press("Enter")
    panel = page.locator(f"#{ids.EXPLAIN}")
    title = panel.get_by_role("heading")
    expect(title).to_be_focused()
    expect(title).to_contain_text(re.compile(r"writer-\d: \d+\.\d+ ms from"))
    expect(page).to_have_url(re.compile(r"why=A\.\d+\.\d+"))
    assert violations(page) == []
    said = title.inner_text()
    page.reload()
    expect(title).to_have_text(said)
    page.get_by_role("link", name="The same moment with patch 6 on").click()
    expect(page).to_have_url(re.compile(r"b\.p=p6"))
    expect(page.locator('[data-run-state][data-run="B"]')).to_have_attribute("data-state", "DONE")
    panel.get_by_role("button", name="Close").press("Escape")
    expect(panel).to_be_hidden()
    expect(page).not_to_have_url(re.compile(r"why="))


def test_a_request_is_explained_by_keyboard_and_from_one_to_the_next(visit):
    page = visit("/?v=1&seed=3&dur=4000")
    state = page.locator('[data-run-state][data-run="A"]')
    expect(state).to_have_attribute("data-state", "DONE")
    page.evaluate("reclaimLab.player.seek(2)")
    page.locator("body").press("e")
    panel = page.locator(f"#{ids.EXPLAIN}")
    title = panel.get_by_role("heading")
    expect(title).to_be_focused()
    expect(title).to_contain_text(re.compile(r"(write|read) of \d+ KiB at \d+\.\d+ GiB"))
    expect(page).to_have_url(re.compile(r"why=A\.io\.\d+\.1\d{6}$"))
    said = title.inner_text()
    after = panel.get_by_role("button", name="Request after")
    after.press("Enter")
    expect(title).not_to_have_text(said)
    expect(after).to_be_focused()
    assert violations(page) == []
    panel.get_by_role("button", name="Request before").press("Enter")
    expect(title).to_have_text(said)
    page.reload()
    expect(title).to_have_text(said)
