"""How deep the stack is where reclaim and writeback submit IO, by context and by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.request import (
    ISSUER_DIRECT,
    ISSUER_DIRTIER,
    ISSUER_FLUSHER,
    ISSUER_KSWAPD,
    ISSUER_MEMCG,
)
from sim.machine.stack_chains import (
    CONTEXTS,
    ENTRIES,
    THREAD_INFO_BYTES,
    Call,
    StackRules,
    depth_bytes,
    frame_table,
)
from sim.machine.vmstat import (
    STACK_BYTES_MAX,
    STACK_BYTES_MAX_DIRECT,
    STACK_BYTES_MAX_FLUSHER,
    STACK_BYTES_MAX_KSWAPD,
    STACK_BYTES_MAX_MEMCG,
    STACK_BYTES_MAX_WRITE_ENTRY,
    STACK_OVERFLOWS_DIRECT,
    STACK_OVERFLOWS_KSWAPD,
    STACK_OVERFLOWS_MEMCG,
    STACK_OVERFLOWS_OTHER,
)


def stack_words(rules: StackRules) -> Any:
    """``m.stack``: int64[contexts + 2, max(4, entries)], bytes.

    Row c: a call of context c below its entry, by hole + 2 * ranges. Then the entries, and last
    the bytes a thread may use.
    """
    words = np.zeros((len(CONTEXTS) + 2, max(4, len(ENTRIES))), np.int64)
    for c, context in enumerate(CONTEXTS):
        for which in range(4):
            call = Call(context, "", bool(which & 1), bool(which & 2))
            words[c, which] = depth_bytes(call, rules)
    table = frame_table(rules)
    for e, names in enumerate(ENTRIES.values()):
        words[ROW_ENTRIES, e] = sum(table[name] for name in names)
    words[ROW_LIMIT, 0] = rules.thread_size_kib * 1024 - THREAD_INFO_BYTES
    return words


ROW_ENTRIES = len(CONTEXTS)
ROW_LIMIT = ROW_ENTRIES + 1
_KSWAPD, _DIRECT, _MEMCG, _FLUSHER, _DIRTIER = range(len(CONTEXTS))


@njit
def note_writepage_stack(m: Any, t: Any, hole: Any, ranges: Any) -> None:
    """->writepage is called: how deep its deepest call goes, by who called it and from where.

    # Differs from 2.6.35: a call that does not fit is counted; there it overwrites thread_info.
    """
    vm = m.vm
    issuer = m.task[t].issuer
    which = (1 if hole else 0) + (2 if ranges else 0)
    overflows = STACK_OVERFLOWS_OTHER
    if issuer == ISSUER_KSWAPD:
        depth = m.stack[_KSWAPD, which]
        most, overflows = STACK_BYTES_MAX_KSWAPD, STACK_OVERFLOWS_KSWAPD
    elif issuer in (ISSUER_DIRECT, ISSUER_MEMCG):
        entry = m.task[t].stack_entry
        context = _DIRECT if issuer == ISSUER_DIRECT else _MEMCG
        depth = m.stack[ROW_ENTRIES, entry] + m.stack[context, which]
        most, overflows = STACK_BYTES_MAX_DIRECT, STACK_OVERFLOWS_DIRECT
        if issuer == ISSUER_MEMCG:
            most, overflows = STACK_BYTES_MAX_MEMCG, STACK_OVERFLOWS_MEMCG
        by_entry = STACK_BYTES_MAX_WRITE_ENTRY + entry
        vm[by_entry] = max(vm[by_entry], depth)
    elif issuer == ISSUER_DIRTIER:
        depth = m.stack[_DIRTIER, which & 1]
        most = STACK_BYTES_MAX
    else:
        depth = m.stack[_FLUSHER, which & 1]
        most = STACK_BYTES_MAX_FLUSHER if issuer == ISSUER_FLUSHER else STACK_BYTES_MAX
    vm[most] = max(vm[most], depth)
    vm[STACK_BYTES_MAX] = max(vm[STACK_BYTES_MAX], depth)
    if depth > m.stack[ROW_LIMIT, 0]:
        vm[overflows] += 1
