"""The task around ``workload_step``: acts on its stop codes, makes files, dies when OOM says so."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from sim.machine.system import System
from sim.machine.task import DONE, PF_MEMDIE, WANT_FILE, WANT_MEMCG_OOM, WANT_OOM
from sim.workload.steps import enter_workload, workload_step

Steps = Generator[Any, bool | None, Any]


class Workloads:
    """What all workload tasks of one run share: where new files come from, and who dies."""

    def __init__(
        self,
        system: System,
        next_file: Callable[[int], int],
        kill: Callable[[int, bool], int],
        leave: Callable[[int], None],
    ) -> None:
        """Keep the upcalls.

        ``next_file(task) -> inode``, -1 when the directory is full; ``kill(task, in_memcg)``
        chooses a victim of OOM, frees its memory and returns it; ``leave(task)`` frees what it
        touched between its killing and its end.
        """
        self.system = system
        self.next_file = next_file
        self.kill = kill
        self.leave = leave

    def task(self, t: int) -> Steps:
        """Sleeps. One workload task."""
        s = self.system
        enter_workload(s.m, t)
        while (stop := workload_step(s.m, t)) != DONE:
            if stop == WANT_FILE:
                ino = self.next_file(t)
                if ino < 0:
                    return
                s.tcol["op_inode"][t] = ino
                s.tcol["op_ready"][t] = 1
            elif stop in (WANT_OOM, WANT_MEMCG_OOM):
                victim = self.kill(t, stop == WANT_MEMCG_OOM)
                s.tcol["pf_flags"][victim] |= PF_MEMDIE
            else:
                yield from s.wait(t, stop)
        self.leave(t)
