"""Numbers of A, and of B to D beside them: differences, which is better, a verdict, text to paste.

Everything follows by rule from the numbers; which way is better stands in sim.observe.metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.observe.metrics import HEADLINE, METRICS, Row, metrics, mmtests_rows
from sim.result import Result

Number = int | float | None

MMTESTS_METRICS = {
    "Major Faults": "major_faults",
    "Swap Ins": "swap_in",
    "Swap Outs": "swap_out",
    "Allocation stalls": "direct_reclaims",
    "Direct pages scanned": "direct_reclaim_pages_scanned",
    "Kswapd pages scanned": "kswapd_pages_scanned",
    "Kswapd pages reclaimed": "kswapd_pages_reclaimed",
    "Direct pages reclaimed": "direct_reclaim_pages_reclaimed",
    "Kswapd efficiency %": "kswapd_efficiency",
    "Direct efficiency %": "direct_efficiency",
    "Page writes by reclaim": "nr_vmscan_write",
    "Page writes anon": "swap_out",
    "FullCongest waits": "direct_congestion_waits",
    "FullCongest time waited": "congestion_wait_ms_total",
    "FullCongest direct waited": "direct_congestion_wait_ms",
    "FullCongest kswapd waited": "kswapd_congestion_wait_ms",
    "Time direct reclaim stalled": "direct_reclaim_stall_ms_total",
    "Time kswapd awake": "kswapd_awake_ms",
}
"""The metric that says which way an mmtests row is better; other rows get no mark."""

_LARGEST = 3
_VALUE, _CHANGE = 11, 9
"""Columns of the plain text, which stays below 78 characters."""


@dataclass(frozen=True)
class RunNumbers:
    """What is compared of one run."""

    label: str
    metrics: Mapping[str, Number]
    rows: list[Row] = field(default_factory=list)
    seed: int | None = None

    @classmethod
    def of(cls, result: Result, label: str) -> RunNumbers:
        """All numbers of a finished run."""
        return cls(label, metrics(result), mmtests_rows(result), result.meta.get("seed"))


@dataclass(frozen=True)
class Line:
    """One number of A and of those that are compared with it."""

    name: str
    formula: str
    unit: str
    values: tuple[Number, ...]
    better: str

    @property
    def known(self) -> bool:
        """Whether a run has it."""
        return any(value is not None for value in self.values)

    @property
    def a(self) -> Number:
        """The first run's."""
        return self.values[0]

    @property
    def b(self) -> Number:
        """The second run's."""
        return self.values[1] if len(self.values) > 1 else None

    @property
    def mark(self) -> str:
        """Of B: ``better``, ``worse``, or empty where neither is or they agree."""
        return self.marks[0] if self.marks else ""

    @property
    def marks(self) -> list[str]:
        """The mark of each run that is compared with A."""
        return [better_mark(self.a, value, self.better) for value in self.values[1:]]

    @property
    def changes(self) -> list[str]:
        """How each run that is compared differs from A, relatively."""
        return [change_text(self.a, value) for value in self.values[1:]]


def numbers_table(runs: list[RunNumbers]) -> dict[str, Any]:
    """Both tables, the verdict and the texts, for one run or up to four.

    Data, not components: numbers.js makes the tables. Eight hundred cells as Dash components
    block the page for seconds, and slow down every later update.
    """
    paired = len(runs) > 1
    mmtests, own = mmtests_lines(runs), metric_lines(runs)
    absent = len(METRICS) - len(own)
    between = ["B − A", "Change"] if len(runs) == 2 else []
    heads = [*(run.label for run in runs), *between, "Unit"]
    return {
        "tables": [
            {"heads": ["mmtests row", *heads], "rows": [_cells(x) for x in mmtests]},
            {"heads": ["Metric", *heads], "rows": [_cells(x) for x in own]},
        ],
        "verdict": verdict(runs) if paired else "",
        "note": f"{absent} further metrics were not recorded in this run." if absent else "",
        "markdown": markdown(runs, [*headline_lines(own), *mmtests]),
        "plain": plain(runs, [*headline_lines(own), *mmtests]),
    }


def metric_lines(runs: list[RunNumbers]) -> list[Line]:
    """Every metric that at least one run has."""
    lines = (
        Line(
            m.title, f"{name} = {m.formula}", m.unit,
            tuple(run.metrics.get(name) for run in runs), m.better,
        )
        for name, m in METRICS.items()
    )  # fmt: skip
    return [line for line in lines if line.known]


def mmtests_lines(runs: list[RunNumbers]) -> list[Line]:
    """The rows of mmtests that at least one run has."""
    lines = []
    for k, row in enumerate(runs[0].rows):
        values = tuple(run.rows[k].value for run in runs)
        metric = MMTESTS_METRICS.get(row.name)
        better = METRICS[metric].better if metric else ""
        lines.append(Line(row.name, f"mmtests: {row.name}", row.unit, values, better))
    return [line for line in lines if line.known]


def headline_lines(lines: list[Line]) -> list[Line]:
    """Those of the page's headline."""
    titles = {METRICS[name].title for name in HEADLINE}
    return [line for line in lines if line.name in titles]


