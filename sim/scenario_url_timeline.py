"""The key ``i=`` of a link, both ways: what changes while the machine runs.

``i=20000.patch.p6.on~30000.limit.g1.32~40000.stall.disk.2000``: ms, what, whose, value. Read, but
not written: ``20s`` and ``500ms`` for the time, ``1`` and ``0`` for ``on`` and ``off``.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from sim.scenario import Scenario
from sim.scenario_choices import InterventionKind
from sim.scenario_specs import Intervention, int_range
from sim.scenario_timeline import MAX_INTERVENTIONS, problems_of, targets
from sim.scenario_url_items import Note

_TIME = re.compile(r"([0-9]{1,9})(s|ms)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SWITCHED = (InterventionKind.PATCH, InterventionKind.ANSWER)
_WORDS = {"on": 1, "off": 0}


def intervention_text(each: Intervention) -> str:
    """One intervention as a link has it."""
    value = str(each.value)
    if each.what in _SWITCHED:
        value = "on" if each.value else "off"
    return f"{each.at_ms}.{each.what}.{each.whose}.{value}"


def encode_interventions(interventions: tuple[Intervention, ...]) -> str:
    """Items of ``i=``."""
    return "~".join(intervention_text(each) for each in interventions)


def decode_interventions(text: str, _keep: Any, note: Note) -> tuple[Intervention, ...]:
    """Inverse of ``encode_interventions``, in order of time.

    Who is named and how far a value may go depends on the scenario: ``placed`` looks at that.
    """
    found: list[Intervention] = []
    for i, item in enumerate(text.split("~") if text else ()):
        each = _decode(item, f"interventions.{i}", note)
        if each is not None and len(found) == MAX_INTERVENTIONS:
            note("interventions", item, "is one too many; left out", str(MAX_INTERVENTIONS))
        elif each is not None:
            found.append(each)
    return tuple(sorted(found, key=lambda each: each.at_ms))


def _decode(item: str, path: str, note: Note) -> Intervention | None:
    at, what, whose, value = [*item.split("."), "", "", "", ""][:4]
    time = _TIME.fullmatch(at)
    kinds = {str(k): k for k in InterventionKind}
    if item.count(".") != 3:
        note(path, item, "must be time.what.whose.value, as 20000.patch.p6.on; left out")
    elif time is None:
        note(f"{path}.at_ms", at, "is no time; write ms, or s behind the number; left out")
    elif what not in kinds:
        note(f"{path}.what", what, f"is none of {', '.join(kinds)}; left out")
    elif value not in _WORDS and not _NUMBER.fullmatch(value):
        note(f"{path}.value", value, "is neither a whole number nor on or off; left out")
    else:
        at_ms = int(time[1]) * (1000 if time[2] == "s" else 1)
        number = _WORDS.get(value)
        return Intervention(
            at_ms=min(at_ms, int_range(Intervention, "at_ms")[1]), what=kinds[what], whose=whose,
            value=int(value) if number is None else number,
        )  # fmt: skip
    return None


def placed(scenario: Scenario, note: Note) -> Scenario:
    """The scenario with its values clamped and without the interventions that cannot be."""
    wanted = scenario.interventions
    scenario = dataclasses.replace(scenario, interventions=())
    for i, asked in enumerate(wanted):
        each = _clamped(scenario, asked, f"interventions.{i}.value", note)
        trial = dataclasses.replace(scenario, interventions=(*scenario.interventions, each))
        problems = problems_of(trial, len(scenario.interventions))
        for problem in problems[:1]:
            name = problem.field.rpartition(".")[2]
            path = f"interventions.{i}.{name}"
            note(path, problem.value, f"{problem.message}; left out", problem.limit)
        if not problems:
            scenario = trial
    return scenario


def _clamped(scenario: Scenario, each: Intervention, path: str, note: Note) -> Intervention:
    allowed = targets(scenario, each.what).get(each.whose)
    if allowed is None or allowed.lo <= each.value <= allowed.hi:
        return each
    value = min(max(each.value, allowed.lo), allowed.hi)
    limit = f"{allowed.lo}..{allowed.hi}"
    note(path, str(each.value), f"is out of range; {value} is used", limit)
    return dataclasses.replace(each, value=value)
