"""Tables published with the series: numbers as printed, and the model's answer where it has one.

A published number has a machine, a length and a noise of its own (throughput of one test varies
15 %), so a row is judged by what a patch does to it: patched over base, there and here, as
direction and as log2 of the ratio of the two ratios. A row that the model cannot do says why.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from sim.validation.published_rows import Numbers, measured, value, why_missing
from sim.validation.restated import NO_WORKLOAD, RESTATED, Restated
from sim.validation.workers import WORKERS, simulated

FOLDER = Path(__file__).resolve().parent / "published"
NOISE = 1.3
"""A published change smaller than this has no direction (sysbench: up to 15 % between runs)."""
SEEDS = 3


@dataclass(frozen=True, slots=True)
class Table:
    """One published table."""

    name: str
    title: str
    source: str
    message_id: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One published row of one patched column; ``missing`` says why the model has no answer."""

    table: str
    column: str
    """Empty where the table is not restated."""
    name: str
    published: float | None
    """Patched over base; None where base is 0."""
    simulated: float | None
    log2: float | None
    """Of simulated over published ratio."""
    direction: str
    """``ok``, ``wrong``, or empty: no direction was published, or there is none to compare."""
    missing: str


def tables() -> dict[str, Table]:
    """Every table by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.toml"))}


def _read(path: Path) -> Table:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {name: tuple(float(value) for value in row) for name, row in data["rows"].items()}
    columns = tuple(data["columns"])
    return Table(path.stem, data["title"], data["source"], data["message_id"], columns, rows)


def judge(
    table: str, column: str, name: str, published: tuple[float, float], ours: tuple[float, float]
) -> Row:
    """A row of (base, patched) there and here."""
    real, simulated_ = _ratio(published), _ratio(ours)
    log2 = math.log2(simulated_ / real) if real and simulated_ else None
    there, here = _direction(published, NOISE), _direction(ours, 1.0)
    direction = "" if not there else "ok" if there == here else "wrong"
    return Row(table, column, name, real, simulated_, log2, direction, "")


def _ratio(pair: tuple[float, float]) -> float | None:
    return pair[1] / pair[0] if pair[0] else None


def _direction(pair: tuple[float, float], noise: float) -> int:
    """1 up, -1 down, 0 within the noise."""
    before, after = pair
    return int(after > before * noise) - int(after * noise < before)


def score(found: list[Row]) -> tuple[int, int, float | None]:
    """Rows with a published direction, those of them with the same here, and median |log2|."""
    directed = [row for row in found if row.direction]
    distances = [abs(row.log2) for row in found if row.log2 is not None]
    right = sum(row.direction == "ok" for row in directed)
    return len(directed), right, median(distances) if distances else None


def rows(seeds: int = SEEDS, workers: int = WORKERS) -> list[Row]:
    """Every row of every table; those that can be restated are run: the median of the seeds."""
    ran = run_tables(RESTATED, seeds, workers)
    return [row for table in tables().values() for row in (ran.get(table.name) or _none(table))]


def run_tables(
    restated: Mapping[str, Restated], seeds: int = SEEDS, workers: int = WORKERS
) -> dict[str, list[Row]]:
    """Run these and judge their rows, by table."""
    wanted = [
        (name, column, replace(scenario, seed=seed))
        for name, one in restated.items()
        for column, scenario in one.runs.items()
        for seed in range(1, seeds + 1)
    ]
    until = [restated[name].until_over for name, _, _ in wanted]
    ran = simulated([scenario for _, _, scenario in wanted], measured, workers, until)
    seeded: dict[tuple[str, str], list[Numbers]] = {}
    for (name, column, _), numbers in zip(wanted, ran, strict=True):
        seeded.setdefault((name, column), []).append(numbers)
    known = tables()
    return {name: _restated_rows(known[name], one, seeded) for name, one in restated.items()}


def _none(table: Table) -> list[Row]:
    why = next(reason for word, reason in NO_WORKLOAD.items() if word in table.name)
    return [_missing(table, "", name, why) for name in table.rows]


def _missing(table: Table, column: str, name: str, why: str) -> Row:
    return Row(table.name, column, name, None, None, None, "", why)


def _restated_rows(
    table: Table, restated: Restated, seeded: dict[tuple[str, str], list[Numbers]]
) -> list[Row]:
    return [
        _restated_row(table, restated, column, name, seeded)
        for column in restated.runs
        if column != restated.base
        for name in table.rows
    ]


def _restated_row(
    table: Table,
    restated: Restated,
    column: str,
    name: str,
    seeded: dict[tuple[str, str], list[Numbers]],
) -> Row:
    pair = []
    for which in (restated.base, column):
        several = [value(name, restated, numbers) for numbers in seeded[table.name, which]]
        known = [v for v in several if v is not None]
        if not known:
            return _missing(table, column, name, why_missing(name, restated))
        pair.append(median(known))
    there = [table.rows[name][table.columns.index(which)] for which in (restated.base, column)]
    return judge(table.name, column, name, (there[0], there[1]), (pair[0], pair[1]))
