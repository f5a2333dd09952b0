"""Stack depth: the chains that were recorded and posted, and what a run counts of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.machine.stack_chains import ENTRY_NAMES, Call, StackRules, chain, depth_bytes
from sim.observe.stacks import deepest
from sim.presets import PRESETS
from sim.runner import run
from sim.scenario import Frames, Patch, Scenario, StackSpec, StackWritepage

POSTED = StackRules(frames="2.6.34", writepage="xfs")
TRACER_BYTES = 240
"""What the stack tracer itself had on the stack at most (README of the recordings: 180-250)."""


def test_berthels_overflow_to_the_byte() -> None:
    call = Call("direct", "select", hole=True)
    names = [name for name, _ in chain(call, POSTED)]
    assert names[:4] == ["system_call_fastpath", "sys_select", "core_sys_select", "do_select"]
    above = names.index("xfs_vm_writepage")
    sizes = [size for _, size in chain(call, POSTED)]
    slab = names.index("kmem_cache_alloc")
    assert sum(sizes[:slab]) == 7568
    assert len(names[:slab]) == 47
    assert sum(sizes[: names.index("shrink_page_list") + 1]) == sum(sizes[:above])


@pytest.mark.parametrize(
    ("call", "recorded"),
    [
        (Call("direct", "write"), 4464),
        (Call("kswapd"), 3320 - 64 + 96),  # there the last frame was zone_watermark_ok, not rmqueue
        (Call("kswapd", ranges=True), 3768),
        (Call("flusher"), 3288),
        (Call("memcg", "fault", hole=True), 5920),
    ],
)
def test_recorded_depths_less_the_tracer(call: Call, recorded: int) -> None:
    depth = depth_bytes(call, StackRules())
    assert recorded - TRACER_BYTES - 32 <= depth <= recorded


def test_what_makes_a_stack_deeper_and_what_does_not() -> None:
    call = Call("direct", "write", hole=True)
    plain = depth_bytes(call, POSTED)
    assert depth_bytes(call, POSTED._replace(storage_bytes=1024)) == plain + 1024
    assert depth_bytes(call, POSTED._replace(stackreduce=True)) == plain - 256
    assert depth_bytes(call, StackRules(writepage="xfs", stackreduce=True)) == depth_bytes(
        call, StackRules(writepage="xfs")
    )
    assert depth_bytes(Call("direct", "write"), StackRules()) < plain


def counters(**stack: object) -> dict[str, int]:
    scenario: Scenario = replace(PRESETS["global"].scenario, duration_ms=3000)
    return run(replace(scenario, stack=StackSpec(**stack))).counters  # type: ignore[arg-type]


def test_depth_decides_nothing_else() -> None:
    deep = counters(frames=Frames.POSTED_2_6_34, writepage=StackWritepage.XFS, thread_size_kib=4)
    plain = counters()
    assert {k: v for k, v in deep.items() if not k.startswith("stack_")} == {
        k: v for k, v in plain.items() if not k.startswith("stack_")
    }
    assert deep["stack_bytes_max"] > plain["stack_bytes_max"]
    assert plain["stack_overflows_direct"] == plain["stack_overflows_kswapd"] == 0


def test_calls_that_do_not_fit_are_counted_by_context() -> None:
    found = counters(thread_size_kib=4)
    limit = 4096 - 104
    for who in ("direct", "kswapd"):
        deepest, overflows = found[f"stack_bytes_max_{who}"], found[f"stack_overflows_{who}"]
        assert (deepest > limit) == (overflows > 0)
    assert found["stack_overflows_direct"] > 0


def test_entries_reach_as_deep_as_the_reclaim_they_enter() -> None:
    found = counters()
    by_entry = [found[f"stack_bytes_max_{entry}_entry"] for entry in ENTRY_NAMES]
    contexts = [found[f"stack_bytes_max_{who}"] for who in ("direct", "memcg")]
    assert max(by_entry) == max(contexts)
    assert found["stack_bytes_max_write_entry"] > 0 == found["stack_bytes_max_select_entry"]


def test_patch_6_takes_direct_reclaim_off_the_deep_path() -> None:
    scenario = replace(PRESETS["global"].scenario, duration_ms=3000, patches=frozenset({Patch.P6}))
    found = run(scenario).counters
    assert found["stack_bytes_max_direct"] == 0 < found["stack_bytes_max_kswapd"]


def test_the_deepest_chain_adds_up_to_its_counter() -> None:
    result = run(replace(PRESETS["stack-xfs"].scenario, duration_ms=3000))
    found = deepest(result)
    assert {"direct", "kswapd"} <= set(found)
    for context, stack in found.items():
        assert sum(size for _, size in stack["chain"]) == stack["bytes"]
        assert stack["bytes"] == result.counters[f"stack_bytes_max_{context}"]
    assert found["direct"]["bytes"] > found["direct"]["limit_bytes"] == 8192 - 104
    assert result.counters["stack_overflows_direct"] > 0