def _cells(line: Line) -> dict[str, Any]:
    """Of two runs with their difference; of more, each with its change from A in its own cell."""
    cells = [number_text(value) for value in line.values]
    marks = ["" for _ in cells]
    if len(cells) == 2:
        cells += [difference_text(line.a, line.b), *line.changes]
        marks += ["", *line.marks]
    elif len(cells) > 2:
        told = zip(cells[1:], line.changes, strict=True)
        cells[1:] = [f"{cell} ({change})" if change else cell for cell, change in told]
        marks[1:] = line.marks
    return {
        "title": line.name, "formula": line.formula, "cells": cells, "marks": marks,
        "unit": line.unit,
    }  # fmt: skip


# ---- the verdict


def verdict(runs: list[RunNumbers]) -> str:
    """What differs from A, in words; one pair of runs says nothing about other seeds."""
    others = zip("BCD", runs[1:], strict=False)
    told = [_verdict([runs[0], other], letter) for letter, other in others]
    return " ".join([*(text for text, _ in told), *dict.fromkeys(text for _, text in told if text)])


def _verdict(runs: list[RunNumbers], letter: str) -> tuple[str, str]:
    """Of one pair: what differs, and how far that can be trusted."""
    lines = metric_lines(runs)
    if all(line.a == line.b for line in lines):
        return f"No difference: A and {letter} agree in all {len(lines)} numbers.", ""
    head = [line for line in headline_lines(lines) if line.mark]
    seeds = {str(run.seed) for run in runs if run.seed is not None}
    which = f" with seed {', '.join(sorted(seeds))}" if seeds else ""
    caution = (
        f"This is one pair of runs{which}: it does not tell a difference from seed noise, so "
        "repeat it with other seeds."
    )
    if not head:
        differ = sum(line.a != line.b for line in lines)
        none = f"No headline number is better or worse; {differ} other numbers differ."
        return (none if letter == "B" else f"{letter}: {none}"), caution
    better = sum(line.mark == "better" for line in head)
    largest = sorted(head, key=_size, reverse=True)[:_LARGEST]
    told = "; ".join(_told(line) for line in largest)
    count = f"{letter} is better in {better} and worse in {len(head) - better}"
    return f"{count} of {len(HEADLINE)} headline numbers. Largest: {told}.", caution


def _size(line: Line) -> float:
    """How much a number changed, as the logarithm of the ratio."""
    if not line.a or not line.b:
        return math.inf
    return abs(math.log(line.b / line.a))


def _told(line: Line) -> str:
    change = change_text(line.a, line.b)
    values = f"{number_text(line.a)} → {number_text(line.b)} {line.unit}"
    return f"{line.name} {values} ({f'{change}, ' if change else ''}{line.mark})"


# ---- texts to paste


def markdown(runs: list[RunNumbers], lines: list[Line]) -> str:
    """A table for a web page or a bug report."""
    heads = ["", runs[0].label]
    for run in runs[1:]:
        heads += [run.label, "change", ""]
    rows = [[*heads, "unit"], ["---", "---:", *["---:", "---:", "---"] * (len(runs) - 1), "---"]]
    for line in lines:
        row = [line.name, number_text(line.a)]
        for value, change, mark in zip(line.values[1:], line.changes, line.marks, strict=True):
            row += [number_text(value), change, mark]
        rows.append([*row, line.unit])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{verdict(runs)}\n\n{table}\n" if len(runs) > 1 else f"{table}\n"


def plain(runs: list[RunNumbers], lines: list[Line]) -> str:
    """Columns for a mail, below 78 characters; ASCII but for names of tasks."""
    paired = len(runs) > 1
    short = "ABCD"[: len(runs)]
    legend = [f"{letter}: {bare_label(run.label)}" for letter, run in zip(short, runs, strict=True)]
    width = 1 + max((len(named_with_unit(line)) for line in lines), default=0)
    out = [*legend, "", " " * width + "".join(letter.rjust(_VALUE) for letter in short)]
    for line in lines:
        text = named_with_unit(line).ljust(width)
        text += "".join(number_text(value).rjust(_VALUE) for value in line.values)
        if len(runs) == 2:
            text += f"{line.changes[0].rjust(_CHANGE)} {line.mark}"
        out.append(text.replace("−", "-").replace("–", "-").replace("×", "x").rstrip())
    if paired:
        out += ["", *folded(verdict(runs))]
    return "\n".join(out) + "\n"


def bare_label(label: str) -> str:
    """A run's label without its letter."""
    return label.partition(": ")[2] or label


def named_with_unit(line: Line) -> str:
    """A number's name, its unit behind it where the name does not say it."""
    told = line.unit in line.name.lower() or line.name.endswith("%")
    return line.name if told else f"{line.name}, {line.unit}"


def folded(text: str, most: int = 72) -> list[str]:
    """Lines of at most so many characters, but for longer words; ASCII signs for arrows."""
    lines = [""]
    for word in text.replace("−", "-").replace("→", "->").replace("×", "x").split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > most:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines


# ---- single values


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
