"""Interventions for the controls: who can be changed, from what, and a change made "from here".

The values come from the scenario as it will stand at a time, so that "half of the limit" halves
what is in force there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sim.scenario import Intervention, InterventionKind, Problem, Scenario
from sim.scenario_timeline import DISK, GROUP, MIX, targets
from sim.scenario_url import decode, encode

LIVE_PATHS = (
    "patches", "memcg_answers", "vm.*", "disk.transfer_kb_per_s", "mix.rate_kib_per_s", "memcgs",
    "workloads",
)  # fmt: skip
"""Controls whose change may be an intervention; a star stands for a whole section."""

_STALL_MS = 2000


def timeline(scenario: Scenario) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each kind, everybody who may be changed: range, unit and the value at the start."""
    return {
        str(what): {
            whose: {
                "lo": allowed.lo, "hi": allowed.hi, "unit": allowed.unit,
                "now": at_start(scenario, what, whose),
            }
            for whose, allowed in targets(scenario, what).items()
        }
        for what in InterventionKind
    }  # fmt: skip


def at_start(scenario: Scenario, what: InterventionKind, whose: str) -> int:
    """What an intervention would change, as the scenario begins; a stall's usual length, ms."""
    match what:
        case InterventionKind.PATCH:
            return int(whose in scenario.patches)
        case InterventionKind.ANSWER:
            return int(whose in scenario.memcg_answers)
        case InterventionKind.VM:
            return int(getattr(scenario.vm, whose))
        case InterventionKind.LIMIT:
            return next(g.limit_mib for g in scenario.memcgs if g.name == whose)
        case InterventionKind.STALL:
            return _STALL_MS
    if whose == DISK:
        return scenario.disk.transfer_kb_per_s
    if whose == MIX:
        return scenario.mix.rate_kib_per_s
    return scenario.workloads[int(whose.removeprefix(GROUP)) - 1].rate_kib_per_s


def from_here(before: Scenario, after: Scenario, at_ms: int) -> tuple[Scenario, list[Problem]]:
    """``before`` until ``at_ms``, then as ``after``; what cannot change later changes at once."""
    found = [
        *_switched(InterventionKind.PATCH, before.patches, after.patches, at_ms),
        *_switched(InterventionKind.ANSWER, before.memcg_answers, after.memcg_answers, at_ms),
    ]
    start = replace(after, patches=before.patches, memcg_answers=before.memcg_answers)
    for what in (InterventionKind.VM, InterventionKind.LIMIT, InterventionKind.RATE):
        common = targets(before, what).keys() & targets(after, what).keys()
        for whose in sorted(common):
            value = at_start(after, what, whose)
            held = _held(start, before, what, whose)
            if value == at_start(before, what, whose) or held is None:
                continue
            if not targets(after, what)[whose].lo <= value:
                continue
            found.append(Intervention(at_ms=at_ms, what=what, whose=whose, value=value))
            start = held
    every = sorted((*after.interventions, *found), key=lambda each: each.at_ms)
    return decode(encode(replace(start, interventions=tuple(every))))


def _switched(
    what: InterventionKind, before: frozenset[Any], after: frozenset[Any], at_ms: int
) -> list[Intervention]:
    """Off before on: what is switched off may exclude what is switched on."""
    return [
        Intervention(at_ms=at_ms, what=what, whose=str(which), value=value)
        for value, changed in ((0, before - after), (1, after - before))
        for which in sorted(changed)
    ]


def _held(start: Scenario, before: Scenario, what: InterventionKind, whose: str) -> Scenario | None:
    """``start`` with one value left as it was before; None when it is another thing by now."""
    if what is InterventionKind.VM:
        vm: Any = {whose: getattr(before.vm, whose)}
        return replace(start, vm=replace(start.vm, **vm))
    if what is InterventionKind.LIMIT:
        limit = at_start(before, what, whose)
        groups = [replace(g, limit_mib=limit) if g.name == whose else g for g in start.memcgs]
        return replace(start, memcgs=tuple(groups))
    rate = at_start(before, what, whose)
    if whose == DISK:
        return replace(start, disk=replace(start.disk, transfer_kb_per_s=rate))
    if whose == MIX:
        return replace(start, mix=replace(start.mix, rate_kib_per_s=rate))
    i = int(whose.removeprefix(GROUP)) - 1
    if replace(start.workloads[i], rate_kib_per_s=rate) != before.workloads[i]:
        return None
    tasks = list(start.workloads)
    tasks[i] = before.workloads[i]
    return replace(start, workloads=tuple(tasks))
