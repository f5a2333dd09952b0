"""The page's own drawing in a browser: live filling, playhead, zoom, keys, images, tables."""

from __future__ import annotations

import pytest

from dashboard.figures.registry import FIGURES
from dashboard.figures.theme import MARGIN_LEFT, MARGIN_RIGHT, THEMES
from sim.observe.metrics import percentile_ns
from tests.support.chart_server import chart_server
from tests.support.synthetic_result import synthetic_result

pytestmark = pytest.mark.browser
TIMED = [name for name, spec in FIGURES.items() if spec.x == "time"]


@pytest.fixture(scope="module")
def url():
    quiet = synthetic_result(3, 20)
    quiet.stalls = quiet.stalls[:0]
    quiet.families["io"] = "no request log"
    quiet.io = quiet.io[:0]
    far = synthetic_result(4, 20)
    far.io["sector"] = far.io["sector"] % 2**22
    far.io["sector"][::5] += 80 * 2**21
    runs = {"a": synthetic_result(1, 20), "b": synthetic_result(2, 20, patched=True)}
    with chart_server(runs | {"quiet": quiet, "far": far}) as url:
        yield url


@pytest.fixture(scope="module")
def context(browser):
    """One for all tests: plotly.js comes from its cache after the first page."""
    with browser.new_context(viewport={"width": 1200, "height": 4800}) as context:
        yield context


@pytest.fixture
def page(context, url):
    page = context.new_page()
    page.trouble, page.hosts = [], set()
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda m: m.type == "error" and page.trouble.append(m.text))
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    page.add_init_script(
        "window.heard = []; for (const name of ['rl:status', 'rl:error', 'rl:zoom', 'rl:select',"
        " 'rl:selection', 'rl:headline'])"
        " document.addEventListener(name, (e) => heard.push([name, e.detail]));"
    )
    page.goto(url)
    yield page
    page.close()


def load(page, *keys):
    """Show runs and wait until all charts are drawn."""
    items = [{"key": key, "label": "ABCD"[i]} for i, key in enumerate(keys)]
    assert page.evaluate("(items) => reclaimLab.load(items)", items)
    wait(page, "reclaimLab.runs().every((run) => run.ended)")
    settled(page)


def settled(page):
    wait(page, f"document.querySelectorAll('[data-drawn=whole]').length === {len(FIGURES)}")


def wait(page, expression, seconds=60, argument=None):
    """``wait_for_function`` needs eval, which the page's policy forbids."""
    for _ in range(seconds * 20):
        if page.evaluate(expression, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"waited {seconds} s in vain: {expression}")


def heard(page, name):
    return [detail for event, detail in page.evaluate("heard") if event == name]


def over(page, name):
    return page.query_selector(f"[data-figure={name}] .figure-over").bounding_box()


def veils(page):
    """Where the veil begins in each time chart, px from its left edge; None = not veiled."""
    return page.evaluate(
        "(names) => names.map((name) => { const veil = document.querySelector("
        "`[data-figure=${name}] .figure-veil`); if (veil.style.display !== 'block') return null;"
        " return veil.getBoundingClientRect().x - veil.parentNode.getBoundingClientRect().x; })",
        TIMED,
    )


def test_every_chart_is_drawn_without_trouble_and_without_another_host(page, url):
    load(page, "a")
    drawn = page.evaluate("document.querySelectorAll('.figure-canvas .main-svg').length")
    assert drawn >= len(FIGURES)
    assert page.inner_text("[data-run-state]") == "done"
    assert page.inner_text("[data-headline]") not in ("", "–")
    assert page.hosts == {url.split("/")[2]}
    assert page.trouble == []


def test_a_running_run_fills_the_charts(page):
    page.evaluate("reclaimLab.load([{key: 'a.live', label: 'A'}])")
    drawn = "document.querySelectorAll('[data-figure=seeks] .trace').length > 0"
    wait(page, f"reclaimLab.player.state().t > 0 && !reclaimLab.runs()[0].ended && {drawn}")
    assert page.evaluate("reclaimLab.player.state().done") is False
    wait(page, "reclaimLab.runs()[0].ended", 60)
    settled(page)
    states = [status["state"] for status in heard(page, "rl:status")]
    assert states[-1] == "DONE"
    assert "RUNNING" in states
    assert heard(page, "rl:headline")[-1]["done"] is True
    times = page.evaluate("[reclaimLab.player.state().t, reclaimLab.runs()[0].times.length]")
    assert times == [20, 200]


