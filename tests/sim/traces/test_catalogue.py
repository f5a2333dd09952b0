"""What a folder of recordings holds, and the runs that restate them."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from sim.scenario import DiskModel, Kernel, MemcgAnswer, Patch, WorkloadKind
from sim.traces import Recording, TraceError, catalogue, facts_of, read, scenario_for
from sim.traces.facts import STARTS, VARIANTS, WORKLOADS_2_6_36, Start

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "recorded"


def recording(name, workload, variant="v0", seed=1, kernel="2.6.36"):
    return Recording(name, name, kernel, workload, variant, seed, Path(name))


def spmix(variant, seed=1):
    name = f"spmix_ext3_{variant}_r{seed}DR80_BG60"
    return recording(name, "spmix", variant, seed)


def test_the_catalogue_finds_runs_of_both_sets():
    found = {r.name: r for r in catalogue(FIXTURES)}
    assert sorted(found) == [
        "S1.1", "S4.1", "S5X.1", "mcgmix_ext3_v0_r1_stk", "spmix_ext3_v0_r3DR80_BG60",
    ]  # fmt: skip
    run = found["spmix_ext3_v0_r3DR80_BG60"]
    assert (run.kernel, run.workload, run.variant, run.seed) == ("2.6.36", "spmix", "v0", 3)
    assert "base, run 3, dirty ratios 60/80 %" in run.title
    assert found["S4.1"].kernel == "6.1"


@pytest.mark.parametrize("below", [".", "linux-6.1", "linux-6.1/S1.1", "linux-2.6.36"])
def test_the_catalogue_of_a_part_is_a_part_of_the_catalogue(below):
    whole = {r.name for r in catalogue(FIXTURES)}
    part = {r.name for r in catalogue(FIXTURES / below)}
    assert part
    assert part <= whole


def test_every_run_of_the_catalogue_can_be_read():
    for run in catalogue(FIXTURES):
        assert read(run.path).has("counters"), run.name


def test_names_that_a_link_cannot_carry_are_left_out(tmp_path):
    shutil.copytree(FIXTURES / "linux-6.1" / "S4.1", tmp_path / "my run")
    shutil.copytree(FIXTURES / "linux-6.1" / "S4.1", tmp_path / "mine")
    (found,) = catalogue(tmp_path)
    assert (found.name, found.kernel) == ("mine", "unknown")
    assert scenario_for(found) is None


def test_an_empty_folder_has_an_empty_catalogue_and_no_folder_is_an_error(tmp_path):
    assert catalogue(tmp_path) == []
    with pytest.raises(TraceError):
        catalogue(tmp_path / "nothing")


# ---- restating


@pytest.mark.parametrize("name", sorted(STARTS))
def test_every_recorded_run_has_a_valid_scenario(name):
    runs = {r.name: r for r in catalogue(FIXTURES)}
    workload = name.partition("_")[0] if "_" in name else name.partition(".")[0]
    kernel = "2.6.36" if "_" in name else "6.1"
    run = runs.get(name) or recording(name, workload, kernel=kernel)
    scenario = scenario_for(run)
    assert scenario is not None
    assert scenario.validate() == []
    assert scenario.mix.rate_kib_per_s == 0
    assert all(w.rate_kib_per_s == 0 for w in scenario.workloads)
    free = STARTS[name].free_pages
    memory = scenario.memory
    if memory.dma_free_pages:
        idle = [w.file_mib << 8 for w in scenario.workloads if w.think_us == 10_000_000]
        assert memory.dma_free_pages + memory.dma32_free_pages == free + sum(idle)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
@pytest.mark.parametrize("workload", sorted(WORKLOADS_2_6_36))
def test_a_patched_run_differs_from_base_in_patches_and_answers_alone(workload, variant):
    name = f"{workload}_ext3_v%d_r1"
    base = scenario_for(recording(name % 0, workload, "v0"))
    other = scenario_for(recording(name % variant, workload, f"v{variant}"))
    assert base is not None
    assert other is not None
    same = {"patches": frozenset(), "memcg_answers": frozenset(), "duration_ms": 1}
    memory = dataclasses.replace(base.memory, dma32_free_pages=0)
    assert dataclasses.replace(base, memory=memory, **same) == dataclasses.replace(
        other, memory=dataclasses.replace(other.memory, dma32_free_pages=0), **same
    )


def test_variants_are_the_recorded_forms_of_the_patches():
    def of(variant):
        scenario = scenario_for(spmix(variant))
        assert scenario is not None
        return scenario.patches, scenario.memcg_answers

    p5, p6, loop = Patch.P5_RECORDED, Patch.P6_RECORDED, Patch.MEMCG_WAIT_LOOP
    assert of("v0") == (frozenset(), frozenset())
    assert of("v1") == ({p5}, frozenset())
    assert of("v3") == ({p5, p6}, {MemcgAnswer.WRITE})
    assert of("v6") == ({p6}, frozenset())
    assert of("v7") == ({p5, p6}, frozenset())
    assert of("v23") == ({p5, p6, loop}, frozenset())


def test_spmix_is_the_machine_of_the_readme():
    scenario = scenario_for(spmix("v0", seed=3))
    assert scenario is not None
    assert scenario.kernel is Kernel.K2_6_36
    assert scenario.disk.model is DiskModel.RECORDED_2_6_36
    assert (scenario.cpu.nr_cpus, scenario.cpu.mips, scenario.cpu.hz) == (1, 1000, 250)
    assert (scenario.vm.dirty_ratio, scenario.vm.dirty_background_ratio) == (80, 60)
    assert (scenario.memory.ram_mib, scenario.memory.swap_mib) == (256, 256)
    idle_pages = 9 << 8  # 2236 in the first sample; the run takes them again
    assert scenario.memory.dma32_free_pages == 55_056 - 3996 + idle_pages
    assert [w.kind for w in scenario.workloads] == [
        WorkloadKind.MMAP_DIRTIER, WorkloadKind.ANON_HOG, WorkloadKind.SMALL_FILES,
        WorkloadKind.SEQ_WRITER, WorkloadKind.ANON_HOG,
    ]  # fmt: skip


def test_run_0_has_half_the_speed():
    slow = scenario_for(recording("seq_ext3_v0_r0", "seq", seed=0))
    assert slow is not None
    assert slow.cpu.mips == 500


def test_memcg_runs_have_a_64_mib_group_and_no_swap():
    for name, workload, kernel in [
        ("mcgmix_ext3_v0_r1", "mcgmix", "2.6.36"), ("S4.1", "S4", "6.1"),
    ]:  # fmt: skip
        scenario = scenario_for(recording(name, workload, kernel=kernel))
        assert scenario is not None
        assert [g.limit_mib for g in scenario.memcgs] == [64]
        assert scenario.memory.swap_mib == 0
        assert {w.memcg for w in scenario.workloads} == {scenario.memcgs[0].name}


def test_every_fact_says_where_it_is_from_and_unknowns_say_so():
    for run in catalogue(FIXTURES):
        facts = facts_of(run)
        assert len({fact.field for fact in facts}) == len(facts)
        assert all(fact.source for fact in facts)
        assert all("unknown" in fact.source for fact in facts if fact.value is None)


def test_starts_are_those_of_the_cuts_that_have_the_beginning():
    name = "mcgmix_ext3_v0_r1_stk"
    run = read(FIXTURES / "linux-2.6.36" / name)
    assert STARTS[name] == Start(int(run.series["nr_free_pages"][0]), 5000)
