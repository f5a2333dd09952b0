"""A against B: how to get a B, what differs in words, and the table of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.spec import Option
from dashboard.controls.widgets import toggles
from sim.observe.metrics import METRICS

Component = Any
Number = int | float | None


def compare_bar() -> Component:
    """Under the title: fork, or what B is."""
    return html.Div(
        [
            html.Div(
                [
                    html.Button(
                        "Fork as B",
                        id=ids.FORK,
                        className="button",
                        title="Compare this scenario with a copy, then change the copy",
                    ),
                    html.Button(
                        "B = patches 5 and 6 flipped", id=ids.FORK_PATCHED, className="button"
                    ),
                ],
                className="when-single",
            ),
            html.Div(
                [
                    html.P(id=ids.IN_WORDS, className="in-words"),
                    toggles(ids.OVERLAY, (Option("on", "Overlay B"),), "on", "Overlay", many=True),
                    html.Button("Swap A and B", id=ids.SWAP, className="button"),
                    html.Button("Drop B", id=ids.DROP, className="button"),
                ],
                className="when-paired",
            ),
            html.Details(
                [
                    html.Summary("B from a link"),
                    html.Div(
                        [
                            html.Label(
                                "Link or differences, such as p=p5.p6",
                                htmlFor=ids.OTHER,
                                className="offscreen",
                            ),
                            dcc.Input(
                                id=ids.OTHER,
                                type="text",
                                value="",
                                debounce=True,
                                className="field wide",
                                autoComplete="off",
                                spellCheck=False,
                                placeholder="a link, or differences from A: p=p5.p6&dr=40",
                            ),
                            html.Button("Compare", id=ids.OTHER_SET, className="button"),
                        ],
                        className="other-row",
                    ),
                    html.P(id=ids.OTHER_NOTE, className="quiet", role="status"),
                ],
                className="other",
            ),
        ],
        id=ids.BAR,
        className="compare-bar",
        **attributes({"data-paired": "false"}),
    )


def numbers() -> Component:
    """The panel of the table."""
    return html.Div(id=ids.NUMBERS, className="numbers")


def numbers_table(
    a: Mapping[str, Number], b: Mapping[str, Number] | None, names: list[str]
) -> dict[str, Any]:
    """Every metric that at least one run has: value, difference, which is better.

    Data, not components: clientside.js makes the table. Eight hundred cells as Dash components
    block the page for seconds, and slow down every later update.
    """
    known = [name for name in METRICS if _known(name, a, b)]
    absent = len(METRICS) - len(known)
    return {
        "heads": ["Metric", *names, *(["B − A", "Change"] if b is not None else []), "Unit"],
        "rows": [_row(name, a.get(name), b) for name in known],
        "verdict": _verdict(a, b) if b is not None else "",
        "note": f"{absent} further metrics were not recorded in this run." if absent else "",
    }


def _known(name: str, a: Mapping[str, Number], b: Mapping[str, Number] | None) -> bool:
    return a.get(name) is not None or (b is not None and b.get(name) is not None)


def _verdict(a: Mapping[str, Number], b: Mapping[str, Number]) -> str:
    """Counts, not a judgement: one pair of runs says nothing about seeds."""
    differ = [n for n in METRICS if _known(n, a, b) and a.get(n) != b.get(n)]
    if not differ:
        return "A and B agree in every number: no difference."
    return (
        f"{len(differ)} numbers differ in this one pair of runs. One seed is no evidence: repeat "
        "with other seeds before you conclude."
    )


def _row(name: str, a: Number, b: Mapping[str, Number] | None) -> dict[str, Any]:
    metric = METRICS[name]
    cells = [number_text(a)]
    mark = ""
    if b is not None:
        other = b.get(name)
        cells += [number_text(other), difference_text(a, other), change_text(a, other)]
        mark = better_mark(a, other, metric.better)
    formula = f"{name} = {metric.formula}"
    return {
        "title": metric.title, "formula": formula, "cells": cells, "mark": mark,
        "unit": metric.unit,
    }  # fmt: skip


def number_text(value: Number) -> str:
    """A number as people read it: grouped, four significant digits; – where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def difference_text(a: Number, b: Number) -> str:
    """B − A with its sign."""
    if a is None or b is None:
        return "–"
    text = number_text(abs(b - a))
    return "0" if b == a else f"{'+' if b > a else '−'}{text}"


def change_text(a: Number, b: Number) -> str:
    """Relative to A, in percent; empty where A is 0."""
    if a is None or b is None or a in (0, b):
        return ""
    percent = (b - a) / abs(a) * 100
    return f"×{b / a:.3g}" if percent > 1000 else f"{percent:+.1f} %".replace("-", "−")


def better_mark(a: Number, b: Number, better: str) -> str:
    """``better``, ``worse``, or empty where neither is or they agree."""
    if a is None or b is None or a == b or not better:
        return ""
    return "better" if (b < a) == (better == "lower") else "worse"
