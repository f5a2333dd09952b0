"""Wait queues as Python sees them: who sleeps for what, woken all at once or one by one."""

from __future__ import annotations

from typing import Any

from sim.engine.sched import wake_up_nr

_EVERYBODY = 1 << 30


class WaitQueue:
    """Sleeping tasks in order of arrival (wait.h): queue ``number`` of the machine."""

    __slots__ = ("_heads", "_m", "number")

    def __init__(self, m: Any, arrays: Any, number: int) -> None:
        self._m = m
        self._heads = arrays.waitq["head"]
        self.number = number

    @property
    def empty(self) -> bool:
        """Whether nobody sleeps in it."""
        return bool(self._heads[self.number] < 0)

    def wake_up_all(self, now_ns: int) -> None:
        """Every sleeper goes on."""
        wake_up_nr(self._m, self.number, now_ns, _EVERYBODY)

    def wake_up(self, now_ns: int, nr_exclusive: int = 1) -> None:
        """The first ``nr_exclusive`` sleepers go on."""
        wake_up_nr(self._m, self.number, now_ns, nr_exclusive)
