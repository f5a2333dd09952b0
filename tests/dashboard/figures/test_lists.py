"""The picture of the LRU lists: its numbers are the counters' own, at the playhead's moment."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from dashboard.figures.data import run_data
from dashboard.figures.lists import ROW_PX, page_height, seconds
from dashboard.figures.registry import FIGURES, figure_dict
from dashboard.view_state import ViewState
from tests.dashboard.figures.test_both_ways import differences, in_node
from tests.support.synthetic_result import synthetic_result

RUN = synthetic_result(1, 20)
NAME = "lru_lists"


def at(t_s, run=RUN, **options):
    return figure_dict(NAME, run, view=ViewState(at=t_s), **options)


def words(figure):
    """Texts beside bars and arrows of each panel, by its name."""
    return {t["name"]: t["text"] for t in figure["data"] if t.get("mode") == "text"}


def arrow(figure, label, panel="all zones"):
    """The number beside an arrow."""
    (text,) = (t for t in words(figure)[panel] if t.startswith(f"{label} "))
    return int(text.removeprefix(label).replace(",", "").replace("−", "-"))


def notes(figure):
    return figure["layout"]["annotations"][-1]["text"].replace("<br>", " ")


def moved(name, begin_s, end_s, run=RUN):
    """What a counter grew by."""
    t = run.series["t_ns"]
    low, high = (int(np.searchsorted(t, round(s * 1e9))) for s in (begin_s, end_s))
    return int(run.series[name][high] - run.series[name][low])


def total(names, begin_s, end_s):
    return sum(moved(name, begin_s, end_s) for name in names)


BY = ("kswapd", "direct", "memcg")
SCANNED, STOLEN = ([f"pg{what}_{who}" for who in BY] for what in ("scan", "steal"))
ISOLATED = ["nr_isolated_anon", "nr_isolated_file"]
LISTS = ["nr_active_file", "nr_active_anon", "nr_inactive_file", "nr_inactive_anon"]
# 20 s at 0.1 s are 200 samples: a point of a rate, and an arrow, stands for two of them.
MOMENTS = [(0.1, 0.0, 0.1), (9.9, 9.7, 9.9), (9.85, 9.7, 9.9), (20.0, 19.8, 20.0)]


@pytest.mark.parametrize(("t_s", "begin_s", "end_s"), MOMENTS)
def test_bars_are_the_lists_and_arrows_what_the_counters_grew_by(t_s, begin_s, end_s):
    figure = at(t_s)
    k = int(np.searchsorted(RUN.series["t_ns"], round(end_s * 1e9)))
    bars = [int(t.split()[0].replace(",", "")) for t in words(figure)["all zones"] if "MiB" in t]
    shown = [*(int(RUN.series[name][k]) for name in LISTS), int(RUN.series[ISOLATED[0]][k])]
    assert bars == [
        *shown[:4], shown[4] + int(RUN.series[ISOLATED[1]][k]), RUN.series["nr_free_pages"][k]
    ]  # fmt: skip
    span = begin_s, end_s
    assert f"pages that moved from {seconds(begin_s)} to {seconds(end_s)} s" in notes(figure)
    assert arrow(figure, "activated") == moved("pgactivate", *span)
    assert arrow(figure, "deactivated") == moved("pgdeactivate", *span)
    assert arrow(figure, "rotated") == moved("pgrotated", *span)
    assert arrow(figure, "scanned") == total(SCANNED, *span)
    assert arrow(figure, "reclaimed") == total(STOLEN, *span)
    assert arrow(figure, "put back") == total(SCANNED, *span) - total(STOLEN + ISOLATED, *span)
    assert arrow(figure, "came, net") == total(LISTS + ISOLATED + STOLEN, *span)
    assert arrow(figure, "sent to disk") == total(["written_kswapd", "written_flusher"], *span)


def test_a_zoom_makes_the_interval_that_of_one_sample():
    view = ViewState(window=(8.0, 12.0), at=9.9)
    figure = figure_dict(NAME, RUN, view=view)
    assert "from 9.8 to 9.9 s" in notes(figure)
    assert arrow(figure, "activated") == moved("pgactivate", 9.8, 9.9)


def test_a_container_has_its_own_lists_and_its_own_reclaim():
    figure = at(15.0, synthetic_result(2, 20, memcgs=2))
    run = synthetic_result(2, 20, memcgs=2)
    assert list(words(figure)) == ["all zones", "g1", "g2"]
    assert "dirty list" in {a["text"] for a in figure["layout"]["annotations"]}
    assert arrow(figure, "scanned", "g1") == moved("memcg.g1.pgscan", 14.8, 15.0, run)
    assert words(figure)["g2"][0].startswith(f"{run.series['memcg.g2.nr_active_file'][150]:,} ")


def boxes(figure, color):
    return [s for s in figure["layout"]["shapes"] if s.get("fillcolor") == color]


def test_lengths_are_in_proportion_and_on_one_scale_for_the_whole_run():
    wide = [
        next(b["x1"] - b["x0"] for b in boxes(at(t), "#5b8fc4") if b["type"] == "rect")
        for t in (5.0, 15.0)
    ]
    pages = [int(RUN.series["nr_active_file"][k]) for k in (50, 150)]
    assert pages[0] != pages[1]
    assert wide[0] / wide[1] == pytest.approx(pages[0] / pages[1], rel=1e-6)


def test_what_did_not_move_has_no_arrow_and_its_zero_is_said():
    run = synthetic_result(1, 20)
    run.series["pgactivate"] = np.zeros_like(run.series["pgactivate"])
    assert arrow(at(9.9, run), "activated") == 0
    assert len(at(9.9, run)["layout"]["shapes"]) == len(at(9.9)["layout"]["shapes"]) - 2


def test_a_loss_that_reclaim_did_not_cause_is_an_arrow_the_other_way():
    run = synthetic_result(1, 20)
    file = run.series["nr_inactive_file"].copy()
    file[99:] -= 60_000
    run.series["nr_inactive_file"] = file
    figure = at(9.9, run)
    assert arrow(figure, "came, net") == moved("nr_inactive_file", 9.7, 9.9, run) + total(
        [name for name in LISTS + ISOLATED + STOLEN if name != "nr_inactive_file"], 9.7, 9.9
    )
    assert arrow(figure, "came, net") < 0
    heads = [s["path"] for s in figure["layout"]["shapes"] if s["type"] == "path"]
    base, tip = (float(y) for y in re.findall(r",(-?[\d.]+)(?:L|Z)", heads[0])[1:])
    assert tip < base, "upwards: rows count from the top"


def test_a_flow_without_its_counters_is_left_out():
    run = synthetic_result(1, 20)
    del run.series["nr_isolated_file"]
    text = " ".join(words(at(9.9, run))["all zones"])
    assert "put back" not in text
    assert "came" not in text
    assert "scanned" in text


@pytest.mark.parametrize("width", [320, 390, 900, 1440])
def test_all_words_are_inside_the_chart(width):
    figure = at(15.0, synthetic_result(2, 20, memcgs=2), width=width)
    inner = width - 80
    for trace in figure["data"]:
        for x, text in zip(trace.get("x", ()), trace.get("text", ()), strict=False):
            assert x >= 0
            assert x + 5.6 * len(text) <= inner + 16, text


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("t_s", [0.0, 7.3, 15.0])
def test_page_and_server_draw_the_same_moment(width, t_s):
    runs = [synthetic_result(2, 20, memcgs=2), synthetic_result(1, 20)]
    options = {"at": t_s, "width": width}
    drawn = in_node(runs, "dark", None, {NAME: FIGURES[NAME]}, options)[NAME]
    url = "https://lab.example/?v=1&seed=1&p=p5.p6"
    ours = at(t_s, runs[0], others=(runs[1],), theme="dark", width=width, url=url)
    assert differences(json.loads(json.dumps(ours, allow_nan=False)), drawn) == []


def test_a_narrow_page_has_more_rows():
    run = run_data(RUN)
    wide, narrow = (page_height(FIGURES[NAME], [run], width) for width in (1400, 360))
    assert narrow - wide == ROW_PX


def test_runs_that_are_compared_share_their_scales_and_the_name_of_the_interval():
    other = synthetic_result(1, 20)
    other.series["nr_active_file"] = other.series["nr_active_file"] // 2
    figure = at(15.0, others=(other,))
    machine = [s for s in boxes(figure, "#5b8fc4") if s["yref"] in ("y", "y3")]
    a, b = (s["x1"] - s["x0"] for s in machine)
    pages = [int(run.series["nr_active_file"][150]) for run in (RUN, other)]
    assert a / b == pytest.approx(pages[0] / pages[1], rel=1e-3)
    assert notes(figure).count("pages that moved") == 1
    assert list(words(figure)) == ["A: all zones", "A: g1", "B: all zones", "B: g1"]
