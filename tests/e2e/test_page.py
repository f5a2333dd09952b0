"""The page in a browser: link → run → chart → file → the same link."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard import ids
from dashboard.controls.form import form_to_scenario, scenario_to_form
from dashboard.controls.spec import CONTROLS, Control, Widget
from dashboard.figures.registry import FIGURES
from sim.scenario import Scenario
from sim.scenario_url import encode
from tests.e2e.axe import violations
from tests.support import fake_run

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

SHORT = "/?v=1&seed=3&dur=4000"


def query(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text) + "(#.*)?$")


def state(page: Page, run: str = "A"):
    return page.locator(f'[data-run-state][data-run="{run}"]')


def done(page: Page, run: str = "A") -> None:
    expect(state(page, run)).to_have_attribute("data-state", "DONE")


def control(page: Page, path: str):
    return page.locator(f"[id='{ids.dom(ids.control(path))}']")


def unfold(page: Page, path: str) -> None:
    fold = page.locator("details.fold", has=page.locator(f".row[data-path='{path}']"))
    if fold.count() and fold.get_attribute("open") is None:
        fold.locator("summary").click()


def test_a_link_runs_draws_and_is_the_same_after_a_reload(visit):
    page = visit(SHORT)
    done(page)
    expect(page.locator('[data-run-clock="A"]')).to_have_text(re.compile("^4 s simulated in "))
    expect(page.locator('[data-cancel="A"]')).to_be_hidden()
    expect(page.locator("section[data-figure]")).to_have_count(len(FIGURES))
    expect(page.locator("[data-figure=io_offset] .main-svg").first).to_be_visible()
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(query("?v=1&seed=3&p=p6&dur=4000"))
    expect(page.get_by_text("patch 6 on").first).to_be_visible()
    done(page)
    page.reload()  # what the tiles show now is of this run, not left from the one before
    done(page)
    tiles = page.locator(f"#{ids.HEADLINE} .value-a")
    expect(tiles.first).not_to_have_text("–")
    before = tiles.all_inner_texts()
    page.reload()
    done(page)
    expect(page).to_have_url(query("?v=1&seed=3&p=p6&dur=4000"))
    expect(tiles).to_have_text(before)
    page.go_back()
    expect(page).to_have_url(query("?v=1&seed=3&dur=4000"))
    patch = page.get_by_role("button", name="patch 6", exact=True)
    expect(patch).to_have_attribute("aria-pressed", "false")


def another(one: Control) -> str:
    """A value that is not the default."""
    if one.widget in (Widget.NUMBER, Widget.SHARE):
        return str(one.default + one.step if one.default < one.hi else one.default - one.step)
    return {
        "patches": "p5.p6", "memcg_answers": "kswapd", "tracepoints": "p1.p3",
        "memcgs": "g.64~box.128", "workloads": "seqw.box.r512~mmap.root.n2", "mix.memcg": "box",
        "interventions": "200.stall.disk.50", "kernel": "2.6.36",
    }.get(one.path) or one.options[-1].value  # fmt: skip


def test_every_control_shows_what_its_link_says(visit):
    form = scenario_to_form(Scenario()) | {c.path: another(c) for c in CONTROLS}
    scenario, problems = form_to_scenario(form)
    assert problems == []
    page = visit(f"/?{encode(scenario)}")
    expect(page.locator(f"#{ids.NOTICE}")).to_be_empty()
    for one in CONTROLS:
        place = control(page, one.path)
        if one.widget in (Widget.SET, Widget.CHOICE):
            on = place.locator('[aria-pressed="true"]')
            chosen = [o.label for o in one.options if o.value in form[one.path].split("~")[0]]
            if one.widget is Widget.SET:
                words = form[one.path].split(".")
                chosen = [o.label for o in one.options if o.value in words]
            expect(on).to_have_text(chosen)
        else:
            expect(place).to_have_value(form[one.path])
    expect(page).to_have_url(query(f"?{encode(scenario)}"))


def test_a_control_of_each_kind_changes_the_link(visit):
    page = visit("/?v=1&seed=3&dur=4000&m=box.64")
    done(page)
    for path, value, key in (
        ("vm.dirty_ratio", "40", "dr=40"),
        ("mix.memcg", "box", "mix=81920.box"),
        ("workloads", "seqw.box.f64", "w=seqw.box.f64"),
    ):
        unfold(page, path)
        control(page, path).fill(value)
        control(page, path).press("Enter")
        expect(page).to_have_url(re.compile(re.escape(key)))
    control(page, "mix.anon").press("ArrowRight")
    expect(page).to_have_url(re.compile("anon21"))
    control(page, "disk.model").get_by_role("button", name="recorded, 6.1").click()
    expect(page).to_have_url(re.compile("disk=rec-6.1"))
    page.get_by_role("button", name="Add a task group").click()
    expect(page).to_have_url(re.compile("w=seqw.box.f64~seqw.root"))
    page.get_by_role("button", name="Remove seqw in box").click()
    expect(page).to_have_url(re.compile("w=seqw.root($|&)"))
    control(page, "vm.dirty_ratio").fill("999")
    control(page, "vm.dirty_ratio").press("Enter")
    expect(page.locator(".notice")).to_contain_text("dirty_ratio = 999")
    expect(control(page, "vm.dirty_ratio")).to_have_value("100")


def test_a_row_says_every_option_of_its_group(visit):
    link = "v=1&seed=3&dur=4000&mix=0&w=highalloc.root.o3.h500"
    page = visit(f"/?{link}")
    done(page)
    unfold(page, "workloads")
    row = page.locator("fieldset.item", has_text="highalloc in root")
    expect(row).to_have_count(1)
    expect(page).to_have_url(query(f"?{link}"))  # drawing the row has changed nothing
    threads = page.locator(f"[id='{ids.dom(ids.cell('workloads', 0, 'threads'))}']")
    threads.fill("2")
    threads.press("Enter")
    expect(page).to_have_url(query(f"?{link.replace('.o3', '.n2.o3')}"))


def test_a_chart_is_saved_as_png_and_svg(visit, tmp_path):
    page = visit(SHORT)
    done(page)
    chart = page.locator("[data-figure=io_offset]")
    expect(chart.locator(".main-svg").first).to_be_visible()
    files: dict[str, Path] = {}
    for kind in ("png", "svg"):
        with page.expect_download() as waiting:
            chart.locator(f"[data-action={kind}]").click()
        files[kind] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[kind])
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    text = files["svg"].read_text()
    assert ET.fromstring(text).tag.endswith("svg")
    assert Scenario(seed=3, duration_ms=4000).digest() in text


def test_a_against_b(visit):
    page = visit(SHORT)
    done(page)
    page.get_by_role("button", name="Fork as B").click()
    expect(page).to_have_url(query("?v=1&seed=3&dur=4000&b="))
    expect(page.locator(f"#{ids.IN_WORDS}")).to_have_text(re.compile("same as A"))
    edit_b = page.get_by_role("button", name="Edit B")
    expect(edit_b).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(query("?v=1&seed=3&dur=4000&b.p=p6"))
    expect(page.locator(f"#{ids.IN_WORDS}")).to_have_text("B differs from A: patch 6 on.")
    done(page, "A")
    done(page, "B")
    page.get_by_role("tab", name="Numbers").click()
    expect(page.get_by_role("columnheader", name="B − A").first).to_be_visible()
    expect(page).to_have_url(re.compile("#tab=numbers$"))
    page.get_by_role("button", name="Swap A and B").click()
    expect(page).to_have_url(re.compile(re.escape("&p=p6&dur=4000&b.p=")))
    page.get_by_role("button", name="Drop B").click()
    expect(page).to_have_url(re.compile(re.escape("?v=1&seed=3&p=p6&dur=4000#tab=numbers")))


def test_up_to_four_runs_stand_beside_each_other(visit):
    page = visit(f"{SHORT}&b.p=p6&c.disk=nvme", theme="dark")
    for run in "ABC":
        done(page, run)
    page.get_by_role("button", name="Add D").click()
    expect(page).to_have_url(query("?v=1&seed=3&dur=4000&b.p=p6&c.disk=nvme&d="))
    expect(page.get_by_role("button", name="Edit D")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="patch 5", exact=True).click()
    expect(page).to_have_url(query("?v=1&seed=3&dur=4000&b.p=p6&c.disk=nvme&d.p=p5"))
    done(page, "D")
    expect(page.locator(f"#{ids.FORK_MORE}")).to_be_hidden()
    expect(page.locator(".value-d").first).not_to_have_text("–")
    assert violations(page) == []
    page.get_by_role("tab", name="Numbers").click()
    table = page.locator(f"#{ids.NUMBERS} table").first
    expect(table.get_by_role("columnheader")).to_have_count(6)
    page.get_by_role("button", name="Where do they part?").click()
    for letter in "BCD":
        expect(page.locator(f"#{ids.PARTING}")).to_contain_text(f"A and {letter}")
    page.get_by_role("button", name="Drop D").click()
    expect(page.locator('[data-run-line="D"]')).to_be_hidden()
    expect(page.get_by_role("button", name="Drop C")).to_be_visible()


def test_a_comparison_is_repeated_over_seeds(visit):
    page = visit(f"{SHORT}&b.p=p6#tab=numbers")
    page.get_by_role("button", name="Repeat with 5 seeds").click()
    expect(page.locator(f"#{ids.SEEDS_SAID}")).to_contain_text(re.compile("beyond seed noise"))
    rows = page.locator(f"#{ids.SEEDS_TABLE} tr")
    expect(rows.first).to_contain_text("B: ")
    assert rows.count() > 10
    assert violations(page) == []
    page.get_by_role("tab", name="Charts").click()
    page.get_by_role("button", name="Drop B").click()
    expect(page.locator(f"#{ids.SEEDS_TABLE}")).to_be_hidden()


BAD = ["?v=7&dur=1&zz=%3Cscript%3E", "?w=~~x..&m=root.1&mix=a.b", "?b.zz=1&dur=4000", "?%ff&=&&"]


@pytest.mark.parametrize("link", BAD)
def test_a_bad_link_is_a_page_with_a_notice(visit, link):
    page = visit(f"/{link}")
    expect(page.locator(".notice")).to_contain_text("not taken as given")
    expect(page).to_have_url(re.compile(r"\?v=1&seed=1"))
    expect(page.get_by_role("heading", level=1)).not_to_be_empty()


def test_what_cannot_run_says_why(visit):
    page = visit(f"/?v=1&seed={fake_run.FAILS}&dur=4000")
    card = page.locator(f"#{ids.RUN_CARD}")
    expect(card).to_contain_text("failed")
    expect(card).to_contain_text(str(fake_run.FAILS))
    expect(card.get_by_role("button", name="Try again")).to_be_visible()
    page.locator(f"#{ids.PRESETS} summary").click()
    page.get_by_role("link", name="Can direct reclaim overflow the stack?").click()
    expect(card).to_be_hidden()
    page = visit("/?v=1&seed=1&dur=3000000")
    expect(page.locator(f"#{ids.RUN_CARD}")).to_contain_text("python -m sim run")
    page = visit("/?v=1&file=0123456789ab")
    expect(page.locator(f"#{ids.RUN_CARD}")).to_contain_text("not on this server")


def test_a_long_run_can_be_cancelled(visit):
    page = visit(f"/?v=1&seed={fake_run.SLOW + 700}")
    page.locator('[data-cancel="A"]').click()
    expect(page.locator(f"#{ids.RUN_CARD}")).to_contain_text("cancelled")
    page.locator(f"#{ids.RUN_RETRY}").click()
    expect(page.locator('[data-run-state][data-state="RUNNING"]').first).to_be_visible()
    expect(page.locator(f"#{ids.RUN_CARD}")).to_be_hidden()
    page.locator('[data-cancel="A"]').click()


def test_a_recording_opens_from_the_list(visit):
    page = visit(SHORT)
    page.get_by_role("tab", name="Recorded").click()
    page.get_by_role("link", name=re.compile("^open ")).first.click()
    expect(page).to_have_url(re.compile("rec="))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Linux")
    done(page)


def test_everything_by_keyboard(visit):
    page = visit(SHORT)
    done(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the charts")).to_be_focused()
    page.keyboard.press("?")
    sheet = page.locator(f"#{ids.KEYS}")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    patch = page.get_by_role("button", name="patch 5", exact=True)
    patch.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("p=p5"))
    expect(patch).to_be_focused()
    page.keyboard.press("4")
    expect(page.get_by_role("tab", name="Recorded")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Numbers")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("s")
    expect(page.locator(f"#{ids.SIDEBAR}")).to_be_hidden()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("dark", 390)])
def test_axe_finds_nothing(visit, theme, width):
    page = visit("/?v=1&seed=3&dur=4000&m=box.64&w=seqw.box&b.p=p6", theme=theme, width=width)
    done(page)
    done(page, "B")
    found = violations(page)
    for name in ("Numbers", "Stalls", "Recorded", "Trace", "About"):
        page.get_by_role("tab", name=name).click()
        found += violations(page)
    if width < 900:
        page.locator(f"#{ids.SIDEBAR_TOGGLE}").click()
    for fold in page.locator("details.fold").all():
        fold.evaluate("element => { element.open = true; }")
    found += violations(page)
    assert sorted(set(found)) == []


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_stands_out_sideways(visit, width):
    page = visit(SHORT, width=width)
    done(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
