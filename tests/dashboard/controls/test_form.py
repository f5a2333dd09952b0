"""Form → Scenario → form, for any scenario and for any nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.controls.form import form_to_scenario, scenario_to_form
from dashboard.controls.spec import BY_PATH, CONTROLS, Widget
from sim.presets import PRESETS
from sim.scenario import Scenario
from tests.support.strategies import scenarios


@given(scenarios())
def test_any_scenario_survives_the_form(scenario):
    again, problems = form_to_scenario(scenario_to_form(scenario))
    assert again == scenario
    assert problems == []


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_the_form(name):
    scenario = PRESETS[name].scenario
    assert form_to_scenario(scenario_to_form(scenario)) == (scenario, [])


def test_an_empty_form_is_the_default():
    assert form_to_scenario({}) == (Scenario(), [])


@pytest.mark.parametrize(
    "control", [c for c in CONTROLS if c.widget in (Widget.NUMBER, Widget.SHARE)], ids=str
)
def test_a_number_past_its_range_is_clamped_and_named(control):
    form = scenario_to_form(Scenario()) | {control.path: str(control.hi + 1)}
    scenario, problems = form_to_scenario(form)
    assert scenario_to_form(scenario)[control.path] == str(control.hi)
    assert [p.field for p in problems] == [control.path]


@pytest.mark.parametrize("value", [None, "", "abc", "1e3", "1&seed=9", "١", True, [], {}])
def test_what_is_no_number_leaves_a_number_and_is_named(value):
    scenario, problems = form_to_scenario({"vm.dirty_ratio": value, "seed": 7})
    assert scenario.vm.dirty_ratio == 20
    assert scenario.seed == 7
    assert any(p.field == "vm.dirty_ratio" for p in problems)


junk = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(sorted(BY_PATH)) | st.text(max_size=9), junk))
def test_no_form_raises(form):
    scenario, problems = form_to_scenario(form)
    assert isinstance(scenario, Scenario)
    assert all(str(p) for p in problems)


def test_a_value_cannot_smuggle_in_another_key():
    scenario, _ = form_to_scenario({"memcgs": "g.64&seed=99", "mix.memcg": "root.anon0"})
    assert scenario.seed == 1
    assert scenario.mix.anon == 20
