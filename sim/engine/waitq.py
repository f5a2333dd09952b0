"""Wait queues: who sleeps for what, woken all at once or one by one in order of arrival."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.engine.engine import Engine, Task


class WaitQueue:
    """Sleeping tasks in order of arrival (wait.h)."""

    __slots__ = ("_engine", "name", "tasks")

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.tasks: deque[Task] = deque()

    def wake_up_all(self, now_ns: int) -> None:
        """Every sleeper goes on."""
        while self.tasks:
            self._engine.wake(self.tasks[0], now_ns)

    def wake_up(self, now_ns: int, nr_exclusive: int = 1) -> None:
        """The first ``nr_exclusive`` sleepers go on."""
        while self.tasks and nr_exclusive > 0:
            self._engine.wake(self.tasks[0], now_ns)
            nr_exclusive -= 1
