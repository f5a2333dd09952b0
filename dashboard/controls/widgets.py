"""One row of ``CONTROLS`` as a component: name, value, unit, and its help on focus or hover."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.spec import (
    CELLS,
    MAX_ROWS,
    Cell,
    Control,
    Option,
    Widget,
    options_of,
)
from dashboard.interventions import in_words
from sim.scenario import InterventionKind, Scenario
from sim.scenario_timeline import targets
from sim.scenario_url import value_at

Component = Any


def row(control: Control) -> Component:
    """The whole row of a control."""
    build = {
        Widget.NUMBER: _number_row,
        Widget.NAME: _number_row,
        Widget.SHARE: _share_row,
        Widget.CHOICE: _toggle_row,
        Widget.SET: _toggle_row,
        Widget.LIST: _list_rows,
    }[control.widget]
    return build(control)


def _frame(control: Control, class_: str, *children: Component) -> Component:
    return html.Div(
        [*children, _help(control)],
        className=f"row {class_}",
        **attributes(
            {
                "data-path": control.path,
                "data-default": _plain(control.default),
                "data-step": str(control.step) if control.widget is Widget.NUMBER else "",
            }
        ),
    )


def _plain(value: Any) -> str:
    return ".".join(sorted(value)) if isinstance(value, frozenset) else str(value or "")


def _label(control: Control, text: str = "") -> Component:
    target = ids.dom(ids.control(control.path))
    return html.Label(text or control.label, htmlFor=target, className="row-label")


def _help(control: Control) -> Component:
    """Shown while its row has the focus or the pointer. One component: there are many rows."""
    kernel = control.kernel_name if control.kernel_name != control.label else ""
    facts = [
        kernel,
        control.range_text,
        f"default {control.default}" if control.widget is Widget.NUMBER else "",
        f"in the link: {control.key}=",
    ]
    text = f"{control.help}. {' · '.join(fact for fact in facts if fact)}"
    return html.P(text, id=ids.help_of(control.path), className="row-help")


def _number_row(control: Control) -> Component:
    # A text field also for numbers: dcc.Input of type number drops what does not fit its step,
    # and a value typed twice; here the codec names what is wrong.
    more: dict[str, Any] = {}
    if control.widget is Widget.NUMBER:
        more["inputMode"] = "numeric"
    if control.path == "mix.memcg":
        more["list"] = ids.MEMCG_NAMES
    field = dcc.Input(
        id=ids.control(control.path),
        type="text",
        value=str(control.default),
        debounce=True,
        className="field",
        autoComplete="off",
        **more,
    )
    return _frame(
        control, "row-number", _label(control), field, html.Span(control.unit, className="row-unit")
    )


def _share_row(control: Control) -> Component:
    slider = dcc.Input(
        id=ids.control(control.path),
        type="range",
        value=control.default,
        min=control.lo,
        max=control.hi,
        step=control.step,
        className="slider",
    )
    percent = html.Span("", className="row-unit share-percent")
    return _frame(control, "row-share", _label(control), slider, percent)


def toggles(
    id_: ids.Id, options: tuple[Option, ...], value: str, label: str, *, many: bool
) -> Component:
    """Buttons of which one, or several, are pressed; the value is theirs, dotted.

    Dash's own check boxes are marked up as options of a list box around inputs, which screen
    readers announce twice; these are plain buttons, and form.js presses them.
    """
    chosen = value.split(".") if many else [value]
    return html.Data(
        [
            html.Button(
                option.label,
                className="toggle",
                title=option.help or None,
                **attributes(
                    {
                        "data-value": option.value,
                        "data-excludes": ".".join(option.excludes),
                        "aria-pressed": str(option.value in chosen).lower(),
                    }
                ),
            )
            for option in options
        ],
        id=id_,
        value=value,
        className="toggles",
        role="group",
        **attributes({"aria-label": label, "data-many": str(many).lower()}),
    )


def _toggle_row(control: Control) -> Component:
    many = control.widget is Widget.SET
    value = ".".join(sorted(control.default)) if many else str(control.default)
    group = toggles(ids.control(control.path), control.options, value, control.label, many=many)
    return _frame(control, "row-toggles", html.Span(control.label, className="row-label"), group)


# ---- lists: rows, and the link's grammar as text


def _text_row(control: Control) -> Component:
    text = dcc.Input(
        id=ids.control(control.path),
        type="text",
        value="",
        debounce=True,
        className="field wide",
        autoComplete="off",
        spellCheck=False,
    )
    label = _label(control, f"{control.label} as text ({control.key}=)")
    return html.Div(
        [label, text, _help(control)],
        className="row row-text",
        **attributes({"data-path": control.path, "data-default": ""}),
    )


_ADD = {
    "memcgs": "Add a container",
    "workloads": "Add a task group",
    "interventions": "Add a change",
}
_EMPTY = {
    "memcgs": "No containers.",
    "workloads": "No task groups beside the mix.",
    "interventions": "Nothing changes while it runs.",
}


def _list_rows(control: Control) -> Component:
    return html.Div(
        [
            html.Div(id=ids.ROWS[control.path], className="items"),
            html.Button(
                _ADD[control.path],
                id=ids.add_row(control.path),
                className="button small",
                **attributes({"data-add": control.path}),
            ),
            _text_row(control),
        ]
    )


def item_rows(of: str, scenario: Scenario) -> Component:
    """The editor of the memcg or task list, a card for each row."""
    items = value_at(scenario, of)
    if len(items) > MAX_ROWS:
        return html.P(f"{len(items)} entries: edit them as text below.", className="quiet")
    if not items:
        return html.P(_EMPTY[of], className="quiet")
    return [
        _item(of, i, item, _choices(of, item, scenario), _units(of, item, scenario))
        for i, item in enumerate(items)
    ]


def _units(of: str, item: Any, scenario: Scenario) -> dict[str, str]:
    if of != "interventions":
        return {}
    return {"value": targets(scenario, item.what)[item.whose].unit}


def _choices(of: str, item: Any, scenario: Scenario) -> dict[str, dict[str, str]]:
    """Fields of a row with a choice that depends on the scenario."""
    if of == "memcgs":
        names = [g.name for g in scenario.memcgs]
        return {"parent": {name: name for name in ("root", *names[: names.index(item.name)])}}
    if of == "workloads":
        return {"memcg": {name: name for name in ("root", *(g.name for g in scenario.memcgs))}}
    if of != "interventions":
        return {}
    allowed = targets(scenario, item.what)
    choices = {"whose": {whose: whose for whose in allowed}}
    if item.what in (InterventionKind.PATCH, InterventionKind.ANSWER):
        choices["value"] = {"1": "on", "0": "off"}
    possible = [kind for kind in InterventionKind if targets(scenario, kind)]
    labels = {o.value: o.label for o in options_of(InterventionKind)}
    return choices | {"what": {str(kind): labels[str(kind)] for kind in possible}}


def _title(of: str, item: Any) -> str:
    if of == "memcgs":
        return str(item.name)
    if of == "workloads":
        return f"{item.kind} in {item.memcg}"
    return f"{item.at_ms / 1000:g} s: {in_words(asdict(item))}"


def _item(
    of: str, i: int, item: Any, choices: dict[str, dict[str, str]], units: dict[str, str]
) -> Component:
    title = _title(of, item)
    cells = [replace(cell, unit=units.get(cell.field, cell.unit)) for cell in CELLS[of]]
    return html.Fieldset(
        [
            html.Legend(f"{i + 1} · {title}"),
            *(
                _cell(of, i, cell, getattr(item, cell.field), choices.get(cell.field))
                for cell in cells
            ),
            html.Button(
                "Remove",
                className="button small item-remove",
                **attributes(
                    {"data-remove": of, "data-row": str(i), "aria-label": f"Remove {title}"}
                ),
            ),
        ],
        className="item",
    )


def _cell(of: str, i: int, cell: Cell, value: Any, named: dict[str, str] | None) -> Component:
    id_ = ids.cell(of, i, cell.field)
    choices = named or {option.value: option.label for option in cell.options}
    if choices:
        # Dash's drop-down hides a focusable input; this one is the browser's own, and
        # clientside.js gives its choice to the <data> around it.
        options = [
            html.Option(text, value=choice, selected=choice == str(value))
            for choice, text in choices.items()
        ]
        label = attributes({"aria-label": f"{cell.label}, row {i + 1}"})
        select = html.Select(options, className="select", key=f"{list(choices)} {value}", **label)
        field: Component = html.Data(select, id=id_, value=str(value), className="cell-choice")
    else:
        field = dcc.Input(
            id=id_,
            type="text",
            inputMode="numeric" if isinstance(value, int) else "verbatim",
            value=str(value),
            debounce=True,
            className="field",
            autoComplete="off",
        )
    return html.Div(
        [
            html.Span(cell.label, title=cell.help)
            if choices
            else html.Label(cell.label, htmlFor=ids.dom(id_), title=cell.help),
            field,
            html.Span(cell.unit, className="row-unit"),
        ],
        className="cell",
    )
