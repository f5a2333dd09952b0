"""A discrete-event engine with processors: integer ns, total order (time, priority, seq).

Tasks work and sleep. A task's body is a generator, which yields ``RUN`` ("I could go on") or a
``Sleep``, or a kernel that the main loop calls itself. The engine has never heard of a page, and
never looks at a wall clock. Its data plane is ``sched``: this module is Python's side of it.

Processors have clocks of their own. The runnable processor with the smallest clock runs next (ties
by number), at most up to the next event, the end of its task's slice, or a quantum past the
next runnable processor: its *stretch*. Observers and the end of ``run_until`` interrupt a stretch
without ending it, so that neither who runs next nor when wake-ups are seen depends on them.

# Differs from 2.6.35: one run queue for all CPUs, ordered by virtual runtime, and no load
# balancing or per-CPU affinity. Slices and wake-up granularity are CFS's (sched_fair.c, from
# memory): latency 6 ms and granularity 2 ms and 1 ms, times 1 + ilog2(CPUs).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from sim.engine.clock import (
    ALARM_DUE_NS,
    ALARM_NUMBER,
    CUT_NS,
    FINISHED,
    LIMIT,
    MIN_VRUNTIME,
    NOW,
    SLEEP_CAUSE,
    SLEEP_UNTIL_NS,
    SLEEP_WAITQ,
    STOP,
    STRETCH_TASK,
)
from sim.engine.phases import ADVANCED, ALARM, HANDED, SENT
from sim.engine.records import (
    NEVER,
    NOT_BEGUN,
    PRIORITY_DEVICE,
    PRIORITY_OBSERVER,
    PRIORITY_TIMER,
    TIMED_OUT,
    WOKEN,
)
from sim.engine.sched import enqueue, set_alarm, wake_task
from sim.engine.waitq import WaitQueue

__all__ = [
    "BEGUN", "NEVER", "PRIORITY_DEVICE", "PRIORITY_OBSERVER", "PRIORITY_TIMER", "RUN", "Alarm",
    "Engine", "Sleep", "Task", "TaskGenerator",
]  # fmt: skip


class Sleep(NamedTuple):
    """Yielded by a task that sleeps until woken or ``until_ns``."""

    cause: int
    waitq: WaitQueue | None = None
    until_ns: int = NEVER


RUN = None
"""Yielded by a task that could go on."""
BEGUN = Sleep(-1)
"""Yielded by a task for which a kernel has said how it sleeps."""

TaskGenerator = Generator[Sleep | None, bool | None, None]


def _column(name: str) -> Any:
    """A field of the task's SCHED record as an attribute."""

    def get(self: Task) -> int:
        value: int = self._columns[name][self.number]
        return value

    def put(self: Task, value: int) -> None:
        self._columns[name][self.number] = value

    return property(get, put)


class Task:
    """One thread: its body, and a view of what ``sched`` knows of it."""

    __slots__ = ("_columns", "_sleep_ns", "act", "born_ns", "generator", "name", "number")

    since_ns = _column("since_ns")
    run_ns = _column("run_ns")
    runnable_ns = _column("runnable_ns")
    last_cause = _column("last_cause")
    sleep_cause = _column("sleep_cause")
    waitq = _column("waitq")
    until_ns = _column("until_ns")

    def __init__(self, number: int, name: str, columns: dict[str, Any], sleep_ns: Any) -> None:
        self.number = number
        self.name = name
        self._columns = columns
        self._sleep_ns = sleep_ns[number]
        self.born_ns = 0
        self.generator: TaskGenerator | None = None
        self.act: Callable[[int, int], bool] | None = None

    @property
    def finished(self) -> bool:
        """Whether its body has come to its end."""
        return bool(self._columns["finished"][self.number])

    @property
    def sleep_ns(self) -> dict[int, int]:
        """ns asleep by cause."""
        return {cause: ns for cause, ns in enumerate(self._sleep_ns.tolist()) if ns}

    def add_sleep_ns(self, cause: int, ns: int) -> None:
        """Account (more or less) time asleep."""
        self._sleep_ns[cause] += ns


class Alarm:
    """A single-shot event that can be moved: the latest ``set`` counts."""

    __slots__ = ("_engine", "action", "number", "priority", "serial")

    def __init__(self, engine: Engine, priority: int, action: Callable[[int], None]) -> None:
        """``action(due_ns)`` may add its cost to ``clock[NOW]``, an observer's may not."""
        self._engine = engine
        self.priority = priority
        self.action = action
        self.number = engine.add_alarm(self)
        self.serial = 0

    @property
    def due_ns(self) -> int:
        """When it rings, NEVER when it is not set."""
        return int(self._engine.alarm_due_ns[self.number])

    def set(self, due_ns: int) -> None:
        """Ring at ``due_ns`` instead of any earlier setting."""
        self._engine.set_alarm(self, due_ns)


