"""Link ↔ controls as functions, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dash import no_update

from dashboard import ids
from dashboard.callbacks.compare import rearranged
from dashboard.callbacks.navigation import OUTPUT, opened, page, recording_title, still_told, words
from dashboard.controls.link import PageLink
from sim.presets import PRESETS
from sim.scenario import Scenario


def shown(services, search: str, edit: str = "a") -> dict:
    link = PageLink.parse(search)
    return page(services, link, list(link.problems), edit, None)


def test_a_link_decides_everything_but_itself(services):
    assert set(shown(services, "?v=1&seed=1")) == set(OUTPUT) - {"search"}


@pytest.mark.parametrize(
    "search",
    ["", "?", "?v=9", "?v=1&seed=x&seed=2&p=p7&w=~~&m=..&mix=a.b.c&b.zz=1", "?%00=%ff", "?rec=a/b",
     "?v=1&" + "a" * 5000],
)  # fmt: skip
def test_a_bad_link_is_a_page_with_a_notice(services, search):
    state = shown(services, search)
    assert state["target"]["link"].startswith("?v=1&seed=")
    bad = search not in ("", "?")
    assert (state["notice"] is not None) == bad


@pytest.mark.parametrize(
    ("search", "name", "changes"),
    [("?v=1&seed=1", "default", PRESETS["default"].title),
     ("?v=1&seed=9&b.p=p6&c=", "default", "seed 9; B: patch 6 on; C: the same"),
     ("?v=1&seed=1&rec=nope&b=", "Needs the rec nope", "a recording; B: simulated")],
)  # fmt: skip
def test_among_other_links_each_has_a_line(services, search, name, changes):
    target = shown(services, search)["target"]
    assert (target["name"], target["changes"]) == (name, changes)


def test_the_notice_names_each_key(services):
    notice = str(shown(services, "?v=1&dr=999&zz=1")["notice"])
    assert "dirty_ratio = 999" in notice
    assert "zz = 1" in notice


def test_the_controls_show_the_side_they_edit(services):
    search = "?v=1&seed=1&b.dr=40"
    assert shown(services, search, "a")["target"]["values"]["vm.dirty_ratio"] == "20"
    assert shown(services, search, "b")["target"]["values"]["vm.dirty_ratio"] == "40"


def test_the_controls_fall_back_to_a_when_there_is_no_b(services):
    assert shown(services, "?v=1&seed=1", "b")["target"]["edit"] == "a"


def test_a_rewritten_link_keeps_its_notice():
    link = PageLink.parse("?v=1&seed=1&dr=100")
    assert still_told(link, {"link": "?v=1&seed=1&dr=100"}) == {"notice": no_update}
    assert still_told(link, {"link": "?v=1&seed=1"}) == {}
    assert still_told(link, None) == {}


def test_a_recording_is_called_by_its_title_or_asked_for(services):
    known = next(iter(services.recordings.catalogue().values()))
    assert recording_title(services, PageLink.parse(f"?v=1&rec={known.name}")) == known.title
    assert "Needs the rec nowhere" in recording_title(services, PageLink.parse("?rec=nowhere"))


def test_a_recording_beside_its_simulation_is_not_called_equal():
    link = PageLink.parse("?v=1&seed=1&rec=S1.1&b=")
    assert words(link) == "A is the recording, B the simulated run of the same parameters."


@pytest.mark.parametrize(
    ("button", "search"),
    [
        (ids.FORK, "?v=1&seed=1&b="),
        (ids.FORK_PATCHED, "?v=1&seed=1&b.p=p5.p6"),
        (ids.DROP, "?v=1&seed=1"),
    ],
)
def test_the_buttons_of_the_comparison_change_the_link(button, search):
    assert rearranged(PageLink.parse("?v=1&seed=1"), button).search == search


# ---- runs


# ---- up to four


def test_runs_are_added_as_copies_of_a_and_dropped_from_the_end():
    link = PageLink.parse("?v=1&seed=1&b.p=p6")
    three = rearranged(link, ids.FORK_MORE)
    assert three.search == "?v=1&seed=1&b.p=p6&c="
    four = rearranged(three, ids.FORK_MORE)
    assert four.search == "?v=1&seed=1&b.p=p6&c=&d="
    assert rearranged(four, ids.FORK_MORE) == four
    assert rearranged(four, ids.DROP) == three
    assert rearranged(rearranged(three, ids.DROP), ids.DROP).search == "?v=1&seed=1"


def test_each_of_four_runs_is_edited_and_told_apart(services):
    link = PageLink.parse("?v=1&seed=1&b.p=p6&c.disk=nvme&d.seed=2")
    shown = page(services, link, [], "c", None)
    assert shown["target"]["values"]["disk.model"] == "nvme"
    assert shown["words"] == (
        "B differs from A: patch 6 on. C differs from A: disk NVMe instead of 7200 rpm SATA. "
        "D differs from A: seed 2 instead of 1."
    )
    moved = link.with_edited("d", replace(link.scenarios[3], seed=9))
    assert moved.search == "?v=1&seed=1&b.p=p6&c.disk=nvme&d.seed=9"
    assert page(services, PageLink.parse("?v=1&seed=1&b="), [], "d", None)["target"]["edit"] == "a"


# ---- recordings


def test_a_recording_without_parameters_in_its_link_has_its_own(services, monkeypatch):
    known = Scenario(seed=3, duration_ms=4000)
    monkeypatch.setattr(services.recordings, "parameters", {"S1.1": known}.get)
    link = opened(services, PageLink.parse("?rec=S1.1&b="))
    assert link.scenarios == (known, known)
    assert link.search == "?v=1&seed=3&dur=4000&b=&rec=S1.1"
    for kept in ("?v=1&seed=2&rec=S1.1", "?v=1&seed=1&rec=unknown", "?v=1&seed=1"):
        assert opened(services, PageLink.parse(kept)) == PageLink.parse(kept)
