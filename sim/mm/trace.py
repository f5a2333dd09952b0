"""Writing trace records: hot and unformatted; ``observe.ftrace`` makes the text."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import CPU, NOW, NR_TRACE, TRACE_LOST
from sim.machine.tracepoints import EV_LRU_ISOLATE, EV_WRITEPAGE
from sim.machine.vmstat import CONTIG_DIRTY, CONTIG_FAILED, CONTIG_TAKEN


@njit
def trace(m: Any, t: Any, event: Any, a0: Any, a1: Any, a2: Any) -> Any:
    """One event with up to three fields, if the patch that adds it is applied."""
    family = 1
    if event >= EV_WRITEPAGE:
        family = 3
    elif event >= EV_LRU_ISOLATE:
        family = 2
    clock = m.clock
    if not (m.rules[0].trace_mask >> (family - 1)) & 1:
        return
    row = clock[NR_TRACE]
    if row >= m.trace.shape[0]:
        clock[TRACE_LOST] += 1
        return
    clock[NR_TRACE] = row + 1
    record = m.trace[row]
    record.t_ns = clock[NOW]
    record.event = event
    record.cpu = clock[CPU]
    record.task = t
    record.a[0] = a0
    record.a[1] = a1
    record.a[2] = a2


@njit
def trace_isolate(
    m: Any, t: Any, event: Any, mode: Any, requested: Any, taken: Any, contig: Any
) -> Any:
    """lru_isolate; ``contig``: the three counters of lumpy reclaim's neighbours before it."""
    before = m.clock[NR_TRACE]
    trace(m, t, event, mode, m.task[t].sc_order, requested)
    if m.clock[NR_TRACE] > before:
        record = m.trace[before]
        record.a[3] = taken
        record.a[4] = taken
        record.a[5] = m.vm[CONTIG_TAKEN] - contig[0]
        record.a[6] = m.vm[CONTIG_DIRTY] - contig[1]
        record.a[7] = m.vm[CONTIG_FAILED] - contig[2]
