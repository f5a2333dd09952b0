"""C15: a flusher-like thread for a container above its dirty ratio.

1. A reclaimer inside the container looks at the container's dirty pages. Are there more than
   ``vm.dirty_ratio`` percent of its dirtyable pages, the thread of the container is created (here:
   woken), unless it is at work.
2. The thread scans the container's LRU lists from the old end and writes every dirty file page it
   finds there, in that order, until it has written as many as were dirty when it began. A
   congested queue does not turn it away: it sleeps in get_request like kswapd.
3. It ends. The reclaimers go on meanwhile under the rules for memcg reclaim.

What it gains over the flusher is that it knows where the pages are; what it costs is that the
order of the LRU is not the order on disk. Patch 5 helps it as it helps kswapd.

Source: the mail of 2010-06-09: "create a flusher-like thread if a direct reclaimer finds that the
dirty pages in the container are above the dirty ratio".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.machine.system import System
from sim.machine.task import DONE, PF_MEMALLOC, PF_SWAPWRITE
from sim.machine.vmstat import MEMCG_FLUSHER_WAKEUPS
from sim.mm.memcg_clean import begin_memcg_clean, memcg_clean
from sim.result import SleepCause
from sim.scenario import InterventionKind, MemcgAnswer, Scenario


def nr_memcg_flushers(scenario: Scenario) -> int:
    """Threads to have ready: one a container, where the answer is or may come into force."""
    answer = MemcgAnswer.MEMCG_FLUSHER
    later = any(
        each.what is InterventionKind.ANSWER and each.whose == answer
        for each in scenario.interventions
    )
    return len(scenario.memcgs) if later or answer in scenario.memcg_answers else 0


def memcg_flusher(s: System, g: int, t: int) -> Generator[Any, bool | None, Any]:
    """Sleeps. The thread of container ``g``."""
    s.tcol["pf_flags"][t] = PF_MEMALLOC | PF_SWAPWRITE
    memcg = s.arrays.memcg[g]
    memcg.flusher_task = t
    while True:
        if not memcg.flusher_wanted:
            yield from s.sleep(None, SleepCause.IDLE)
        s.vm[MEMCG_FLUSHER_WAKEUPS] += 1
        begin_memcg_clean(s.m, t, g)
        while (stop := memcg_clean(s.m, t)) != DONE:
            yield from s.wait(t, stop)
        memcg.flusher_wanted = 0
