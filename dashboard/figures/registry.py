"""Every chart by name, in the order of the page: one list for page, export, CLI and tests."""

from __future__ import annotations

from typing import Any

from dashboard.figures import disk, lru, memcg, memory, reclaim, stalls
from dashboard.figures.fill import fill
from dashboard.figures.spec import FigureSpec
from dashboard.figures.theme import THEMES, theme_json
from dashboard.view_state import ViewState
from sim.result import Result

_SPECS = (
    *disk.SPECS, *stalls.SPECS, *memory.SPECS, *lru.SPECS, *reclaim.SPECS, *memcg.SPECS,
)  # fmt: skip
FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _SPECS}


def figure_dict(
    name: str, result: Result, *, theme: str = "light", width: int = 900, height: int = 420,
    url: str = "", others: tuple[Result, ...] = (), view: ViewState | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A chart of a finished run as a plain plotly dict, with title, legend and caption.

    ``others`` are runs B, C and D; ``view`` is what the link says of the view (None = nothing).

    Raises:
        KeyError: no such figure or theme.
    """
    seen = view or ViewState()
    return fill(
        FIGURES[name].seen(seen), (result, *others), THEMES[theme], width=width, height=height,
        url=url, window=seen.window, at=seen.at,
    )  # fmt: skip


def spec_json(theme: str = "light") -> dict[str, Any]:
    """What the page's JavaScript draws from: the theme and every spec."""
    return {
        "theme": theme_json(THEMES[theme]),
        "figures": [spec.to_dict() for spec in FIGURES.values()],
    }
