"""Several scenarios over several seeds in mmtests' rows: mean, confidence, change, significance.

Every scenario has the same seeds, so a change is the mean of the differences seed by seed, and its
95 % confidence interval that of Student's t over these differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.observe.metrics import METRICS, metrics
from sim.observe.tables import mmtests_rows
from sim.result import Result

CONFIDENCE = 0.95
Number = int | float
Sample = dict[str, Number | None]


def numbers(result: Result) -> Sample:
    """mmtests' rows by their names, and every metric by its own."""
    rows: Sample = {row.name: row.value for row in mmtests_rows(result)}
    return rows | metrics(result)


def units() -> dict[str, str]:
    """Unit of everything in ``numbers``."""
    rows = {row.name: row.unit for row in mmtests_rows(Result(meta={"duration_ns": 1}))}
    return rows | {name: metric.unit for name, metric in METRICS.items()}


def row_names() -> list[str]:
    """mmtests' rows, in their order."""
    return [row.name for row in mmtests_rows(Result(meta={"duration_ns": 1}))]


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of one scenario."""

    mean: float
    half_width: float | None
    """Half the confidence interval of the mean; None for a single seed."""
    change: float | None = None
    """Mean difference from the first scenario."""
    percent: float | None = None
    """The same in percent; None where the first scenario's mean is 0."""
    significant: bool | None = None
    """The interval of the difference leaves out 0; None: a single seed cannot tell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the comparison; a cell is None where a run lacks the number."""

    name: str
    unit: str
    cells: tuple[Cell | None, ...]


# ---- Student's t


def _two_sided(t: float, df: int) -> float:
    """P(|T| < t) for a whole number of degrees of freedom, in closed form (A&S 26.7.3, 26.7.4)."""
    theta = math.atan2(t, math.sqrt(df))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = df % 2 == 1
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for i in range((df - 1) // 2 if odd else df // 2):
        total += term
        step = 2 * i + (2 if odd else 1)
        term *= step / (step + 1) * cosine * cosine
    return 2 / math.pi * (theta + sine * total) if odd else sine * total


def t_quantile(df: int) -> float:
    """The t that |T| stays below with 95 % probability."""
    low, high = 0.0, 1000.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _two_sided(middle, df) < CONFIDENCE else (low, middle)
    return (low + high) / 2


def interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and half the width of its confidence interval."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, t_quantile(n - 1) * math.sqrt(variance / n)


# ---- the comparison


def _column(samples: Sequence[Sample], name: str) -> list[float] | None:
    values = [sample.get(name) for sample in samples]
    known = [float(value) for value in values if value is not None]
    return known if known and len(known) == len(values) else None


def _cell(values: list[float] | None, base: list[float] | None, *, first: bool) -> Cell | None:
    if values is None:
        return None
    mean, half = interval(values)
    if first or base is None:
        return Cell(mean, half)
    change, width = interval([b - a for a, b in zip(base, values, strict=True)])
    reference = interval(base)[0]
    percent = 100 * change / abs(reference) if reference else None
    return Cell(mean, half, change, percent, None if width is None else abs(change) > width)


def compare(samples: Sequence[Sequence[Sample]], names: Sequence[str] = ()) -> list[Line]:
    """Lines of scenarios' samples, seed by seed in the same order; the first is the baseline."""
    unit = units()
    lines = []
    for name in names or row_names():
        columns = [_column(runs, name) for runs in samples]
        cells = tuple(_cell(column, columns[0], first=i == 0) for i, column in enumerate(columns))
        lines.append(Line(name, unit[name], cells))
    return lines


def differs(lines: Sequence[Line]) -> bool:
    """Whether any scenario's mean differs from the first one's in any row."""
    return any(cell is not None and bool(cell.change) for line in lines for cell in line.cells)


# ---- text


def number(value: float) -> str:
    """Whole numbers from 100 on, else three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _texts(cell: Cell | None, *, first: bool) -> str:
    if cell is None:
        return "-"
    text = number(cell.mean)
    if cell.half_width:
        text += f" ± {number(cell.half_width)}"
    if first or cell.change is None:
        return text
    if not cell.change:
        return f"{text} (  0.00%) "
    percent = "   new " if cell.percent is None else f"{cell.percent:+6.2f}%"
    mark = "?" if cell.significant is None else "*" if cell.significant else " "
    return f"{text} ({percent}){mark}"


def _grid(lines: Sequence[Line], labels: Sequence[str]) -> list[list[str]]:
    head = ["", *labels]
    body = [
        [line.name, *(_texts(cell, first=i == 0) for i, cell in enumerate(line.cells))]
        for line in lines
    ]
    return [head, *body]


def as_table(lines: Sequence[Line], labels: Sequence[str]) -> list[str]:
    """Aligned columns."""
    grid = _grid(lines, labels)
    widths = [max(len(row[i]) for row in grid) for i in range(len(grid[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in grid
    ]


def as_markdown(lines: Sequence[Line], labels: Sequence[str]) -> list[str]:
    """A Markdown table."""
    head, *body = (
        [cell.strip().replace("|", "\\|") for cell in row] for row in _grid(lines, labels)
    )
    rule = ["---", *["---:"] * len(labels)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *body)]


def as_lkml(lines: Sequence[Line], labels: Sequence[str]) -> list[str]:
    """Plain ASCII for a mail: letters above the columns, what they stand for below."""
    letters = [chr(ord("A") + i) for i in range(len(labels))]
    text = [line.replace("±", "+-") for line in as_table(lines, letters)]
    return [*text, "", *(f"{a}: {label}" for a, label in zip(letters, labels, strict=True))]
