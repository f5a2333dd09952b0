"""Stalls: a row of bars for each task, and how their lengths are distributed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dashboard.figures.binder import Array, Binder, Drawn, line_trace, shape, trace_of
from dashboard.figures.downsample import ranks
from dashboard.figures.scale import linear_lengths, log_lengths
from dashboard.figures.theme import CDF_EVEN, CDF_TAIL, ROWS_MAX

THIN_NOTE = "thin: stalls shorter than a pixel"
AFTER = 1.02


def timeline(binder: Binder, group: list[int]) -> list[Drawn]:
    """A row for each stalled task; a panel for each run."""
    return [_timeline_panel(binder, i) for i in group]


def _timeline_panel(binder: Binder, i: int) -> Drawn:
    run, view = binder.runs[i], binder.view
    stalls = run.events["stalls"]
    tasks = _most_stalled(stalls)
    total = len(np.unique(stalls["task"]))
    if total > len(tasks):
        text = f"{len(tasks)} of {total} stalled tasks, those stalled longest"
        binder.notes.append(binder.name(run, text))
    drawn = Drawn(run.label if binder.many else "", rows=[run.task_name(t) for t in tasks])
    drawn.range = (len(tasks) - 0.5, -0.5)
    pixel = (view.end - view.begin) / view.width
    row_px = view.height / binder.panels / len(tasks)
    width = min(12.0, max(2.0, math.floor(row_px * 6.2 + 0.5) / 10))
    for kind in binder.spec.panels[0].lines:
        bars: dict[bool, list[tuple[float, float, int]]] = {False: [], True: []}
        for row, task in enumerate(tasks):
            mine = (stalls["task"] == task) & (stalls["kind"] == int(kind.column))
            mine &= (stalls["t"] >= view.begin) & (stalls["begin"] <= view.end)
            for begin, end, thin in _bars(stalls["begin"][mine], stalls["t"][mine], pixel):
                bars[thin].append((begin, end, row))
        color = binder.theme.color(kind.color)
        for thin, thick in ((True, max(1.0, width / 4)), (False, width)):
            if bars[thin]:
                line = {"color": color, "width": thick, "dash": "solid"}
                x, y = _bar_path(bars[thin])
                drawn.traces.append(shape(trace_of(kind.label, i, x, y, line)))
                binder.enter(kind.label, color, "area", "solid")
        if bars[True] and THIN_NOTE not in binder.notes:
            binder.notes.append(THIN_NOTE)
    return drawn


def _bar_path(bars: list[tuple[float, float, int]]) -> tuple[Array, Array]:
    rows = np.array([row for _, _, row in bars], float)
    nan = np.full(len(bars), np.nan)
    x = np.column_stack([[begin for begin, _, _ in bars], [end for _, end, _ in bars], nan])
    return np.ravel(x), np.ravel(np.column_stack([rows, rows, nan]))


def _most_stalled(stalls: dict[str, Array]) -> list[int]:
    """Tasks with the most time in stalls, by number."""
    tasks = np.unique(stalls["task"])
    spent = [(-float(stalls["length"][stalls["task"] == task].sum()), int(task)) for task in tasks]
    return sorted(task for _, task in sorted(spent)[:ROWS_MAX])


def _bars(begins: Array, ends: Array, pixel: float) -> list[tuple[float, float, bool]]:
    """(begin, end, thin) of bars; those of a kind that would touch are one.

    Stalls shorter than a pixel are a pixel wide; a bar of them is thin where the task was stalled
    for less than half of it, so that many short stalls do not look like one long one.
    """
    long: list[list[float]] = []
    short: list[list[float]] = []  # begin, end, time stalled
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        bars = long if end - begin >= pixel else short
        till = max(end, begin + pixel)
        if bars and begin <= bars[-1][1]:
            last = bars[-1]
            last[:] = min(last[0], begin), max(last[1], till), last[2] + end - begin
        else:
            bars.append([begin, till, end - begin])
    whole = [(begin, end, False) for begin, end, _ in long]
    return whole + [(begin, end, spent < (end - begin) / 2) for begin, end, spent in short]


def cdf(binder: Binder, group: list[int]) -> list[Drawn]:
    """Share of stalls no longer than x, for each kind; all runs in one panel."""
    drawn = Drawn("", range=(0.0, 1.02), step=0.25)
    low = _length_axis(binder)
    for kind in binder.spec.panels[0].lines:
        for i in group:
            run = binder.runs[i]
            stalls = run.events["stalls"]
            length = np.sort(stalls["length"][stalls["kind"] == int(kind.column)]) * 1e3
            if not len(length):
                continue
            at = ranks(len(length), CDF_EVEN, CDF_TAIL)
            x = np.concatenate([[low], np.maximum(length[at], low)])
            y = np.concatenate([[0.0], (at + 1) / len(length)])
            trace = line_trace(binder, replace(kind, style="line", width=1.6), i, x, y)
            trace["line"]["shape"] = "hv"
            drawn.traces.append(trace)
    return [drawn]


def _length_axis(binder: Binder) -> float:
    """Ends and ticks of the axis below all panels; its least length in ms."""
    if binder.spec.scale == "log":
        low, high = binder.spec.lengths
        binder.x_range = math.log10(low), math.log10(high)
        binder.x_ticks = log_lengths(low, high)
        return low
    there = [run.events["stalls"]["length"] for run in binder.runs if "stalls" in run.events]
    longest = max(float(length.max(initial=0.0)) for length in there) * 1e3
    top, binder.x_ticks = linear_lengths(longest)
    binder.x_range = 0.0, top * AFTER  # or the last label would not fit
    return 0.0
