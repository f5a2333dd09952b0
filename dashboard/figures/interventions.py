"""Vertical lines through a time chart where the scenario changes something; assets/marks.js too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.figures.binder import View
from dashboard.figures.data import RunData
from dashboard.figures.theme import Theme

_ROWS, _ROW_PX = 3, 12
_LEFT_HALF = 0.7


def marks_of(runs: Sequence[RunData], view: View) -> list[tuple[float, str]]:
    """(s, words) in order of time; the run is named where not every run has the mark."""
    whose: dict[tuple[float, str], list[str]] = {}
    for run in runs:
        for mark in run.about.get("marks", ()):
            if view.begin <= mark["t"] <= view.end:
                whose.setdefault((mark["t"], mark["text"]), []).append(run.label)
    found = [
        (t, text if len(labels) >= len(runs) else f"{''.join(labels)}: {text}")
        for (t, text), labels in whose.items()
    ]
    return sorted(found, key=lambda mark: mark[0])


def lines(runs: Sequence[RunData], theme: Theme, view: View) -> list[dict[str, Any]]:
    """Shapes."""
    return [
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": t, "x1": t, "y0": 0, "y1": 1,
            "line": {"color": theme.ink, "width": 1, "dash": "4px,3px"}, "layer": "above",
        }
        for t, _ in marks_of(runs, view)
    ]  # fmt: skip


def words(runs: Sequence[RunData], theme: Theme, view: View, escaped: Any) -> list[dict[str, Any]]:
    """Annotations, for images: the page has its own row of words."""
    out = []
    for i, (t, text) in enumerate(marks_of(runs, view)):
        left = (t - view.begin) / (view.end - view.begin) < _LEFT_HALF
        out.append(
            {
                "text": escaped(text), "xref": "x", "yref": "paper", "x": t, "y": 1,
                "xanchor": "left" if left else "right", "yanchor": "top",
                "xshift": 2 if left else -2, "yshift": -1 - _ROW_PX * (i % _ROWS),
                "showarrow": False, "font": {"size": 9.5, "color": theme.ink},
                "bgcolor": theme.background, "opacity": 0.85, "borderpad": 1,
            }
        )  # fmt: skip
    return out