def test_one_playhead_goes_through_all_time_charts(page):
    load(page, "a")
    assert set(veils(page)) == {None}
    page.evaluate("reclaimLab.player.seek(5)")
    width = 1200 - page.evaluate(
        "document.body.offsetWidth - document.querySelector('.figure-plot').offsetWidth"
    )
    inner = over(page, "seeks")["width"]
    assert inner == pytest.approx(min(width, inner + MARGIN_LEFT + MARGIN_RIGHT) - 80, abs=20)
    assert veils(page) == [pytest.approx(inner / 4, abs=1.5)] * len(TIMED)
    assert page.inner_text("[data-player=time]") == "5.0 s of 20 s"


def test_play_begins_at_the_start_and_pauses_where_it_is(page):
    load(page, "a")
    page.evaluate("reclaimLab.player.speed(1)")
    page.keyboard.press(" ")
    wait(page, "reclaimLab.player.state().t > 0.5")
    assert page.evaluate("reclaimLab.player.state().playing") is True
    page.keyboard.press(" ")
    wait(page, "!reclaimLab.player.state().playing")
    state = page.evaluate("reclaimLab.player.state()")
    assert 0.5 < state["t"] < 20
    page.keyboard.press("ArrowRight")
    stepped = page.evaluate("reclaimLab.player.state().t")
    assert stepped == pytest.approx(round(state["t"] * 10) / 10 + 0.1)
    page.keyboard.press("End")
    assert set(veils(page)) == {None}
    page.keyboard.press("Home")
    assert page.evaluate("reclaimLab.player.state().t") == 0


def test_keys_and_menu_change_the_speed(page):
    load(page, "a")
    page.keyboard.press("]")
    assert page.evaluate("reclaimLab.player.state().speed") == 20
    page.select_option("[data-player=speed]", "0.5")
    assert page.evaluate("reclaimLab.player.state().speed") == 0.5


def test_keys_in_a_field_belong_to_the_field(page):
    load(page, "a")
    page.evaluate("document.body.append(document.createElement('input'))")
    page.focus("input:not([type])")
    page.keyboard.press(" ")
    assert page.evaluate("reclaimLab.player.state().playing") is False


def drag(page, figure, begin, end):
    """Over a time chart, from one share of its width to another."""
    box = over(page, figure)
    y = box["y"] + 20
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def chosen(page):
    """Left edge and width of the marked interval in each time chart, px."""
    return page.evaluate(
        "(names) => names.map((name) => { const mark = document.querySelector("
        "`[data-figure=${name}] .figure-chosen`); if (mark.style.display !== 'block') return null;"
        " const box = mark.getBoundingClientRect();"
        " return [box.x - mark.parentNode.getBoundingClientRect().x, box.width]; })",
        TIMED,
    )


def test_dragging_selects_an_interval_in_every_time_chart(page):
    load(page, "a")
    assert chosen(page) == [None] * len(TIMED)
    drag(page, "throughput", 0.25, 0.5)
    span = heard(page, "rl:selection")[-1]
    assert span == {"t0": pytest.approx(5, abs=0.05), "t1": pytest.approx(10, abs=0.05)}
    quarter = over(page, "throughput")["width"] / 4
    assert chosen(page) == [[pytest.approx(quarter, abs=2)] * 2] * len(TIMED)
    page.keyboard.press("Escape")
    assert chosen(page) == [None] * len(TIMED)
    assert heard(page, "rl:selection")[-1] == {"t0": None, "t1": None}


def test_two_marks_select_an_interval_and_a_key_zooms_to_it(page):
    load(page, "a")
    for t in (5, 10):
        page.evaluate(f"reclaimLab.player.seek({t})")
        page.keyboard.press("m")
    assert heard(page, "rl:selection")[-1] == {"t0": 5, "t1": 10}
    page.keyboard.press("z")
    assert heard(page, "rl:zoom")[-1] == {"t0": 5, "t1": 10}
    at = (
        "(range) => [...document.querySelectorAll('[data-figure]')].every((section) => {"
        " const timed = reclaimLab.spec(section.dataset.figure).x === 'time';"
        " return !timed || section.querySelector('.figure-canvas').layout.xaxis.range.join()"
        " === range; })"
    )
    wait(page, at, argument="5,10")
    page.keyboard.press("0")
    wait(page, at, argument="0,20")


def in_window(records, name, window):
    return records[(records[name] > window[0] * 1e9) & (records[name] <= window[1] * 1e9)]


