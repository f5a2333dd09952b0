"""A spec applied to runs: traces, panels, legend, and what to say when there is nothing.

``assets/charts.js`` does the same to frames; tests compare the two, so a change here is a change
there. A trace is a plotly dict. Marks and bars are traces with ``meta.shape``, which the layout
draws as one path for each colour: an element for each of thousands would take half a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dashboard.figures.data import RunData
from dashboard.figures.downsample import (
    min_max,
    nice_group,
    nice_range,
    ranks,
    stride,
    window,
)
from dashboard.figures.spec import FigureSpec, Line, Panel
from dashboard.figures.theme import (
    CDF_EVEN,
    CDF_TAIL,
    ISSUER_STYLES,
    LINES_MAX,
    MARKS_MAX,
    PANELS_MAX,
    RATES_MAX,
    ROWS_MAX,
    RUN_DASHES,
    RUN_OPACITY,
    Theme,
)

Array = np.ndarray
Trace = dict[str, Any]
MARK_PX = 3.2
"""Side of a request's mark."""
THIN_NOTE = "thin: stalls shorter than a pixel"


@dataclass
class View:
    """What part of the runs is drawn, and on how many pixels."""

    begin: float
    end: float
    width: float
    """px of the time axis"""
    height: float
    """px of all panels"""


@dataclass
class Drawn:
    """One panel with what is in it."""

    label: str
    range: tuple[float, float] = (0.0, 1.0)
    step: float = 1.0
    rows: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    empty: str = ""


@dataclass
class Bound:
    """A chart without its layout."""

    panels: list[Drawn]
    legend: list[dict[str, str]]
    notes: list[str]
    empty: str = ""
    """Instead of panels: nothing to draw, and why."""
    interval: float = 0.0
    """s that each point of a rate stands for; 0 = as sampled."""


class _Binder:
    """One application of a spec; collects legend and notes."""

    def __init__(self, spec: FigureSpec, runs: list[RunData], theme: Theme, view: View) -> None:
        self.spec, self.runs, self.theme, self.view = spec, runs, theme, view
        self.many = len(runs) > 1
        self.legend: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self.interval = 0.0

    def enter(self, label: str, color: str, symbol: str, dash: str) -> None:
        """Into the legend, once."""
        entry = {"label": label, "color": color, "symbol": symbol, "dash": dash}
        self.legend.setdefault(label, entry)

    def name(self, run: RunData, text: str) -> str:
        return f"{run.label}: {text}" if self.many else text

    @property
    def overlaid(self) -> bool:
        """Several runs in one panel: colour says what, dash says whose."""
        return self.many and self.spec.compare == "overlay"


def bind(spec: FigureSpec, runs: list[RunData], theme: Theme, view: View) -> Bound:
    """Draw ``spec`` of ``runs``; more than one are compared."""
    binder = _Binder(spec, runs, theme, view)
    missing = [_missing(spec, run) for run in runs]
    if all(missing):
        return Bound([], [], [], empty=missing[0])
    groups = [[i] for i in range(len(runs))]
    if spec.compare == "overlay":
        groups = [list(range(len(runs)))]
    if binder.overlaid:
        for run, dash in zip(runs, RUN_DASHES, strict=False):
            binder.enter(run.label, theme.ink, "run", dash)
    panels = []
    for group in groups:
        there = [i for i in group if not missing[i]]
        if there:
            panels += _DRAW[spec.draw](binder, there)
        else:
            label = binder.name(runs[group[0]], "").rstrip(": ")
            panels.append(Drawn(label, empty=missing[group[0]]))
    if spec.compare == "overlay":
        binder.notes += [
            binder.name(run, why) for run, why in zip(runs, missing, strict=True) if why
        ]
    legend = list(binder.legend.values())
    return Bound(panels, legend, binder.notes, interval=binder.interval)


def _missing(spec: FigureSpec, run: RunData) -> str:
    """Why there is nothing to draw of a run; empty = there is something."""
    why = run.families.get(spec.family, "this run has no such record")
    if why != "present":
        return f"Not recorded: {why}"
    if spec.family != "series":
        return "" if len(run.events[spec.family]["t"]) else spec.nothing
    if spec.each_memcg and not run.memcgs:
        return spec.nothing
    names = [""] if not spec.each_memcg else run.memcgs
    there = (c.replace("{memcg}", name) in run.columns for name in names for c in spec.columns())
    return "" if any(there) else "Not recorded: this run has no such counters"


# ---- lines


def _lines(binder: _Binder, group: list[int]) -> list[Drawn]:
    spec, runs = binder.spec, binder.runs
    panels = [(panel, "") for panel in spec.panels]
    if spec.each_memcg:
        names = list(dict.fromkeys(name for i in group for name in runs[i].memcgs))
        panels = [(panel, name) for name in names[:PANELS_MAX] for panel in spec.panels]
        if len(names) > PANELS_MAX:
            binder.notes.append(f"the first {PANELS_MAX} of {len(names)} containers")
    return [_line_panel(binder, panel, memcg, group) for panel, memcg in panels]


