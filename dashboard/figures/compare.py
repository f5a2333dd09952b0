"""What a comparison of runs shows in a chart: how many panels, and how high it is on the page."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec
from dashboard.figures.theme import PANELS_MAX

AXIS_PX, PANEL_PX_MIN = 30, 62
"""Room for tick labels, and the least height of a panel."""


def panel_count(spec: FigureSpec, runs: int, memcgs: int = 1) -> int:
    """Panels of a chart with so many runs and, where it has one for each, containers."""
    each = min(PANELS_MAX, max(1, memcgs)) if spec.each_memcg else 1
    return max(1, len(spec.panels)) * each * (runs if spec.compare == "panels" else 1)


def page_height(spec: FigureSpec, runs: int = 1, memcgs: int = 1) -> int:
    """Height of a chart on the page, px."""
    panels = panel_count(spec, runs, memcgs)
    if panels <= max(1, len(spec.panels)):
        return spec.height
    if spec.compare == "panels":
        return AXIS_PX + (spec.height - AXIS_PX) * runs * 4 // 5
    return max(spec.height, AXIS_PX + PANEL_PX_MIN * panels)
