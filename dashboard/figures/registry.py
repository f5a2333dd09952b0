"""Every chart by name, in the order of the page: one list for page, export, CLI and tests."""

from __future__ import annotations

from typing import Any

from dashboard.figures import disk, memcg, memory, reclaim, stalls
from dashboard.figures.fill import fill
from dashboard.figures.spec import FigureSpec
from dashboard.figures.theme import THEMES, theme_json
from sim.result import Result

_SPECS = (
    *disk.SPECS, *stalls.SPECS, *memory.SPECS, *reclaim.SPECS, *memcg.SPECS,
)  # fmt: skip
FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _SPECS}


def figure_dict(
    figure: str | FigureSpec, result: Result, *, theme: str = "light", width: int = 900,
    height: int = 420, url: str = "", others: tuple[Result, ...] = (),
    window: tuple[float, float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A chart of a finished run as a plain plotly dict, with title, legend and caption.

    ``figure`` is a name, or a spec whose switch is set (``FigureSpec.scaled``).
    ``others`` are runs B, C and D; ``window`` is what to show of them, in s (None = all).

    Raises:
        KeyError: no such figure or theme.
    """
    runs = (result, *others)
    spec = FIGURES[figure] if isinstance(figure, str) else figure
    return fill(spec, runs, THEMES[theme], width=width, height=height, url=url, window=window)


def spec_json(theme: str = "light") -> dict[str, Any]:
    """What the page's JavaScript draws from: the theme and every spec."""
    return {
        "theme": theme_json(THEMES[theme]),
        "figures": [spec.to_dict() for spec in FIGURES.values()],
    }
