"""What a workload task needs Python for: OOM, and its end."""

from __future__ import annotations

from collections.abc import Callable

from sim.machine.system import System
from sim.machine.task import DONE, PF_MEMDIE, WANT_MEMCG_OOM, WANT_OOM


class Workloads:
    """What all workload tasks of one run share: who dies."""

    def __init__(
        self,
        system: System,
        kill: Callable[[int, bool], int],
        leave: Callable[[int], None],
    ) -> None:
        """Keep the upcalls.

        ``kill(task, in_memcg)`` chooses a victim of OOM, frees its memory and returns it;
        ``leave(task)`` frees what it touched between its killing and its end.
        """
        self.system = system
        self.kill = kill
        self.leave = leave

    def act(self, t: int, stop: int) -> bool:
        """Do what the kernel of the task cannot; whether the task is over."""
        s = self.system
        if stop in (WANT_OOM, WANT_MEMCG_OOM):
            victim = self.kill(t, stop == WANT_MEMCG_OOM)
            s.tcol["pf_flags"][victim] |= PF_MEMDIE
        elif stop == DONE:
            self.leave(t)
            return True
        else:
            raise AssertionError(f"workload_step of task {t} returned stop code {stop}")
        return False
