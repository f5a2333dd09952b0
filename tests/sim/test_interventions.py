"""What changes while the machine runs: nothing before its time, and then what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.runner
from sim.machine.vmstat import NAMES
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import (
    DiskModel,
    DiskSpec,
    Intervention,
    InterventionKind,
    MemcgSpec,
    MixSpec,
    Patch,
    Scenario,
    ScenarioError,
    WorkloadKind,
    WorkloadSpec,
)
from sim.scenario_timeline import MAX_INTERVENTIONS
from sim.units import pages_from_mib
from tests.support.checkers import check_machine
from tests.support.small import MS, SMALL, small, stepped

LIMIT_TASK = "limit-0"


def at(at_ms: int, what: str, whose: str, value: int) -> Intervention:
    return Intervention(at_ms=at_ms, what=InterventionKind(what), whose=whose, value=value)


def changed(*interventions: Intervention, **fields: object) -> Scenario:
    return small(interventions=interventions, sample_interval_ms=50, **fields)


PLAIN = small(sample_interval_ms=50)


def same_before(flipped: Result, plain: Result, end_ms: int) -> bool:
    rows = plain.series["t_ns"] < end_ms * MS
    assert rows.sum() > 2
    return all((flipped.series[name][rows] == plain.series[name][rows]).all() for name in NAMES)


@pytest.fixture(scope="module")
def plain() -> Result:
    return run(PLAIN)


@pytest.mark.parametrize(
    "what",
    [
        at(700, "patch", "p6", 1),
        at(700, "answer", "kswapd", 1),
        at(700, "vm", "dirty_ratio", 5),
        at(700, "limit", "g1", 4),
        at(700, "rate", "disk", 20_000),
        at(700, "rate", "w3", 1024),
        at(700, "stall", "disk", 300),
    ],
    ids=str,
)
def test_the_run_is_the_unchanged_one_up_to_the_intervention(what, plain) -> None:
    result = run(changed(what))
    assert same_before(result, plain, 700)
    assert result.counters != plain.counters
    assert [o["t_ns"] for o in result.meta["interventions"]] == [700 * MS]


def test_a_patch_flipped_on_stops_the_writes_it_forbids() -> None:
    result = run(changed(at(700, "patch", "p6", 1)))
    written = result.series["written_memcg"] + result.series["written_direct"]
    late = result.series["t_ns"] >= 750 * MS  # who was inside ->writepage has left it
    assert written[~late].max() > 0
    assert set(written[late]) == {written[late][0]}


def test_a_patch_on_from_the_first_instant_is_a_patch() -> None:
    early = run(changed(at(0, "patch", "p6", 1), at(0, "answer", "wait", 1)))
    assert early.counters["written_memcg"] == early.counters["written_direct"] == 0


@pytest.mark.parametrize("model", list(DiskModel))
def test_a_stalled_disk_ends_no_request(model) -> None:
    stall = (at(500, "stall", "disk", 200), at(600, "stall", "disk", 300))
    result = run(changed(*stall, disk=DiskSpec(model=model)))
    done = result.io["t_done_ns"]
    assert not ((done > 500 * MS) & (done < 900 * MS)).any()
    assert (done >= 900 * MS).any()


def test_what_was_in_service_ends_later_by_the_stall() -> None:
    disk = DiskSpec(model=DiskModel.HDD_7200)
    before = run(changed(disk=disk)).io
    under_way = before[(before["t_issue_ns"] < 500 * MS) & (before["t_done_ns"] > 500 * MS)]
    assert len(under_way) == 1
    after = run(changed(at(500, "stall", "disk", 200), disk=disk)).io
    again = after[after["t_issue_ns"] == under_way["t_issue_ns"][0]]
    assert again["t_done_ns"][0] == under_way["t_done_ns"][0] + 200 * MS


CONTAINER = replace(
    PRESETS["container-dirty"].scenario,
    duration_ms=4000,
    memcgs=(MemcgSpec(name="box", limit_mib=64),),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_READER, memcg="box", file_mib=256),),
)


def test_a_lower_limit_is_set_when_the_writer_has_reclaimed_down_to_it() -> None:
    result = run(replace(CONTAINER, interventions=(at(3000, "limit", "box", 16),)))
    limit, usage = result.series["memcg.box.limit"], result.series["memcg.box.usage"]
    assert usage[result.series["t_ns"] < 3000 * MS].max() > pages_from_mib(48)
    assert limit[-1] == pages_from_mib(16)
    assert usage[-1] <= pages_from_mib(16)
    outcome = result.meta["interventions"][0]
    assert outcome["error"] == ""
    assert outcome["t_done_ns"] > outcome["t_ns"]
    writer = next(t for t in result.tasks if t["name"] == LIMIT_TASK)
    number = result.tasks.index(writer)
    reclaims = result.stalls[result.stalls["task"] == number]
    assert writer["finished"]
    assert reclaims["nr_reclaimed"].sum() >= pages_from_mib(64 - 16) * 9 // 10


def test_a_limit_that_nothing_fits_under_ends_in_ebusy() -> None:
    hog = WorkloadSpec(kind=WorkloadKind.ANON_HOG, memcg="box", file_mib=32)
    scenario = replace(CONTAINER, workloads=(hog,), interventions=(at(3000, "limit", "box", 8),))
    result = run(scenario)
    assert result.meta["interventions"][0]["error"] == "EBUSY"
    assert set(result.series["memcg.box.limit"]) == {pages_from_mib(64)}


def test_a_higher_limit_is_set_at_once() -> None:
    result = run(replace(CONTAINER, interventions=(at(2000, "limit", "box", 128),)))
    outcome = result.meta["interventions"][0]
    assert outcome["t_done_ns"] - outcome["t_ns"] < 10 * MS
    assert result.series["memcg.box.usage"].max() > pages_from_mib(64)


def test_a_group_is_paced_from_its_time_on() -> None:
    writer = WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=96)
    scenario = replace(
        PLAIN, memcgs=(), workloads=(writer,), interventions=(at(500, "rate", "w1", 2048),)
    )
    written = run(scenario).series["app_pages_written"]
    t = run(scenario).series["t_ns"]
    after = np.diff(written[t >= 550 * MS])
    pages_per_sample = 2048 // 4 * 50 // 1000
    assert after.mean() == pytest.approx(pages_per_sample, rel=0.2)
    assert written[t <= 500 * MS].max() > 20 * after.mean()


def test_a_faster_rate_of_the_disk_moves_more() -> None:
    base = changed(disk=DiskSpec(transfer_kb_per_s=20_000))
    faster = replace(base, interventions=(at(300, "rate", "disk", 200_000),))
    assert run(faster).counters["sectors_written"] > run(base).counters["sectors_written"]


def test_a_new_min_free_kbytes_moves_the_watermarks_like_a_boot_with_it() -> None:
    value = 4096
    booted = replace(SMALL, vm=replace(SMALL.vm, min_free_kbytes=value))
    timed = changed(at(100, "vm", "min_free_kbytes", value))
    *_, moved = stepped(timed)
    *_, made = stepped(booted)
    one, other = (s.system.arrays.zone["watermark"].tolist() for s in (moved, made))
    assert one == other


def test_a_machine_that_was_intervened_with_is_sound() -> None:
    timeline = (
        at(300, "patch", "p5", 1),
        at(400, "limit", "g2", 4),
        at(500, "stall", "disk", 100),
        at(700, "patch", "p5", 0),
        at(800, "answer", "wait", 1),
        at(900, "answer", "wait", 0),
        at(1000, "patch", "p6", 1),
    )
    for simulation in stepped(changed(*timeline)):
        check_machine(simulation)


@pytest.mark.parametrize(
    ("interventions", "field", "limit"),
    [
        ((at(1500, "patch", "p6", 1),), "interventions.0.at_ms", "1500"),
        ((at(9, "patch", "p6", 2),), "interventions.0.value", "0..1"),
        ((at(9, "patch", "p9", 1),), "interventions.0.whose", ""),
        ((at(9, "limit", "box", 9),), "interventions.0.whose", ""),
        ((at(9, "limit", "g1", 3),), "interventions.0.value", "4..65536"),
        ((at(9, "vm", "dirty_ratio", 4),), "interventions.0.value", "5..100"),
        ((at(9, "vm", "overcommit", 4),), "interventions.0.whose", ""),
        ((at(9, "rate", "w5", 4),), "interventions.0.whose", ""),
        ((at(9, "rate", "mix", 4),), "interventions.0.whose", ""),
        ((at(9, "rate", "disk", 0),), "interventions.0.value", "1..10000000"),
        ((at(9, "stall", "disk", 0),), "interventions.0.value", "1..60000"),
        ((at(9, "patch", "p6", 1), at(8, "patch", "p5", 1)), "interventions.1.at_ms", ""),
        ((at(8, "answer", "wait", 1), at(9, "answer", "write", 1)), "interventions.1.whose", ""),
        ((at(9, "patch", "p6", 0),) * (MAX_INTERVENTIONS + 1), "interventions", "64"),
    ],
)
def test_what_cannot_be_names_field_and_limit(interventions, field, limit) -> None:
    scenario = small(interventions=interventions)
    assert [(p.field, p.limit) for p in scenario.validate()] == [(field, limit)]
    with pytest.raises(ScenarioError):
        run(scenario)


def test_an_exclusive_patch_may_follow_when_the_other_is_off() -> None:
    base = small(patches=frozenset({Patch.P6}))
    swap = (at(8, "patch", "p6", 0), at(9, "patch", "p6-recorded", 1))
    assert replace(base, interventions=swap).validate() == []
    assert replace(base, interventions=swap[1:]).validate()


def test_the_mix_as_a_whole_can_be_paced() -> None:
    base = replace(
        PLAIN, memcgs=(), workloads=(), mix=MixSpec(rate_kib_per_s=40_960, anon=0, randw=0)
    )
    slow = replace(base, interventions=(at(500, "rate", "mix", 1024),))
    fast, slowed = run(base), run(slow)
    assert same_before(slowed, fast, 500)
    assert slowed.counters["app_pages_written"] < fast.counters["app_pages_written"] // 2


@pytest.mark.parametrize("first_ms", [1, 400])
def test_neither_slices_nor_samples_change_a_run_with_interventions(
    monkeypatch: pytest.MonkeyPatch, first_ms: int
) -> None:
    timeline = (
        at(400, "limit", "g1", 4),
        at(500, "stall", "disk", 100),
        at(700, "patch", "p6", 1),
        at(700, "limit", "g1", 16),
    )
    once = run(small(interventions=timeline))
    monkeypatch.setattr(sim.runner, "FIRST_SLICE_NS", first_ms * MS)
    monkeypatch.setattr(sim.runner, "TARGET_SLICE_WALL_S", 1e-9)
    sliced = run(changed(*timeline), on_chunk=lambda _: None)
    assert sliced.counters == once.counters
    assert (sliced.io == once.io).all()
    assert sliced.tasks == once.tasks
    assert sliced.meta["interventions"] == once.meta["interventions"]
