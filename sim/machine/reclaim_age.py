"""How old reclaimed pages are, and how far reclaim leaves the order of the LRU (C9)."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import NOW
from sim.machine.page import PG_swapbacked
from sim.machine.vmstat import (
    FIRST_AGE_MS,
    NR_AGES,
    RECLAIM_AGE_0,
    RECLAIM_AGE_MS,
    RECLAIM_INVERSIONS,
)


@njit
def note_reclaim_age(m: Any, pfn: Any) -> None:
    """The page is reclaimed: its time on the LRU, and whether a younger one went just before it."""
    page = m.page[pfn]
    age_ms = m.clock[NOW] // 1_000_000 - page.lru_ms
    m.vm[RECLAIM_AGE_MS] += age_ms
    bucket = 0
    limit_ms = FIRST_AGE_MS
    while bucket < NR_AGES - 1 and age_ms >= limit_ms:
        bucket += 1
        limit_ms *= 2
    m.vm[RECLAIM_AGE_0 + bucket] += 1
    zone = m.zone[page.zone]
    file = 0 if page.page_flags & PG_swapbacked else 1
    if page.lru_ms < zone.last_freed_ms[file]:
        m.vm[RECLAIM_INVERSIONS] += 1
    zone.last_freed_ms[file] = page.lru_ms
