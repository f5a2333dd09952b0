"""Recorded against simulated, workload by workload and variant by variant.

The simulated runs have the parameters of the recorded ones (``traces.scenario_for``), their seeds
are their own. Nothing here is fitted, and nothing is scored: a row says what both sides are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from sim import traces
from sim.result import Result
from sim.runner import run
from sim.traces import Recording
from sim.validation.observables import OBSERVABLES, Observable

WORKLOADS = ("seq", "mcgseq", "mcgmix", "spmix")
VARIANTS = ("v0", "v7")
"""Base, and patches 5 and 6 in the form that was recorded."""
BASE, PATCHED = VARIANTS
FACTOR = 3

OK, FAR, WRONG_SIGN, ABSENT = "ok", f"factor > {FACTOR}", "wrong sign", "not recorded"


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest, middle and largest value over the runs that have one."""

    low: float
    mid: float
    high: float
    runs: int


@dataclass(slots=True)
class Row:
    """One observable of one workload and variant."""

    workload: str
    variant: str
    name: str
    unit: str
    recorded: Range | None
    simulated: Range | None
    ratio: float | None
    """Simulated over recorded median; None when either is next to nothing."""
    flag: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def groups(folder: Path) -> dict[tuple[str, str], list[Recording]]:
    """The recorded runs to compare with: no stack tracer, and of the parameters stated.

    Run 0 of mcgseq had other parameters; it counts only where there is no other run.
    """
    found: dict[tuple[str, str], list[Recording]] = {}
    for recording in traces.catalogue(folder):
        key = (recording.workload, recording.variant)
        known = recording.workload in WORKLOADS and recording.variant in VARIANTS
        if recording.kernel == "2.6.36" and known and "_stk" not in recording.name:
            found.setdefault(key, []).append(recording)
    for key, recordings in found.items():
        found[key] = [r for r in recordings if r.seed > 0] or recordings
    order = {(w, v): i for i, (w, v) in enumerate((w, v) for w in WORKLOADS for v in VARIANTS)}
    return dict(sorted(found.items(), key=lambda item: order[item[0]]))


def simulate(recordings: list[Recording], seeds: int) -> list[Result]:
    """``seeds`` runs, seed 1 on, taking the parameters of the recorded runs in turn."""
    results = []
    for i in range(seeds):
        scenario = traces.scenario_for(recordings[i % len(recordings)])
        if scenario is not None:
            results.append(run(replace(scenario, seed=i + 1)))
    return results


def parameters(folder: Path, only: str = "") -> list[dict[str, Any]]:
    """Every parameter of each group's first run, with its source."""
    return [
        {"workload": workload, "variant": variant, "field": fact.field, "value": fact.value,
         "source": fact.source}
        for (workload, variant), recordings in groups(folder).items()
        if only in ("", workload)
        for fact in traces.facts_of(recordings[0])
    ]  # fmt: skip


def table(
    folder: Path,
    seeds: int = 3,
    only: str = "",
    on_group: Callable[[str, str], None] | None = None,
) -> list[Row]:
    """All rows.

    Args:
        folder: of the recorded 2.6.36 set.
        seeds: simulated runs per workload and variant.
        only: one workload instead of all.
        on_group: told of each workload and variant before its runs.
    """
    rows: list[Row] = []
    for (workload, variant), recordings in groups(folder).items():
        if only not in ("", workload):
            continue
        if on_group is not None:
            on_group(workload, variant)
        recorded = [traces.read(r.path) for r in recordings]
        simulated = simulate(recordings, seeds)
        rows += [
            _row(workload, variant, observable, recorded, simulated) for observable in OBSERVABLES
        ]
    _mark_signs(rows)
    return rows


def _range(results: list[Result], observable: Observable) -> Range | None:
    values = [v for v in (observable.measure(r) for r in results) if v is not None]
    if not values:
        return None
    return Range(min(values), median(values), max(values), len(values))


def _row(
    workload: str,
    variant: str,
    observable: Observable,
    recorded: list[Result],
    simulated: list[Result],
) -> Row:
    real, ours = _range(recorded, observable), _range(simulated, observable)
    ratio, flag = compare(real, ours, observable.floor)
    return Row(workload, variant, observable.name, observable.unit, real, ours, ratio, flag)


def compare(real: Range | None, ours: Range | None, floor: float) -> tuple[float | None, str]:
    """(ratio of the medians, flag). Far is more than FACTOR outside the recorded range."""
    if real is None or ours is None:
        # A context that wrote nothing has no average: that both or neither wrote shows elsewhere.
        return None, ABSENT
    ratio = ours.mid / real.mid if real.mid >= floor and ours.mid >= floor else None
    if real.low <= ours.mid <= real.high:
        return ratio, OK
    too_high = ours.mid > FACTOR * max(real.high, floor)
    too_low = max(ours.mid, floor) * FACTOR < real.low
    return ratio, FAR if too_high or too_low else OK


def _mark_signs(rows: list[Row]) -> None:
    """Flag patched rows whose change from base goes the other way.

    Only where the recorded ranges of base and patched do not overlap: seeds differ by more else.
    """
    floors = {observable.name: observable.floor for observable in OBSERVABLES}
    base = {(row.workload, row.name): row for row in rows if row.variant == BASE}
    for row in rows:
        before = base.get((row.workload, row.name))
        if row.variant != PATCHED or before is None or row.recorded is None:
            continue
        if before.recorded is None or before.simulated is None or row.simulated is None:
            continue
        real = _change(before.recorded, row.recorded, floors[row.name])
        ours = row.simulated.mid - before.simulated.mid
        if real * ours < 0 and abs(ours) >= floors[row.name]:
            row.flag = WRONG_SIGN


def _change(before: Range, after: Range, floor: float) -> float:
    """The change of the medians, 0 when the ranges overlap or it is next to nothing."""
    apart = after.low > before.high or after.high < before.low
    change = after.mid - before.mid
    return change if apart and abs(change) >= floor else 0.0