@pytest.mark.parametrize("window", [(0, 20), (3.2, 11.7), (5, 5.5)])
def test_the_numbers_of_an_interval_are_those_of_the_run(page, window):
    load(page, "a")
    result = synthetic_result(1, 20)
    found = page.evaluate(
        "([t0, t1]) => reclaimLab.selection.stats(reclaimLab.runs()[0], t0, t1)", list(window)
    )
    io = in_window(result.io, "t_done_ns", window)
    stalls = in_window(result.stalls, "t_end_ns", window)
    length_ns = stalls["t_end_ns"] - stalls["t_begin_ns"]
    assert found["io"]["requests"] == len(io) > 0
    assert found["io"]["kib_mean"] == pytest.approx(io["nr_sectors"].mean() / 2)
    assert found["io"]["seeks"] == (io["positioned"] == 1).sum()
    for code, pages in found["io"]["pages"].items():
        mine = io[(io["write"] == 1) & (io["issuer"] == int(code))]
        assert pages == mine["nr_sectors"].sum() / 8
    assert found["stalls"]["count"] == len(stalls)
    assert found["stalls"]["total"] == pytest.approx(length_ns.sum() / 1e6, rel=1e-5)
    for name, percent in (("p50", 50), ("p99", 99), ("max", 100)):
        expected = percentile_ns(length_ns, percent) / 1e6
        assert found["stalls"][name] == pytest.approx(expected, rel=1e-5)


def test_of_what_was_not_recorded_an_interval_has_no_numbers(page):
    load(page, "quiet")
    found = page.evaluate("reclaimLab.selection.stats(reclaimLab.runs()[0], 0, 20)")
    assert found["io"] is None
    assert found["stalls"] == {"count": 0, "total": 0, "p50": 0, "p99": 0, "max": 0}


def test_the_cursor_reads_shares_from_the_distribution(page):
    load(page, "a")
    box = over(page, "stall_cdf")
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 30)
    values = (
        "[...document.querySelectorAll('[data-figure=stall_cdf] .legend-value')]"
        ".map((value) => value.textContent)"
    )
    wait(page, f"{values}.every((text) => text === '100.00 %')")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    lengths = synthetic_result(1, 20).stalls
    ms = (lengths["t_end_ns"] - lengths["t_begin_ns"])[lengths["kind"] == 0] / 1e6
    share = 100 * (ms <= 10**1.5).mean()  # the middle of 10 us to 100 s
    wait(page, f"!{values}[0].startsWith('100')")
    assert float(page.evaluate(values)[0].removesuffix(" %")) == pytest.approx(share, abs=1.5)
    assert page.inner_text("[data-figure=stall_cdf] .figure-flag").startswith("≤ 3")
    page.mouse.move(0, 0)
    wait(page, f"{values}.every((text) => text === '')")


def test_the_read_out_shows_nothing_of_what_the_veil_hides(page):
    load(page, "a")
    read = "document.querySelector('[data-figure=queue_depth] .legend-value').textContent"
    page.evaluate("reclaimLab.player.seek(5)")
    box = over(page, "seeks")
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 10)
    wait(page, f"/^[0-9.,]+$/.test({read})")
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 10)
    wait(page, f"{read} === ''")


def test_a_click_on_a_stall_selects_it(page):
    load(page, "a")
    page.evaluate("reclaimLab.player.zoom(0, 20)")
    where = page.evaluate(
        "(() => { const s = reclaimLab.runs()[0].events.stalls; let k = 0;"
        " for (let i = 0; i < s.t.length; i++) if (s.length[i] > s.length[k]) k = i;"
        " const tasks = [...new Set(s.task)].sort((a, b) => a - b);"
        " return [k, (s.t[k] + s.begin[k]) / 2 / 20, (tasks.indexOf(s.task[k]) + 0.5)"
        " / tasks.length]; })()"
    )
    box = over(page, "stall_timeline")
    page.mouse.click(box["x"] + where[1] * box["width"], box["y"] + where[2] * box["height"])
    chosen = heard(page, "rl:select")[-1]
    assert (chosen["kind"], chosen["run"], chosen["index"]) == ("stalls", "A", where[0])


