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
    from sim.validation.recorded import Row, Score
    from sim.validation.score import Range

RECORDINGS = "RECLAIM_LAB_RECORDINGS_DIR"
"""Environment variable that names the folder of recordings."""
MAX_SEEDS = 100
PUBLISHED, RECORDED, LINUX_6_1 = "published", "recorded", "linux-6.1"
DISAGREES = 1


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """``command(name, function, help) -> parser`` adds it to the others."""
    validate = command("validate", _validate, "compare with the recorded runs of the real kernel")
    validate.add_argument(
        "--recordings", type=Path, metavar="DIR",
        help=f"the recorded sets, or the 2.6.36 set alone; else ${RECORDINGS}",
    )  # fmt: skip
    validate.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each (3)")
    validate.add_argument(
        "--only",
        default="",
        metavar="NAME",
        help="a workload, e.g. spmix; linux-6.1: those recordings; published: the mails' tables",
    )
    validate.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="processes that simulate (2)"
    )
    validate.add_argument(
        "--strict", action="store_true", help="exit code 1 unless every scored row agrees"
    )
    validate.add_argument(
        "--save", type=Path, metavar="PATH",
        help="keep the result for the page, beside the other part (recorded, published) in PATH",
    )  # fmt: skip
    validate.add_argument("--json", action="store_true", help="machine-readable, with sources")
    validate.add_argument(
        "--sensitivity", action="store_true",
        help="instead: move each unknown parameter both ways, tell what hangs on it",
    )  # fmt: skip


def _folder(args: argparse.Namespace) -> Path:
    named = args.recordings or os.environ.get(RECORDINGS)
    if not named:
        raise InputError(f"say where the recordings are: --recordings DIR or ${RECORDINGS}")
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return folder


def _check_numbers(args: argparse.Namespace) -> None:
    if not 1 <= args.seeds <= MAX_SEEDS:
        raise InputError(f"--seeds {args.seeds}: must be 1 to {MAX_SEEDS}")
    if not 1 <= args.jobs <= MAX_SEEDS:
        raise InputError(f"--jobs {args.jobs}: must be 1 to {MAX_SEEDS}")


def _validate(args: argparse.Namespace) -> int:
    from sim.traces import TraceError
    from sim.validation.recorded import WORKLOADS

    _check_numbers(args)
    if args.sensitivity and (args.save or args.strict):
        raise InputError("--sensitivity goes with neither --save nor --strict")
    if args.sensitivity and args.only == PUBLISHED:
        return _sensitivity_of_tables(args)
    if args.only == PUBLISHED:
        return _against_tables(args)
    if args.only and args.only not in (*WORKLOADS, LINUX_6_1):
        names = ", ".join((*WORKLOADS, LINUX_6_1, PUBLISHED))
        raise InputError(f"--only {args.only}: one of {names}")
    try:
        if args.only == LINUX_6_1:
            return _against_6_1(_folder(args), args)
        return _against_recordings(_folder(args), args)
    except TraceError as error:
        raise InputError(str(error)) from None


def _against_recordings(folder: Path, args: argparse.Namespace) -> int:
    from sim.validation.recorded import groups, missing, parameters, score, table

    if not any(args.only in ("", workload) for workload, _ in groups(folder)):
        which = f" of {args.only}" if args.only else ""
        raise InputError(
            f"{folder}: no recorded run{which} of 2.6.36 (base v0, patched v7);"
            " results/*.json is looked for here and up to three folders below"
        )
    if args.sensitivity:
        return _sensitivity_of_recordings(folder, args)
    for name in missing(folder, args.only):
        print(f"sim: note: no recorded run of {name}", file=sys.stderr)
    facts = parameters(folder, args.only)
    if not args.json:
        _print_parameters(facts)
    rows = table(folder, args.seeds, args.only, _progress, args.jobs)
    total = score(rows)
    data: dict[str, Any] = {
        "rows": [row.to_dict() for row in rows],
        "score": {
            "rows": total.rows, "rows_ok": total.rows_ok,
            "signs": total.signs, "signs_ok": total.signs_ok,
        },
        "missing": missing(folder, args.only),
    }  # fmt: skip
    _keep(args, RECORDED, data)
    if args.json:
        print(json.dumps({**data, "parameters": facts}, indent=2, allow_nan=False))
    else:
        _print(rows)
        _print_score(total)
    return DISAGREES if args.strict and not total.agrees else 0


def _against_6_1(folder: Path, args: argparse.Namespace) -> int:
    from sim.validation import linux_6_1
    from sim.validation.recorded import score

    if args.sensitivity:
        raise InputError(f"--sensitivity does not go with --only {LINUX_6_1}")
    if not linux_6_1.groups(folder):
        raise InputError(f"{folder}: no recorded run of Linux 6.1 (S1.1, S4.1, S5X.1 ...)")
    facts = linux_6_1.parameters(folder)
    if not args.json:
        _print_parameters(facts)
    rows = linux_6_1.table(folder, args.seeds, args.jobs)
    total = score(rows)
    data = {
        "rows": [row.to_dict() for row in rows],
        "score": {"rows": total.rows, "rows_ok": total.rows_ok},
    }
    _keep(args, LINUX_6_1, data)
    if args.json:
        print(json.dumps({**data, "parameters": facts}, indent=2, allow_nan=False))
    else:
        _print(rows)
        print(f"\n{total.rows_ok} of {total.rows} scored rows agree")
    return DISAGREES if args.strict and not total.agrees else 0


