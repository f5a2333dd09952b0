"""Recorded against simulated, workload by workload and variant by variant.

The simulated runs have the parameters of the recorded ones (``traces.scenario_for``), their seeds
are their own. Nothing here is fitted; ``score`` says when a row agrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sim import traces
from sim.scenario import Scenario
from sim.traces import Recording
from sim.validation.observables import OBSERVABLES, STACKS, Number, measured
from sim.validation.score import FAILURES, SCORED, Range, range_of, ratio, sign, verdict
from sim.validation.workers import WORKERS, simulated

WORKLOADS = ("seq", "mcgseq", "mcgmix", "spmix")
VARIANTS = ("v0", "v7")
"""Base, and patches 5 and 6 in the form that was recorded."""
BASE, PATCHED = VARIANTS
GROUPS = tuple((workload, variant) for workload in WORKLOADS for variant in VARIANTS)
STACK_TRACER = "_stk"


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
    verdict: str
    sign: str = ""
    """Of a patched row: whether the change from base has the recorded sign; empty: not scored."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Score:
    """How many rows and changes were scored, and how many of them agree."""

    rows: int
    rows_ok: int
    signs: int
    signs_ok: int

    @property
    def agrees(self) -> bool:
        """Something was scored and all of it agrees."""
        scored = self.rows + self.signs
        return scored > 0 and scored == self.rows_ok + self.signs_ok


def score(rows: list[Row]) -> Score:
    """The counts behind the last line of the table."""
    marks = [row.verdict for row in rows if row.verdict in SCORED]
    signs = [row.sign for row in rows if row.sign in SCORED]
    right = [sum(mark not in FAILURES for mark in some) for some in (marks, signs)]
    return Score(len(marks), right[0], len(signs), right[1])


def groups(folder: Path) -> dict[tuple[str, str], list[Recording]]:
    """The recorded runs to compare with: no stack tracer, and of the parameters stated.

    Run 0 of mcgseq had other parameters; it counts only where there is no other run.

    Raises:
        TraceError: the folder cannot be read.
    """
    found = _found(folder, stack_tracer=False)
    for key, recordings in found.items():
        found[key] = [r for r in recordings if r.seed > 0] or recordings
    return {key: found[key] for key in GROUPS if key in found}


def _found(folder: Path, *, stack_tracer: bool) -> dict[tuple[str, str], list[Recording]]:
    found: dict[tuple[str, str], list[Recording]] = {}
    for recording in traces.catalogue(folder):
        key = (recording.workload, recording.variant)
        traced = STACK_TRACER in recording.name
        if recording.kernel == "2.6.36" and key in GROUPS and traced == stack_tracer:
            found.setdefault(key, []).append(recording)
    return found


def missing(folder: Path, only: str = "") -> list[str]:
    """Workloads and variants of which there is no recorded run."""
    here = groups(folder)
    return [f"{w} {v}" for w, v in GROUPS if only in ("", w) and (w, v) not in here]


def scenarios(recordings: list[Recording], seeds: int) -> list[Scenario]:
    """``seeds`` scenarios, seed 1 on, taking the parameters of the recorded runs in turn."""
    restated = [traces.scenario_for(recording) for recording in recordings]
    known = [scenario for scenario in restated if scenario is not None]
    if not known:
        return []
    return [replace(known[i % len(known)], seed=i + 1) for i in range(seeds)]


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
    workers: int = WORKERS,
    change: Callable[[Scenario], Scenario] | None = None,
) -> list[Row]:
    """All rows.

    Args:
        folder: of the recorded sets, or of the 2.6.36 set.
        seeds: simulated runs per workload and variant.
        only: one workload instead of all.
        on_group: told of each workload and variant when its runs are due.
        workers: processes that simulate.
        change: what is run instead of each restated scenario.

    Raises:
        TraceError: the folder or a recording in it cannot be read.
    """
    here = {key: found for key, found in groups(folder).items() if only in ("", key[0])}
    stacks = _found(folder, stack_tracer=True)
    wanted = {key: scenarios(found, seeds) for key, found in here.items()}
    if change is not None:
        wanted = {key: [change(s) for s in some] for key, some in wanted.items()}
    runs = simulated([s for some in wanted.values() for s in some], measured, workers)
    rows: list[Row] = []
    for key, recordings in here.items():
        if on_group is not None:
            on_group(*key)
        recorded = [measured(traces.read(recording.path)) for recording in recordings]
        traced = [measured(traces.read(recording.path)) for recording in stacks.get(key, [])]
        rows += _rows(key, recorded, traced, [next(runs) for _ in wanted[key]])
    _mark_signs(rows)
    return rows


def _rows(
    key: tuple[str, str],
    recorded: list[dict[str, Number]],
    traced: list[dict[str, Number]],
    ours: list[dict[str, Number]],
) -> list[Row]:
    rows = []
    for observables, runs in ((OBSERVABLES, recorded), (STACKS, traced)):
        for observable in observables:
            name, floor = observable.name, observable.floor
            real = range_of(run[name] for run in runs)
            simulated_ = range_of(run[name] for run in ours)
            rows.append(
                Row(
                    *key, name, observable.unit, real, simulated_,
                    ratio(real, simulated_, floor),
                    verdict(real, simulated_, observable.kind, floor),
                )
            )  # fmt: skip
    return rows


def _mark_signs(rows: list[Row]) -> None:
    floors = {observable.name: observable.floor for observable in OBSERVABLES + STACKS}
    base = {(row.workload, row.name): row for row in rows if row.variant == BASE}
    for row in rows:
        before = base.get((row.workload, row.name))
        if row.variant == PATCHED and before is not None:
            row.sign = sign(
                (before.recorded, row.recorded),
                (before.simulated, row.simulated),
                floors[row.name],
            )
