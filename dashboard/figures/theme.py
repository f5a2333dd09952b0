"""Colours, dashes and sizes of all charts: the same on the page, in dark, and in exports.

Issuer colours are those of Okabe and Ito, some darkened, so that each has a contrast of at least
3:1 on white and on the dark page; dashes tell lines apart where colour cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MARGIN_LEFT, MARGIN_RIGHT = 64, 16
"""px beside every time chart: one axis for all, and the page aligns other things with it."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
FONT_SIZE = 11
LINES_MAX = 1200
"""Points of a line; more samples are drawn as the lowest and highest of each interval."""
RATES_MAX = 150
"""Points of a rate: noise between neighbouring samples would hide its course."""
MARKS_MAX = 5000
"""Requests drawn one by one; more are thinned evenly, and the note says so."""
ROWS_MAX = 12
"""Tasks in the stall timeline."""
PANELS_MAX = 4
"""Containers drawn, in the order of the scenario."""
CDF_EVEN, CDF_TAIL = 256, 64
"""Points of a distribution: so many evenly spread, and all of the longest."""


@dataclass(frozen=True)
class IssuerStyle:
    """How one submitter of requests looks in every chart."""

    code: int
    """``sim.result.Issuer``"""
    label: str
    color: str
    dash: str


ISSUER_STYLES: dict[str, IssuerStyle] = {
    "kswapd": IssuerStyle(0, "kswapd", "#d55e00", "solid"),
    "flusher": IssuerStyle(3, "flusher", "#0072b2", "solid"),
    "direct": IssuerStyle(1, "direct reclaim", "#c466a0", "dash"),
    "memcg": IssuerStyle(2, "memcg reclaim", "#b98300", "dash"),
    "dirtier": IssuerStyle(5, "dirtier", "#009e73", "dashdot"),
    "memcg_flusher": IssuerStyle(8, "memcg flusher", "#8a6fd1", "dashdot"),
    "journal": IssuerStyle(6, "journal", "#3d98d0", "dot"),
    "other": IssuerStyle(4, "other", "#808080", "dot"),
    "unknown": IssuerStyle(7, "unknown", "#808080", "dot"),
}
"""In the order of legends."""

COLORS: dict[str, str] = {
    **{name: style.color for name, style in ISSUER_STYLES.items()},
    "balance_dirty": ISSUER_STYLES["dirtier"].color,
    "file_active": "#5b8fc4",
    "file_inactive": "#8db5dd",
    "file_dirty_list": "#6f7fd0",
    "anon_active": "#a3845a",
    "anon_inactive": "#c6ad88",
    "unevictable": "#8b8f95",
    "order_9_10": "#3f7f6b",
    "order_4_8": "#6da893",
    "order_1_3": "#a3cbb9",
    "order_0": "#d9a65c",
    "dirty": "#d1345b",
    "writeback": "#7d5bd0",
    "usage": "#1f8a9c",
    "limit": "#d55e00",
}
"""Colours by role, alike in both themes; ``ink``, ``muted`` and ``free`` belong to the theme."""


@dataclass(frozen=True)
class Theme:
    """What differs between dark and light."""

    name: str
    background: str
    ink: str
    muted: str
    grid: str
    axis: str
    free: str
    veil: str

    def color(self, role: str) -> str:
        """A role as a colour."""
        own = {"ink": self.ink, "muted": self.muted, "free": self.free}
        return own.get(role) or COLORS[role]


THEMES: dict[str, Theme] = {
    "light": Theme(
        "light", "#ffffff", "#1b1f24", "#59636e", "#e6e9ed", "#c3cad2", "#dfe4ea",
        "rgba(255,255,255,0.80)",
    ),
    "dark": Theme(
        "dark", "#0f141a", "#e6edf3", "#98a3af", "#222a33", "#3a444f", "#2b343e",
        "rgba(15,20,26,0.80)",
    ),
}  # fmt: skip

RUN_DASHES = ("solid", "dash", "dashdot", "dot")
RUN_OPACITY = (1.0, 0.75, 0.75, 0.75)
RUN_NAMES = ("A", "B", "C", "D")
"""A against B, C, D: colour says what, dash says whose."""


def theme_json(theme: Theme) -> dict[str, Any]:
    """Everything the page needs to draw as export does."""
    return {
        "name": theme.name,
        "background": theme.background,
        "ink": theme.ink,
        "muted": theme.muted,
        "grid": theme.grid,
        "axis": theme.axis,
        "veil": theme.veil,
        "colors": {**COLORS, "ink": theme.ink, "muted": theme.muted, "free": theme.free},
        "font": FONT,
        "font_size": FONT_SIZE,
        "margin_left": MARGIN_LEFT,
        "margin_right": MARGIN_RIGHT,
        "issuers": [
            {"name": name, "code": s.code, "label": s.label, "color": s.color, "dash": s.dash}
            for name, s in ISSUER_STYLES.items()
        ],
        "run_dashes": RUN_DASHES,
        "run_opacity": RUN_OPACITY,
        "run_names": RUN_NAMES,
        "limits": {
            "lines": LINES_MAX,
            "rates": RATES_MAX,
            "marks": MARKS_MAX,
            "rows": ROWS_MAX,
            "panels": PANELS_MAX,
            "cdf_even": CDF_EVEN,
            "cdf_tail": CDF_TAIL,
        },
    }