class Engine:
    """Clock, events, processors."""

    def __init__(
        self,
        m: Any,
        arrays: Any,
        *,
        advance: Callable[[Any, int], int],
        empty_logs: Callable[[], None],
    ) -> None:
        """Take over the idle machine ``m`` that is made of ``arrays``.

        ``advance(m, stop_ns)`` is its main loop; ``empty_logs()`` takes what its logs hold.
        """
        self.m = m
        self.clock = memoryview(arrays.clock)
        self.now_ns = 0
        self.tasks: list[Task] = []
        self._advance_kernel = advance
        self.empty_logs = empty_logs
        sched = arrays.sched
        self._columns = {
            name: memoryview(sched[name])
            for name in sched.dtype.names
            if sched.dtype[name].shape == ()
        }
        self._sleep_ns = sched["sleep_ns"]
        self._woken = self._columns["woken"]
        self._alarms: list[Alarm | None] = [None]  # the first is the kernels' own
        self.alarm_due_ns = memoryview(arrays.alarm["due_ns"])
        self._alarm_priority = arrays.alarm["priority"]
        self._observers: list[tuple[int, int, int, Alarm]] = []
        self._observer_seq = 0

    # ---- events

    def add_alarm(self, alarm: Alarm) -> int:
        """The alarm's number."""
        number = len(self._alarms)
        self._alarm_priority[number] = alarm.priority
        self._alarms.append(alarm)
        return number

    def set_alarm(self, alarm: Alarm, due_ns: int) -> None:
        """Ring at ``due_ns`` instead of any earlier setting; observers have a heap of their own."""
        if alarm.priority != PRIORITY_OBSERVER:
            set_alarm(self.m, alarm.number, due_ns)
        elif due_ns != alarm.due_ns:
            self.alarm_due_ns[alarm.number] = due_ns
            alarm.serial += 1
            self._observer_seq += 1
            if due_ns < NEVER:
                row = (due_ns, self._observer_seq, alarm.serial, alarm)
                heapq.heappush(self._observers, row)

    def run_until(self, end_ns: int) -> None:
        """Go on until nothing is left to do before ``end_ns``."""
        observers = self._observers
        while observers and observers[0][0] <= end_ns:
            due_ns, _, serial, alarm = observers[0]
            self._advance(due_ns)
            heapq.heappop(observers)
            if alarm.serial == serial:
                self.alarm_due_ns[alarm.number] = NEVER
                alarm.action(due_ns)
        self._advance(end_ns)
        self.now_ns = end_ns

    def _advance(self, stop_ns: int) -> None:
        """All there is to do up to ``stop_ns``, events at that time included."""
        advance, m, clock = self._advance_kernel, self.m, self.clock
        while (asked := advance(m, stop_ns)) != ADVANCED:
            if asked == SENT:
                self._send(self.tasks[clock[STRETCH_TASK]])
            elif asked == HANDED:
                t = clock[STRETCH_TASK]
                act = self.tasks[t].act
                assert act is not None
                clock[FINISHED] = act(t, clock[STOP])
            elif asked == ALARM:
                alarm = self._alarms[clock[ALARM_NUMBER]]
                assert alarm is not None
                alarm.action(clock[ALARM_DUE_NS])
            else:
                self.empty_logs()

    def _send(self, task: Task) -> None:
        """Resume a generator until it sleeps, ends, or the stretch has no time left."""
        clock, woken, t = self.clock, self._woken, task.number
        assert task.generator is not None
        sleep: Sleep | None = RUN
        while sleep is RUN and clock[NOW] < clock[CUT_NS] == clock[LIMIT]:
            how = woken[t]
            woken[t] = TIMED_OUT
            try:
                sleep = task.generator.send(None if how == NOT_BEGUN else how == WOKEN)
            except StopIteration:
                clock[FINISHED] = 1
                return
        if sleep is not RUN and sleep is not BEGUN:
            clock[SLEEP_CAUSE] = sleep.cause
            clock[SLEEP_WAITQ] = -1 if sleep.waitq is None else sleep.waitq.number
            clock[SLEEP_UNTIL_NS] = sleep.until_ns

    # ---- tasks

    def spawn(
        self, name: str, generator_of: Callable[[int], TaskGenerator], now_ns: int = 0
    ) -> Task:
        """A new task, runnable from ``now_ns``; ``generator_of(number)`` makes its generator."""
        task = self._new_task(name, now_ns)
        task.generator = generator_of(task.number)
        return task

    def spawn_compiled(self, name: str, act: Callable[[int, int], bool], lead_ns: int = 0) -> Task:
        """A task whose body the main loop has; ``act(number, stop) -> whether it is over``.

        Of tasks made at once that with the largest ``lead_ns`` runs first.
        """
        task = self._new_task(name, self.now_ns, lead_ns)
        task.act = act
        self._columns["compiled"][task.number] = 1
        return task

    def _new_task(self, name: str, now_ns: int, lead_ns: int = 0) -> Task:
        number = len(self.tasks)
        task = Task(number, name, self._columns, self._sleep_ns)
        task.born_ns = task.since_ns = now_ns = max(now_ns, self.now_ns)
        self._columns["vruntime"][number] = self.clock[MIN_VRUNTIME] - lead_ns
        self.tasks.append(task)
        enqueue(self.m, number, now_ns)
        return task

    def wake(self, task: Task, now_ns: int) -> None:
        """A sleeping task becomes runnable; others are left alone."""
        wake_task(self.m, task.number, now_ns, WOKEN)

    def finish(self) -> None:
        """Bring every task's account of its time to now, no further and no less."""
        for task in self.tasks:
            rest_ns = self.now_ns - task.since_ns
            if rest_ns < 0:
                self._take_off(task, -rest_ns)
            elif task.finished:
                continue
            elif task.sleep_cause >= 0:
                task.add_sleep_ns(task.sleep_cause, rest_ns)
            else:
                task.runnable_ns += rest_ns
            task.since_ns = self.now_ns

    def _take_off(self, task: Task, beyond_ns: int) -> None:
        """What a task did beyond now: it stops at safe points only, and may wake who sleeps."""
        asleep_ns = min(task.sleep_ns.get(task.last_cause, 0), beyond_ns)
        if asleep_ns:
            task.add_sleep_ns(task.last_cause, -asleep_ns)
        task.run_ns -= beyond_ns - asleep_ns
