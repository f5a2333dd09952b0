"""What every chart must keep: its columns exist, gaps are said, colours can be told apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures.data import run_data
from dashboard.figures.downsample import min_max, nice_range, ranks, window
from dashboard.figures.fill import fill, wrap
from dashboard.figures.registry import FIGURES, figure_dict, spec_json
from dashboard.figures.theme import (
    COLORS,
    ISSUER_STYLES,
    LINES_MAX,
    MARGIN_LEFT,
    MARGIN_RIGHT,
    MARKS_MAX,
    THEMES,
)
from sim.result import Issuer
from tests.support.synthetic_result import TASKS, synthetic_result

RUN = synthetic_result(1)
PATCHED = synthetic_result(2, patched=True)


def texts(figure):
    return " ".join(a["text"] for a in figure["layout"]["annotations"])


def lines(figure):
    """Traces that show data, without those that are there for the legend."""
    return [t for t in figure["data"] if t.get("x") and t["x"] != [None]]


def named(figure):
    return {t["name"] for t in figure["data"] if t["showlegend"]}


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", THEMES)
def test_every_chart_draws_a_run_and_two_compared(name, theme):
    for others in ((), (PATCHED,)):
        figure = figure_dict(name, RUN, theme=theme, others=others)
        json.dumps(figure, allow_nan=False)
        layout = figure["layout"]
        assert lines(figure) or layout["shapes"] or layout["images"]
        assert named(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_an_image_says_how_to_make_it_again(name):
    figure = figure_dict(name, RUN, url="https://lab.example/?v=1&seed=1")
    caption = texts(figure)
    assert FIGURES[name].title in figure["layout"]["title"]["text"]
    for word in (RUN.meta["digest"], "seed 1", f"model {RUN.meta['model_version']}"):
        assert word in caption
    assert "https://lab.example/?v=1&amp;seed=1" in caption


@pytest.mark.parametrize("name", [n for n, spec in FIGURES.items() if spec.kind == "series"])
def test_every_column_of_a_chart_is_one_that_metrics_define(name):
    known, spec = run_data(RUN), FIGURES[name]
    fallbacks = {line.column for p in spec.panels for line in p.lines if line.otherwise}
    for pattern in set(spec.columns()) - fallbacks:
        column = pattern.replace("{memcg}", "g1")
        if column.startswith("disk."):
            assert known.described(column)
        else:
            assert column in known.columns, column


@pytest.mark.parametrize("name", FIGURES)
def test_what_was_not_recorded_is_said_and_never_drawn_as_zeros(name):
    run = synthetic_result(1, 10)
    run.families |= dict.fromkeys(run.families, "the kernel was too old")
    figure = figure_dict(name, run)
    assert "Not recorded: the kernel was too old" in texts(figure)
    assert not lines(figure)
    assert not figure["layout"]["shapes"]


def test_counters_that_a_recording_lacks_are_said_too():
    run = synthetic_result(1, 10)
    run.series = {k: v for k, v in run.series.items() if not k.startswith("pg")}
    assert "Not recorded" in texts(figure_dict("reclaim_rate", run))


def test_a_run_without_stalls_says_so():
    run = synthetic_result(1, 10)
    run.stalls = run.stalls[:0]
    for name in ("stall_timeline", "stall_cdf"):
        assert "No task stalled." in texts(figure_dict(name, run))


def test_requests_beyond_the_limit_are_a_picture_and_said():
    figure = figure_dict("io_offset", RUN)
    assert len(RUN.io) > MARKS_MAX
    (image,) = figure["layout"]["images"]
    assert figure["layout"]["shapes"] == []
    low, high = figure["layout"]["yaxis"]["range"]
    assert (image["x"], image["sizex"]) == (0, 60)
    assert (image["y"], image["sizey"]) == (high, high - low)
    assert f"density of {len(RUN.io):,} requests" in texts(figure)


def test_all_requests_of_a_short_window_are_drawn():
    spec, theme = FIGURES["io_offset"], THEMES["light"]
    figure = fill(spec, [RUN], theme, width=900, height=420, window=(10.0, 20.0))
    t = RUN.io["t_done_ns"] // 1000 / 1e6
    drawn = sum(shape["path"].count("M") for shape in figure["layout"]["shapes"])
    assert drawn == ((t >= 10) & (t <= 20)).sum() < MARKS_MAX
    assert figure["layout"]["images"] == []
    assert "density" not in texts(figure)


def test_patched_runs_show_no_direct_writes():
    assert "direct reclaim" in named(figure_dict("io_offset", RUN))
    assert "direct reclaim" not in named(figure_dict("io_offset", PATCHED))


def test_one_row_for_each_stalled_task_by_name():
    axis = figure_dict("stall_timeline", RUN)["layout"]["yaxis"]
    assert axis["ticktext"] == [TASKS[t] for t in sorted(set(RUN.stalls["task"].tolist()))]


def test_rows_of_a_crowd_are_those_that_stalled_longest():
    run = synthetic_result(1, 20)
    run.stalls = np.resize(run.stalls, 400)
    run.stalls["task"] = np.arange(400) % 40
    run.stalls["t_end_ns"] = run.stalls["t_begin_ns"] + 1000 * (np.arange(400) % 40 + 1)
    figure = figure_dict("stall_timeline", run)
    assert figure["layout"]["yaxis"]["ticktext"] == [f"task {t}" for t in range(28, 40)]
    assert "12 of 40 stalled tasks" in texts(figure)


def test_the_cdf_ends_at_one_and_at_the_longest_stall():
    longest = (RUN.stalls["t_end_ns"] - RUN.stalls["t_begin_ns"]).max() / 1e6
    curves = lines(figure_dict("stall_cdf", RUN))
    assert all(curve["y"][-1] == 1 and curve["y"] == sorted(curve["y"]) for curve in curves)
    assert max(curve["x"][-1] for curve in curves) == pytest.approx(longest)


def test_memory_is_stacked_to_the_whole_of_it():
    stack = [t for t in lines(figure_dict("memory_composition", RUN)) if "stackgroup" in t]
    total = np.sum([t["y"] for t in stack], axis=0)
    assert total == pytest.approx(np.full(len(total), (262_144 - 8000) / 256), abs=0.02)


def test_time_charts_share_margins_and_range():
    for name, spec in FIGURES.items():
        layout = figure_dict(name, RUN)["layout"]
        assert (layout["margin"]["l"], layout["margin"]["r"]) == (MARGIN_LEFT, MARGIN_RIGHT)
        if spec.x == "time":
            assert layout["xaxis"]["range"] == [0, 60]


def test_compared_requests_have_panels_and_compared_lines_have_dashes():
    layout = figure_dict("io_offset", RUN, others=(PATCHED,))["layout"]
    assert layout["yaxis"]["domain"][0] > layout["yaxis2"]["domain"][1]
    curves = lines(figure_dict("seeks", RUN, others=(PATCHED,)))
    dashes = {curve["meta"]["run"]: curve["line"]["dash"] for curve in curves}
    assert dashes == {0: "solid", 1: "dash"}


def test_names_cannot_smuggle_markup_into_a_chart():
    run = synthetic_result(1, 10)
    run.meta["title"] = "<b onclick=x>"
    run.tasks = [{"name": "<i>"} for _ in TASKS]
    figure = figure_dict("stall_timeline", run)
    shown = texts(figure) + "".join(figure["layout"]["yaxis"]["ticktext"])
    assert "<b onclick" not in shown
    assert "<i>" not in shown


AREAS = {
    "file_active", "file_inactive", "anon_active", "anon_inactive",
    "order_0", "order_1_3", "order_4_8", "order_9_10",
}  # fmt: skip


@pytest.mark.parametrize("role", sorted(set(COLORS) - AREAS))
def test_line_colours_stand_out_on_both_pages(role):
    for theme in THEMES.values():
        assert contrast(COLORS[role], theme.background) >= 3, theme.name


def test_every_issuer_has_a_colour():
    codes = {style.code for style in ISSUER_STYLES.values()}
    assert codes == {int(issuer) for issuer in Issuer}


def test_specs_travel_as_json_and_name_only_known_colours():
    sent = json.loads(json.dumps(spec_json("dark")))
    assert [spec["name"] for spec in sent["figures"]] == list(FIGURES)
    for spec in sent["figures"]:
        roles = {line["color"] for panel in spec["panels"] for line in panel["lines"]}
        assert roles <= set(sent["theme"]["colors"])
        assert re.search(r"[a-z]", spec["question"])


@given(st.lists(st.floats(0, 1e6) | st.just(float("nan")), max_size=400), st.integers(4, 60))
def test_thinned_lines_keep_the_extremes_and_the_order(values, most):
    y = np.array(values)
    kept = min_max(y, most)
    assert len(kept) <= max(most, 0) or len(y) <= most
    assert (np.diff(kept) > 0).all()
    known = y[~np.isnan(y)]
    if len(known):
        assert np.nanmax(y[kept]) == known.max()
        assert np.nanmin(y[kept]) == known.min()


@given(st.integers(0, 5000), st.integers(2, 300), st.integers(1, 80))
def test_thinned_distributions_keep_both_ends(n, even, tail):
    kept = ranks(n, even, tail)
    assert len(kept) <= min(n, even + tail)
    assert (np.diff(kept) > 0).all()
    if n:
        assert (kept[0], kept[-1]) == (0, n - 1)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_axes_end_on_whole_steps_around_the_data(low, span):
    high = low + span
    begin, end, step = nice_range(low, high)
    assert begin <= low + step * 1e-6
    assert end >= high - step * 1e-6
    assert end - begin <= 6.001 * step


def test_a_window_takes_one_sample_on_each_side():
    times = np.arange(10.0)
    assert window(times, 2.5, 5.5) == (2, 7)
    assert window(times, -1, 99) == (0, 10)


@given(st.text(alphabet="ab ", max_size=300), st.integers(20, 60))
def test_captions_are_wrapped_without_losing_a_letter(text, most):
    wrapped = wrap(text, most)
    assert all(len(line) <= most for line in wrapped)
    assert "".join(wrapped).replace(" ", "") == text.replace(" ", "")


def test_long_lines_are_thinned():
    run = synthetic_result(1, 200)
    curve = lines(figure_dict("seeks", run))[0]
    assert len(curve["x"]) <= LINES_MAX < len(run.series["t_ns"])


def test_a_spec_is_data():
    spec = FIGURES["seeks"]
    assert replace(spec, height=1).to_dict() == spec.to_dict() | {"height": 1}


def test_many_short_stalls_do_not_look_like_one_long_stall():
    run = synthetic_result(1, 60)
    run.stalls = np.resize(run.stalls[:1], 2000)
    run.stalls["t_begin_ns"] = np.arange(2000) * 10_000_000
    run.stalls["t_end_ns"] = run.stalls["t_begin_ns"] + 20_000
    thin = figure_dict("stall_timeline", run)
    run.stalls = run.stalls[:1].copy()
    run.stalls["t_end_ns"] = 20_000_000_000
    long = figure_dict("stall_timeline", run)
    assert len(thin["layout"]["shapes"]) == len(long["layout"]["shapes"]) == 1
    widths = [figure["layout"]["shapes"][0]["line"]["width"] for figure in (thin, long)]
    assert widths[0] <= widths[1] / 3
    assert "thin: stalls shorter than a pixel" in texts(thin)
    assert "thin" not in texts(long)


def test_whose_pages_says_each_number_and_frames_what_reclaim_took_from_others():
    figure = figure_dict("victims", RUN)
    rows = {tuple(row)[:3]: row for row in RUN.victims.tolist()}
    numbers = [text for trace in figure["data"] for text in trace.get("text", ())]
    for row in rows.values():
        assert {f"{n:,}" for n in row[3:]} <= set(numbers)
    boxes = [s for s in figure["layout"]["shapes"] if s["type"] == "rect"]
    foreign = [r for r in rows if r[0] in (Issuer.KSWAPD, Issuer.DIRECT) and r[2] not in (0, r[1])]
    framed = sum(bool(box["line"]["width"]) for box in boxes)
    assert framed == sum((rows[r][3] > 0) + (rows[r][4] > 0) for r in foreign)
    assert len(boxes) == sum((row[3] > 0) + (row[4] > 0) for row in rows.values())


def test_many_containers_have_short_numbers_and_names():
    figure = figure_dict("victims", synthetic_result(3, 20, memcgs=30), width=390)
    texts = [text for trace in figure["data"] for text in trace.get("text", ())]
    assert max(map(len, texts)) <= 4
    assert "oth…" in texts or "others" in texts
