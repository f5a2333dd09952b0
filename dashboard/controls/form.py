"""What the controls say, as a Scenario and back.

A form is ``{path: value}`` over ``CONTROLS``. It is read by way of the link's own codec, so that a
value typed into a control and the same value in a link are clamped and named alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.controls.spec import BY_PATH, CONTROLS, Control, Widget
from sim.scenario import Problem, Scenario
from sim.scenario_url import ROWS, VERSION, decode, value_at

Form = dict[str, Any]
MAX_TEXT = 2000
_MIX = "mix."


def scenario_to_form(scenario: Scenario) -> Form:
    """The value of every control."""
    return {control.path: _shown(control, scenario) for control in CONTROLS}


def _shown(control: Control, scenario: Scenario) -> Any:
    value = value_at(scenario, control.path)
    if control.widget is Widget.SET:
        return ".".join(sorted(value))
    if control.widget is Widget.LIST:
        return ROWS[control.key].encode(value)
    return str(value)


def form_to_scenario(form: Mapping[str, Any]) -> tuple[Scenario, list[Problem]]:
    """The scenario of a form and what was clamped or ignored in it. Never raises.

    A control that is missing has its default; a path that is no control is named.
    """
    problems = [
        Problem(str(path)[:80], str(value)[:80], "is no control; ignored")
        for path, value in form.items()
        if path not in BY_PATH
    ]
    texts: dict[str, str] = {}
    for control in CONTROLS:
        if control.path in form and not control.path.startswith(_MIX):
            text = _text(control, form[control.path], problems)
            if text is not None:
                texts[control.key] = text
    texts["mix"] = _mix_text(form, problems)
    pairs = "&".join(f"{key}={text}" for key, text in texts.items())
    scenario, notes = decode(f"v={VERSION}&{pairs}")
    return scenario, [*problems, *notes]


def _text(control: Control, value: Any, problems: list[Problem]) -> str | None:
    """A control's value as the link writes it; None keeps the default."""
    if control.widget is Widget.SET and isinstance(value, list):
        return ".".join(_harmless(word) for word in value)
    if control.widget is Widget.NUMBER and (value is None or value == ""):
        problems.append(_empty(control, value))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        problems.append(Problem(control.path, str(value)[:80], "is no value; the default is used"))
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _harmless(value)


def _empty(control: Control, value: Any) -> Problem:
    message = f"must be a whole number, {control.range_text}; {control.default} is used"
    return Problem(control.path, "" if value is None else str(value), message)


def _harmless(value: Any) -> str:
    """Text that cannot end its key in a link."""
    return str(value).strip()[:MAX_TEXT].replace("&", "_").replace("%", "_").replace("#", "_")


def _mix_text(form: Mapping[str, Any], problems: list[Problem]) -> str:
    parts: dict[str, str] = {}
    for control in CONTROLS:
        if control.path.startswith(_MIX):
            value = form.get(control.path, control.default)
            text = _text(control, value, problems)
            name = control.path.removeprefix(_MIX)
            parts[name] = str(control.default) if text is None else text.replace(".", "_")
    rate, memcg = parts.pop("rate_kib_per_s"), parts.pop("memcg")
    return ".".join([rate, memcg or "root", *(f"{name}{share}" for name, share in parts.items())])