def test_in_two_bands_a_click_finds_the_request_that_is_drawn_there(page):
    page.evaluate("reclaimLab.board.scales.set('io_offset', 'bands')")
    load(page, "far")
    page.evaluate("reclaimLab.player.zoom(5, 5.5)")
    settled(page)
    found = page.evaluate(
        "(() => { const io = reclaimLab.runs()[0].events.io;"
        " const chart = [...reclaimLab.board.charts.values()].find((c) => c.name === 'io_offset');"
        " const { place } = chart.bound.panels[0]; const at = (k) => [(io.t[k] - 5) / 0.5,"
        " 1 - place(io.offset[k])]; const all = [...io.t.keys()]"
        ".filter((k) => io.t[k] > 5.05 && io.t[k] < 5.45);"
        " return [Math.min, Math.max].map((far) => { const to = far(...all.map((k) =>"
        " io.offset[k])); const k = all.find((i) => io.offset[i] === to);"
        " return [io.offset[k], ...at(k)]; }); })()"
    )
    box = over(page, "io_offset")
    for offset, x, y in found:
        assert (y > 0.53) == (offset < 40)
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        assert heard(page, "rl:select")[-1]["event"]["offset"] == pytest.approx(offset)


def test_a_legend_button_hides_its_line(page):
    load(page, "a")
    lines = "document.querySelectorAll('[data-figure=queue_depth] .scatterlayer .trace').length"
    before = page.evaluate(lines)
    page.click("[data-figure=queue_depth] [data-group='sync (reads)']")
    wait(page, f"{lines} < {before}")
    pressed = "[data-figure=queue_depth] [data-group='sync (reads)']"
    wait(page, f"document.querySelector(`{pressed}`).getAttribute('aria-pressed') === 'false'")


def test_images_and_numbers_leave_the_page_with_their_origin(page):
    load(page, "a", "b")
    page.evaluate("reclaimLab.setLink('https://lab.example/?v=1&seed=1')")
    for action, word in (("svg", "5eed5eed5eedcafe"), ("csv", "seed 2"), ("png", "")):
        with page.expect_download() as download:
            page.click(f"[data-figure=throughput] [data-action={action}]")
        name = download.value.suggested_filename
        assert name == f"throughput-5eed5eed5eedcafe-5eed5eed5eedbeef.{action}"
        data = download.value.path().read_bytes()
        assert (data[:4] == b"\x89PNG") if action == "png" else word in data.decode()


def test_the_table_says_what_the_chart_shows(page):
    load(page, "a")
    page.click("[data-figure=stall_cdf] [data-action=table]")
    table = page.inner_text("[data-figure=stall_cdf] table")
    assert "p99 ms" in table
    assert "direct reclaim" in table
    page.click("[data-figure=seeks] [data-action=table]")
    assert page.locator("[data-figure=seeks] tbody tr").count() == 200


def test_two_runs_share_the_clock_and_the_charts(page):
    load(page, "a", "b")
    legend = page.inner_text("[data-figure=seeks] .figure-legend")
    assert "A" in legend
    assert "B" in legend
    assert " | " in legend
    panels = page.evaluate(
        "Object.keys(document.querySelector('[data-figure=io_offset] .figure-canvas').layout)"
        ".filter((name) => name.startsWith('yaxis')).length"
    )
    assert panels == 2


def test_gaps_and_nothing_are_said_in_words(page):
    load(page, "quiet")
    empty = "document.querySelector('[data-figure={}] .figure-empty').textContent === '{}'"
    wait(page, empty.format("io_offset", "Not recorded: no request log"))
    wait(page, empty.format("stall_timeline", "No task stalled."))


def test_an_unknown_run_is_reported_lost(page):
    page.evaluate("reclaimLab.load([{key: 'gone', label: 'A'}])")
    wait(page, "heard.some(([name]) => name === 'rl:error')")
    error = heard(page, "rl:error")[0]
    assert error["lost"] is True
    wait(page, "document.querySelector('[data-figure=seeks] .figure-empty').textContent"
               ".startsWith('The run failed')")  # fmt: skip


def test_the_same_runs_are_not_loaded_twice_and_other_ones_replace_them(page):
    load(page, "a")
    assert page.evaluate("reclaimLab.load([{key: 'a', label: 'A'}])") is False
    load(page, "b")
    assert page.evaluate("reclaimLab.runs()[0].key") == "b"


def test_a_theme_recolours_without_losing_data_or_zoom(page):
    load(page, "a")
    page.evaluate("reclaimLab.player.zoom(5, 10)")
    page.evaluate("reclaimLab.setTheme('dark')")
    canvas = "document.querySelector('[data-figure=seeks] .figure-canvas')"
    wait(page, f"{canvas}.layout.font.color === '{THEMES['dark'].ink}'")
    wait(page, f"{canvas}.layout.xaxis.range.join() === '5,10'")