def _sensitivity_of_recordings(folder: Path, args: argparse.Namespace) -> int:
    from sim.cli_sensitivity import print_settings
    from sim.validation.sensitivity import of_recordings

    settings = of_recordings(folder, args.seeds, args.only, args.jobs, _setting)
    print_settings(settings, as_json=args.json)
    return 0


def _sensitivity_of_tables(args: argparse.Namespace) -> int:
    from sim.cli_sensitivity import print_settings
    from sim.validation.restated import RESTATED
    from sim.validation.sensitivity import of_tables

    print_settings(of_tables(RESTATED, args.seeds, args.jobs, _setting), as_json=args.json)
    return 0


def _setting(what: str) -> None:
    _progress(what, "")


def _against_tables(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from sim.validation.published import NOISE, rows, score, tables
    from sim.validation.restated import RESTATED

    found = rows(args.seeds, args.jobs)
    directed, right, distance = score(found)
    wrong = [row for row in found if row.direction == "wrong"]
    data = {
        "rows": [asdict(row) for row in found],
        "scale": {name: restated.scale for name, restated in RESTATED.items()},
        "score": {"directions": directed, "directions_ok": right, "log2_median": distance},
    }
    sources = {
        name: {"title": table.title, "source": table.source, "message_id": table.message_id}
        for name, table in tables().items()
    }
    _keep(args, PUBLISHED, {**data, "tables": sources})
    if args.json:
        print(json.dumps(data, indent=2, allow_nan=False))
        return DISAGREES if args.strict and wrong else 0
    for name, table in tables().items():
        mine = [row for row in found if row.table == name]
        print(f"\n{name}: {table.title}\n  {table.source} {table.message_id}")
        if name not in RESTATED:
            print(f"  {len(mine)} rows missing: {mine[0].missing}")
            continue
        print(f"  scale: {RESTATED[name].scale}")
        column = ""
        for row in mine:
            if row.column != column:
                column = row.column
                head = f"{column} / {RESTATED[name].base}"
                print(f"  {head:<36} {'published':>10} {'simulated':>10} {'log2':>7}")
            cells = ["-" if v is None else f"{v:.2f}" for v in (row.published, row.simulated)]
            log2 = "-" if row.log2 is None else f"{row.log2:+.2f}"
            note = f"missing: {row.missing}" if row.missing else row.direction
            print(f"  {row.name:<36} {cells[0]:>10} {cells[1]:>10} {log2:>7}  {note}")
    far = "-" if distance is None else f"{distance:.2f}"
    print(
        f"\n{right} of {directed} published changes above {NOISE:.1f}x have their direction;"
        f" median |log2| of simulated over published ratio: {far}"
    )
    return DISAGREES if args.strict and wrong else 0


def _keep(args: argparse.Namespace, part: str, data: dict[str, Any]) -> None:
    """Into the file of ``--save``, with the command that made it."""
    from sim.validation.scoreboard import keep

    if args.save is None:
        return
    what = f" --only {args.only}" if args.only else ""
    where = "" if part == PUBLISHED else " --recordings DIR"
    command = f"python -m sim validate{where}{what} --seeds {args.seeds} --save PATH"
    try:
        keep(args.save, part, command, args.seeds, data)
    except (OSError, ValueError) as error:
        raise InputError(f"--save {args.save}: {error}") from None


def _progress(workload: str, variant: str) -> None:
    if sys.stderr.isatty():
        print(f"{workload} {variant} ...", file=sys.stderr)


# ---- text


def _print_parameters(facts: list[dict[str, Any]]) -> None:
    """Of each workload's first run; of the patched one only what differs."""
    before: dict[str, Any] = {}
    shown: tuple[str, str] | None = None
    for fact in facts:
        key = (fact["workload"], fact["variant"])
        if shown != key:
            if shown is None or shown[0] != key[0]:
                before = {}
            shown = key
            but = ", as before but for" if before else ""
            print(f"\n{key[0]} {key[1]}: parameters of its first run{but}")
        if before.get(fact["field"], ...) != fact["value"]:
            before[fact["field"]] = fact["value"]
            value = "default" if fact["value"] is None else json.dumps(fact["value"])
            print(f"  {fact['field']} = {value}\n      {fact['source']}")


def _print(rows: list[Row]) -> None:
    shown: tuple[str, str] | None = None
    for row in rows:
        if (row.workload, row.variant) != shown:
            shown = (row.workload, row.variant)
            real, ours = row.recorded, row.simulated
            print(f"\n{row.workload} {row.variant}", end="")
            print(f"  ({real.runs if real else 0} recorded, {ours.runs if ours else 0} simulated)")
            print(f"  {'':<24} {'recorded':>32} {'simulated':>32} {'ratio':>6}")
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        name = f"{row.name} {row.unit}".strip()
        real_text = _middle(row.recorded)
        sign = f"; change: {row.sign}" if row.sign else ""
        print(
            f"  {name:<24} {real_text:>32} {_middle(row.simulated):>32} {ratio:>6}"
            f"  {row.verdict}{sign}"
        )


def _print_score(total: Score) -> None:
    print(
        f"\n{total.rows_ok} of {total.rows} scored rows agree;"
        f" {total.signs_ok} of {total.signs} recorded changes have their sign"
    )


def _middle(values: Range | None) -> str:
    if values is None:
        return "-"
    if values.runs == 1:
        return _number(values.mid)
    return f"{_number(values.mid)} ({_number(values.low)}..{_number(values.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
