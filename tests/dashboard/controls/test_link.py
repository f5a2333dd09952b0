"""The page's link: comparisons, recordings, and any string at all."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dashboard.controls.link import PageLink
from dashboard.controls.spec import CONTROLS, Group
from dashboard.controls.state import after_form, other_of, patches_flipped, rows_text, target
from dashboard.controls.words import differences, in_short, in_words, kinship, problem_text
from sim.presets import PRESETS
from sim.scenario import Patch, Scenario
from sim.scenario_url import decode
from tests.support.strategies import scenarios

PAIR = "?v=1&seed=7&b.p=p6"


@given(scenarios(), scenarios())
def test_a_comparison_survives_its_link(a, b):
    link = PageLink((a, b))
    search, problems = link.search_or("")
    if search:
        assert PageLink.parse(search) == link
    else:
        assert problems[0].field == "link"


@given(st.text(max_size=200))
def test_any_string_is_a_page_whose_link_is_stable(text):
    link = PageLink.parse(text)
    search = link.search_or("")[0]
    assert PageLink.parse(search).search_or("")[0] == search


def test_a_problem_of_b_is_named_as_bs():
    assert [p.field for p in PageLink.parse("?v=1&b.dr=999").problems] == ["b.vm.dirty_ratio"]


def test_a_recording_stays_a_and_the_controls_make_b():
    link = PageLink.parse("?v=1&seed=1&rec=S1.1")
    after = link.with_edited("a", Scenario(seed=9))
    assert after.input_name == "S1.1"
    assert after.b == Scenario(seed=9)
    assert after.search == "?v=1&seed=1&b.seed=9&rec=S1.1"


def test_a_recording_with_a_bad_name_is_ignored_and_named():
    link = PageLink.parse("?v=1&rec=../../etc")
    assert link.input_key == ""
    assert [p.field for p in link.problems] == ["rec"]


def test_the_form_changes_the_side_it_edits():
    values = target(PageLink.parse(PAIR), "b", None)["values"] | {"vm.dirty_ratio": "40"}
    link, problems = after_form(PAIR, {"values": values, "edit": "b", "seq": 1})
    assert problems == []
    assert link.search == "?v=1&seed=7&b.p=p6&b.dr=40"


def test_a_form_too_long_for_a_link_is_refused_by_name():
    text = "~".join(f"seqw.root.r{i}" for i in range(1, 250))
    link, problems = after_form("?v=1&seed=7", {"values": {"workloads": text}, "edit": "a"})
    assert link.search == "?v=1&seed=7"
    assert problems[-1].field == "link"


def test_swap_exchanges_and_swap_again_restores():
    link = PageLink.parse(PAIR)
    assert link.swapped().search == "?v=1&seed=7&p=p6&b.p="
    assert link.swapped().swapped() == link


def test_b_comes_from_a_link_or_from_differences():
    link = PageLink.parse("?v=1&seed=7")
    assert other_of(link, "p=p6&dr=40")[0] == other_of(link, "http://x/?v=1&seed=7&p=p6&dr=40")[0]
    assert [p.field for p in other_of(link, "zz=1")[1]] == ["zz"]


def test_flipping_the_series_twice_changes_nothing():
    flipped = patches_flipped(Scenario())
    assert flipped.patches == {Patch.P5, Patch.P6}
    assert patches_flipped(flipped) == Scenario()


def test_equal_scenarios_are_said_to_be_equal():
    assert in_words(Scenario(), Scenario()) == "B is the same as A: every number must agree."


def test_differences_in_short_are_the_new_values_and_how_many_more():
    assert in_short(differences(Scenario(), Scenario())) == ""
    a, b = Scenario(), decode("v=1&seed=9&p=p6&ram=64&dr=77&disk=nvme&dur=1000")[0]
    assert in_short(differences(a, b)[:2]) == "patch 6 on, disk NVMe"
    assert re.fullmatch(r"patch 6 on, disk NVMe, .+, .+ and 2 more", in_short(differences(a, b)))


def test_a_difference_is_said_in_words():
    a, b = PRESETS["container-dirty"].scenario, PRESETS["container-kswapd"].scenario
    assert in_words(a, b) == "B differs from A: patch 6 on; answer “kswapd inside” on."


def test_every_preset_is_its_own_kin():
    for name, preset in PRESETS.items():
        kin = kinship(preset.scenario)
        assert kin is not None
        assert kin.exact
        assert PRESETS[kin.name].scenario == preset.scenario, name


def test_rows_say_every_option():
    scenario = PRESETS["container-dirty"].scenario
    assert rows_text("memcgs", scenario) == "box.64.s0.p-root"
    assert rows_text("workloads", scenario).startswith(
        "seqw.box.r0.f1500.n1.b64.c1.t0.o9.h0.s0.u0~mmap.box"
    )


def test_a_problem_names_the_control_as_the_page_does():
    [problem] = PageLink.parse("?v=1&nr=1").problems
    assert problem_text(problem).startswith("nr_requests = 1 is out of range; 16 is used")


# ---- what the page leaves out


def test_what_is_hidden_stays_in_the_link_whatever_changes():
    link = PageLink.parse("?hide=tabs.disk.tabs&v=1&seed=1")
    assert link.search == "?v=1&seed=1&hide=disk.tabs"
    assert link.problems == ()
    assert link.with_edited("a", Scenario(seed=9)).search == "?v=1&seed=9&hide=disk.tabs"
    hidden = target(link, "a", None)["hidden"]
    assert hidden["parts"] == ["tabs"]
    assert set(hidden["paths"]) == {c.path for c in CONTROLS if c.group is Group.DISK}


def test_one_control_is_hidden_by_its_key():
    assert target(PageLink.parse("?hide=dr"), "a", None)["hidden"]["paths"] == ["vm.dirty_ratio"]


def test_a_wrong_name_to_hide_is_named():
    link = PageLink.parse("?hide=tabs.%3Cb%3E.nonsense")
    assert link.hidden == ("tabs",)
    assert [(p.field, p.value) for p in link.problems] == [("hide", "<b>"), ("hide", "nonsense")]