def _line_panel(binder: _Binder, panel: Panel, memcg: str, group: list[int]) -> Drawn:
    label = panel.label.replace("{memcg}", memcg)
    if binder.spec.compare == "panels":
        label = binder.name(binder.runs[group[0]], label) if binder.many else label
    drawn = Drawn(label.rstrip(": "))
    top = 0.0
    stacked: dict[int, Array] = {}
    for line in panel.lines:
        column = line.column.replace("{memcg}", memcg)
        if line.otherwise and any(t["meta"]["line"] for t in drawn.traces):
            continue
        for i in group:
            high = _draw_line(binder, drawn, replace(line, column=column), i)
            if line.style == "area" and high > 0:
                values = np.nan_to_num(binder.runs[i].columns[column])
                stacked[i] = stacked[i] + values if i in stacked else values
                high = float(stacked[i].max())
            top = max(top, high)
    drawn.range = (0.0, 1.0)
    if top > 0:
        low, high, drawn.step = nice_range(0.0, top)
        drawn.range = (low, high)
    return drawn


def _draw_line(binder: _Binder, drawn: Drawn, line: Line, i: int) -> float:
    """Add one line of run i; its highest value, 0 if it was not drawn."""
    run = binder.runs[i]
    if line.style == "level":
        return _draw_level(binder, drawn, line, i)
    values = run.columns.get(line.column)
    if values is None or len(values) == 0:
        return 0.0
    known = values[~np.isnan(values)]
    top = float(known.max()) if len(known) else 0.0
    if line.skip_zero and top <= 0:
        return 0.0
    low, high = window(run.times, binder.view.begin, binder.view.end)
    x, y = run.times[low:high], values[low:high]
    if line.style == "flag":
        level = run.described(line.level) or 0.0
        x, y = _flags(x, y, level)
        top = level
    elif line.style == "area":
        step = stride(len(x), LINES_MAX)
        x, y = x[::step], y[::step]
    elif line.style == "rate":
        top = float(np.nanmax(_means(binder, run.times, values)[1], initial=0.0))
        x, y = _means(binder, x, y)
    elif line.style == "steps":
        x, y = _steps(x, y)
    else:
        kept = min_max(y, LINES_MAX)
        x, y = x[kept], y[kept]
    drawn.traces.append(_line_trace(binder, line, i, x, y))
    return top


def _draw_level(binder: _Binder, drawn: Drawn, line: Line, i: int) -> float:
    level = binder.runs[i].described(line.column)
    if level is None:
        return 0.0
    x = np.array([0.0, binder.runs[i].duration_s])
    drawn.traces.append(_line_trace(binder, line, i, x, np.array([level, level])))
    return level


def _line_trace(binder: _Binder, line: Line, i: int, x: Array, y: Array) -> Trace:
    color = binder.theme.color(line.color)
    own = line.style in ("level", "area", "flag")
    dash = RUN_DASHES[i] if binder.overlaid and not own else line.dash
    trace = _trace(line.label, i, x, y, {"color": color, "width": line.width, "dash": dash})
    trace["meta"] |= {"line": line.style != "level", "column": line.column, "style": line.style}
    if binder.overlaid:
        trace["opacity"] = RUN_OPACITY[i]
    if line.style == "area":
        trace["stackgroup"] = f"run{i}"
        trace["fillcolor"] = color
        trace["line"] = {"color": color, "width": 0, "dash": "solid"}
    symbol = "area" if line.style == "area" else "line"
    shown = "solid" if binder.overlaid and not own else dash
    binder.enter(line.label, color, symbol, shown)
    return trace


