"""Lengths of events over time: stalls by kind, requests by issuer."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.binder import Array, Binder, Drawn
from dashboard.figures.data import RunData
from dashboard.figures.density import density_cells, picture
from dashboard.figures.scale import Ticks, linear_lengths, log_lengths
from dashboard.figures.theme import ISSUER_STYLES

HEAT_PX = 5
"""Side of a cell."""


def heat(binder: Binder, group: list[int]) -> list[Drawn]:
    """A panel for each run, on the same axis."""
    return [_heat_panel(binder, i) for i in group]


def _axis(binder: Binder) -> tuple[tuple[float, float], Ticks]:
    """Ends and ticks, in ms or in decades of them."""
    if binder.spec.scale == "log":
        low, high = binder.spec.lengths
        ticks = [(math.log10(ms), text) for ms, text in log_lengths(low, high)]
        return (math.log10(low), math.log10(high)), ticks
    there = [run for run in binder.runs if binder.spec.family in run.events]
    lengths = [_lengths(binder, run)[1] for run in there]
    top, ticks = linear_lengths(max(float(ms.max(initial=0.0)) for ms in lengths))
    return (0.0, top), ticks


def _heat_panel(binder: Binder, i: int) -> Drawn:
    run, view = binder.runs[i], binder.view
    t, length_ms, code, classes = _lengths(binder, run)
    (low, high), ticks = _axis(binder)
    inside = (t >= view.begin) & (t <= view.end)
    drawn = Drawn(run.label if binder.many else "", range=(low, high), ticks=ticks)
    y = length_ms
    if binder.spec.scale == "log":
        with np.errstate(divide="ignore"):
            y = np.log10(length_ms)
    shown = inside & (y >= low)
    shape = (
        max(1, math.floor(view.width / HEAT_PX)),
        max(1, math.floor(view.height / binder.panels / HEAT_PX)),
    )
    window = (view.begin, view.end, low, high)
    cells = density_cells(t[shown], y[shown], code[shown], window, shape, len(classes))
    drawn.picture = {
        "source": picture(cells, [color for _, color in classes]),
        "x": view.begin, "y": high, "sizex": view.end - view.begin, "sizey": high - low,
    }  # fmt: skip
    there = np.unique(code[shown])
    for k, (label, color) in enumerate(classes):
        if k in there:
            binder.enter(label, color, "mark", "solid")
    below = int((inside & (y < low)).sum())
    if below:
        text = f"{below:,} of {int(inside.sum()):,} are shorter than the axis"
        binder.notes.append(binder.name(run, text))
    return drawn


def _lengths(binder: Binder, run: RunData) -> tuple[Array, Array, Array, list[tuple[str, str]]]:
    """Ends in s, lengths in ms, class of each, and the classes' labels and colours."""
    events, theme = run.events[binder.spec.family], binder.theme
    if binder.spec.family == "stalls":
        kinds = binder.spec.panels[0].lines
        length_ms = (events["length"] * 1e6).astype(np.float32).astype(np.float64) / 1e6 * 1e3
        classes = [(kind.label, theme.color(kind.color)) for kind in kinds]
        return events["t"], length_ms, events["kind"], classes
    styles = list(ISSUER_STYLES.values())
    place = np.zeros(max(style.code for style in styles) + 1, np.int64)
    place[[style.code for style in styles]] = np.arange(len(styles))
    known = events["wait_us"] >= 0
    write = events["write"][known] == 1
    code = np.where(write, place[events["issuer"][known]], len(styles))
    classes = [*((style.label, style.color) for style in styles), ("reads", theme.color("muted"))]
    return events["t"][known], events["wait_us"][known] / 1e3, code, classes
