"""One unknown moved: what is told of it, on runs that are stand-ins and on a tiny real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sim import cli_sensitivity
from sim.cli import main
from sim.scenario import MemorySpec, MixSpec, Scenario, VmSysctl, WorkloadKind, WorkloadSpec
from sim.validation import published, sensitivity
from sim.validation.restated import RESTATED, Knob, Restated

BASE = Scenario(
    duration_ms=400,
    memory=MemorySpec(ram_mib=64, kernel_mib=8),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=64),),
)


def _table(*knobs: Knob) -> Restated:
    columns = {"traceonly-v2r5": BASE, "nodirect-v2r5": BASE}
    work = WorkloadKind.SEQ_WRITER
    return Restated("", "traceonly-v2r5", columns, work, unknown=knobs)


def _row(name: str, simulated: float | None, direction: str) -> published.Row:
    return published.Row("t", "c", name, 2.0, simulated, None, direction, "")


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    ran: list[Scenario] = []

    def run_tables(
        restated: Mapping[str, Restated], _seeds: int, _workers: int
    ) -> dict[str, list[published.Row]]:
        (one,) = restated.values()
        ran.append(one.runs[one.base])
        low = one.runs[one.base].vm.dirty_ratio == 10
        rows = [
            _row("a", 0.5 if low else 2.0, "wrong" if low else "ok"),
            _row("b", 3.0, "ok"),
            _row("not directed", 9.0 if low else 1.0, ""),
            _row("zero", 0.0 if low else 1.0, "ok"),
        ]
        return dict.fromkeys(restated, rows)

    monkeypatch.setattr(published, "run_tables", run_tables)
    return ran


def test_each_unknown_is_moved_both_ways_and_alone(stand_ins: list[Scenario]) -> None:
    table = _table(Knob("vm.dirty_ratio", 10, 40), Knob("workloads.0.file_mib", 32, 128))
    settings = sensitivity.of_tables({"t": table}, 1, 1)
    assert [(s.path, s.value, s.stated) for s in settings] == [
        ("vm.dirty_ratio", 10, 20), ("vm.dirty_ratio", 40, 20),
        ("workloads.0.file_mib", 32, 64), ("workloads.0.file_mib", 128, 64),
    ]  # fmt: skip
    assert [(s.vm.dirty_ratio, s.workloads[0].file_mib) for s in stand_ins] == [
        (20, 64), (10, 64), (40, 64), (20, 32), (20, 128),
    ]  # fmt: skip
    low, high, *_ = settings
    assert (low.scored, low.agree_before, low.agree_after) == (3, 3, 2)
    assert [move.row for move in low.turned] == ["c a"]
    assert low.furthest is not None
    assert (low.furthest.row, low.furthest.log2) == ("c a", -2.0)
    assert (high.turned, high.agree_after) == ([], 3)


@pytest.mark.usefixtures("stand_ins")
def test_the_table_and_its_json(capsys: pytest.CaptureFixture[str]) -> None:
    settings = sensitivity.of_tables({"t": _table(Knob("vm.dirty_ratio", 10, 40))}, 1, 1)
    cli_sensitivity.print_settings(settings, as_json=False)
    out = capsys.readouterr().out
    assert "t: 3 scored rows, 3 agree" in out
    assert "c a (log2 -2.00)" in out
    assert "c a: ok -> wrong" in out
    cli_sensitivity.print_settings(settings, as_json=True)
    data: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [(s["path"], s["value"]) for s in data] == [
        ("vm.dirty_ratio", 10),
        ("vm.dirty_ratio", 40),
    ]


def test_real_runs_are_moved_too() -> None:
    table = _table(Knob("disk.transfer_kb_per_s", 20_000, 200_000))
    slow, fast = sensitivity.of_tables({"V2-simplewb": table}, 1, 1)
    assert slow.scored == fast.scored > 0
    assert (slow.value, fast.value) == (20_000, 200_000)
    # Both columns are the same run, so where there is a ratio it is 1.
    assert {move.after for move in slow.moves + fast.moves} <= {None, 1.0}


def test_what_zone_dma_has_less_of_the_other_has_more() -> None:
    memory = MemorySpec(dma_free_pages=3000, dma32_free_pages=50_000)
    scenario = sensitivity.changed(Scenario(memory=memory), sensitivity.SPLIT, 2000)
    assert (scenario.memory.dma_free_pages, scenario.memory.dma32_free_pages) == (2000, 51_000)
    scenario = sensitivity.changed(Scenario(vm=VmSysctl()), "vm.dirty_ratio", 40)
    assert scenario.vm.dirty_ratio == 40


def test_every_unknown_of_the_tables_can_be_set() -> None:
    for restated in RESTATED.values():
        base = restated.runs[restated.base]
        for knob in restated.unknown:
            assert knob.low < knob.high
            for value in (knob.low, knob.high):
                assert sensitivity.changed(base, knob.path, value).validate() == []
                assert sensitivity.stated(base, knob.path) != value


def test_it_keeps_no_scoreboard(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--only", "published", "--sensitivity", "--strict"]) == 2
    assert "--sensitivity goes with neither" in capsys.readouterr().err
