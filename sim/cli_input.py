"""What a command line names: a preset, a scenario file or a link, and changes to it."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from sim.fio import read_fio
from sim.presets import PRESETS
from sim.replay_store import replay_of
from sim.scenario import Problem, Scenario, ScenarioError
from sim.scenario_url import INPUT_KEYS, decode, decode_comparison
from sim.scenario_url_timeline import decode_interventions


class InputError(Exception):
    """One sentence about what cannot be used; the exit code is 2."""


def scenario_of(text: str) -> tuple[Scenario, list[str]]:
    """The scenario that a name, file or link means, and notes about it.

    Raises:
        InputError: it means none.
    """
    if text in PRESETS:
        return PRESETS[text].scenario, []
    if text.endswith(".fio"):
        return _from_fio(Path(text)), []
    if text.endswith(".csv"):
        return _from_trace(Path(text)), []
    if text.endswith((".json", ".toml")) or ("=" not in text and Path(text).is_file()):
        return _from_file(Path(text)), []
    if "=" in text or text.startswith("?"):
        return _from_link(text)
    close = difflib.get_close_matches(text, PRESETS, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see: python -m sim presets"
    raise InputError(f"{text}: no preset, scenario file or link; {hint}")


def _from_link(text: str) -> tuple[Scenario, list[str]]:
    scenario, problems = decode(text)
    missing = [p for p in problems if p.field in INPUT_KEYS]
    if missing:
        raise InputError(str(missing[0]))
    notes = [str(p) for p in problems]
    others = len(decode_comparison(text)) - 1
    if others:
        notes.append(f"the link compares {others + 1} scenarios; the first is taken")
    return scenario, notes


def _from_file(path: Path) -> Scenario:
    try:
        raw = path.read_bytes()
        data = _parse(path, raw)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    # The output of `run --json` is a scenario file too.
    if isinstance(data, dict) and isinstance(data.get("scenario"), dict):
        data = data["scenario"]
    try:
        return Scenario.from_dict(data)
    except ScenarioError as error:
        raise InputError(f"{path}: {error}") from None


def _from_fio(path: Path) -> Scenario:
    try:
        scenario, problems = read_fio(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}") from None
    if problems:
        raise InputError("\n".join(f"{path}: {problem}" for problem in problems))
    return scenario


def _from_trace(path: Path) -> Scenario:
    try:
        scenario, problems = replay_of(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if problems:
        raise InputError("\n".join(f"{path}: {problem}" for problem in problems))
    return scenario


def _parse(path: Path, raw: bytes) -> Any:
    text = raw.decode()
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def changed(scenario: Scenario, assignments: list[str]) -> Scenario:
    """The scenario with every ``path=value`` applied; lists by comma, list items by number.

    Raises:
        InputError: no such field, or a value of the wrong type.
    """
    data = scenario.to_dict()
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: must be path=value")
        _assign(data, path.strip(), text.strip())
    try:
        return Scenario.from_dict(data)
    except ScenarioError as error:
        raise InputError(str(error)) from None


def _assign(data: dict[str, Any], path: str, text: str) -> None:
    *outer, last = path.split(".")
    place: Any = data
    for name in outer:
        place = _step(place, name, path)
    _step(place, last, path)  # must be there
    key: Any = int(last) if isinstance(place, list) else last
    place[key] = _value(text, place[key])


def _step(place: Any, name: str, path: str) -> Any:
    if isinstance(place, dict) and name in place:
        return place[name]
    if isinstance(place, list) and name.isascii() and name.isdigit() and int(name) < len(place):
        return place[int(name)]
    if isinstance(place, list):
        raise InputError(f"--set {path}: {name} is no item; there are {len(place)}, from 0")
    known = ", ".join(place) if isinstance(place, dict) else "none below this one"
    raise InputError(f"--set {path}: no field {name}; known: {known}")


def _value(text: str, old: Any) -> Any:
    if isinstance(old, (list, dict)) and text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"--set: {text}: {error}") from None
    if isinstance(old, list):
        return [word for word in re.split(r"[,.]", text) if word]
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def intervened(scenario: Scenario, items: list[str]) -> Scenario:
    """The scenario with further interventions, each as in the link's ``i=``.

    Raises:
        InputError: one that cannot be, with the reason.
    """
    notes: list[Problem] = []

    def note(path: str, value: str, message: str, limit: str = "") -> None:
        notes.append(Problem(path, value, message, limit))

    added = decode_interventions("~".join(items), (), note)
    every = sorted((*scenario.interventions, *added), key=lambda each: each.at_ms)
    if notes:
        raise InputError("\n".join(f"--at: {n.value or items}: {n.message}" for n in notes))
    return dataclasses.replace(scenario, interventions=tuple(every))


def check(scenario: Scenario) -> None:
    """Nothing, when the scenario can run.

    Raises:
        InputError: every field past a limit, with the limit.
    """
    problems: list[Problem] = scenario.validate()
    if problems:
        raise InputError("\n".join(str(p) for p in problems))
