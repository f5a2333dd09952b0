"""What stays, what is dropped in, and what is said when the server is full."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard import ids
from sim import MODEL_VERSION
from sim.presets import PRESETS
from sim.scenario_url import decode, encode
from sim.validation import scoreboard
from tests.e2e.axe import violations
from tests.support import fake_run

pytestmark = pytest.mark.e2e
expect.set_options(timeout=30_000)

SHORT = "/?v=1&seed=3&dur=4000"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "recorded"


def done(page: Page, run: str = "A") -> None:
    state = page.locator(f'[data-run-state][data-run="{run}"]')
    expect(state).to_have_attribute("data-state", "DONE")


def zoom(page: Page) -> list[float] | None:
    found: list[float] | None = page.evaluate("reclaimLab.player.state().zoom")
    return found


def drag(page: Page, figure: str, begin: float, end: float) -> None:
    over = page.locator(f"[data-figure={figure}] .figure-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def test_selection_and_zoom_are_in_the_link_and_stay_after_a_reload(visit):
    page = visit(SHORT)
    done(page)
    drag(page, "throughput", 0.25, 0.75)
    strip = page.locator(f"#{ids.SELECTION}")
    expect(strip).to_contain_text(re.compile(r"1\.0\d\d? to (2\.9|3\.0)"))
    expect(strip.get_by_role("columnheader", name="p99, ms")).to_be_visible()
    expect(strip.locator("tbody td").first).to_have_text(re.compile(r"^[\d,]+$"))
    expect(page).to_have_url(re.compile(r"#sel=t\.\d+-\d+$"))
    strip.get_by_role("button", name="Zoom to it").click()
    expect(page).to_have_url(re.compile(r"[#&]t=\d+-\d+"))
    before, numbers = zoom(page), strip.locator("tbody td").all_inner_texts()
    assert before is not None
    page.reload()
    done(page)
    expect(strip.locator("tbody td")).to_have_text(numbers)
    after = zoom(page)
    assert after is not None
    assert after == pytest.approx(before, abs=0.002)
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(re.compile(r"p=p6.*[#&]t=\d+"))
    digest = decode("v=1&seed=3&p=p6&dur=4000")[0].digest()
    expect(page.locator("[data-run-name=A]")).to_contain_text(digest)
    done(page)
    assert zoom(page) == after, "a control changes the run, not the view"
    page.keyboard.press("0")
    page.keyboard.press("Escape")
    expect(strip).to_be_hidden()
    expect(page).to_have_url(re.compile(r"dur=4000$"))


def test_a_comparison_has_a_row_of_the_interval_for_each_run(visit):
    page = visit(f"{SHORT}&b.p=p6#sel=t.1000-3000")
    done(page, "A")
    done(page, "B")
    rows = page.locator(f"#{ids.SELECTION} tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.locator("td:first-child")).to_have_text(["A", "B"])


def test_the_legend_of_the_page_switches_an_issuer_in_every_chart(visit):
    page = visit(SHORT)
    done(page)
    lines = page.locator("[data-figure=throughput] .scatterlayer .trace")
    expect(lines.first).to_be_attached()
    count = lines.count()
    button = page.locator(f"#{ids.LEGEND}").get_by_role("button", name="kswapd")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(lines).to_have_count(count - 1)
    button.click()
    expect(lines).to_have_count(count)


def test_the_scale_of_a_chart_is_in_the_link_and_stays_after_a_reload(visit):
    page = visit(SHORT)
    done(page)

    def switch(figure: str) -> Locator:
        return page.locator(f"[data-figure={figure}]").get_by_role("button", name="Logarithmic")

    def kind(figure: str, axis: str) -> str:
        drawn = f"document.querySelector('[data-figure={figure}] .js-plotly-plot')"
        return str(page.evaluate(f"{drawn}._fullLayout.{axis}.type"))

    for figure, key in (("request_size", "Enter"), ("seeks", "Space"), ("stall_cdf", "Enter")):
        switch(figure).scroll_into_view_if_needed()
        expect(page.locator(f"[data-figure={figure}] .main-svg").first).to_be_visible()
        switch(figure).focus()
        page.keyboard.press(key)
    expect(switch("request_size")).to_have_attribute("aria-pressed", "true")
    expect(switch("stall_cdf")).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile(r"#log=request_size\.seeks&lin=stall_cdf$"))
    page.reload()
    done(page)
    for figure, axis, said, pressed in (
        ("request_size", "yaxis", "log", "true"), ("throughput", "yaxis", "linear", "false"),
        ("stall_cdf", "xaxis", "linear", "false"),
    ):  # fmt: skip
        switch(figure).scroll_into_view_if_needed()
        expect(switch(figure)).to_have_attribute("aria-pressed", pressed)
        section = page.locator(f"[data-figure={figure}]")
        expect(section).to_have_attribute("data-drawn", "whole")
        assert kind(figure, axis) == said
    page.get_by_role("button", name="patch 6", exact=True).click()
    expect(page).to_have_url(re.compile(r"p=p6.*#log=request_size\.seeks&lin=stall_cdf$"))
    for figure in ("request_size", "seeks", "stall_cdf"):
        switch(figure).click()
    expect(page).to_have_url(re.compile(r"dur=4000$"))
    assert violations(page) == []


def test_the_offset_chart_in_two_bands_is_in_the_link(visit):
    page = visit(SHORT)
    done(page)
    section = page.locator("[data-figure=io_offset]")
    button = section.get_by_role("button", name="in two bands")
    expect(section.locator(".main-svg").first).to_be_visible()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"#bands=io_offset$"))
    said = section.locator(".figure-note")
    expect(said).to_contain_text(re.compile("one band|between the bands"))
    page.reload()
    done(page)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(said).to_contain_text(re.compile("one band|between the bands"))
    button.click()
    expect(page).to_have_url(re.compile(r"dur=4000$"))


def test_an_unknown_name_in_the_view_is_nothing(visit):
    page = visit(f"{SHORT}#log=nonsense.throughput.io_offset&lin=")
    done(page)
    button = page.locator("[data-figure=throughput] [data-scale]")
    expect(button).to_have_attribute("aria-pressed", "true")


def get(url: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_full_queue_is_said_on_the_page_and_a_press_tries_again(visit, base_url):
    slow, keys = fake_run.SLOW + 60_000, []
    try:
        for n in range(1000):
            status, body = get(f"{base_url}/api/run?v=1&seed={slow + n}&dur=4000&wait=0")
            if status == 503:
                break
            assert status == 202
            keys.append(body["key"])
        assert status == 503
        assert "runs are waiting" in body["error"]
        page = visit("/?v=1&seed=4711&dur=4000")
        card = page.locator(f"#{ids.RUN_CARD}")
        expect(card).to_contain_text("The server is busy")
        expect(card).to_contain_text(re.compile(r"\d+ runs are waiting"))
        retry = card.get_by_role("button", name="Try again")
        expect(retry).to_be_visible()
    finally:
        for key in keys:
            request = urllib.request.Request(
                f"{base_url}/api/cancel/{key}", method="POST", headers={"Origin": base_url}
            )
            urllib.request.urlopen(request, timeout=30).close()
    retry.click()
    expect(card).to_be_hidden()
    done(page)


DROP = """([zone, name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name));
  const place = document.getElementById(zone);
  for (const type of ["dragover", "drop"]) {
    place.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true }));
    if (type === "dragover") window.over = place.classList.contains("is-over");
  }
}"""


def test_a_recording_is_dropped_and_drawn(visit):
    trace = next(path for path in sorted(FIXTURES.rglob("*samp.txt*")) if path.is_file())
    page = visit(SHORT)
    done(page)
    page.get_by_role("tab", name="Recorded").click()
    page.evaluate(DROP, [ids.UPLOAD, trace.name, list(trace.read_bytes())])
    assert page.evaluate("window.over") is True
    expect(page).to_have_url(re.compile(r"file=[0-9a-f]{12}"))
    done(page)
    expect(page.locator("[data-run-clock=A]")).to_have_text(re.compile("recorded$"))


def test_a_file_that_is_no_recording_says_so(visit):
    page = visit(SHORT)
    done(page)
    page.get_by_role("tab", name="Recorded").click()
    page.evaluate(DROP, [ids.UPLOAD, "notes.txt", list(b"not a trace\n")])
    card = page.locator(f"#{ids.RUN_CARD}")
    expect(card).to_contain_text("failed")
    expect(card).to_contain_text("notes.txt")


def test_a_job_file_is_dropped_and_its_link_opened(visit):
    page = visit(SHORT)
    done(page)
    page.get_by_role("tab", name="Recorded").click()
    job = b"[j]\nrw=write\nbs=16k\nrate=4m\nruntime=2\n"
    page.evaluate(DROP, [ids.UPLOAD, "good.fio", list(job)])
    expect(page).to_have_url(re.compile(r"w=seqw"))
    done(page)


def test_a_trace_is_dropped_and_replayed(visit):
    page = visit(SHORT)
    done(page)
    page.get_by_role("tab", name="Recorded").click()
    trace = b"time,op,file,offset,length\n0,read,a,0,65536\n0.9,write,b,0,65536\n"
    page.evaluate(DROP, [ids.UPLOAD, "trace.csv", list(trace)])
    expect(page).to_have_url(re.compile(r"w=replay\.root\.u[0-9]+"))
    done(page)


def test_a_job_file_that_is_refused_changes_nothing(browser, base_url):
    # Not by visit(): the browser itself writes the answer 400 to its console.
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base_url + SHORT)
        done(page)
        page.get_by_role("tab", name="Recorded").click()
        before = page.url
        page.evaluate(DROP, [ids.UPLOAD, "bad.fio", list(b"[j]\nrw=write\niodepth=4\n")])
        expect(page.locator(f"#{ids.UPLOAD_NOTE}")).to_contain_text("[j] iodepth = 4: line 3")
        assert page.url == before


ASK = """(key) => {
  window.answers = [];
  for (let n = 0; n < 12; n++) {
    fetch(`/api/events/${key}?px=99999&py=99999&t1=${1 + n / 10}`)
      .then((answer) => answer.json().then((body) => window.answers.push([answer.status, body.n])));
  }
}"""


def test_the_page_answers_while_events_are_asked_for(visit):
    page = visit(SHORT)
    done(page)
    page.evaluate(ASK, page.evaluate("reclaimLab.runs()[0].key"))
    page.keyboard.press("?")
    expect(page.locator(f"#{ids.KEYS}")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("heading", name="What it claims")).to_be_visible()
    for _ in range(200):
        if page.evaluate("window.answers.length") == 12:
            break
        page.wait_for_timeout(50)
    answers = page.evaluate("window.answers")
    assert [status for status, _ in answers] == [200] * 12
    assert all(n > 0 for _, n in answers)


def test_a_verdict_and_tables_to_paste(visit):
    page = visit(f"{SHORT}&b.seed=4#tab=numbers")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    done(page, "A")
    done(page, "B")
    expect(page.locator("#compare-verdict")).to_contain_text("headline number")
    expect(page.get_by_role("columnheader", name="mmtests row")).to_be_visible()
    for name, begin in (("Copy as Markdown", "| Allocation stalls |"), ("plain", "Allocation")):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".copy-row .copied")).to_have_text("copied")
        lines = page.evaluate("navigator.clipboard.readText()").splitlines()
        assert any(line.startswith(begin) for line in lines)
        assert lines[-1].endswith("b.seed=4#tab=numbers")


def test_two_equal_runs_are_no_difference(visit):
    page = visit(f"{SHORT}&b=#tab=numbers")
    done(page, "A")
    done(page, "B")
    expect(page.locator("#compare-verdict")).to_contain_text("No difference: A and B agree in all")
    expect(page.locator(".mark")).to_have_count(0)


def column(page: Page, index: int) -> list[float]:
    texts = page.locator(f".stall-table tbody td:nth-child({index})").all_inner_texts()
    return [float(text) for text in texts]


def test_stalls_are_sorted_by_keyboard_and_lead_to_the_charts(visit):
    page = visit(SHORT)
    done(page)
    page.keyboard.press("3")
    heads = page.locator(".stall-table thead th")
    expect(heads).to_have_count(11)
    expect(heads.locator("button").first).to_have_text("TIME(s)")
    latency = page.get_by_role("columnheader", name="LAT(ms)")
    expect(latency).to_have_attribute("aria-sort", "descending")
    assert column(page, 4) == sorted(column(page, 4), reverse=True)
    latency.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(latency).to_have_attribute("aria-sort", "ascending")
    expect(latency.get_by_role("button")).to_be_focused()
    assert column(page, 4) == sorted(column(page, 4))
    page.keyboard.press("Enter")
    longest = page.locator(".stall-table tbody tr").first
    begin, ms = (float(longest.locator("td").nth(i).inner_text()) for i in (0, 3))
    longest.get_by_role("button").press("Enter")
    expect(page.get_by_role("tab", name="Charts")).to_have_attribute("aria-selected", "true")
    low, high = zoom(page) or [0, 0]
    assert low <= begin
    assert begin + ms / 1000 <= high < begin + 3 * ms / 1000 + 0.5
    expect(page.locator(f"#{ids.SELECTION}")).to_be_visible()
    expect(page.locator("[data-figure=stall_timeline]")).to_be_in_viewport()


def test_the_palette_finds_presets_controls_and_commands(visit):
    page = visit(SHORT)
    done(page)
    palette = page.locator(f"#{ids.PALETTE}")
    page.keyboard.press("/")
    expect(palette).to_be_visible()
    page.keyboard.type("dirty ratio background")
    expect(palette.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(palette).to_be_hidden()
    field = page.locator(f"[id='{ids.dom(ids.control('vm.dirty_background_ratio'))}']")
    expect(field).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("numbers")
    expect(palette.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Numbers")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Control+k")
    page.keyboard.type("zzzz")
    expect(palette).to_contain_text("Nothing has this name.")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("overflow stack")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("overflow the stack")


def test_the_tour_has_at_most_five_steps_and_ends_where_it_began(visit):
    page = visit(SHORT)
    done(page)
    page.get_by_role("button", name="Tour").first.click()
    tour = page.locator(f"#{ids.TOUR}")
    steps = 0
    while tour.is_visible():
        steps += 1
        assert steps <= 5
        expect(tour.get_by_role("heading")).to_have_count(1)
        expect(page.locator(".is-toured")).to_have_count(1)
        box = tour.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] + box["height"] <= 900
        page.keyboard.press("Enter")
    assert steps == 5
    expect(page.locator(".is-toured")).to_have_count(0)
    expect(page.get_by_role("button", name="Tour").first).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(visit, theme):
    page = visit(f"{SHORT}&b.p=p6#sel=t.1000-3000", theme=theme)
    done(page)
    done(page, "B")
    expect(page.locator(f"#{ids.SELECTION} tbody tr")).to_have_count(2)
    page.locator("[data-figure=seeks] [data-action=table]").click()
    found = violations(page)
    for key, sheet in (("?", ids.KEYS), ("/", ids.PALETTE)):
        page.keyboard.press(key)
        expect(page.locator(f"#{sheet}")).to_be_visible()
        found += violations(page)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Tour").first.click()
    found += violations(page)
    assert sorted(set(found)) == []


def test_presets_show_what_has_been_run(visit, base_url):
    assert get(f"{base_url}/api/run?{encode(PRESETS['stack'].scenario)}&wait=20")[0] == 200
    page = visit(SHORT)
    done(page)
    page.locator(f"#{ids.PRESETS} summary").click()
    stamps = page.locator(".preset-list img")
    expect(stamps).to_have_count(len(PRESETS))
    drawn = page.locator(".preset-list a[data-name=stack] img")
    loaded = "(image) => image.decode().then(() => image.naturalWidth)"
    assert drawn.evaluate(loaded) == 132
    assert page.locator(".preset-list a[data-name=stack]").get_attribute("title")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_validation_page_shows_every_part_of_the_scoreboard(visit, theme):
    page = visit(f"{SHORT}#tab=validation", theme=theme)
    panel = page.locator(f"#{ids.panel('validation')}")
    kept = scoreboard.read()
    scores = panel.locator(".validation-score")
    expect(scores).to_have_count(len(kept))
    score = kept["recorded"]["score"]
    expect(scores.first).to_contain_text(f"{score['rows_ok']} of {score['rows']} scored rows agree")
    stale = sum(part["model_version"] != MODEL_VERSION for part in kept.values())
    expect(panel.locator(".notice")).to_have_count(stale)
    expect(panel.locator("tbody tr").first).to_be_attached()
    assert violations(page) == []


def test_two_runs_say_where_they_part(visit):
    page = visit(f"{SHORT}&b.seed=4")
    done(page)
    done(page, "B")
    page.get_by_role("button", name="Where do they part?").click()
    told = page.locator(f"#{ids.PARTING}")
    expect(told).to_contain_text("A and B are the same (0 equal")
    told.get_by_text("What each does next").click()
    assert violations(page) == []
    told.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"#t=\d+-\d+"))
