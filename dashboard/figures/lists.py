"""Lists of pages at one moment as bars, and between them the pages that moved, as arrows.

Rows are the lines of a panel from top to bottom. Lists are drawn on one scale, arrows on another,
and both are those of whole runs, so that nothing but what changed moves in playback. The width
of an arrow goes with the square root of its pages: a burst has a thousand times those of a calm.
``assets/chart-lists.js`` draws the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from dashboard.figures.binder import Array, Binder, Drawn, View
from dashboard.figures.data import RunData
from dashboard.figures.downsample import nice_group, stride
from dashboard.figures.matrix import number_text
from dashboard.figures.spec import FigureSpec, Line, Panel
from dashboard.figures.theme import ISSUER_STYLES, MARGIN_LEFT, MARGIN_RIGHT, PANELS_MAX, RATES_MAX

ROW_PX, MORE_PX = 17, 12
"""Height of a row on the page, and what all rows together leave above and below."""
PANEL_MORE_PX = 16
"""Between panels."""
_LABEL_PX, _NAME_PX = 30.0, 100.0  # beside the left margin: a list's name; a panel's
_ITEM_PX, _WORDS_PX, _COLUMNS = 124.0, 116.0, 3  # an arrow with its words at least; the words
_WIDE_PX = 150.0  # of an arrow with its words: from here on all digits
_PAGES_PX, _MIB_PX = 62.0, 150.0  # beside the longest bar: pages; pages and MiB
_WIDEST, _NARROWEST, _LEAST, _HEAD_PX = 60.0, 16.0, 2.0, 4.0
_ROOMY_PX = 480.0  # of a panel: from here on bars say MiB, too
_PAGES_PER_MIB = 256

Text = tuple[float, float, str, str]


@dataclass(frozen=True)
class _Span:
    """Samples ``low`` to ``high``, both included, and when the first begins and the last ends."""

    low: int
    high: int
    begin: float
    end: float
    step: int
    lengths: Array
    """s of every sample of the run."""


@dataclass(frozen=True)
class _Item:
    """A bar or an arrow: lines with one label."""

    label: str
    style: str
    lines: list[Line]


def lists(binder: Binder, group: list[int]) -> list[Drawn]:
    """A panel for the machine and one for each of its first containers, for each run."""
    panels = []
    for i in group:
        run = binder.runs[i]
        _note(binder, run)
        if len(run.memcgs) > PANELS_MAX:
            text = f"the first {PANELS_MAX} of {len(run.memcgs)} containers"
            binder.notes.append(binder.name(run, text))
        for panel, memcg in _wanted(binder.spec, run):
            drawn = _panel(binder, i, panel, memcg)
            if drawn is not None:
                panels.append(drawn)
    return panels


def page_height(spec: FigureSpec, runs: list[RunData], width: float) -> int:
    """Height on a page of a width, px: every row the same."""
    inner = width - MARGIN_LEFT - MARGIN_RIGHT
    rows = panels = 0
    for run in runs:
        for panel, memcg in _wanted(spec, run):
            found = _rows(_items(panel, run, memcg), _across(inner))
            rows += len(found)
            panels += bool(found)
    return max(spec.height, MORE_PX + ROW_PX * rows + PANEL_MORE_PX * max(0, panels - 1))


def _wanted(spec: FigureSpec, run: RunData) -> list[tuple[Panel, str]]:
    """The machine's panel, then those of its first containers."""
    machine, *of_each = spec.panels
    each = [(panel, name) for name in run.memcgs[:PANELS_MAX] for panel in of_each]
    return [(machine, ""), *each]


def _note(binder: Binder, run: RunData) -> None:
    """Which interval it is: once, where it is that of every run."""
    spans = [_span(one, binder.view) for one in binder.runs if len(one.times)]
    own = _span(run, binder.view)
    text = f"pages that moved from {seconds(own.begin)} to {seconds(own.end)} s"
    alike = all((span.begin, span.end) == (own.begin, own.end) for span in spans)
    note = text if alike else binder.name(run, text)
    if note not in binder.notes:
        binder.notes.append(note)


