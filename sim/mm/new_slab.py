"""A slab page for a task that may reclaim for it (new_slab of slub.c, with GFP_NOFS)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.task import DONE
from sim.mm.page_alloc import alloc_page
from sim.mm.slab import add_slab


@njit
def new_slab(m: Any, t: Any) -> Any:
    """Pay for what is owed, reclaiming with GFP_NOFS if need be; a stop code.

    ``task.sc_nofs`` is 1 while that is under way.
    """
    task = m.task[t]
    while m.fs[0].slab_owed > 0 or task.sc_nofs:
        task.sc_nofs = 1
        stop = alloc_page(m, t)
        if stop != DONE:
            return stop
        task.sc_nofs = 0
        add_slab(m, np.int64(task.alloc_pfn))
    return DONE
