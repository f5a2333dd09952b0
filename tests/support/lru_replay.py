"""A trace of objects through the LRU primitives: one list, touch to the head, evict from the tail.

The bare touch-and-reclaim path: no reference bits, no second list, no dirty pages.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from sim.build import build
from sim.engine.jit import njit
from sim.machine.lru import add_page_to_lru_list, del_page_from_lru
from sim.machine.page import LRU_INACTIVE_FILE
from tests.support.small import small

FIRST_PFN = 5000
"""In zone DMA32 of the small machine."""


@njit
def _replay(m: Any, trace: Any, frame: Any, owner: Any, first: Any, hits: Any) -> Any:
    """``frame[object]`` = its pfn or -1; ``owner[pfn - first]`` = the object in that page."""
    zone = m.page[first].zone
    used = 0
    for i in range(trace.shape[0]):
        wanted = trace[i]
        pfn = frame[wanted]
        if pfn >= 0:
            hits[i] = True
            del_page_from_lru(m, pfn)
        elif used < owner.shape[0]:
            pfn = first + used
            used += 1
        else:
            pfn = m.lru[zone].tail[LRU_INACTIVE_FILE]
            del_page_from_lru(m, pfn)
            frame[owner[pfn - first]] = -1
        frame[wanted] = pfn
        owner[pfn - first] = wanted
        add_page_to_lru_list(m, pfn, LRU_INACTIVE_FILE)


class Machine:
    """An idle machine whose pages are the cache."""

    def __init__(self, capacity: int, ram_mib: int = 64) -> None:
        """``capacity`` pages of a machine that has them."""
        self.system = build(small(memory=_memory(ram_mib), memcgs=(), workloads=())).system
        self.capacity = capacity
        page = self.system.arrays.page
        assert FIRST_PFN + capacity <= len(page)
        page["memcg"][FIRST_PFN : FIRST_PFN + capacity] = 0

    def replay(self, trace: np.ndarray) -> np.ndarray:
        """Whether each access hit."""
        frame = np.full(int(trace.max(initial=0)) + 1, -1, np.int64)
        owner = np.full(self.capacity, -1, np.int64)
        hits = np.zeros(len(trace), np.bool_)
        _replay(self.system.m, trace, frame, owner, np.int64(FIRST_PFN), hits)
        return hits


def _memory(ram_mib: int) -> Any:
    from sim.scenario import MemorySpec

    return MemorySpec(ram_mib=ram_mib, kernel_mib=20)


def ordered_dict(trace: np.ndarray, capacity: int) -> np.ndarray:
    """The obvious LRU."""
    cache: OrderedDict[int, None] = OrderedDict()
    hits = np.zeros(len(trace), np.bool_)
    for i, wanted in enumerate(trace.tolist()):
        if wanted in cache:
            hits[i] = True
            cache.move_to_end(wanted)
            continue
        if len(cache) == capacity:
            cache.popitem(last=False)
        cache[wanted] = None
    return hits


def zipf_trace(length: int, objects: int, seed: int = 1) -> np.ndarray:
    """Accesses of which few objects get most."""
    draws = np.random.default_rng(seed).zipf(1.1, length)
    return (draws % objects).astype(np.int64)