def _trace(label: str, run: int, x: Array, y: Array, line: dict[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "meta": {"run": run, "group": label, "line": False},
        "x": x,
        "y": y,
        "line": {**line, "simplify": False},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _means(binder: _Binder, x: Array, y: Array) -> tuple[Array, Array]:
    """Means of so many neighbours that few points are left, each at the middle of its interval.

    How many follows from the span in sight, so that it stays as samples arrive.
    """
    if len(x) < 2:
        return x, y
    whole = math.floor((binder.view.end - binder.view.begin) / float(x[1] - x[0]) + 0.5)
    step = nice_group(stride(whole, RATES_MAX))
    if step == 1:
        return x, y
    n = len(x) // step
    binder.interval = max(binder.interval, float(x[step] - x[0]) if n > 1 else 0.0)
    means = y[: n * step].reshape(n, step).mean(axis=1)
    ends = x[: n * step].reshape(n, step)
    return (ends[:, 0] + ends[:, -1]) / 2, means


def _shape(trace: Trace) -> Trace:
    trace["meta"]["shape"] = True
    return trace


def _begins(x: Array) -> Array:
    """Where the interval of each sample begins: at the sample before."""
    first = 2 * x[0] - x[1] if len(x) > 1 else 0.0
    return np.concatenate([[max(0.0, first)], x[:-1]])


def _steps(x: Array, y: Array) -> tuple[Array, Array]:
    """Each value over its whole interval; every second point only where there are very many."""
    step = stride(len(x), LINES_MAX)
    begins = _begins(x)[::step]
    return np.ravel(np.column_stack([begins, x[::step]])), np.repeat(y[::step], 2)


def _flags(x: Array, y: Array, level: float) -> tuple[Array, Array]:
    """Bars at ``level`` over the intervals at whose end the flag is up."""
    begins = _begins(x)
    out: list[float] = []
    for k in np.flatnonzero(y > 0).tolist():
        if k and y[k - 1] > 0:
            out[-2] = x[k]
        else:
            out += [begins[k], x[k], np.nan]
    bars = np.array(out)
    return bars, np.where(np.isnan(bars), np.nan, level)


# ---- requests on the disk


def _offsets(binder: _Binder, group: list[int]) -> list[Drawn]:
    return [_offset_panel(binder, i) for i in group]


def _offset_panel(binder: _Binder, i: int) -> Drawn:
    run, view = binder.runs[i], binder.view
    io = run.events["io"]
    inside = np.flatnonzero((io["t"] >= view.begin) & (io["t"] <= view.end))
    step = stride(len(inside), MARKS_MAX)
    kept = inside[::step]
    if step > 1:
        text = f"{len(kept):,} of {len(inside):,} requests drawn (one in {step})"
        binder.notes.append(binder.name(run, text))
    drawn = Drawn(run.label if binder.many else "")
    low, high, drawn.step = nice_range(float(io["offset"].min()), float(io["offset"].max()))
    drawn.range = (low, high if high > low else low + drawn.step)
    dx = MARK_PX / 2 * (view.end - view.begin) / view.width
    dy = MARK_PX / 2 * (drawn.range[1] - low) / (view.height / _panel_count(binder))
    for write, line_width in ((0, 0.9), (1, MARK_PX)):
        for name, style in ISSUER_STYLES.items():
            mine = kept[(io["issuer"][kept] == style.code) & (io["write"][kept] == write)]
            if not len(mine):
                continue
            color = binder.theme.color(name)
            x, y = _squares(io["t"][mine], io["offset"][mine], dx, 0 if write else dy)
            line = {"color": color, "width": line_width, "dash": "solid"}
            drawn.traces.append(_shape(_trace(style.label, i, x, y, line)))
    names = {trace["name"] for trace in drawn.traces}
    for name, style in ISSUER_STYLES.items():
        if style.label in names:
            binder.enter(style.label, binder.theme.color(name), "mark", "solid")
    if (io["write"][kept] == 0).any():
        binder.enter("open: read", binder.theme.color("muted"), "open", "solid")
    return drawn


def _panel_count(binder: _Binder) -> int:
    return len(binder.runs) if binder.spec.compare == "panels" else 1


def _squares(x: Array, y: Array, dx: float, dy: float) -> tuple[Array, Array]:
    """One path around all marks: a thick dash each, or the outline of a square when dy > 0."""
    nan = np.full(len(x), np.nan)
    if dy <= 0:
        xs, ys = [x - dx, x + dx, nan], [y, y, nan]
    else:
        xs = [x - dx, x + dx, x + dx, x - dx, x - dx, nan]
        ys = [y - dy, y - dy, y + dy, y + dy, y - dy, nan]
    return np.ravel(np.column_stack(xs)), np.ravel(np.column_stack(ys))


# ---- stalls


def _timeline(binder: _Binder, group: list[int]) -> list[Drawn]:
    return [_timeline_panel(binder, i) for i in group]


def _timeline_panel(binder: _Binder, i: int) -> Drawn:
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
    row_px = view.height / _panel_count(binder) / len(tasks)
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
                drawn.traces.append(_shape(_trace(kind.label, i, x, y, line)))
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


def _cdf(binder: _Binder, group: list[int]) -> list[Drawn]:
    drawn = Drawn("", range=(0.0, 1.02), step=0.25)
    low = binder.spec.x_range[0]
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
            trace = _line_trace(binder, replace(kind, style="line", width=1.6), i, x, y)
            trace["line"]["shape"] = "hv"
            drawn.traces.append(trace)
    return [drawn]


_DRAW = {"lines": _lines, "offsets": _offsets, "timeline": _timeline, "cdf": _cdf}
