"""Scenarios in words: how two differ, what differs from the defaults, which preset it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.controls.spec import BY_PATH, CONTROLS, Control, Widget
from sim.presets import PRESETS
from sim.scenario import Problem, Scenario
from sim.scenario_url import DEFAULTS, ROWS, VERSION, value_at

MOST_NAMED = 4
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two scenarios differ; the texts carry their units."""

    control: Control
    a: str
    b: str
    phrase: str
    """``patch 6 on``, ``dirty_ratio 40 % instead of 20 %``."""


def differences(a: Scenario, b: Scenario) -> list[Difference]:
    """Every field in which ``b`` differs from ``a``, in the order of the page."""
    found = []
    for control in CONTROLS:
        old, new = value_at(a, control.path), value_at(b, control.path)
        if old != new:
            texts = value_text(control, old), value_text(control, new)
            found.append(Difference(control, *texts, _phrase(control, old, new, *texts)))
    return found


def value_text(control: Control, value: Any) -> str:
    """A field's value with its unit, short."""
    if control.widget is Widget.SET:
        return ", ".join(_option(control, v) for v in sorted(value)) or "none"
    if control.widget is Widget.LIST:
        return ROWS[control.key].encode(value) or "none"
    if control.widget is Widget.CHOICE:
        return _option(control, value)
    return f"{value} {control.unit}".rstrip()


def _option(control: Control, value: Any) -> str:
    labels = {option.value: option.label for option in control.options}
    return labels.get(str(value), str(value))


def _phrase(control: Control, old: Any, new: Any, old_text: str, new_text: str) -> str:
    if control.widget is Widget.SET:
        on = [f"{_option(control, v)} on" for v in sorted(new - old)]
        off = [f"{_option(control, v)} off" for v in sorted(old - new)]
        prefix = "answer “" if control.path == "memcg_answers" else ""
        quoted = [f"{prefix}{p[: p.rindex(' ')]}” {p.rpartition(' ')[2]}" for p in on + off]
        return ", ".join(quoted if prefix else on + off)
    if control.widget is Widget.LIST:
        return f"{control.label} {_clip(new_text)} instead of {_clip(old_text)}"
    return f"{control.label} {new_text} instead of {old_text}"


def _clip(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def in_words(a: Scenario, b: Scenario, letter: str = "B") -> str:
    """``B differs from A: patch 6 on``, or that it does not."""
    phrases = [difference.phrase for difference in differences(a, b)]
    if not phrases:
        return f"{letter} is the same as A: every number must agree."
    more = len(phrases) - MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"{letter} differs from A: {'; '.join(phrases[:MOST_NAMED])}{rest}."


def changed(scenario: Scenario) -> list[Difference]:
    """What differs from the defaults."""
    return differences(DEFAULTS[VERSION], scenario)


def in_short(found: Sequence[Difference]) -> str:
    """The new values alone, at most four: ``patch 6 on, seed 3``."""
    named = [
        d.phrase if d.control.widget is Widget.SET else f"{d.control.label} {_clip(d.b)}"
        for d in found[:MOST_NAMED]
    ]
    more = len(found) - MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Kinship:
    """The preset that a scenario is, or is closest to."""

    name: str
    differences: tuple[Difference, ...]

    @property
    def exact(self) -> bool:
        """Whether it is the preset itself."""
        return not self.differences


def kinship(scenario: Scenario) -> Kinship | None:
    """The closest preset, at most three fields away; seed and run length count least."""
    best: tuple[int, Kinship] | None = None
    for name, preset in PRESETS.items():
        found = tuple(differences(preset.scenario, scenario))
        weight = sum(_weight(difference.control) for difference in found)
        if len(found) <= _NEAR and (best is None or weight < best[0]):
            best = weight, Kinship(name, found)
    return best[1] if best else None


def _weight(control: Control) -> int:
    return 1 if control.path in ("seed", "duration_ms", "sample_interval_ms") else 10


def problem_text(problem: Problem) -> str:
    """One line of the notice: the key as a visitor knows it, the value, what was done."""
    control = BY_PATH.get(problem.field)
    name = control.label if control else problem.field
    value = f" = {problem.value}" if problem.value else ""
    limit = f" ({problem.limit})" if problem.limit and problem.limit not in problem.message else ""
    return f"{name}{value} {problem.message}{limit}"


def labels(scenarios: Sequence[Scenario]) -> list[str]:
    """Short names of A and B for legends: the preset or the seed."""
    names = []
    for letter, scenario in zip("ABCD", scenarios, strict=False):
        kin = kinship(scenario)
        known = kin.name if kin and kin.exact else f"seed {scenario.seed}"
        names.append(f"{letter}: {known}")
    return names
