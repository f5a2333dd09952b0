"""A spec applied to runs: traces, panels, legend, and what to say when there is nothing.

``assets/chart-*.js`` does the same to frames; tests compare the two, so a change here is a change
there.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dashboard.figures.binder import Array, Binder, Bound, Drawn, View, line_trace
from dashboard.figures.data import RunData
from dashboard.figures.downsample import min_max, nice_group, nice_range, stride, window
from dashboard.figures.heat import heat
from dashboard.figures.lists import lists
from dashboard.figures.marks import offsets
from dashboard.figures.matrix import matrix
from dashboard.figures.scale import log_values
from dashboard.figures.spec import FigureSpec, Line, Panel
from dashboard.figures.theme import LINES_MAX, PANELS_MAX, RATES_MAX, RUN_DASHES, Theme
from dashboard.figures.waits import cdf, timeline

NO_MEMCG = "No container in this scenario."
BELOW_NOTE = "values below a logarithmic axis, 0 too, are drawn at its lower edge"


def bind(spec: FigureSpec, runs: list[RunData], theme: Theme, view: View) -> Bound:
    """Draw ``spec`` of ``runs``; more than one are compared."""
    binder = Binder(spec, runs, theme, view)
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
    return Bound(
        panels, legend, binder.notes, interval=binder.interval, x_range=binder.x_range,
        x_ticks=binder.x_ticks,
    )  # fmt: skip


def _missing(spec: FigureSpec, run: RunData) -> str:
    """Why there is nothing to draw of a run; empty = there is something."""
    why = run.families.get(spec.family, "this run has no such record")
    if why != "present":
        return f"Not recorded: {why.removeprefix('not recorded: ')}"
    if spec.of_memcgs and not run.memcgs:
        return NO_MEMCG
    if spec.family != "series":
        events = run.events[spec.family]
        if not len(next(iter(events.values()))):
            return spec.nothing
        timed = spec.draw != "heat" or (events.get("wait_us", events["t"]) >= 0).any()
        return "" if timed else "Not recorded: when requests were queued"
    names = [""] if not spec.each_memcg else run.memcgs
    there = (c.replace("{memcg}", name) in run.columns for name in names for c in spec.columns())
    return "" if any(there) else "Not recorded: this run has no such counters"


# ---- lines


def _lines(binder: Binder, group: list[int]) -> list[Drawn]:
    spec, runs = binder.spec, binder.runs
    panels = [(panel, "") for panel in spec.panels]
    if spec.each_memcg:
        names = list(dict.fromkeys(name for i in group for name in runs[i].memcgs))
        panels = [(panel, name) for name in names[:PANELS_MAX] for panel in spec.panels]
        if len(names) > PANELS_MAX:
            binder.notes.append(f"the first {PANELS_MAX} of {len(names)} containers")
    return [_line_panel(binder, panel, memcg, group) for panel, memcg in panels]


def _line_panel(binder: Binder, panel: Panel, memcg: str, group: list[int]) -> Drawn:
    label = panel.label.replace("{memcg}", memcg)
    if binder.spec.compare == "panels":
        label = binder.name(binder.runs[group[0]], label) if binder.many else label
    drawn = Drawn(label.rstrip(": "))
    least, top = math.inf, 0.0
    stacked: dict[int, Array] = {}
    for line in panel.lines:
        column = line.column.replace("{memcg}", memcg)
        if line.otherwise and any(t["meta"]["line"] for t in drawn.traces):
            continue
        for i in group:
            low, high = _draw_line(binder, drawn, replace(line, column=column), i)
            if line.style == "area" and high > 0:
                values = np.nan_to_num(binder.runs[i].columns[column])
                stacked[i] = stacked[i] + values if i in stacked else values
                high = float(stacked[i].max())
            least, top = min(least, low), max(top, high)
    if top > 0 and binder.spec.scale == "log":
        _decades(binder, drawn, least, top)
    elif top > 0:
        low, high, drawn.step = nice_range(0.0, top)
        drawn.range = (low, high)
    return drawn


def _decades(binder: Binder, drawn: Drawn, least: float, top: float) -> None:
    """A logarithmic axis; a value that it has no place for is not lost, but at its lower edge."""
    drawn.floor, high, drawn.ticks = log_values(least, top)
    drawn.range = (math.log10(drawn.floor), math.log10(high))
    below = any((trace["y"] < drawn.floor).any() for trace in drawn.traces)
    if below and BELOW_NOTE not in binder.notes:
        binder.notes.append(BELOW_NOTE)


def _draw_line(binder: Binder, drawn: Drawn, line: Line, i: int) -> tuple[float, float]:
    """Add one line of run i; its least value above 0 and its highest, 0 if it was not drawn."""
    run = binder.runs[i]
    if line.style == "level":
        return _draw_level(binder, drawn, line, i)
    values = run.columns.get(line.column)
    if values is None or len(values) == 0:
        return math.inf, 0.0
    known = values[~np.isnan(values)]
    top = float(known.max()) if len(known) else 0.0
    if line.skip_zero and top <= 0:
        return math.inf, 0.0
    low, high = window(run.times, binder.view.begin, binder.view.end)
    x, y = run.times[low:high], values[low:high]
    if line.style == "flag":
        level = run.described(line.level) or 0.0
        x, y = _flags(x, y, level)
        known, top = np.array([level]), level
    elif line.style == "area":
        step = stride(len(x), LINES_MAX)
        x, y = x[::step], y[::step]
    elif line.style == "rate":
        known = _means(binder, run.times, values)[1]
        top = float(np.nanmax(known, initial=0.0))
        x, y = _means(binder, x, y)
    elif line.style == "steps":
        x, y = _steps(x, y)
    else:
        kept = min_max(y, LINES_MAX)
        x, y = x[kept], y[kept]
    drawn.traces.append(line_trace(binder, line, i, x, y))
    return float(np.min(known, initial=math.inf, where=known > 0)), top


def _draw_level(binder: Binder, drawn: Drawn, line: Line, i: int) -> tuple[float, float]:
    level = binder.runs[i].described(line.column)
    if level is None:
        return math.inf, 0.0
    x = np.array([0.0, binder.runs[i].duration_s])
    drawn.traces.append(line_trace(binder, line, i, x, np.array([level, level])))
    return level, level


def _means(binder: Binder, x: Array, y: Array) -> tuple[Array, Array]:
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


_DRAW = {
    "lines": _lines, "offsets": offsets, "timeline": timeline, "cdf": cdf, "heat": heat,
    "matrix": matrix, "lists": lists,
}  # fmt: skip
