"""What the page shows for a link: pure functions from ``PageLink`` to texts and form values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dashboard.controls.form import form_to_scenario, scenario_to_form
from dashboard.controls.hiding import hidden_parts, hidden_paths
from dashboard.controls.link import PageLink
from dashboard.controls.spec import CELLS
from dashboard.controls.timeline import LIVE_PATHS, from_here, timeline
from dashboard.controls.words import changed, kinship
from sim.presets import PRESETS
from sim.scenario import Patch, Problem, Scenario
from sim.scenario_url import decode_comparison, encode, value_at

_SERIES = frozenset({Patch.P5, Patch.P6})
_RECORDED = frozenset({Patch.P5_RECORDED, Patch.P6_RECORDED})


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the charts."""

    preset: str
    title: str
    question: str


def head(scenario: Scenario) -> Head:
    """The preset's question, or how a scenario differs from the nearest one."""
    kin = kinship(scenario)
    if kin is None:
        count = len(changed(scenario))
        text = f"{count} fields differ from the defaults; they are listed with the controls."
        return Head("own scenario", "A scenario of your own", text)
    preset = PRESETS[kin.name]
    if kin.exact:
        return Head(kin.name, preset.title, preset.question)
    changes = "; ".join(difference.phrase for difference in kin.differences)
    return Head(f"{kin.name}, changed", preset.title, f"Changed: {changes}. {preset.question}")


def after_form(search: str, form: dict[str, Any]) -> tuple[PageLink, list[Problem]]:
    """The link after a control was used, and what was clamped on the way."""
    link = PageLink.parse(search)
    scenario, problems = form_to_scenario(form.get("values") or {})
    if "at_ms" in form:
        before, _ = form_to_scenario(form.get("base") or {})
        scenario, impossible = from_here(before, scenario, int(form["at_ms"]))
        problems += impossible
    moved = link.with_edited(form.get("edit", "a"), scenario)
    kept, too_long = moved.search_or("")
    if not kept:
        return replace(link, problems=()), [*problems, *too_long]
    return replace(moved, problems=()), problems


def target(link: PageLink, edit: str, seq: int | None) -> dict[str, Any]:
    """What the controls have to say; ``seq`` is the form's own number when a control asked."""
    search, _ = link.search_or("")
    scenario = link.edited(edit)
    return {
        "values": scenario_to_form(scenario),
        "rows": {of: rows_text(of, scenario) for of in CELLS},
        "cells": {of: [[cell.letter, cell.field] for cell in cells] for of, cells in CELLS.items()},
        "timeline": timeline(scenario),
        "live": LIVE_PATHS,
        "edit": edit,
        "seq": seq,
        "link": search,
        "hidden": {"parts": hidden_parts(link.hidden), "paths": hidden_paths(link.hidden)},
    }


def rows_text(of: str, scenario: Scenario) -> str:
    """A list as its rows say it: every option of every item, no repetition."""
    return "~".join(
        ".".join(f"{cell.letter}{getattr(item, cell.field)}" for cell in CELLS[of])
        for item in value_at(scenario, of)
    )


def patches_flipped(scenario: Scenario) -> Scenario:
    """Patches 5 and 6 off where both are on, in either form, else on."""
    rest = scenario.patches - _SERIES - _RECORDED
    on = scenario.patches >= _SERIES or scenario.patches >= _RECORDED
    return replace(scenario, patches=rest if on else rest | _SERIES)


def other_of(link: PageLink, text: str) -> tuple[Scenario, list[Problem]]:
    """B from what was typed: a whole link, or differences from A."""
    if "?" in text or "v=" in text:
        parsed = PageLink.parse(text)
        return parsed.a, list(parsed.problems)
    pairs = [part for part in text.strip().split("&") if part]
    compared = decode_comparison("&".join([encode(link.a), *(f"b.{pair}" for pair in pairs)]))
    return compared[1] if len(compared) > 1 else (link.a, [])
