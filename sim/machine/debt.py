"""CPU time of a long search, spent after it in pieces that others may interrupt."""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import LIMIT, NOW
from sim.machine.task import BUDGET_SPENT, DONE


@njit
def spend(m: Any, t: Any) -> Any:
    """Let ``task.debt_ns`` pass, as far as LIMIT allows; a stop code.

    # Differs from 2.6.35: a search under a spinlock cannot be interrupted; here what it found is
    # already acted upon while its time still passes.
    """
    task = m.task[t]
    clock = m.clock
    step_ns = min(task.debt_ns, max(clock[LIMIT] - clock[NOW], 0))
    clock[NOW] += step_ns
    task.debt_ns -= step_ns
    return BUDGET_SPENT if task.debt_ns > 0 else DONE
