"""Logarithmic and linear axes, and axes cut in two: ends, ticks, and that no value is lost."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures.bands import CUT, bands_of
from dashboard.figures.data import GIB_PER_BLOCK
from dashboard.figures.registry import FIGURES, figure_dict
from dashboard.figures.scale import DECADES, linear_lengths, log_lengths, log_values
from dashboard.view_state import ViewState
from tests.support.synthetic_result import synthetic_result

RUN = synthetic_result(1, 20)


@pytest.mark.parametrize(
    ("least", "top", "low", "high", "texts"),
    [(4, 512, 2, 1000, ["10", "100", "1,000"]),
     (3, 30, 2, 50, ["2", "5", "10", "20", "50"]),
     (7, 7, 5, 10, ["5", "10"]),
     (10, 10, 5, 10, ["5", "10"]),
     (0.003, 0.4, 0.002, 0.5, ["0.01", "0.1"]),
     (1e-6, 700, 0.1, 1000, ["0.1", "1", "10", "100", "1,000"])],
)  # fmt: skip
def test_a_logarithmic_axis_ends_at_round_values(least, top, low, high, texts):
    found = log_values(least, top)
    assert found[:2] == (low, high)
    assert [text for _, text in found[2]] == texts


@given(st.floats(1e-6, 1e9), st.floats(1, 1e6))
def test_a_logarithmic_axis_holds_the_top_and_at_least_two_ticks(least, times):
    low, high, ticks = log_values(least, least * times)
    assert low < high
    assert high >= least * times
    assert low <= least or math.log10(high / low) > DECADES - 1e-9
    assert len(ticks) >= 2
    assert all(low <= value <= high for value, _ in ticks)


def test_lengths_have_their_units():
    assert [text for _, text in log_lengths(0.1, 1000)] == [
        "0.1 ms",
        "1 ms",
        "10 ms",
        "100 ms",
        "1 s",
    ]
    assert linear_lengths(2300) == (2500, [(500 * k, t) for k, t in enumerate(
        ["0 ms", "500 ms", "1 s", "1.5 s", "2 s", "2.5 s"])])  # fmt: skip
    assert [text for _, text in linear_lengths(0.07)[1]][:2] == ["0 ms", "20 µs"]
    assert linear_lengths(0)[0] > 0


def test_only_charts_of_single_lines_or_lengths_have_the_switch():
    switched = [spec for spec in FIGURES.values() if spec.scale]
    assert {spec.name for spec in switched} >= {"stall_cdf", "request_latency", "request_size"}
    for spec in switched:
        assert spec.scaled(spec.other_scale).scale != spec.scale
        if spec.other_scale == "bands":
            continue
        assert spec.draw in ("lines", "heat", "cdf")
        styles = {line.style for panel in spec.panels for line in panel.lines}
        assert "area" not in styles, "a stack on a logarithmic axis means nothing"
    assert FIGURES["io_offset"].scaled("log") is FIGURES["io_offset"]
    assert FIGURES["memcg"].scaled("log") is FIGURES["memcg"]


def test_zero_is_drawn_at_the_lower_edge_and_said():
    run = synthetic_result(1, 20)
    layout, data = (
        figure_dict("seeks", run, view=ViewState(scales={"seeks": "log"}))[k]
        for k in ("layout", "data")
    )
    axis = layout["yaxis"]
    assert axis["type"] == "log"
    values = np.array(
        [y for trace in data if "column" in trace.get("meta", {}) for y in trace["y"]]
    )
    assert values.min() >= 10 ** axis["range"][0] * (1 - 1e-9)
    assert values.max() <= 10 ** axis["range"][1]
    plain = figure_dict("seeks", run)
    assert "type" not in plain["layout"]["yaxis"]
    zeros = [y for trace in plain["data"] for y in trace["y"] if y == 0]
    said = "lower edge" in layout["annotations"][-1]["text"]
    assert said == bool(zeros)


def test_far_apart_offsets_have_half_a_panel_each():
    values = np.array([34.5, 0.1, 0.3, 0.7, 34.2, 34.9])
    bands = bands_of(values)
    assert bands is not None
    assert bands.gap == pytest.approx(33.5)
    heights = bands.place(values)
    lower = values < 1
    assert (heights[lower] < CUT[0]).all()
    assert (heights[~lower] > CUT[1]).all()
    assert (np.argsort(heights) == np.argsort(values)).all()
    assert heights.min() > 0
    assert heights.max() < 1
    texts = [text for _, text in bands.ticks()]
    assert texts == ["0.2", "0.4", "0.6", "34.2", "34.4", "34.6", "34.8"]


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], list(np.linspace(0, 10, 50))])
def test_what_lies_together_is_not_cut(values):
    assert bands_of(np.array(values)) is None


@given(st.lists(st.integers(0, 2**30), min_size=2, max_size=60))
def test_bands_hold_every_offset_in_order_and_each_has_two_ticks(blocks):
    ordered = np.sort(np.array(blocks)) * GIB_PER_BLOCK
    bands = bands_of(ordered)
    if bands is None:
        return
    heights = bands.place(ordered)
    assert (np.diff(heights) >= 0).all()
    assert heights[0] >= 0
    assert heights[-1] <= 1
    ticks = [height for height, _ in bands.ticks()]
    assert ticks == sorted(ticks)
    assert ticks[1] < CUT[0], "at least two in each band"
    assert ticks[-2] > CUT[1]


def test_the_offset_chart_in_bands_says_what_it_leaves_out():
    run = synthetic_result(2, 20)
    run.io["sector"] = run.io["sector"] % 2**22
    run.io["sector"][::5] += 80 * 2**21
    layout = figure_dict("io_offset", run, view=ViewState(scales={"io_offset": "bands"}))["layout"]
    assert re.search(
        r"7\d\.\d GiB between the bands are left out", layout["annotations"][-1]["text"]
    )
    assert [(b["y0"], b["y1"]) for b in layout["shapes"] if b["type"] == "rect"] == [CUT]
    whole = figure_dict("io_offset", RUN, view=ViewState(scales={"io_offset": "bands"}))["layout"]
    assert "one band" in whole["annotations"][-1]["text"]
    assert whole["yaxis"] == figure_dict("io_offset", RUN)["layout"]["yaxis"]


def test_a_linear_axis_of_lengths_begins_at_0_and_holds_the_longest():
    longest = float((RUN.stalls["t_end_ns"] - RUN.stalls["t_begin_ns"]).max()) / 1e6
    axis = figure_dict("stall_cdf", RUN, view=ViewState(scales={"stall_cdf": "linear"}))["layout"][
        "xaxis"
    ]
    assert "type" not in axis
    assert axis["range"][0] == 0
    assert axis["range"][1] >= longest
    heat = figure_dict("stall_heat", RUN, view=ViewState(scales={"stall_heat": "linear"}))["layout"]
    assert heat["yaxis"]["range"] == [0, heat["images"][0]["y"]]
    assert heat["yaxis"]["range"][1] >= longest
