"""Scenario: validation, plain data and back, one digest."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum

import pytest
from hypothesis import given, settings

from sim.scenario import (
    MAX_MEMCGS,
    MAX_TASKS,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    ScenarioError,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
    enum_of,
    int_range,
)
from tests.support.strategies import scenarios

SEQW = WorkloadKind.SEQ_WRITER


def _fields_of(problems: list[object]) -> list[str]:
    return [p.field for p in problems]  # type: ignore[attr-defined]


def test_the_default_scenario_can_run() -> None:
    assert Scenario().validate() == []


@settings(max_examples=25)
@given(scenarios())
def test_plain_data_carries_everything(scenario: Scenario) -> None:
    assert scenario.validate() == []
    plain = json.loads(json.dumps(scenario.to_dict()))
    again = Scenario.from_dict(plain)
    assert again == scenario
    assert again.digest() == scenario.digest()


@settings(max_examples=25)
@given(scenarios())
def test_every_field_is_an_int_a_choice_or_a_name(scenario: Scenario) -> None:
    def leaves(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for f in dataclasses.fields(value):
                leaves(getattr(value, f.name))
        elif isinstance(value, (tuple, frozenset)):
            for item in value:
                leaves(item)
        else:
            assert type(value) is int or isinstance(value, (str, StrEnum))

    leaves(scenario)


def test_the_digest_tells_scenarios_apart_and_ignores_order() -> None:
    p5_p6 = Scenario(patches=frozenset({Patch.P5, Patch.P6}))
    assert p5_p6.digest() == Scenario(patches=frozenset({Patch.P6, Patch.P5})).digest()
    assert p5_p6.digest() != Scenario(patches=frozenset({Patch.P5})).digest()
    assert Scenario(seed=2).digest() != Scenario(seed=1).digest()
    assert len(Scenario().digest()) == 16


@pytest.mark.parametrize(
    ("scenario", "field"),
    [
        (Scenario(seed=-1), "seed"),
        (Scenario(seed=2**32), "seed"),
        (Scenario(duration_ms=99), "duration_ms"),
        (Scenario(vm=VmSysctl(dirty_ratio=4)), "vm.dirty_ratio"),
        (Scenario(memory=MemorySpec(ram_mib=63)), "memory.ram_mib"),
        (Scenario(mix=MixSpec(anon=101)), "mix.anon"),
        (Scenario(mix=MixSpec(memcg="g")), "mix.memcg"),
        (Scenario(memcgs=(MemcgSpec(name="Root"),)), "memcgs.0.name"),
        (Scenario(memcgs=(MemcgSpec(name="root"),)), "memcgs.0.name"),
        (Scenario(memcgs=(MemcgSpec(name="g"), MemcgSpec(name="g"))), "memcgs.1.name"),
        (Scenario(memcgs=(MemcgSpec(name="g", limit_mib=3),)), "memcgs.0.limit_mib"),
        (Scenario(memcgs=(MemcgSpec(name="g", soft_limit_mib=-1),)), "memcgs.0.soft_limit_mib"),
        (Scenario(memcgs=(MemcgSpec(name="g", parent="g"),)), "memcgs.0.parent"),
        (
            Scenario(memcgs=(MemcgSpec(name="g", parent="h"), MemcgSpec(name="h"))),
            "memcgs.0.parent",
        ),
        (Scenario(workloads=(WorkloadSpec(kind=SEQW, memcg="g"),)), "workloads.0.memcg"),
        (Scenario(workloads=(WorkloadSpec(kind=SEQW, threads=65),)), "workloads.0.threads"),
        (
            Scenario(workloads=(WorkloadSpec(kind=WorkloadKind.ANON_HOG, shared_file=1),)),
            "workloads.0.shared_file",
        ),
        (
            Scenario(workloads=(WorkloadSpec(kind=SEQW, threads=64),) * 5),
            "workloads",
        ),
        (
            Scenario(memcgs=tuple(MemcgSpec(name=f"g{i}") for i in range(MAX_MEMCGS + 1))),
            "memcgs",
        ),
        (
            Scenario(memory=MemorySpec(ram_mib=65536), duration_ms=3_600_000),
            "duration_ms",
        ),
        (Scenario(patches=frozenset({Patch.P5, Patch.P5_RECORDED})), "patches"),
        (Scenario(memcg_answers=frozenset({MemcgAnswer.WAIT, MemcgAnswer.WRITE})), "memcg_answers"),
        (
            Scenario(memcg_answers=frozenset({MemcgAnswer.MEMCG_FLUSHER, MemcgAnswer.IO_CGROUP})),
            "memcg_answers",
        ),
    ],
)
def test_what_forbids_a_run_is_named_by_its_field(scenario: Scenario, field: str) -> None:
    assert _fields_of(scenario.validate()) == [field]


def test_limits_stand_in_the_problem() -> None:
    (problem,) = Scenario(vm=VmSysctl(dirty_ratio=4)).validate()
    assert problem.limit == "5..100"
    assert str(problem) == "vm.dirty_ratio = 4: must be 5 to 100 %"
    (problem,) = Scenario(workloads=(WorkloadSpec(kind=SEQW, threads=64),) * 5).validate()
    assert problem.limit == str(MAX_TASKS)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"flavour": 1}, "flavour"),
        ({"vm": {"dirty": 1}}, "vm.dirty"),
        ({"vm": 7}, "vm"),
        ({"seed": "1"}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 1.0}, "seed"),
        ({"kernel": "2.4"}, "kernel"),
        ({"patches": "p5"}, "patches"),
        ({"patches": ["p9"]}, "patches"),
        ({"memcgs": [{"limit_mib": 5}]}, "memcgs.0.name"),
        ({"memcgs": [{"name": 5}]}, "memcgs.0.name"),
        ({"workloads": [{"kind": "dance"}]}, "workloads.0.kind"),
        ({"workloads": [{}]}, "workloads.0.kind"),
    ],
)
def test_wrong_plain_data_names_the_field(data: dict[str, object], field: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_dict(data)
    assert caught.value.problem.field == field


def test_ranges_and_choices_can_be_asked_for() -> None:
    assert int_range(VmSysctl, "dirty_ratio") == (5, 100)
    assert enum_of(WorkloadSpec, "kind") is WorkloadKind
    assert enum_of(VmSysctl, "dirty_ratio") is None
    with pytest.raises(KeyError):
        int_range(VmSysctl, "nothing")


def test_every_int_field_has_range_unit_and_help() -> None:
    specs = [type(getattr(Scenario(), f.name)) for f in dataclasses.fields(Scenario)]
    specs = [s for s in specs if dataclasses.is_dataclass(s)] + [MemcgSpec, WorkloadSpec, Scenario]
    for spec in specs:
        for f in dataclasses.fields(spec):
            if "lo" in f.metadata:
                assert f.metadata["lo"] <= f.default <= f.metadata["hi"], (spec, f.name)
                assert f.metadata["help"], (spec, f.name)