def seconds(t: float) -> str:
    """To the millisecond, without zeros at the end."""
    return f"{math.floor(t * 1000 + 0.5) / 1000:.3f}".rstrip("0").removesuffix(".")


def _span(run: RunData, view: View) -> _Span:
    """The interval of the playhead: a sample's, or of so many as a point of a rate stands for."""
    times = run.times
    at = view.end if view.at is None else view.at
    first = 2 * times[0] - times[1] if len(times) > 1 else 0.0
    begins = np.concatenate([[max(0.0, first)], times[:-1]])
    lengths = times - begins
    high = min(int(np.searchsorted(times, at - 1e-9, "left")), len(times) - 1)
    whole = math.floor((view.end - view.begin) / float(lengths[-1]) + 0.5) if lengths[-1] > 0 else 1
    step = nice_group(stride(whole, RATES_MAX))
    low = max(0, high + 1 - step)
    return _Span(low, high, float(begins[low]), float(times[high]), step, lengths)


def _items(panel: Panel, run: RunData, memcg: str) -> list[_Item]:
    """Bars and arrows of which the run has a column."""
    lines = []
    for line in panel.lines:
        column = line.column.replace("{memcg}", memcg)
        values = run.columns.get(column)
        if values is None or (line.skip_zero and not (values > 0).any()):
            continue
        lines.append(Line(column, line.label, line.color, line.style))
    parts = ((label, list(same)) for label, same in groupby(lines, key=lambda line: line.label))
    return [_Item(label, same[0].style, same) for label, same in parts]


def _across(width: float) -> int:
    """Arrows in a row."""
    return max(1, min(_COLUMNS, math.floor((width - _LABEL_PX) / _ITEM_PX)))


def _rows(items: list[_Item], across: int) -> list[list[_Item]]:
    """A list has a row of its own, arrows share them; the first row has room for a name."""
    rows: list[list[_Item]] = []
    for item in items:
        shares = rows and item.style != "list" and rows[-1] and rows[-1][0].style != "list"
        if shares and len(rows[-1]) < across:
            rows[-1].append(item)
        else:
            rows.append([item])
    if rows and rows[0][0].style == "list":
        rows.insert(0, [])
    return rows


def _panel(binder: Binder, i: int, panel: Panel, memcg: str) -> Drawn | None:
    run, width = binder.runs[i], binder.view.width
    span = _span(run, binder.view)
    items = _items(panel, run, memcg)
    across = _across(width)
    rows = _rows(items, across)
    if not rows:
        return None
    label = binder.name(run, panel.label.replace("{memcg}", memcg))
    drawn = Drawn(label, range=(len(rows) - 0.5, -0.5), weight=float(len(rows)))
    longest, widest = _scales(binder, panel, memcg)
    each = (width - _LABEL_PX) / across
    texts: list[Text] = []
    for row, there in enumerate(rows):
        for k, item in enumerate(there):
            if item.style == "list":
                texts.append(_bar(binder, drawn, run, item, span.high, row, longest))
            else:
                x = _LABEL_PX + (k * each if row else _NAME_PX)
                place = x, row, min(each, width - x)
                texts.append(_arrow(binder, drawn, run, item, span, place, widest))
    drawn.traces.append(_words(i, label, texts))
    return drawn


def _scales(binder: Binder, panel: Panel, memcg: str) -> tuple[float, float]:
    """The longest bar (MiB) and the widest arrow (pages) of this panel in any run at any time."""
    longest = widest = 0.0
    for run in binder.runs:
        for item in _items(panel, run, memcg):
            if item.style == "list":
                longest = max(longest, _most(run, item))
            else:
                widest = max(widest, _most(run, item, _span(run, binder.view)))
    return longest, widest


def _most(run: RunData, item: _Item, span: _Span | None = None) -> float:
    """MiB of a list, or pages that an arrow moved in any interval as long as ``span``."""
    total: Array = np.sum([run.columns[line.column] for line in item.lines], axis=0)
    if span is not None:
        sums = np.concatenate([[0.0], np.cumsum(total * span.lengths)])
        step = min(span.step, len(total))
        total = np.abs(sums[step:] - sums[:-step])
    return float(total.max())


