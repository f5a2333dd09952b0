"""The sidebar: five controls always there, the rest folded, what was changed on top."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.spec import CONTROLS, FOLDED, Control, Group, Option
from dashboard.controls.widgets import row, toggles
from dashboard.figures.theme import RUN_NAMES
from sim.presets import PRESETS
from sim.scenario_url import encode

Component = Any

_KINDS = (
    ("Whole machine", ("default", "global", "io", "highorder", "stack", "idle")),
    ("Containers", ("container",)),
    ("Devices, fsync, changes on the way", ("device", "fsync", "change")),
    ("As recorded", ("recorded",)),
)
_SIDES = tuple(Option(name.lower(), f"Edit {name}") for name in RUN_NAMES)


def sidebar() -> Component:
    """All controls."""
    return html.Aside(
        [
            html.H2("Scenario", className="offscreen"),
            _presets(),
            html.Div(
                toggles(ids.EDIT, _SIDES, "a", "Which side the controls edit", many=False),
                id=ids.EDIT_BOX,
                className="edit-box",
                hidden=True,
            ),
            html.Div(id=ids.CHANGED, className="changed"),
            _set(Group.PATCHES),
            _set(Group.ANSWERS),
            _mix(),
            _set(Group.DISK),
            html.Datalist([html.Option(value="root")], id=ids.MEMCG_NAMES),
            *(_folded(group) for group in FOLDED),
        ],
        id=ids.SIDEBAR,
        className="side",
        **attributes({"aria-label": "Scenario controls"}),
    )


def _of(group: Group) -> list[Control]:
    return [control for control in CONTROLS if control.group is group]


def _set(group: Group) -> Component:
    return html.Div([row(control) for control in _of(group)], className="group")


def _mix() -> Component:
    return html.Div(
        [
            html.Span("workload mix", className="row-label group-label", id="sidebar-mix-label"),
            *(row(control) for control in _of(Group.MIX)),
        ],
        className="group",
        role="group",
        **attributes({"aria-labelledby": "sidebar-mix-label"}),
    )


def _folded(group: Group) -> Component:
    return html.Details(
        [
            html.Summary([html.Span(group.value), html.Span(className="count")]),
            html.Div([row(control) for control in _of(group)], className="rows"),
        ],
        className="fold",
        **attributes({"data-group": group.name.lower()}),
    )


# ---- presets: links, so that opening one is following a link


def _presets() -> Component:
    return html.Details(
        [
            html.Summary(
                [html.Span("Preset", className="quiet"), html.Span(id=ids.PRESET_NAME)],
                className="preset-summary",
            ),
            html.Div(
                [_preset_group(title, names) for title, names in _grouped()],
                className="preset-list",
            ),
        ],
        id=ids.PRESETS,
        className="presets",
    )


def _grouped() -> list[tuple[str, list[str]]]:
    return [
        (title, [name for name in PRESETS if name.startswith(prefixes)])
        for title, prefixes in _KINDS
    ]


def _preset_group(title: str, names: list[str]) -> Component:
    return html.Div([html.H3(title), *(_preset(name) for name in names)])


def _preset(name: str) -> Component:
    preset = PRESETS[name]
    href = f"/?{encode(preset.scenario)}"
    return html.A(
        [
            html.Span([preset.title, html.Code(name)], className="preset-title"),
            html.Span(
                className="thumb-place", **attributes({"data-thumb": f"/api/thumb/{name}.svg"})
            ),
        ],
        href=href,
        title=preset.question,
        **attributes({"data-name": name}),
    )
