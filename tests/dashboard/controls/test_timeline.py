"""A change from here on: interventions that do what the controls say, from a time on."""

from __future__ import annotations

from dashboard.controls.form import scenario_to_form
from dashboard.controls.state import after_form
from dashboard.controls.timeline import from_here, timeline
from sim.scenario_url import decode, encode

BASE = "v=1&seed=1&p=p6.p5-recorded&m=box.64&w=seqw.box.r512~randw.root"


def read(query):
    scenario, problems = decode(query)
    assert problems == []
    return scenario


def items(after):
    scenario, problems = from_here(read(BASE), read(after), 12_300)
    assert problems == []
    return encode(scenario)


def test_a_patch_and_what_it_excludes_change_at_the_time():
    link = items(BASE.replace("p6.p5-recorded", "p5.p6"))
    assert link == encode(read(f"{BASE}&i=12300.patch.p5-recorded.off~12300.patch.p5.on"))


def test_sysctl_limit_and_rate_change_at_the_time():
    link = items(BASE.replace("box.64", "box.32").replace("r512", "r1024") + "&dr=40")
    wanted = "12300.vm.dirty_ratio.40~12300.limit.box.32~12300.rate.w1.1024"
    assert link == encode(read(f"{BASE}&i={wanted}"))


def test_what_was_planned_stays_and_the_rest_changes_at_once():
    planned = "&i=20000.stall.disk.500"
    before, after = read(BASE + planned), read(BASE + planned + "&ram=256&dr=40")
    scenario, problems = from_here(before, after, 12_300)
    assert problems == []
    wanted = f"{BASE}&ram=256&i=12300.vm.dirty_ratio.40~20000.stall.disk.500"
    assert encode(scenario) == encode(read(wanted))


def test_another_task_list_is_another_scenario():
    link = items(BASE.replace("seqw.box.r512", "seqw.box.r1024.f64"))
    assert "i=" not in link


def test_a_time_past_the_end_is_named():
    scenario, problems = from_here(read(BASE), read(f"{BASE}&dr=40"), 10_000_000)
    assert scenario.interventions == ()
    assert [p.field for p in problems] == ["interventions.0.at_ms"]


def test_the_form_says_from_when_on():
    before, after = read(BASE), read(f"{BASE}&dr=40")
    form = {
        "values": scenario_to_form(after), "base": scenario_to_form(before), "at_ms": 1500,
        "edit": "a", "seq": 3,
    }  # fmt: skip
    link, problems = after_form(f"?{BASE}&dr=40", form)
    assert problems == []
    assert link.a == read(f"{BASE}&i=1500.vm.dirty_ratio.40")


def test_everybody_who_may_be_changed_has_a_value_to_begin_with():
    known = timeline(read(BASE))
    assert known["limit"]["box"]["now"] == 64
    assert known["limit"]["box"]["unit"] == "MiB"
    assert known["patch"]["p6"]["now"] == 1
    assert known["rate"]["w1"]["now"] == 512
    assert list(known["stall"]) == ["disk"]
