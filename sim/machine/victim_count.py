"""Counting whose page was taken, by whom (C19)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.request import ISSUER_KSWAPD, ISSUER_MEMCG_FLUSHER


@njit
def count_victim(m: Any, t: Any, pfn: Any, what: Any) -> None:
    """The task has reclaimed (RECLAIMED) or put under writeback (WRITTEN) the page."""
    task = m.task[t]
    issuer = task.issuer
    group = task.memcg
    if issuer in (ISSUER_KSWAPD, ISSUER_MEMCG_FLUSHER):
        group = task.sc_memcg
    nr_memcgs = m.victim.shape[1] // 2
    m.victim[issuer * nr_memcgs + group, 2 * np.int64(m.page[pfn].memcg) + what] += 1
