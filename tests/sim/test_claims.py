"""Every row C1 to C20 that is built has a preset, a metric and a test that is there."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

import sim
import sim.policy.rules
from sim.claims import CLAIMS, NOT_YET
from sim.cli import main
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.stack import note_writepage_stack
from sim.machine.stack_chains import Call, StackRules, depth_bytes
from sim.machine.task import PF_SWAPWRITE
from sim.machine.vmstat import BDI_ASYNC_CONGESTED, STACK_BYTES_MAX_MEMCG
from sim.mm.range_write import may_write_to_queue
from sim.observe.metrics import METRICS
from sim.presets import PRESETS
from sim.result import Result
from sim.runner import run
from sim.scenario import MemcgAnswer, Patch, Scenario, WorkloadKind, WorkloadSpec
from sim.workload.plan import plan_tasks
from tests.support.bare_machine import WRITER, make
from tests.support.small import SMALL

HERE = Path(__file__).resolve().parent
MODEL = Path(sim.__file__).resolve().parent / "MODEL.md"
P6 = replace(SMALL, patches=frozenset({Patch.P6}))


def test_every_row_is_built_or_said_not_to_be() -> None:
    rows = [f"C{i}" for i in range(1, 21)]
    assert sorted([*CLAIMS, *NOT_YET]) == sorted(rows)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_row_has_a_preset_a_metric_and_a_test(name: str) -> None:
    claim = CLAIMS[name]
    assert any(name in preset.claims for preset in PRESETS.values())
    assert claim.metrics
    assert set(claim.metrics) <= set(METRICS)
    path, _, function = claim.test.partition("::")
    tree = ast.parse((HERE / path).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_presets_name_their_rows_and_the_table_of_the_model_has_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["presets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    text = MODEL.read_text(encoding="utf-8")
    for name, claim in CLAIMS.items():
        presets = [preset for preset, row in listed.items() if name in row["claims"]]
        shown = ", ".join(f"`{preset}`" for preset in presets if not preset.startswith("recorded"))
        numbers = ", ".join(f"`{metric}`" for metric in claim.metrics)
        assert f"| {name} | {claim.text} | {shown} | {numbers} |" in text


# ---- rows that have no file of their own


@pytest.fixture(scope="module")
def base() -> Result:
    return run(SMALL)


@pytest.fixture(scope="module")
def p6() -> Result:
    return run(P6)


def test_with_patch_6_kswapd_and_the_flusher_clean_for_direct_reclaim(
    base: Result, p6: Result
) -> None:
    def share(result: Result, *who: str) -> float:
        every = ("kswapd", "direct", "memcg", "flusher", "dirtier")
        written = {name: result.counters[f"written_{name}"] for name in every}
        return sum(written[name] for name in who) / sum(written.values())

    assert share(base, "direct") > 0
    assert share(p6, "direct") == 0
    assert share(p6, "kswapd", "flusher") > share(base, "kswapd", "flusher")


def test_kswapd_writes_to_a_congested_queue_others_do_not() -> None:
    x = make((64,))
    x.vm[BDI_ASYNC_CONGESTED] = 1
    task = x.arrays.task[WRITER]
    task.issuer = ISSUER_DIRECT
    assert not may_write_to_queue(x.m, WRITER)
    task.issuer, task.pf_flags = ISSUER_KSWAPD, PF_SWAPWRITE
    assert may_write_to_queue(x.m, WRITER)


def test_without_writes_direct_reclaim_is_not_deep(base: Result, p6: Result) -> None:
    assert base.counters["stack_bytes_max_direct"] > base.counters["stack_bytes_max_kswapd"]
    assert p6.counters["stack_bytes_max_direct"] == 0


def test_reclaim_is_deeper_from_a_fault_that_reads_ahead_than_from_write() -> None:
    kinds = (WorkloadKind.SEQ_WRITER, WorkloadKind.MMAP_DIRTIER, WorkloadKind.SENDFILE)
    groups = tuple(WorkloadSpec(kind=kind) for kind in kinds)
    mix = replace(Scenario().mix, rate_kib_per_s=0)
    plans = plan_tasks(Scenario(mix=mix, workloads=groups))
    depths = []
    for plan in plans:
        x = make((64,))
        x.arrays.task[WRITER].issuer = ISSUER_MEMCG
        x.arrays.task[WRITER].stack_entry = plan.columns["stack_entry"]
        note_writepage_stack(x.m, WRITER, False, False)
        depths.append(int(x.vm[STACK_BYTES_MAX_MEMCG]))
    calls = [Call("memcg", entry) for entry in ("write", "fault", "sendfile")]
    assert depths == [depth_bytes(call, StackRules()) for call in calls]
    assert depths[0] < depths[1] < depths[2]


def test_memcg_reclaim_waits_only_under_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    p6 = replace(PRESETS["container-dirty-p6"].scenario, duration_ms=12_000)
    waits = replace(p6, memcg_answers=frozenset({MemcgAnswer.WAIT}))
    without = run(p6).counters
    assert run(waits).counters != without
    monkeypatch.setitem(sim.policy.rules.ANSWER_RULES, MemcgAnswer.WAIT, {})
    assert run(waits).counters == without
