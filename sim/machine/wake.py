"""How a kernel wakes somebody: a word of the clock, and a prompt return to the scheduler."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import ANY_WAKE, LIMIT


@njit
def wake_up(m: Any, word: int) -> None:
    """Set a WAKE word; the kernel that runs stops at its next safe point (need_resched)."""
    clock = m.clock
    clock[word] = 1
    clock[ANY_WAKE] = 1
    clock[LIMIT] = 0
