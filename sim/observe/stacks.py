"""The deepest stack of each context of a simulated run: the chain that its counter measured."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

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
from sim.result import Issuer, Result
from sim.units import NSEC_PER_MSEC

CONTEXT_OF = {
    int(Issuer.KSWAPD): "kswapd", int(Issuer.DIRECT): "direct", int(Issuer.MEMCG): "memcg",
    int(Issuer.FLUSHER): "flusher", int(Issuer.DIRTIER): "dirtier",
}  # fmt: skip
"""Whose ->writepage calls have a chain."""
ENTRY_OF_KIND = {
    "mmap": "fault", "mstream": "fault", "anon": "anon", "seqr": "read", "randr": "read",
    "highalloc": "kthread", "highpass": "kthread", "sparse": "fault",
    "sendfile": "sendfile",
}  # fmt: skip
"""Kind of workload to where it asks for pages, if not in write(2): as ``sim.workload.plan``."""
_PATCH_5 = frozenset({"p5", "p5-recorded"})


class Stack(NamedTuple):
    """A chain of calls, outermost first, and its bytes against those of a kernel stack."""

    frames: tuple[tuple[str, int], ...]
    used_bytes: int
    limit_bytes: int


def deepest(result: Result) -> dict[str, dict[str, Any]]:
    """Context to ``bytes``, ``limit_bytes`` and ``chain``: [function, bytes], outermost first.

    Empty for a recording. A depth that several calls reach is shown as the first of them.
    """
    rules = _rules(result)
    if rules is None:
        return {}
    found = {}
    for context in CONTEXTS:
        depth = result.counters.get(f"stack_bytes_max_{context}", 0)
        call = _call(context, depth, rules) if depth else None
        if call is not None:
            found[context] = {
                "bytes": depth,
                "limit_bytes": _limit_bytes(rules),
                "chain": [list(frame) for frame in chain(call, rules)],
            }
    return found


def stack_at(result: Result, issuer: int, task: int, t_ns: int) -> Stack | None:
    """The calls below which this task's context gave a page to ->writepage then.

    The page has its block; None where the context has no such call or the run is a recording.
    """
    rules, context = _rules(result), CONTEXT_OF.get(issuer)
    if rules is None or context is None:
        return None
    known = result.tasks[task] if 0 <= task < len(result.tasks) else {}
    entry = ""
    if context in RECLAIM and context != "kswapd":
        entry = ENTRY_OF_KIND.get(str(known.get("kind")), "write")
    call = Call(context, entry, ranges=context in RECLAIM and _patch_5(result, t_ns))
    frames = tuple(chain(call, rules))
    return Stack(frames, sum(size for _, size in frames), _limit_bytes(rules))


def _rules(result: Result) -> StackRules | None:
    scenario = result.meta.get("scenario")
    if not scenario or "stack" not in scenario:
        return None
    spec = scenario["stack"]
    return StackRules(
        spec["frames"],
        spec["writepage"],
        spec["storage_bytes"],
        "stackreduce" in scenario["patches"],
        spec["thread_size_kib"],
    )


def _limit_bytes(rules: StackRules) -> int:
    return rules.thread_size_kib * 1024 - THREAD_INFO_BYTES


def _patch_5(result: Result, t_ns: int) -> bool:
    """Whether reclaim wrote ranges then: as the scenario begins, or as it was switched later."""
    scenario = result.meta["scenario"]
    on = not _PATCH_5.isdisjoint(scenario["patches"])
    for change in scenario.get("interventions", ()):
        if change["at_ms"] * NSEC_PER_MSEC <= t_ns and change["whose"] in _PATCH_5:
            on = bool(change["value"])
    return on


def _call(context: str, depth: int, rules: StackRules) -> Call | None:
    entries = ENTRY_NAMES if context in RECLAIM and context != "kswapd" else ("",)
    calls = (Call(context, *rest) for rest in product(entries, (False, True), (False, True)))
    return next((call for call in calls if depth_bytes(call, rules) == depth), None)
