"""A chart's definition: which column or event family goes where. Data; it draws nothing.

``bind.py`` applies a spec to Results, ``assets/chart-*.js`` applies its JSON to frames.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from dashboard.view_state import Scale, ViewState

LineStyle = Literal["line", "rate", "steps", "area", "flag", "level", "list", "down", "up", "mark"]


@dataclass(frozen=True)
class Line:
    """One column as a line.

    ``rate`` is drawn as the rate over longer intervals when there are very many samples: the mean
    of their rates, which for samples at equal distances is the same as counting less often.
    ``steps`` holds a value over the whole interval it was counted in, so that a value between two
    gaps is seen; ``area`` stacks on the areas before it; ``flag`` draws a bar at ``level`` while
    the column is above 0; ``level`` is a horizontal line at the number that ``column`` names in
    the run's own description (``disk.congestion_on``).

    Where lists are drawn (``draw="lists"``) the order of lines is that of rows: ``list`` is a bar
    as long as its column is at the playhead, ``down`` and ``up`` are arrows as wide as pages moved
    to the rows below or above, ``mark`` the same without a direction. Neighbours with one
    label are parts of one bar or arrow.
    """

    column: str
    label: str
    color: str
    """A role of ``theme.COLORS``."""
    style: LineStyle = "line"
    dash: str = "solid"
    width: float = 1.4
    skip_zero: bool = False
    """Left out, legend and all, while every value is 0."""
    otherwise: bool = False
    """Drawn only if no line before it in the panel has its column."""
    level: str = ""


@dataclass(frozen=True)
class Panel:
    """A strip of a chart with its own vertical axis; ``{memcg}`` in columns is the container."""

    lines: tuple[Line, ...] = ()
    label: str = ""
    range: Literal["zero", "fit", "share", "rows"] = "zero"


@dataclass(frozen=True)
class FigureSpec:
    """One chart."""

    name: str
    title: str
    """Quantity and unit."""
    question: str
    """What one reads from it."""
    kind: Literal["series", "events", "table"]
    draw: Literal["lines", "offsets", "timeline", "cdf", "heat", "matrix", "lists"] = "lines"
    family: str = "series"
    panels: tuple[Panel, ...] = ()
    each_memcg: bool = False
    """The panels once for each container."""
    of_memcgs: bool = False
    """Only of scenarios with containers."""
    compare: Literal["overlay", "panels"] = "overlay"
    """Further runs in the same panel, or in panels of their own below."""
    x: Literal["time", "ms", "none"] = "time"
    """``none``: px, without an axis."""
    moment: bool = False
    """Of the interval that the playhead is in, and drawn again as it moves."""
    scale: Scale = ""
    """Of the axis of values, lengths or offsets; empty = linear, and it cannot be switched.

    ``bands``: two far apart regions, and what is between them left out.
    """
    lengths: tuple[float, float] = (0.0, 0.0)
    """ms: the ends of a logarithmic axis of lengths. A linear one reaches from 0 to the longest."""
    height: int = 120
    """px on the page, of one run."""
    tick_format: str = ",~g"
    nothing: str = "Nothing happened in this run."
    """Shown when the family was recorded and is empty."""

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON has it."""
        return asdict(self)

    @property
    def other_scale(self) -> Scale:
        """What its switch makes of the axis; empty = it has none."""
        if self.scale == "linear":
            return "bands" if self.draw == "offsets" else "log"
        return "linear" if self.scale else ""

    def scaled(self, scale: Scale) -> FigureSpec:
        """The same chart with its switch set; what it has no switch for changes nothing."""
        return replace(self, scale=scale) if scale and scale == self.other_scale else self

    def seen(self, view: ViewState) -> FigureSpec:
        """The chart with its switch as the link has it."""
        return self.scaled(view.scales.get(self.name, ""))

    def columns(self) -> list[str]:
        """Every column it can show, ``{memcg}`` not replaced."""
        return [line.column for panel in self.panels for line in panel.lines]
