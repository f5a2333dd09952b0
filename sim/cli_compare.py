"""``python -m sim compare``: scenarios side by side over seeds, and expectations as exit code."""

from __future__ import annotations

import argparse
import json
import math
import operator
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sim.cli_input import InputError, check, scenario_of
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.observe.mmtests import Cell, Line

MAX_SCENARIOS, MAX_SEEDS, MAX_LABEL = 8, 100, 60
VIOLATED = 1
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    ">=": operator.ge, ">": operator.gt,
    "lt": operator.lt, "le": operator.le, "eq": operator.eq, "ne": operator.ne,
    "ge": operator.ge, "gt": operator.gt,
}  # fmt: skip


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """``command(name, function, help) -> parser`` adds it to the others."""
    parser = command("compare", _compare, "compare scenarios over seeds, in mmtests' rows")
    parser.add_argument("baseline", metavar="A", help="a preset, a scenario file or a link")
    parser.add_argument("others", nargs="+", metavar="B", help="what is compared with it")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each (3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--format", choices=["table", "markdown", "lkml"], default="table")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument(
        "--expect", nargs=3, action="append", default=[], metavar=("METRIC", "OP", "VALUE"),
        help="a row or metric whose mean in every B must be so, e.g. written_direct_pages eq 0;"
        " with VALUE%%, its change from A; exit code 1 if it is not (repeatable)",
    )  # fmt: skip


def _compare(args: argparse.Namespace) -> int:
    for name, value in (("--seeds", args.seeds), ("--jobs", args.jobs)):
        if not 1 <= value <= MAX_SEEDS:
            raise InputError(f"{name} {value}: must be 1 to {MAX_SEEDS}")
    texts = [args.baseline, *args.others]
    if len(texts) > MAX_SCENARIOS:
        raise InputError(f"{len(texts)} scenarios: at most {MAX_SCENARIOS}")
    scenarios = [_scenario(text) for text in texts]
    from sim.observe import mmtests

    for expectation in args.expect:
        _check_expectation(expectation, mmtests.units())
    seeds = range(1, args.seeds + 1)
    samples = _samples(scenarios, list(seeds), args.jobs)
    lines = mmtests.compare(samples)
    failures = [
        failure
        for name, op, value in args.expect
        for failure in _violations(mmtests.compare(samples, [name])[0], op, value, texts)
    ]
    if args.json:
        _print_json(lines, scenarios, list(seeds), failures)
    else:
        _print(args.format, lines, texts, args.seeds)
    for failure in failures:
        print(f"sim: not as expected: {failure}", file=sys.stderr)
    return VIOLATED if failures else 0


def _scenario(text: str) -> Scenario:
    scenario, notes = scenario_of(text)
    for note in notes:
        print(f"sim: note: {text[:MAX_LABEL]}: {note}", file=sys.stderr)
    check(scenario)
    return scenario


def _samples(scenarios: list[Scenario], seeds: list[int], jobs: int) -> list[list[dict[str, Any]]]:
    from sim.observe.mmtests import numbers
    from sim.validation.workers import simulated

    every = [replace(scenario, seed=seed) for scenario in scenarios for seed in seeds]
    found = list(simulated(every, numbers, jobs))
    return [found[i : i + len(seeds)] for i in range(0, len(found), len(seeds))]


# ---- expectations


def _check_expectation(expectation: list[str], known: dict[str, str]) -> None:
    name, op, value = expectation
    if name not in known:
        raise InputError(f"--expect {name}: no such row or metric; see: python -m sim metrics")
    if op not in OPERATORS:
        raise InputError(f"--expect {name} {op}: one of {' '.join(OPERATORS)}")
    try:
        amount = float(value.removesuffix("%"))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise InputError(f"--expect {name} {op} {value}: must be a number, or a number and %")


def _violations(line: Line, op: str, value: str, texts: list[str]) -> list[str]:
    wanted = float(value.removesuffix("%"))
    found = []
    for text, cell in zip(texts[1:], line.cells[1:], strict=True):
        actual = _actual(cell, percent=value.endswith("%"))
        if actual is None or not OPERATORS[op](actual, wanted):
            shown = "not known" if actual is None else f"{actual:.6g}"
            sign = "%" if value.endswith("%") and actual is not None else ""
            found.append(f"{line.name} {op} {value}: {shown}{sign} in {text[:MAX_LABEL]}")
    return found


def _actual(cell: Cell | None, *, percent: bool) -> float | None:
    if cell is None or not percent:
        return None if cell is None else cell.mean
    return 0.0 if cell.change == 0 else cell.percent


# ---- text


def _print(format_: str, lines: list[Line], texts: list[str], seeds: int) -> None:
    from sim.observe import mmtests

    if not mmtests.differs(lines):
        print(f"no difference in any row, {seeds} seed{'s' * (seeds != 1)}")
        return
    write = {
        "table": mmtests.as_table, "markdown": mmtests.as_markdown, "lkml": mmtests.as_lkml,
    }[format_]  # fmt: skip
    print("\n".join(write(lines, [text[:MAX_LABEL] for text in texts])))
    print()
    if seeds == 1:
        print("1 seed: ? = a single run cannot tell whether a change is more than chance")
    else:
        print(
            f"{seeds} seeds, the same in each column; mean +- 95 % confidence interval;"
            " * = the interval\nof the change leaves out 0 (of 20 rows without a change,"
            " one has it by chance)"
        )


def _print_json(
    lines: list[Line], scenarios: list[Scenario], seeds: list[int], failures: list[str]
) -> None:
    from sim.observe import mmtests

    data = {
        "scenarios": [scenario.to_dict() for scenario in scenarios],
        "digests": [scenario.digest() for scenario in scenarios],
        "seeds": seeds,
        "different": mmtests.differs(lines),
        "rows": [asdict(line) for line in lines],
        "violated": failures,
    }
    print(json.dumps(data, indent=2, allow_nan=False))
