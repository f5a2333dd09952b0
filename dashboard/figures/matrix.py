"""Who took whose pages: a row for each context, a column for each owner, a number in each cell.

A cell is tinted by its share of the largest number of its panel, in the colour of the context; one
with a frame holds pages that reclaim took from a container it did not work for.
"""

from __future__ import annotations

import math
from typing import Any

from dashboard.figures.binder import Binder, Drawn
from dashboard.figures.data import RunData
from dashboard.figures.theme import ISSUER_STYLES, IssuerStyle
from sim.result import Issuer

LABEL_PX, COLUMN_PX, NARROW_PX, CHARACTER_PX = 96, 120, 60, 6.2
"""Room for a row's name beside the left margin; the widest column; one with short numbers."""
SINCE_NOTE = "counted from the beginning of the run"
FRAME_NOTE = "framed: taken from a container by reclaim that did not work for it"
_THREADS = (Issuer.KSWAPD, Issuer.FLUSHER, Issuer.JOURNAL)
_FROM_ZONES = (Issuer.KSWAPD, Issuer.DIRECT)
_FAINTEST, _DEEPEST = 8, 52  # percent of opacity

Cells = dict[tuple[int, int, int], int]


def matrix(binder: Binder, group: list[int]) -> list[Drawn]:
    """A panel for each quantity of which there is any, and for each run."""
    owners = sorted({owner for run in binder.runs for owner in _owners(run)}, key=_order)
    panels = []
    if SINCE_NOTE not in binder.notes:
        binder.notes.append(SINCE_NOTE)
    for i in group:
        for panel in binder.spec.panels:
            cells = _cells(binder.runs[i], panel.lines[0].column)
            if cells:
                label = binder.name(binder.runs[i], panel.label)
                panels.append(_panel(binder, i, label, cells, owners))
    return panels


def _owners(run: RunData) -> list[int]:
    return run.events["victims"]["owner"].tolist() if "victims" in run.events else []


def _order(memcg: int) -> tuple[bool, int]:
    return memcg < 0, memcg


def _cells(run: RunData, what: str) -> Cells:
    """(issuer, group, owner) to pages, without zeros."""
    rows = run.events["victims"]
    keys = zip(*(rows[name].tolist() for name in ("issuer", "group", "owner")), strict=True)
    return {key: n for key, n in zip(keys, rows[what].tolist(), strict=True) if n > 0}


def _panel(binder: Binder, i: int, label: str, cells: Cells, owners: list[int]) -> Drawn:
    run, theme = binder.runs[i], binder.theme
    contexts = [
        (style, group)
        for style in ISSUER_STYLES.values()
        for group in sorted({g for code, g, _ in cells if code == style.code}, key=_order)
    ]
    column = min(float(COLUMN_PX), (binder.view.width - LABEL_PX) / len(owners))
    drawn = Drawn(label, range=(len(contexts) - 0.5, -1.5), weight=len(contexts) + 1.0)
    x = [LABEL_PX + (k + 0.5) * column for k in range(len(owners))]
    marks = [(at, -1.0, _fit(_name(run, o), column)) for at, o in zip(x, owners, strict=True)]
    top = max(cells.values())
    for row, (style, group) in enumerate(contexts):
        drawn.labels.append((_context(run, style, group), LABEL_PX - 6.0, float(row)))
        binder.enter(style.label, style.color, "mark", "solid")
        for at, owner in zip(x, owners, strict=True):
            n = cells.get((style.code, group, owner), 0)
            marks.append((at, float(row), number_text(n, column)))
            if not n:
                continue
            foreign = style.code in _FROM_ZONES and owner not in (0, group)
            if foreign and FRAME_NOTE not in binder.notes:
                binder.notes.append(FRAME_NOTE)
            level = _FAINTEST + math.floor((_DEEPEST - _FAINTEST) * math.sqrt(n / top))
            drawn.boxes.append(
                {
                    "x0": at - column / 2 + 1, "x1": at + column / 2 - 1,
                    "y0": row - 0.44, "y1": row + 0.44, "fillcolor": _tint(style.color, level),
                    "line": {"width": 1.2 if foreign else 0, "color": theme.ink},
                }
            )  # fmt: skip
    drawn.traces.append(_numbers(binder, i, label, marks))
    return drawn


def _numbers(
    binder: Binder, i: int, label: str, marks: list[tuple[float, float, str]]
) -> dict[str, Any]:
    theme = binder.theme
    colors = [theme.muted if y < 0 or text == "0" else theme.ink for _, y, text in marks]
    return {
        "type": "scatter", "mode": "text", "name": label,
        "meta": {"run": i, "group": label, "line": False},
        "x": [x for x, _, _ in marks], "y": [y for _, y, _ in marks],
        "text": [text for _, _, text in marks], "textposition": "middle center",
        "textfont": {"size": 10.5, "color": colors}, "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _name(run: RunData, memcg: int) -> str:
    names = run.about.get("memcgs", ())
    if memcg < 0:
        return "others"
    return str(names[memcg]) if memcg < len(names) else f"memcg {memcg}"


def _context(run: RunData, style: IssuerStyle, group: int) -> str:
    """Who, and whose memcg the task is in; a kernel thread that works for all has none."""
    if group == 0 and style.code in _THREADS:
        return style.label
    return f"{style.label} ({_fit(_name(run, group), 60)})"


def _fit(name: str, px: float) -> str:
    """As much of a name as there is room for."""
    most = max(4, math.floor(px / CHARACTER_PX))
    return name if len(name) <= most else name[: most - 1] + "…"


def number_text(n: int, px: float) -> str:
    """A count: all digits, or in a narrow column at most four characters (1.2k, 12k, 1.2M)."""
    if px >= NARROW_PX:
        return f"{n:,}"
    for size, sign in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if n >= size:
            tenths = (10 * n + size // 2) // size
            tail = f".{tenths % 10}" if tenths < 100 else ""
            return f"{tenths // 10}{tail}{sign}"
    return str(n)


def _tint(color: str, percent: int) -> str:
    r, g, b = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({r},{g},{b},0.{percent:02d})"
