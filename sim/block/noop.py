"""The noop elevator: first come, first served (noop-iosched.c)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.request_queue import fifo_add, fifo_del
from sim.engine.jit import njit


@njit
def noop_add(m: Any, r: int) -> None:
    """Append a request."""
    m.request[r].queue = 0
    fifo_add(m.request, m.elevator[0], r)


@njit
def noop_del(m: Any, r: int) -> None:
    """A request leaves: dispatched, or merged into another one."""
    fifo_del(m.request, m.elevator[0], r)


@njit
def noop_pick(m: Any) -> int:
    """The oldest request, or -1."""
    return np.int64(m.elevator[0].fifo_head)
