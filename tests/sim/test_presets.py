"""Presets: valid, cited, short as links; the recorded ones with a source for every parameter."""

from __future__ import annotations

import dataclasses
import re

import pytest

from sim.preset_sources import SOURCES
from sim.presets import PRESETS, Preset
from sim.scenario import (
    DiskModel,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    Patch,
    Scenario,
    WorkloadSpec,
)
from sim.scenario_url import TABLE, decode, encode, value_at

RECORDED = [name for name in PRESETS if name.startswith("recorded-")]
ALL = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())


@ALL
def test_every_preset_can_run(preset: Preset) -> None:
    assert preset.scenario.validate() == []


@ALL
def test_every_preset_is_a_question_with_a_source(preset: Preset) -> None:
    assert preset.title.endswith("?")
    assert 20 < len(preset.question) < 250
    assert preset.source
    assert all(re.fullmatch(r"C([1-9]|1[0-9]|20)", claim) for claim in preset.claims)


@ALL
def test_every_preset_fits_into_a_short_link(preset: Preset) -> None:
    link = encode(preset.scenario)
    assert len(link) < 400
    assert decode(link) == (preset.scenario, [])


def test_names_are_words_for_a_command_line() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in PRESETS)


def test_the_default_preset_is_the_default_scenario() -> None:
    assert PRESETS["default"].scenario == Scenario()


def test_container_presets_differ_by_their_answer_alone() -> None:
    base = PRESETS["container-dirty"].scenario
    answers = {
        "container-dirty-p6": frozenset(),
        "container-dirty-wait": frozenset({MemcgAnswer.WAIT}),
        "container-may-write": frozenset({MemcgAnswer.WRITE}),
        "container-kswapd": frozenset({MemcgAnswer.KSWAPD}),
        "container-dirty-ratio": frozenset({MemcgAnswer.DIRTY_RATIO}),
        "container-flusher": frozenset({MemcgAnswer.MEMCG_FLUSHER}),
    }
    for name, chosen in answers.items():
        p6 = dataclasses.replace(base, patches=frozenset({Patch.P6}), memcg_answers=chosen)
        assert PRESETS[name].scenario == p6


def test_the_io_cgroup_preset_adds_foreign_inodes_to_the_container() -> None:
    s = PRESETS["container-io-cgroup"].scenario
    assert s.workloads[:3] == PRESETS["container-dirty"].scenario.workloads
    assert s.workloads[3].memcg == "root"


def test_a_containers_limit_lies_below_the_background_threshold() -> None:
    # Else the flusher starts before the container is full of dirty pages.
    s = PRESETS["container-dirty"].scenario
    assert s.memcgs[0].limit_mib < s.memory.ram_mib * s.vm.dirty_background_ratio // 100


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_presets_are_the_recorded_machine(name: str) -> None:
    s = PRESETS[name].scenario
    assert s.kernel == Kernel.K2_6_36
    assert s.disk.model == DiskModel.RECORDED_2_6_36
    assert s.cpu.nr_cpus == 1
    assert s.mix.rate_kib_per_s == 0
    assert s.patches in (frozenset(), {Patch.P5_RECORDED, Patch.P6_RECORDED})


def test_every_recorded_parameter_has_its_source() -> None:
    paths = {row.path for row in TABLE} - {"memcgs", "workloads"}
    paths |= {f"memcgs.{f.name}" for f in dataclasses.fields(MemcgSpec)}
    paths |= {f"workloads.{f.name}" for f in dataclasses.fields(WorkloadSpec)}
    assert set(SOURCES) == paths
    assert all(SOURCES.values())


def test_what_is_assumed_of_recorded_runs_is_called_so() -> None:
    assumed = {path for path, text in SOURCES.items() if "assumed" in text or "unknown" in text}
    assert assumed == {"seed", "memory.dma_free_pages", "fs.extent_kib"}
    assert all(value_at(PRESETS[name].scenario, "fs.extent_kib") == 4096 for name in RECORDED)
