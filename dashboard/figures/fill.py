"""A spec filled with Results: a plain plotly dict at export size, with title, legend and caption.

The page's own images come from ``exportFigure`` in ``assets/chart-layout.js``, laid out alike.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures import interventions
from dashboard.figures.bind import bind
from dashboard.figures.binder import Bound, Drawn, View
from dashboard.figures.data import RunData, run_data
from dashboard.figures.spec import FigureSpec
from dashboard.figures.theme import FONT, FONT_SIZE, MARGIN_LEFT, MARGIN_RIGHT, RUN_NAMES, Theme
from sim.result import Result

PANEL_GAP = 16
_CAPTION_LINE, _CAPTION_TOP = 13, 26


def fill(
    spec: FigureSpec, results: Sequence[Result], theme: Theme, *, width: int, height: int,
    url: str = "", window: tuple[float, float] | None = None, at: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The chart of one run, or of several compared, as a plotly dict.

    Args:
        spec: which chart.
        results: runs A, B, ...
        theme: dark or light.
        width: px.
        height: px.
        url: the link that shows them, for the caption.
        window: seconds to show; None = all.
        at: s, of charts of one moment; None = at the end of the window.
    """
    runs = [run_data(result, name) for result, name in zip(results, RUN_NAMES, strict=False)]
    begin, end = window or (0.0, max(run.duration_s for run in runs))
    view = View(begin, end, width - MARGIN_LEFT - MARGIN_RIGHT, height - 90.0, at)
    bound = bind(spec, runs, theme, view)
    lines = wrap(". ".join([*notes_of(bound), caption_of(runs, url)]), max(20, (width - 24) // 6))
    entries = [] if bound.empty else bound.legend
    top = 34 + 19 * _legend_rows(entries, view.width)
    bottom = _CAPTION_TOP + 8 + _CAPTION_LINE * len(lines)
    layout = layout_of(spec, bound, theme, view, height - top - bottom)
    layout |= {
        "width": width,
        "height": height,
        "margin": {"l": MARGIN_LEFT, "r": MARGIN_RIGHT, "t": top, "b": bottom, "pad": 0},
        "title": {
            "text": f"<b>{escape(spec.title)}</b>", "x": 0, "xref": "container", "xanchor": "left",
            "y": 1, "yref": "container", "yanchor": "top", "pad": {"l": 12, "t": 10},
            "font": {"size": 14, "color": theme.ink},
        },
        "legend": {
            "orientation": "h", "traceorder": "normal", "x": 0, "xanchor": "left", "y": 1,
            "yanchor": "bottom",
            "font": {"size": 10, "color": theme.ink}, "itemclick": False,
            "itemdoubleclick": False, "bgcolor": "rgba(0,0,0,0)",
        },
    }  # fmt: skip
    if spec.x == "time" and not bound.empty:
        layout["shapes"] += interventions.lines(runs, theme, view)
        layout["annotations"] += interventions.words(runs, theme, view, escape)
    layout["annotations"].append(
        {
            "text": "<br>".join(escape(line) for line in lines), "xref": "paper", "yref": "paper",
            "x": 0, "y": 0, "xanchor": "left", "yanchor": "top", "xshift": 12 - MARGIN_LEFT,
            "yshift": -_CAPTION_TOP, "align": "left", "showarrow": False,
            "font": {"size": 9.5, "color": theme.muted},
        }
    )  # fmt: skip
    traces = [*traces_of(bound), *(_legend_trace(entry) for entry in entries)]
    return {"data": traces, "layout": layout}


def notes_of(bound: Bound) -> list[str]:
    """What was left out or averaged."""
    if bound.interval <= 0:
        return bound.notes
    return [*bound.notes, f"means of {bound.interval:.3g} s"]


def caption_of(runs: Sequence[RunData], url: str) -> str:
    """Which runs these are, so that the image can be made again."""
    parts = []
    for run in runs:
        about = run.about
        words = [str(about.get("title") or about.get("source") or "run")]
        words += [f"scenario {about['digest']}"] if about.get("digest") else []
        words += [f"seed {about['seed']}"] if "seed" in about else []
        words += [f"model {about['model_version']}"] if about.get("model_version") else []
        text = ", ".join(words)
        parts.append(f"{run.label}: {text}" if len(runs) > 1 else text)
    return ". ".join([*parts, *([url] if url else [])])


def wrap(text: str, most: int) -> list[str]:
    """Lines of at most ``most`` characters; words longer than that (links) are cut."""
    lines = [""]
    for whole in text.split():
        word = whole
        while len(word) > most:
            room = most - len(lines[-1]) - (1 if lines[-1] else 0)
            if room < 12:
                lines.append("")
                continue
            lines[-1] += (" " if lines[-1] else "") + word[:room]
            word = word[room:]
            lines.append("")
        if len(lines[-1]) + 1 + len(word) > most and lines[-1]:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return [line for line in lines if line]


def escape(text: str) -> str:
    """Text that plotly shows as it is."""
    return html.escape(text, quote=False)


def layout_of(
    spec: FigureSpec, bound: Bound, theme: Theme, view: View, inner_height: float
) -> dict[str, Any]:
    """Axes and panels; margins, title and legend are the caller's."""
    layout: dict[str, Any] = {
        "paper_bgcolor": theme.background,
        "plot_bgcolor": theme.background,
        "font": {"family": FONT, "size": FONT_SIZE, "color": theme.ink},
        "hovermode": False,
        "dragmode": False,
        "annotations": [],
        "images": [],
        "shapes": [],
    }
    if bound.empty:
        hidden = {"visible": False, "range": [0, 1], "fixedrange": True}
        layout |= {"xaxis": hidden, "yaxis": dict(hidden)}
        layout["annotations"].append(_message(bound.empty, 0.5, theme))
        return layout
    n = len(bound.panels)
    gap = PANEL_GAP / max(1.0, inner_height)
    each = (1 - gap * (n - 1)) / sum(panel.weight for panel in bound.panels)
    layout["xaxis"] = _x_axis(spec, bound, theme, view)
    low = 1 + gap
    for i, panel in enumerate(bound.panels):
        high = low - gap
        low = 0.0 if i == n - 1 else high - each * panel.weight
        layout[f"yaxis{i + 1 if i else ''}"] = _y_axis(spec, panel, theme, (low, high))
        layout["shapes"] += [
            _shape(trace, f"y{i + 1 if i else ''}")
            for trace in panel.traces
            if trace["meta"].get("shape")
        ]
        layout["shapes"] += [_box(box, f"y{i + 1 if i else ''}") for box in panel.boxes]
        layout["annotations"] += [
            _row_label(*label, f"y{i + 1 if i else ''}", theme) for label in panel.labels
        ]
        if panel.picture:
            layout["images"].append(_image(panel.picture, f"y{i + 1 if i else ''}"))
        if panel.label:
            layout["annotations"].append(_panel_label(panel.label, high, theme))
        if panel.empty:
            layout["annotations"].append(_message(panel.empty, (low + high) / 2, theme))
    return layout


def _shape(trace: dict[str, Any], yref: str) -> dict[str, Any]:
    """All marks of one colour as one path, in the units of the axes."""
    parts = []
    begun = False
    for x, y in zip(trace["x"].tolist(), trace["y"].tolist(), strict=True):
        gap = math.isnan(x)
        if not gap:
            parts.append(f"{'L' if begun else 'M'}{x:.6f},{y:.5f}")
        begun = not gap
    return {
        "type": "path", "path": "".join(parts), "xref": "x", "yref": yref, "line": {
            name: value for name, value in trace["line"].items() if name != "simplify"
        }, "fillcolor": "rgba(0,0,0,0)", "layer": "above",
    }  # fmt: skip


def _box(box: dict[str, Any], yref: str) -> dict[str, Any]:
    kind = "path" if "path" in box else "rect"
    return box | {"type": kind, "xref": "x", "yref": yref, "layer": "below"}


def _row_label(text: str, x: float, y: float, yref: str, theme: Theme) -> dict[str, Any]:
    return {
        "text": escape(text), "xref": "x", "yref": yref, "x": x, "y": y, "xanchor": "right",
        "yanchor": "middle", "showarrow": False, "font": {"size": 10.5, "color": theme.ink},
    }  # fmt: skip


def _image(picture: dict[str, Any], yref: str) -> dict[str, Any]:
    return picture | {
        "xref": "x", "yref": yref, "xanchor": "left", "yanchor": "top", "sizing": "stretch",
        "layer": "above",
    }  # fmt: skip


def _message(text: str, y: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": "<br>".join(escape(line) for line in wrap(text, 90)), "xref": "paper",
        "yref": "paper", "x": 0.5, "y": y, "xanchor": "center", "yanchor": "middle",
        "showarrow": False, "font": {"size": 13, "color": theme.muted},
    }  # fmt: skip


def _panel_label(text: str, y: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": f"<b>{escape(text)}</b>", "xref": "paper", "yref": "paper", "x": 0, "y": y,
        "xanchor": "left", "yanchor": "top", "xshift": 4, "yshift": -1, "showarrow": False,
        "font": {"size": 10.5, "color": theme.ink}, "bgcolor": theme.background, "opacity": 0.85,
        "borderpad": 1,
    }  # fmt: skip


def _x_axis(spec: FigureSpec, bound: Bound, theme: Theme, view: View) -> dict[str, Any]:
    panels = len(bound.panels)
    axis = _axis(theme) | {"anchor": f"y{panels if panels > 1 else ''}", "showline": True}
    if spec.x == "ms":
        log = {"type": "log"} if spec.scale == "log" else {}
        return axis | log | {"range": list(bound.x_range)} | _ticks(bound.x_ticks)
    if spec.x == "none":
        return axis | {
            "range": [0, view.width], "showgrid": False, "showline": False, "showticklabels": False
        }  # fmt: skip
    return axis | {
        "range": [view.begin, view.end],
        "nticks": max(3, int(view.width // 80)),
        "ticksuffix": " s",
        "showticksuffix": "last",
    }


def _y_axis(
    spec: FigureSpec, panel: Drawn, theme: Theme, domain: tuple[float, float]
) -> dict[str, Any]:
    axis = _axis(theme) | {
        "domain": list(domain),
        "range": list(panel.range),
        "anchor": "x",
    }
    if panel.rows:
        return axis | {
            "showgrid": False,
            "tickvals": list(range(len(panel.rows))),
            "ticktext": [escape(short(name)) for name in panel.rows],
        }
    if panel.ticks:
        return axis | ({"type": "log"} if panel.floor > 0 else {}) | _ticks(panel.ticks)
    if panel.empty or spec.x == "none":
        bare = {"showline": False} if spec.x == "none" else {}
        return axis | {"showgrid": False, "showticklabels": False} | bare
    return axis | {"tick0": panel.range[0], "dtick": panel.step, "tickformat": spec.tick_format}


def _ticks(ticks: list[tuple[float, str]]) -> dict[str, Any]:
    return {"tickvals": [at for at, _ in ticks], "ticktext": [text for _, text in ticks]}


def short(name: str) -> str:
    """A task's name in the room that the left margin has."""
    return name if len(name) <= 9 else name[:8] + "…"


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "gridcolor": theme.grid, "gridwidth": 1, "linecolor": theme.axis, "zeroline": False,
        "ticks": "", "fixedrange": True, "automargin": False,
        "tickfont": {"size": 10, "color": theme.muted},
    }  # fmt: skip


def _legend_rows(entries: list[dict[str, str]], width: float) -> int:
    used = sum(44 + 6 * len(entry["label"]) for entry in entries)
    return math.ceil(used / max(1.0, width))


def _legend_trace(entry: dict[str, str]) -> dict[str, Any]:
    """A trace without points, there for its line in the legend."""
    trace: dict[str, Any] = {
        "type": "scatter", "name": escape(entry["label"]), "x": [None], "y": [None],
        "showlegend": True, "hoverinfo": "skip",
    }  # fmt: skip
    if entry["symbol"] in ("line", "run"):
        line = {"color": entry["color"], "width": 1.6, "dash": entry["dash"]}
        return trace | {"mode": "lines", "line": line}
    symbol = "square-open" if entry["symbol"] == "open" else "square"
    size = 9 if entry["symbol"] == "area" else 6
    marker = {"color": entry["color"], "symbol": symbol, "size": size}
    return trace | {"mode": "markers", "marker": marker}


def traces_of(bound: Bound) -> list[dict[str, Any]]:
    """All lines, each on its panel's axis; a panel without one gets an empty trace."""
    out = []
    for i, panel in enumerate(bound.panels):
        axis = {"xaxis": "x", "yaxis": f"y{i + 1 if i else ''}"}
        nothing = {
            "type": "scatter", "x": [], "y": [], "meta": {}, "showlegend": False,
            "hoverinfo": "skip",
        }  # fmt: skip
        lines = [trace for trace in panel.traces if not trace["meta"].get("shape")]
        for trace in lines or [nothing]:
            y = np.maximum(trace["y"], panel.floor) if panel.floor > 0 else trace["y"]
            xy = {"x": numbers(trace["x"]), "y": numbers(y)}
            stack = {"stackgroup": f"{trace['stackgroup']}.{i}"} if "stackgroup" in trace else {}
            out.append(trace | axis | xy | stack)
    return out


def numbers(values: Any) -> list[float | None]:
    """A JSON list: None where there is no value."""
    return [None if math.isnan(v) else v for v in np.asarray(values, np.float64).tolist()]
