"""``python -m sim sweep``: one or two parameters through a list of values each, over seeds."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sim.cli_input import InputError, changed, check, scenario_of
from sim.scenario import Scenario
from sim.scenario_url import encode

if TYPE_CHECKING:
    from sim.observe.mmtests import Sample

MAX_RUNS, MAX_VALUES, MAX_SEEDS = 1000, 50, 100
INTERRUPTED = 130
WIDTH = 9


@dataclass(frozen=True, slots=True)
class Axis:
    """A field and the values it takes, as on the command line."""

    path: str
    values: tuple[str, ...]


@dataclass(slots=True)
class Sweep:
    """The grid: rows along y, columns along x, and what its runs gave so far."""

    x: Axis
    y: Axis
    scenarios: list[list[Scenario]]
    found: list[list[list[Sample]]]


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """``command(name, function, help) -> parser`` adds it to the others."""
    parser = command("sweep", _sweep, "one or two parameters through several values each")
    parser.add_argument("scenario", help="a preset, a scenario file or a link")
    parser.add_argument(
        "--x", required=True, metavar="PATH=A/B/C", help="as --set of run, values parted by /"
    )
    parser.add_argument("--y", default="", metavar="PATH=A/B/C", help="the rows' parameter")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="of every cell, as of run"
    )
    parser.add_argument(
        "--metric", action="append", required=True, metavar="NAME",
        help="a row or metric of each cell (repeatable); see: python -m sim metrics",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each cell (1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument(
        "--format", choices=["table", "csv", "json"], default="table",
        help="means and intervals, every run, or both with links",
    )  # fmt: skip


def _sweep(args: argparse.Namespace) -> int:
    for name, value in (("--seeds", args.seeds), ("--jobs", args.jobs)):
        if not 1 <= value <= MAX_SEEDS:
            raise InputError(f"{name} {value}: must be 1 to {MAX_SEEDS}")
    from sim.observe import mmtests

    unknown = [name for name in args.metric if name not in mmtests.units()]
    if unknown:
        raise InputError(f"--metric {unknown[0]}: no such row or metric; see: sim metrics")
    scenario, notes = scenario_of(args.scenario)
    for note in notes:
        print(f"sim: note: {note}", file=sys.stderr)
    x = _axis("--x", args.x)
    y = _axis("--y", args.y) if args.y else Axis("", ("",))
    runs = len(x.values) * len(y.values) * args.seeds
    if runs > MAX_RUNS:
        raise InputError(f"{runs} runs: at most {MAX_RUNS}")
    scenario = changed(scenario, args.set)
    sweep = Sweep(x, y, _grid(scenario, x, y), [[[] for _ in x.values] for _ in y.values])
    interrupted = False
    try:
        for done, (row, column, sample) in enumerate(_run(sweep, args.seeds, args.jobs), 1):
            sweep.found[row][column].append(sample)
            if sys.stderr.isatty():
                print(f"\r{done} of {runs}", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        interrupted = True
    if sys.stderr.isatty():
        print(file=sys.stderr)
    {"table": _print_tables, "csv": _print_csv, "json": _print_json}[args.format](
        sweep, args.metric
    )
    if interrupted:
        print("sim: interrupted; cells that are not complete say so", file=sys.stderr)
    return INTERRUPTED if interrupted else 0


def _axis(option: str, text: str) -> Axis:
    path, equals, values = text.partition("=")
    found = tuple(value.strip() for value in values.split("/") if value.strip())
    if not equals or not found:
        raise InputError(f"{option} {text}: must be path=value/value/...")
    if len(found) > MAX_VALUES:
        raise InputError(f"{option}: {len(found)} values, at most {MAX_VALUES}")
    return Axis(path.strip(), found)


def _grid(scenario: Scenario, x: Axis, y: Axis) -> list[list[Scenario]]:
    """Every cell's scenario, each of which can run.

    Raises:
        InputError: one cannot, with the field and the limit.
    """
    rows = []
    for below in y.values:
        row = []
        for across in x.values:
            assignments = [f"{y.path}={below}"] if y.path else []
            cell = changed(scenario, [*assignments, f"{x.path}={across}"])
            check(cell)
            row.append(cell)
        rows.append(row)
    return rows


def _run(sweep: Sweep, seeds: int, jobs: int) -> Iterator[tuple[int, int, Sample]]:
    """(row, column, numbers) of each run, in the order of the table."""
    from sim.observe.mmtests import numbers
    from sim.validation.workers import simulated

    places = [
        (row, column, replace(cell, seed=seed + 1))
        for row, cells in enumerate(sweep.scenarios)
        for column, cell in enumerate(cells)
        for seed in range(seeds)
    ]
    results = simulated([scenario for _, _, scenario in places], numbers, jobs)
    for (row, column, _), sample in zip(places, results, strict=True):
        yield row, column, sample


# ---- text


def _mean(samples: list[Sample], metric: str) -> tuple[float, float | None] | None:
    """Mean and half its 95 % interval; None where a run lacks the number, or none has ended."""
    from sim.observe.mmtests import interval

    values = [sample.get(metric) for sample in samples]
    known = [float(value) for value in values if value is not None]
    return interval(known) if known and len(known) == len(values) else None


def _cell(samples: list[Sample], metric: str) -> str:
    found = _mean(samples, metric)
    if found is None:
        return "-"
    mean, half = found
    return f"{mean:.5g}" if half is None else f"{mean:.5g} ± {half:.2g}"


def _print_tables(sweep: Sweep, metrics: list[str]) -> None:
    from sim.observe.mmtests import units

    for i, metric in enumerate(metrics):
        table = [[_cell(samples, metric) for samples in row] for row in sweep.found]
        below = [f"{sweep.y.path}={value}" if sweep.y.path else "" for value in sweep.y.values]
        wide = max(WIDTH, *(len(text) for row in [sweep.x.values, *table] for text in row))
        first = max(map(len, below))
        print("\n" * (i > 0) + f"{metric}, {units()[metric]}, across: {sweep.x.path}")
        print(" " * first + "".join(f"  {value:>{wide}}" for value in sweep.x.values))
        for name, row in zip(below, table, strict=True):
            print(f"{name:<{first}}" + "".join(f"  {text:>{wide}}" for text in row))


def _print_csv(sweep: Sweep, metrics: list[str]) -> None:
    """A line for each run."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    axes = [axis.path for axis in (sweep.y, sweep.x) if axis.path]
    writer.writerow([*axes, "seed", *metrics])
    for below, row in zip(sweep.y.values, sweep.found, strict=True):
        for across, samples in zip(sweep.x.values, row, strict=True):
            for seed, sample in enumerate(samples, 1):
                place = [below, across] if sweep.y.path else [across]
                numbers = ["" if sample.get(m) is None else sample[m] for m in metrics]
                writer.writerow([*place, seed, *numbers])


def _print_json(sweep: Sweep, metrics: list[str]) -> None:
    from sim.observe.mmtests import units

    cells: list[dict[str, Any]] = []
    for below, row, scenarios in zip(sweep.y.values, sweep.found, sweep.scenarios, strict=True):
        for across, samples, scenario in zip(sweep.x.values, row, scenarios, strict=True):
            means = {metric: _mean(samples, metric) for metric in metrics}
            cells.append(
                {
                    "x": across, "y": below, "link": f"/?{encode(scenario)}",
                    "digest": scenario.digest(), "runs": len(samples),
                    "metrics": {
                        name: {
                            "mean": None if found is None else found[0],
                            "half_width": None if found is None else found[1],
                            "values": [sample.get(name) for sample in samples],
                        }
                        for name, found in means.items()
                    },
                }
            )  # fmt: skip
    data = {
        "x": sweep.x.path, "y": sweep.y.path,
        "units": {metric: units()[metric] for metric in metrics}, "cells": cells,
    }  # fmt: skip
    print(json.dumps(data, indent=2, allow_nan=False))
