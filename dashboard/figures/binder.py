"""One application of a spec to runs: view, panels, legend, and the traces all charts are made of.

A trace is a plotly dict. Marks and bars are traces with ``meta.shape``, which the layout draws as
one path for each colour: an element for each of thousands would take half a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dashboard.figures.data import RunData
from dashboard.figures.spec import FigureSpec, Line
from dashboard.figures.theme import RUN_DASHES, RUN_OPACITY, Theme

Array = np.ndarray
Trace = dict[str, Any]


@dataclass
class View:
    """What part of the runs is drawn, and on how many pixels."""

    begin: float
    end: float
    width: float
    """px of the time axis"""
    height: float
    """px of all panels"""
    at: float | None = None
    """s: where the playhead stands; None = at the end of what is drawn."""


@dataclass
class Drawn:
    """One panel with what is in it."""

    label: str
    range: tuple[float, float] = (0.0, 1.0)
    step: float = 1.0
    rows: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    picture: dict[str, Any] | None = None
    """Instead of marks: ``source`` (a data: URI) and its place in the units of the axes."""
    ticks: list[tuple[float, str]] = field(default_factory=list)
    """Of the vertical axis, in its units, instead of every ``step``."""
    floor: float = 0.0
    """Above 0 the axis is logarithmic, and what is less is drawn here; ``range`` is in decades."""
    empty: str = ""
    weight: float = 1.0
    """Its share of the height, against that of other panels."""
    boxes: list[dict[str, Any]] = field(default_factory=list)
    """Filled rectangles in the units of the axes: x0, x1, y0, y1, fillcolor, line; or a path
    instead of the corners."""
    labels: list[tuple[str, float, float]] = field(default_factory=list)
    """Text that ends at x, y, in the units of the axes."""


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
    x_range: tuple[float, float] = (0.0, 0.0)
    """Of an axis of lengths, in ms or in decades of them."""
    x_ticks: list[tuple[float, str]] = field(default_factory=list)


class Binder:
    """One application of a spec; collects legend and notes."""

    def __init__(self, spec: FigureSpec, runs: list[RunData], theme: Theme, view: View) -> None:
        self.spec, self.runs, self.theme, self.view = spec, runs, theme, view
        self.many = len(runs) > 1
        self.legend: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self.interval = 0.0
        self.x_range = (0.0, 0.0)
        self.x_ticks: list[tuple[float, str]] = []

    def enter(self, label: str, color: str, symbol: str, dash: str) -> None:
        """Into the legend, once."""
        entry = {"label": label, "color": color, "symbol": symbol, "dash": dash}
        self.legend.setdefault(label, entry)

    def name(self, run: RunData, text: str) -> str:
        """A note with its run in front, where there are several."""
        return f"{run.label}: {text}" if self.many else text

    @property
    def overlaid(self) -> bool:
        """Several runs in one panel: colour says what, dash says whose."""
        return self.many and self.spec.compare == "overlay"

    @property
    def panels(self) -> int:
        """Panels of a chart with one for each run, or all in one."""
        return len(self.runs) if self.spec.compare == "panels" else 1


def line_trace(binder: Binder, line: Line, i: int, x: Array, y: Array) -> Trace:
    """A line of run ``i`` in the colour and dash of its role, entered into the legend."""
    color = binder.theme.color(line.color)
    own = line.style in ("level", "area", "flag")
    dash = RUN_DASHES[i] if binder.overlaid and not own else line.dash
    trace = trace_of(line.label, i, x, y, {"color": color, "width": line.width, "dash": dash})
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


def trace_of(label: str, run: int, x: Array, y: Array, line: dict[str, Any]) -> Trace:
    """A plotly trace of run number ``run``."""
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


def shape(trace: Trace) -> Trace:
    """The same trace, to be drawn by the layout as one path."""
    trace["meta"]["shape"] = True
    return trace
