"""Every Scenario field has a control, a link key and a help line, derived from the field itself."""

from __future__ import annotations

import dataclasses

import pytest

from dashboard.controls.spec import BY_PATH, CELLS, CONTROLS, OPTIONS, Group, Widget
from sim.scenario import (
    Intervention,
    MemcgAnswer,
    MemcgSpec,
    Patch,
    Scenario,
    Tracepoints,
    WorkloadSpec,
    int_range,
)
from sim.scenario_url import DEFAULTS, ROWS, VERSION, value_at

SECTIONS = ("memory", "cpu", "vm", "block", "disk", "fs", "stack", "mix")


def fields() -> list[tuple[str, type, str]]:
    """(path, spec class, field name) of everything that decides a run."""
    found = []
    for f in dataclasses.fields(Scenario):
        if f.name in SECTIONS:
            spec = type(getattr(Scenario(), f.name))
            found += [(f"{f.name}.{i.name}", spec, i.name) for i in dataclasses.fields(spec)]
        else:
            found.append((f.name, Scenario, f.name))
    return found


def test_every_field_has_one_control():
    assert sorted(c.path for c in CONTROLS) == sorted(path for path, _, _ in fields())


def test_every_control_has_a_link_key_a_help_line_and_a_label():
    for control in CONTROLS:
        assert control.key in ROWS, control.path
        assert len(control.help) > 3, control.path
        assert control.label, control.path


def test_labels_are_unique():
    labels = [control.label for control in CONTROLS]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(("path", "spec", "name"), fields())
def test_range_and_default_are_the_fields_own(path, spec, name):
    control = BY_PATH[path]
    assert control.default == value_at(DEFAULTS[VERSION], path)
    if control.widget in (Widget.NUMBER, Widget.SHARE):
        assert (control.lo, control.hi) == int_range(spec, name)


def test_every_choice_has_a_name_of_its_own():
    for kind, named in OPTIONS.items():
        assert set(named) == {str(k) for k in kind}


@pytest.mark.parametrize("kind", [Patch, MemcgAnswer, Tracepoints])
def test_every_patch_and_answer_says_what_it_does(kind):
    assert all(help_ for _, help_ in OPTIONS[kind].values())


def test_choices_that_exclude_each_other_say_so_both_ways():
    options = {o.value: o.excludes for o in BY_PATH["memcg_answers"].options}
    assert "write" in options["wait"]
    assert "wait" in options["write"]


def test_five_controls_are_always_visible():
    assert [c.path for c in CONTROLS if c.group is Group.DISK] == ["disk.model"]
    assert [c.path for c in CONTROLS if c.group is Group.PATCHES] == ["patches"]
    assert [c.path for c in CONTROLS if c.group is Group.ANSWERS] == ["memcg_answers"]


@pytest.mark.parametrize(
    ("of", "spec"),
    [("memcgs", MemcgSpec), ("workloads", WorkloadSpec), ("interventions", Intervention)],
)
def test_rows_of_lists_edit_every_field(of, spec):
    assert [cell.field for cell in CELLS[of]] == [f.name for f in dataclasses.fields(spec)]
