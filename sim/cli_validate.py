"""``python -m sim validate``: the model against the recorded 2.6.36 runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli_input import InputError

if TYPE_CHECKING:
    from sim.validation.recorded import Range, Row

RECORDINGS = "RECLAIM_LAB_RECORDINGS_DIR"
"""Environment variable that names the folder of recordings."""


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """``command(name, function, help) -> parser`` adds it to the others."""
    validate = command("validate", _validate, "compare with the recorded runs of the real kernel")
    validate.add_argument(
        "--recordings", type=Path, metavar="DIR", help=f"the 2.6.36 set; else ${RECORDINGS}"
    )
    validate.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each (3)")
    validate.add_argument("--only", default="", metavar="NAME", help="one workload, e.g. spmix")
    validate.add_argument("--json", action="store_true", help="machine-readable, with sources")


def _folder(args: argparse.Namespace) -> Path:
    named = args.recordings or os.environ.get(RECORDINGS)
    if not named:
        raise InputError(f"say where the recordings are: --recordings DIR or ${RECORDINGS}")
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return folder


def _validate(args: argparse.Namespace) -> int:
    from sim.validation.recorded import WORKLOADS, groups, parameters, table

    folder = _folder(args)
    if args.only and args.only not in WORKLOADS:
        raise InputError(f"--only {args.only}: one of {', '.join(WORKLOADS)}")
    if args.seeds < 1:
        raise InputError("--seeds: at least 1")
    if not groups(folder):
        raise InputError(f"{folder}: no recorded run of 2.6.36 with and without the patches")
    rows = table(folder, args.seeds, args.only, _progress)
    if args.json:
        data: dict[str, Any] = {
            "rows": [row.to_dict() for row in rows],
            "parameters": parameters(folder, args.only),
        }
        print(json.dumps(data, indent=2, allow_nan=False))
    else:
        _print(rows)
    return 0


def _progress(workload: str, variant: str) -> None:
    if sys.stderr.isatty():
        print(f"{workload} {variant} ...", file=sys.stderr)


def _print(rows: list[Row]) -> None:
    shown: tuple[str, str] | None = None
    for row in rows:
        if (row.workload, row.variant) != shown:
            shown = (row.workload, row.variant)
            real, ours = row.recorded, row.simulated
            print(f"\n{row.workload} {row.variant}", end="")
            print(f"  ({real.runs if real else 0} recorded, {ours.runs if ours else 0} simulated)")
            print(f"  {'':<24} {'recorded':>26} {'simulated':>32} {'ratio':>6}")
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        name = f"{row.name} {row.unit}".strip()
        real_text = _span(row.recorded)
        print(f"  {name:<24} {real_text:>26} {_middle(row.simulated):>32} {ratio:>6}  {row.flag}")


def _span(values: Range | None) -> str:
    if values is None:
        return "-"
    if values.low == values.high:
        return _number(values.low)
    return f"{_number(values.low)}..{_number(values.high)}"


def _middle(values: Range | None) -> str:
    if values is None:
        return "-"
    return f"{_number(values.mid)} ({_number(values.low)}..{_number(values.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
