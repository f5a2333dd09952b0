"""The deepest stack of each context of a simulated run: the chain that its counter measured."""

from __future__ import annotations

from itertools import product
from typing import Any

from sim.machine.stack_chains import (
    CONTEXTS,
    ENTRY_NAMES,
    RECLAIM,
    THREAD_INFO_BYTES,
    Call,
    StackRules,
    chain,
    depth_bytes,
)
from sim.result import Result


def deepest(result: Result) -> dict[str, dict[str, Any]]:
    """Context to ``bytes``, ``limit_bytes`` and ``chain``: [function, bytes], outermost first.

    Empty for a recording. A depth that several calls reach is shown as the first of them.
    """
    scenario = result.meta.get("scenario")
    if not scenario or "stack" not in scenario:
        return {}
    spec = scenario["stack"]
    kib = spec["thread_size_kib"]
    rules = StackRules(
        spec["frames"],
        spec["writepage"],
        spec["storage_bytes"],
        "stackreduce" in scenario["patches"],
        kib,
    )
    found = {}
    for context in CONTEXTS:
        depth = result.counters.get(f"stack_bytes_max_{context}", 0)
        call = _call(context, depth, rules) if depth else None
        if call is not None:
            found[context] = {
                "bytes": depth,
                "limit_bytes": kib * 1024 - THREAD_INFO_BYTES,
                "chain": [list(frame) for frame in chain(call, rules)],
            }
    return found


def _call(context: str, depth: int, rules: StackRules) -> Call | None:
    entries = ENTRY_NAMES if context in RECLAIM and context != "kswapd" else ("",)
    calls = (Call(context, *rest) for rest in product(entries, (False, True), (False, True)))
    return next((call for call in calls if depth_bytes(call, rules) == depth), None)