def _bar(
    binder: Binder, drawn: Drawn, run: RunData, item: _Item, k: int, row: int, longest: float
) -> Text:
    width = binder.view.width
    roomy = width >= _ROOMY_PX
    room = width - _LABEL_PX - (_MIB_PX if roomy else _PAGES_PX)
    drawn.labels.append((item.label, _LABEL_PX - 6, float(row)))
    x, pages = _LABEL_PX, 0
    for line in item.lines:
        mib = float(run.columns[line.column][k])
        pages += math.floor(mib * _PAGES_PER_MIB + 0.5)
        wide = room * mib / longest if longest > 0 else 0.0
        _rect(drawn, x, x + wide, row - 0.36, row + 0.36, binder.theme.color(line.color))
        x += wide
    words = f"{pages:,}"
    if roomy:
        tenths = (10 * pages + _PAGES_PER_MIB // 2) // _PAGES_PER_MIB
        words += f" pages, {tenths // 10:,}.{tenths % 10} MiB"
    return x + 4, float(row), words, binder.theme.ink if pages else binder.theme.muted


def _arrow(
    binder: Binder, drawn: Drawn, run: RunData, item: _Item, span: _Span,
    place: tuple[float, int, float], widest: float,
) -> Text:  # fmt: skip
    """``place``: its left edge, px, its row, and how wide it may be with its words, px."""
    x, row, each = place
    theme = binder.theme
    part = slice(span.low, span.high + 1)
    parts = []
    for line in item.lines:
        style = ISSUER_STYLES.get(line.color)
        if style and (run.columns[line.column] > 0).any():
            binder.enter(style.label, style.color, "mark", "solid")
        moved = run.columns[line.column][part] * span.lengths[part]
        parts.append((math.floor(float(moved.sum()) + 0.5), theme.color(line.color)))
    pages = sum(n for n, _ in parts)
    slot = min(_WIDEST, max(_NARROWEST, each - _WORDS_PX - 2 * _HEAD_PX))
    wide = max(_LEAST, slot * math.sqrt(abs(pages) / widest)) if pages else 0.0
    middle = x + _HEAD_PX + slot / 2
    at = middle - wide / 2
    up = (item.style == "up") != (pages < 0)
    ends = (row - 0.3, row + 0.3) if item.style == "mark" else (row - 0.46, row + 0.1)
    if up and item.style != "mark":
        ends = row - 0.1, row + 0.46
    for n, color in parts:
        if n:
            _rect(drawn, at, at + wide * n / pages, *ends, color)
            at += wide * n / pages
    if pages and item.style != "mark":
        colors = [color for n, color in parts if n]
        color = colors[0] if len(colors) == 1 else theme.muted
        _head(drawn, middle, wide / 2 + _HEAD_PX, row, -1 if up else 1, color)
    number = number_text(abs(pages), 99 if each >= _WIDE_PX else 0)
    words = f"{item.label} {'−' if pages < 0 else ''}{number}"
    return x + slot + 2 * _HEAD_PX + 6, float(row), words, theme.ink if pages else theme.muted


def _rect(drawn: Drawn, x0: float, x1: float, y0: float, y1: float, color: str) -> None:
    box = {"x0": x0, "x1": x1, "y0": y0, "y1": y1, "fillcolor": color, "line": {"width": 0}}
    drawn.boxes.append(box)


def _head(drawn: Drawn, x: float, half: float, row: int, way: int, color: str) -> None:
    base, tip = row + 0.1 * way, row + 0.46 * way
    path = f"M{x - half:.5f},{base:.5f}L{x + half:.5f},{base:.5f}L{x:.5f},{tip:.5f}Z"
    drawn.boxes.append({"path": path, "fillcolor": color, "line": {"width": 0}})


def _words(i: int, label: str, texts: list[Text]) -> dict[str, object]:
    return {
        "type": "scatter", "mode": "text", "name": label,
        "meta": {"run": i, "group": label, "line": False},
        "x": [x for x, _, _, _ in texts], "y": [y for _, y, _, _ in texts],
        "text": [words for _, _, words, _ in texts], "textposition": "middle right",
        "textfont": {"size": 10.5, "color": [color for _, _, _, color in texts]},
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip
