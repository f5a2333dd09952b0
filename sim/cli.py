"""``python -m sim``: the same scenarios, links and numbers as the page, without a page.

Exit codes: 0 done, 1 the run failed, 2 usage or a scenario that cannot run, 130 Ctrl-C.
Nothing that compiles kernels is imported before a run starts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sim import MODEL_VERSION, cli_compare, cli_sweep, cli_validate
from sim.cli_input import InputError, changed, check, intervened, scenario_of
from sim.scenario import Scenario, ScenarioError
from sim.warm import warm_scenarios

if TYPE_CHECKING:
    from sim.result import Result

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except InputError as error:
        return _say(str(error), USAGE)
    except KeyboardInterrupt:
        return _say("interrupted; nothing was written", INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _say(text: str, code: int) -> int:
    print(f"sim: {text}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim",
        description="Page reclaim and writeback of Linux 2.6.35 as a simulated machine.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    presets = _command(commands, "presets", _presets, "list the presets")
    run = _command(commands, "run", _run, "run a scenario and print its numbers")
    trace = _command(commands, "trace", _trace, "run a scenario and write its trace")
    metrics = _command(commands, "metrics", _metrics, "list the metrics: unit and formula")
    show = _command(commands, "show", _show, "read a recording or a saved run")
    cli_compare.add_command(partial(_command, commands))
    cli_sweep.add_command(partial(_command, commands))
    cli_validate.add_command(partial(_command, commands))
    _command(commands, "warm", _warm, "compile every kernel, so that the first run is fast")

    for command in (run, trace):
        command.add_argument(
            "scenario",
            metavar="NAME|FILE|LINK",
            help="a preset, a .json, .toml or .fio file, a recorded trace .csv, or a link",
        )
        command.add_argument(
            "--set", action="append", default=[], metavar="PATH=VALUE", dest="assignments",
            help="change a field, e.g. vm.dirty_ratio=40, patches=p5,p6, workloads.0.threads=2",
        )  # fmt: skip
        command.add_argument(
            "--at", action="append", default=[], metavar="TIME.WHAT.WHOSE.VALUE", dest="timeline",
            help="change something on the way, e.g. 20s.patch.p6.on, 30s.limit.box.32, "
            "40s.stall.disk.2000, 5s.vm.dirty_ratio.10, 5s.rate.w1.1024",
        )  # fmt: skip
        command.add_argument("--seed", type=int, help="the same as --set seed=N")
    run.add_argument("--save", type=Path, metavar="OUT.npz", help="keep the whole run")
    trace.add_argument("--format", choices=["ftrace", "blktrace", "chrome"], default="ftrace")
    trace.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of stdout")
    show.add_argument("path", type=Path, metavar="PATH", help="a recording, or OUT.npz of run")
    for command in (presets, run, metrics, show):
        command.add_argument("--json", action="store_true", help="machine-readable")
    return parser


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], help_: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_)
    parser.set_defaults(command=function)
    return parser


# ---- running


def _scenario(args: argparse.Namespace) -> Scenario:
    scenario, notes = scenario_of(args.scenario)
    for note in notes:
        print(f"sim: note: {note}", file=sys.stderr)
    seed = [] if args.seed is None else [f"seed={args.seed}"]
    scenario = intervened(changed(scenario, args.assignments + seed), args.timeline)
    check(scenario)
    return scenario


class _RunFailed(Exception):
    """The model raised; told already."""


def _simulate(scenario: Scenario) -> Result:
    from sim.runner import run

    progress = Progress(scenario.duration_ms * 1_000_000, sys.stderr)
    try:
        return run(scenario, on_chunk=progress.chunk if progress.shown else None)
    except ScenarioError as error:
        raise InputError(str(error)) from None
    except Exception as error:
        traceback.print_exc()
        raise _RunFailed(str(error)) from error
    finally:
        progress.clear()


def _failed(scenario: Scenario) -> int:
    return _say(f"the run failed: scenario {scenario.digest()}, seed {scenario.seed}", FAILED)


class Progress:
    """One line on a terminal that says how far a run is; silent elsewhere."""

    def __init__(self, end_ns: int, out: TextIO) -> None:
        """A run that ends at ``end_ns`` of simulated time."""
        self._end_ns = end_ns
        self._out = out if out.isatty() else None
        self.shown = self._out is not None
        self._begun = time.monotonic()

    def chunk(self, chunk: Result) -> None:
        """A slice of simulated time is done."""
        done_ns = int(chunk.meta["t1_ns"])
        wall_s = max(time.monotonic() - self._begun, 1e-3)
        self.line(
            f"{100 * done_ns // max(self._end_ns, 1):3d} %  {done_ns / 1e9:.1f} of "
            f"{self._end_ns / 1e9:.1f} s simulated, {done_ns / 1e9 / wall_s:.0f} x real time"
        )

    def line(self, text: str) -> None:
        """Replace the line."""
        if self._out:
            print(f"\r\x1b[K{text}", end="", file=self._out, flush=True)

    def clear(self) -> None:
        """Leave no line behind."""
        if self._out:
            print("\r\x1b[K", end="", file=self._out, flush=True)


def _run(args: argparse.Namespace) -> int:
    if args.save is not None:
        _check_folder(args.save)
    scenario = _scenario(args)
    try:
        result = _simulate(scenario)
    except _RunFailed:
        return _failed(scenario)
    if args.save is not None:
        result.save(args.save)
    if args.json:
        _print_json(_report(result, scenario))
    else:
        _print_identity(scenario, result)
        _print_metrics(result)
    return 0


def _check_folder(path: Path) -> None:
    """Before a run, not after it: the folder of an output must be there."""
    if not path.parent.is_dir():
        raise InputError(f"{path}: no such folder {path.parent}")


def _link(scenario: Scenario) -> str:
    from sim.scenario_url import encode

    try:
        return encode(scenario)
    except ScenarioError:
        return ""


def _report(result: Result, scenario: Scenario) -> dict[str, Any]:
    from sim.observe.metrics import metrics, victim_rows
    from sim.observe.stacks import deepest

    return {
        "scenario": scenario.to_dict(),
        "link": _link(scenario),
        "digest": scenario.digest(),
        "result_digest": result.digest(),
        "model_version": result.meta.get("model_version", MODEL_VERSION),
        "seed": scenario.seed,
        "metrics": metrics(result),
        "stacks": deepest(result),
        "victims": [row._asdict() for row in victim_rows(result)],
    }


def _chunks(format_: str, result: Result) -> Iterator[bytes]:
    from sim.observe import blktrace, ftrace, perfetto

    if format_ == "blktrace":
        return blktrace.chunks(result)
    if format_ == "chrome":
        return perfetto.chunks(result)
    return (f"{line}\n".encode("ascii") for line in ftrace.lines(result))


def _trace(args: argparse.Namespace) -> int:
    if args.output is not None:
        _check_folder(args.output)
    elif args.format == "blktrace" and sys.stdout.isatty():
        raise InputError("blktrace is binary: -o FILE, or pipe it into blkparse -i -")
    scenario = _scenario(args)
    try:
        result = _simulate(scenario)
    except _RunFailed:
        return _failed(scenario)
    if args.output is None:
        sys.stdout.buffer.writelines(_chunks(args.format, result))
        sys.stdout.flush()
        return 0
    partial = args.output.with_name(f".{args.output.name}.partial")
    try:
        with partial.open("wb") as out:
            out.writelines(_chunks(args.format, result))
        partial.replace(args.output)
    finally:
        partial.unlink(missing_ok=True)
    return 0


# ---- looking


def _presets(args: argparse.Namespace) -> int:
    from sim.presets import PRESETS

    if args.json:
        _print_json(
            {
                name: {
                    "title": preset.title,
                    "question": preset.question,
                    "source": preset.source,
                    "claims": list(preset.claims),
                    "link": _link(preset.scenario),
                    "scenario": preset.scenario.to_dict(),
                }
                for name, preset in PRESETS.items()
            }
        )
        return 0
    width = max(len(name) for name in PRESETS)
    for name, preset in PRESETS.items():
        print(f"{name:<{width}}  {preset.title}")
    return 0


def _metrics(args: argparse.Namespace) -> int:
    from sim.observe.metrics import METRICS

    if args.json:
        _print_json(
            {
                name: {"unit": m.unit, "formula": m.formula, "better": m.better, "title": m.title}
                for name, m in METRICS.items()
            }
        )
        return 0
    width = max(len(name) for name in METRICS)
    for name, metric in METRICS.items():
        print(f"{name:<{width}}  {metric.unit:<9} {metric.better:<7} {metric.formula}")
    return 0


def _show(args: argparse.Namespace) -> int:
    from sim.observe.metrics import metrics

    result = _read(args.path)
    if args.json:
        _print_json(
            {
                "meta": result.meta,
                "families": result.families,
                "result_digest": result.digest(),
                "metrics": metrics(result),
            }
        )
        return 0
    print(f"{args.path}: {result.meta.get('title', '')}, {result.meta.get('source', '')}")
    for family, state in result.families.items():
        print(f"  {family:<9} {state}")
    _print_metrics(result)
    return 0


def _read(path: Path) -> Result:
    from sim import traces
    from sim.result import Result as Saved

    try:
        if path.suffix == ".npz":
            return Saved.load(path)
        result: Result = traces.read(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}") from None
    return result


# ---- warming


def _warm(_args: argparse.Namespace) -> int:
    from sim.runner import run

    progress = Progress(0, sys.stderr)
    scenarios = list(warm_scenarios())
    begun = time.monotonic()
    try:
        for i, (name, scenario) in enumerate(scenarios, 1):
            progress.line(f"compiling kernels: {i} of {len(scenarios)}, {name}")
            run(scenario)
    finally:
        progress.clear()
    print(f"kernels ready in {time.monotonic() - begun:.1f} s")
    return 0


# ---- text


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2, allow_nan=False))


def _print_identity(scenario: Scenario, result: Result) -> None:
    print(f"scenario {scenario.digest()}  seed {scenario.seed}  result {result.digest()}", end="")
    print(f"  model {result.meta.get('model_version', MODEL_VERSION)}")
    link = _link(scenario)
    if link:
        print(f"link     ?{link}")
    print()


def _print_metrics(result: Result) -> None:
    """The headline, then every other metric that is not zero."""
    from sim.observe.metrics import HEADLINE, METRICS, metrics

    values = metrics(result)
    rest = [name for name in METRICS if name not in HEADLINE and values[name]]
    width = max(len(name) for name in (*HEADLINE, *rest))
    for names in (HEADLINE, rest):
        for name in names:
            if values[name] is not None:
                number = _number(values[name])
                print(f"{name:<{width}}  {number:>16} {METRICS[name].unit}".rstrip())
        print()


def _number(value: int | float | None) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.3f}"
