"""How fast memory is looked through and freed, and by whom."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel
from dashboard.figures.theme import ISSUER_STYLES


def _by_context(prefix: str) -> tuple[Line, ...]:
    styles = ((name, ISSUER_STYLES[name]) for name in ("kswapd", "direct", "memcg"))
    return tuple(
        Line(f"{prefix}.{name}", style.label, name, style="rate", dash=style.dash, skip_zero=True)
        for name, style in styles
    )


RECLAIM_RATE = FigureSpec(
    name="reclaim_rate",
    title="Pages scanned and reclaimed, pages/s",
    question="Who frees memory, and how much is looked at in vain? Scanned far above reclaimed "
    "means that reclaim walks past dirty or referenced pages.",
    kind="series",
    scale="linear",
    panels=(
        Panel(_by_context("scan_pages_per_s"), "scanned"),
        Panel(_by_context("steal_pages_per_s"), "reclaimed"),
    ),
    height=160,
    tick_format="~s",
)

SPECS = (RECLAIM_RATE,)
