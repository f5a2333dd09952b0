"""Interventions of a scenario: whose field each changes, its range, and what forbids it.

The range of a value is the range of the field that it changes; a stall has its own.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.scenario_choices import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    WHOLE_KERNELS,
    InterventionKind,
    MemcgAnswer,
    Patch,
)
from sim.scenario_problem import Problem
from sim.scenario_specs import DiskSpec, Intervention, MemcgSpec, MixSpec, VmSysctl, WorkloadSpec

if TYPE_CHECKING:
    from sim.scenario import Scenario

MAX_INTERVENTIONS = 64
MAX_STALL_MS = 60_000
"""Past this a SCSI disk of 2.6.35 would be reset (30 s a command) and then taken offline."""
DISK = "disk"
MIX = "mix"
GROUP = "w"
"""``w1`` is the first group of the task list."""


class Range(NamedTuple):
    """What an intervention's value may be."""

    lo: int
    hi: int
    unit: str
    help: str


def _of(spec: type, name: str, lo: int | None = None) -> Range:
    metadata: Any = {f.name: f.metadata for f in dataclasses.fields(spec)}[name]
    least = metadata["lo"] if lo is None else lo
    return Range(least, metadata["hi"], metadata["unit"], metadata["help"])


def targets(scenario: Scenario, what: InterventionKind) -> dict[str, Range]:
    """Everybody of whom ``what`` may be changed in this scenario, and the range of the value."""
    if what is InterventionKind.PATCH:
        return {str(p): Range(0, 1, "", "Applied or not") for p in Patch}
    if what is InterventionKind.ANSWER:
        return {str(a): Range(0, 1, "", "In force or not") for a in MemcgAnswer}
    if what is InterventionKind.VM:
        return {f.name: _of(VmSysctl, f.name) for f in dataclasses.fields(VmSysctl)}
    if what is InterventionKind.LIMIT:
        return {g.name: _of(MemcgSpec, "limit_mib") for g in scenario.memcgs}
    if what is InterventionKind.STALL:
        return {DISK: Range(1, MAX_STALL_MS, "ms", "The disk completes nothing for so long")}
    rates = {DISK: _of(DiskSpec, "transfer_kb_per_s", 1)}
    if scenario.mix.rate_kib_per_s:
        rates[MIX] = _of(MixSpec, "rate_kib_per_s", 1)
    for i, group in enumerate(scenario.workloads, 1):
        if not group.trace:  # a replay has its own times
            rates[f"{GROUP}{i}"] = _of(WorkloadSpec, "rate_kib_per_s")
    return rates


def choices_after(
    scenario: Scenario, interventions: tuple[Intervention, ...]
) -> tuple[frozenset[Patch], frozenset[MemcgAnswer]]:
    """Patches and answers in force when these interventions have happened."""
    patches, answers = set(scenario.patches), set(scenario.memcg_answers)
    for each in interventions:
        chosen: set[Any] = patches if each.what is InterventionKind.PATCH else answers
        if each.what in (InterventionKind.PATCH, InterventionKind.ANSWER):
            kind: type[StrEnum] = Patch if chosen is patches else MemcgAnswer
            (chosen.add if each.value else chosen.discard)(kind(each.whose))
    return frozenset(patches), frozenset(answers)


def intervention_problems(scenario: Scenario) -> list[Problem]:
    """What forbids the scenario's interventions."""
    every = scenario.interventions
    problems = [p for i in range(len(every)) for p in problems_of(scenario, i)]
    if len(every) > MAX_INTERVENTIONS:
        message = f"at most {MAX_INTERVENTIONS} interventions"
        problems.append(Problem("interventions", str(len(every)), message, str(MAX_INTERVENTIONS)))
    return problems


def problems_of(scenario: Scenario, i: int) -> list[Problem]:
    """What forbids intervention ``i``, given those before it."""
    each = scenario.interventions[i]
    path = f"interventions.{i}"
    problems = []
    if scenario.kernel in WHOLE_KERNELS and each.what in (
        InterventionKind.PATCH,
        InterventionKind.ANSWER,
    ):
        message = f"is of 2.6.35; {scenario.kernel} has its own rules"
        problems.append(Problem(f"{path}.whose", each.whose, message))
    if each.at_ms >= scenario.duration_ms:
        end = scenario.duration_ms
        message = f"is not before the end of the run at {end} ms"
        problems.append(Problem(f"{path}.at_ms", str(each.at_ms), message, str(end)))
    if i and each.at_ms < scenario.interventions[i - 1].at_ms:
        message = "is before the one above; they are listed in order of time"
        problems.append(Problem(f"{path}.at_ms", str(each.at_ms), message))
    known = targets(scenario, each.what)
    allowed = known.get(each.whose)
    if allowed is None:
        message = f"is none of {', '.join(known) or 'nobody: this scenario has none'}"
        return [*problems, Problem(f"{path}.whose", each.whose, message)]
    if not allowed.lo <= each.value <= allowed.hi:
        limit = f"{allowed.lo}..{allowed.hi}"
        message = f"must be {allowed.lo} to {allowed.hi} {allowed.unit}".rstrip()
        problems.append(Problem(f"{path}.value", str(each.value), message, limit))
    return problems + _excluded(scenario, i, path)


def _excluded(scenario: Scenario, i: int, path: str) -> list[Problem]:
    each = scenario.interventions[i]
    if each.what not in (InterventionKind.PATCH, InterventionKind.ANSWER) or not each.value:
        return []
    before = [
        e for e in scenario.interventions[: i + 1]
        if e.whose in targets(scenario, e.what)
    ]  # fmt: skip
    patches, answers = choices_after(scenario, tuple(before))
    pairs: list[tuple[Any, Any, str, frozenset[Any]]] = [
        *((a, b, why, patches) for a, b, why in EXCLUSIVE_PATCHES),
        *((a, b, why, answers) for a, b, why in EXCLUSIVE_ANSWERS),
    ]
    return [
        Problem(f"{path}.whose", each.whose, f"{a} and {b} exclude each other: {why}")
        for a, b, why, chosen in pairs
        if each.whose in (a, b) and a in chosen and b in chosen
    ]
