"""A discrete-event engine with processors: integer ns, total order (time, priority, seq).

Tasks are generators. A task runs when the engine resumes it: it works (kernels add their cost to
``clock[NOW]``) and yields either ``RUN`` ("I could go on") or a ``Sleep``. The engine has never
heard of a page, and never looks at a wall clock.

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

from sim.engine.clock import ANY_WAKE, CPU, CURRENT, LIMIT, NOW
from sim.engine.waitq import WaitQueue

NEVER = 1 << 62
"""A time that does not come."""

PRIORITY_DEVICE, PRIORITY_TIMER, PRIORITY_OBSERVER = 0, 1, 9


class Sleep(NamedTuple):
    """Yielded by a task that sleeps until woken or ``until_ns``."""

    cause: int
    waitq: WaitQueue | None = None
    until_ns: int = NEVER


RUN = None
"""Yielded by a task that could go on."""
RAN = -1
"""``Task.last_cause`` of a task that ran; else the cause of the sleep it was woken from."""

TaskGenerator = Generator[Sleep | None, bool | None, None]


class Task:
    """One thread: its generator, its state, and where its time went."""

    __slots__ = (
        "finished",
        "generator",
        "last_cause",
        "name",
        "number",
        "on_cpu",
        "run_ns",
        "runnable_ns",
        "serial",
        "since_ns",
        "sleep",
        "sleep_ns",
        "vruntime",
        "woken",
    )

    def __init__(self, number: int, name: str, generator: TaskGenerator) -> None:
        self.number = number
        self.name = name
        self.generator = generator
        self.sleep: Sleep | None = None
        self.serial = 0
        self.woken: bool | None = None
        self.finished = False
        self.on_cpu: Cpu | None = None
        self.since_ns = 0
        self.run_ns = 0
        self.runnable_ns = 0
        self.sleep_ns: dict[int, int] = {}
        self.last_cause = RAN
        self.vruntime = 0


class Cpu:
    """A processor with its own clock."""

    __slots__ = ("clock_ns", "current", "number", "slice_end_ns")

    def __init__(self, number: int) -> None:
        self.number = number
        self.clock_ns = 0
        self.current: Task | None = None
        self.slice_end_ns = 0


class Alarm:
    """A single-shot event that can be moved: the latest ``set`` counts."""

    __slots__ = ("_engine", "action", "due_ns", "priority", "serial")

    def __init__(self, engine: Engine, priority: int, action: Callable[[int], None]) -> None:
        self._engine = engine
        self.priority = priority
        self.action = action
        self.due_ns = NEVER
        self.serial = 0

    def set(self, due_ns: int) -> None:
        """Fire at ``due_ns`` instead of any earlier setting."""
        if due_ns == self.due_ns:
            return
        self.due_ns = due_ns
        self.serial += 1
        if due_ns < NEVER:
            self._engine.push(due_ns, self.priority, self, self.serial)


class Stretch(NamedTuple):
    """What ``task`` may do on ``cpu`` before the engine looks again who is to run."""

    cpu: Cpu
    task: Task
    limit_ns: int


class Engine:
    """Clock, events, processors."""

    def __init__(
        self,
        clock: Any,
        *,
        nr_cpus: int,
        quantum_ns: int,
        drain: Callable[[int], None],
        on_sleep: Callable[[Task, int, int, int], None],
    ) -> None:
        """Set up ``nr_cpus`` idle processors.

        ``clock`` is the shared int64 memoryview; ``drain(now_ns)`` runs after each resumption
        that set ANY_WAKE; ``on_sleep(task, cause, begin_ns, end_ns)`` after each sleep.
        """
        self.clock = clock
        self.now_ns = 0
        self.quantum_ns = quantum_ns
        self.cpus = [Cpu(i) for i in range(nr_cpus)]
        self.tasks: list[Task] = []
        self._heap: list[tuple[int, int, int, Any, int]] = []
        self._observers: list[tuple[int, int, int, Any, int]] = []
        self._stretch: Stretch | None = None
        self._seq = 0
        self._ready: list[tuple[int, int, Task]] = []
        self._drain = drain
        self._on_sleep = on_sleep
        self._min_vruntime = 0
        scale = nr_cpus.bit_length()
        self._latency_ns = 6_000_000 * scale
        self._granularity_ns = 2_000_000 * scale
        self._wakeup_ns = 1_000_000 * scale

    # ---- events

    def push(self, due_ns: int, priority: int, target: Any, serial: int) -> None:
        """Queue an event; ties in time break by priority, then by order of pushing."""
        self._seq += 1
        heap = self._observers if priority == PRIORITY_OBSERVER else self._heap
        heapq.heappush(heap, (due_ns, priority, self._seq, target, serial))

    def run_until(self, end_ns: int) -> None:
        """Go on until nothing is left to do before ``end_ns``."""
        observers = self._observers
        while observers and observers[0][0] <= end_ns:
            due_ns, _, _, alarm, serial = observers[0]
            self._advance(due_ns)
            heapq.heappop(observers)
            if alarm.serial == serial:
                alarm.due_ns = NEVER
                alarm.action(due_ns)
        self._advance(end_ns)
        self.now_ns = end_ns

    def _advance(self, stop_ns: int) -> None:
        """All there is to do up to ``stop_ns``, events at that time included."""
        heap = self._heap
        if self._stretch is not None and not self._resume(self._stretch, stop_ns):
            return
        while True:
            due_ns = heap[0][0] if heap else NEVER
            cpu, limit_ns = self._next_cpu()
            if cpu is None or due_ns <= cpu.clock_ns:
                if due_ns > stop_ns:
                    return
                self._fire()
            elif cpu.clock_ns >= stop_ns:
                return
            else:
                stretch = self._begin(cpu, min(due_ns, limit_ns))
                if stretch is not None and not self._resume(stretch, stop_ns):
                    return

    def _fire(self) -> None:
        due_ns, _, _, target, serial = heapq.heappop(self._heap)
        self.now_ns = max(self.now_ns, due_ns)
        if target.serial != serial:
            return
        if isinstance(target, Alarm):
            target.due_ns = NEVER
            self._interrupt(target.action, due_ns)
        else:
            self.wake(target, due_ns, woken=False)

    def _interrupt(self, action: Callable[[int], None], due_ns: int) -> None:
        """Run an event's action; the CPU time it takes is stolen from CPU 0."""
        clock = self.clock
        clock[NOW] = due_ns
        clock[CPU] = 0
        action(due_ns)
        cost_ns = clock[NOW] - due_ns
        cpu = self.cpus[0]
        cpu.clock_ns = max(cpu.clock_ns, due_ns) + cost_ns
        if clock[ANY_WAKE]:
            self._drain(clock[NOW])

    # ---- tasks

    def spawn(self, name: str, generator_of: Callable[[int], TaskGenerator]) -> Task:
        """A new task, runnable at once; ``generator_of(number)`` makes its generator."""
        number = len(self.tasks)
        task = Task(number, name, generator_of(number))
        task.since_ns = self.now_ns
        self.tasks.append(task)
        self._enqueue(task, self.now_ns)
        return task

    def wake(self, task: Task, now_ns: int, *, woken: bool = True) -> None:
        """A sleeping task becomes runnable; others are left alone."""
        sleep = task.sleep
        if sleep is None:
            return
        task.serial += 1
        task.sleep = None
        task.woken = woken
        if sleep.waitq is not None:
            sleep.waitq.tasks.remove(task)
        now_ns = max(now_ns, task.since_ns)
        asleep_ns = now_ns - task.since_ns
        task.sleep_ns[sleep.cause] = task.sleep_ns.get(sleep.cause, 0) + asleep_ns
        self._on_sleep(task, sleep.cause, task.since_ns, now_ns)
        task.since_ns = now_ns
        task.last_cause = sleep.cause
        floor = self._min_vruntime - self._latency_ns // 2
        task.vruntime = max(task.vruntime, floor)
        self._enqueue(task, now_ns)

    def _enqueue(self, task: Task, now_ns: int) -> None:
        heapq.heappush(self._ready, (task.vruntime, task.number, task))
        for cpu in self.cpus:
            if cpu.current is None:
                cpu.clock_ns = max(cpu.clock_ns, now_ns)

    def _next_cpu(self) -> tuple[Cpu | None, int]:
        """The CPU to run next and how far: busy ones, and as many idle ones as tasks wait."""
        best: Cpu | None = None
        others_ns = NEVER
        idle = len(self._ready)
        for cpu in self.cpus:
            if cpu.current is None:
                if idle <= 0:
                    continue
                idle -= 1
            if best is None:
                best = cpu
            elif cpu.clock_ns < best.clock_ns:
                others_ns = best.clock_ns
                best = cpu
            elif cpu.clock_ns < others_ns:
                others_ns = cpu.clock_ns
        return best, others_ns + self.quantum_ns

    def _pick(self, cpu: Cpu) -> Task:
        """Keep the current task within its slice, unless a woken one is far behind it."""
        current = cpu.current
        if current is not None:
            if not self._ready:
                return current
            behind = current.vruntime - self._ready[0][0]
            spent = cpu.clock_ns >= cpu.slice_end_ns
            if not spent and behind <= self._wakeup_ns:
                return current
            if behind < 0:
                cpu.slice_end_ns = cpu.clock_ns + self._granularity_ns
                return current
            current.on_cpu = None
            heapq.heappush(self._ready, (current.vruntime, current.number, current))
        _, _, task = heapq.heappop(self._ready)
        self._min_vruntime = max(self._min_vruntime, task.vruntime)
        nr_running = len(self._ready) + 1
        cpu.current = task
        task.on_cpu = cpu
        slice_ns = max(self._latency_ns // nr_running, self._granularity_ns)
        cpu.slice_end_ns = max(cpu.clock_ns, task.since_ns) + slice_ns
        return task

    def _begin(self, cpu: Cpu, limit_ns: int) -> Stretch | None:
        """Choose the task and how far it may go; None when it was woken after that."""
        task = self._pick(cpu)
        begin_ns = max(cpu.clock_ns, task.since_ns)
        cpu.clock_ns = begin_ns
        if begin_ns >= limit_ns:
            return None
        if self._ready and cpu.slice_end_ns > begin_ns:
            limit_ns = min(limit_ns, cpu.slice_end_ns)
        return Stretch(cpu, task, limit_ns)

    def _resume(self, stretch: Stretch, stop_ns: int) -> bool:
        """Whether the stretch came to its end before ``stop_ns``; if not it is kept."""
        cpu, task, end_ns = stretch
        clock = self.clock
        limit_ns = min(end_ns, stop_ns)
        begin_ns = now_ns = cpu.clock_ns
        clock[NOW] = begin_ns
        clock[LIMIT] = limit_ns
        clock[CPU] = cpu.number
        clock[CURRENT] = task.number
        if begin_ns < limit_ns:
            task.runnable_ns += begin_ns - task.since_ns
            task.since_ns = begin_ns
            task.last_cause = RAN
        sleep: Sleep | None = RUN
        # A kernel that woke somebody lowers LIMIT: that ends the stretch too.
        while now_ns < limit_ns == clock[LIMIT] and sleep is RUN and not task.finished:
            woken, task.woken = task.woken, False
            try:
                sleep = task.generator.send(woken)
            except StopIteration:
                task.finished = True
            now_ns = clock[NOW]
        if now_ns > begin_ns:
            task.run_ns += now_ns - begin_ns
            task.vruntime += now_ns - begin_ns
            task.since_ns = cpu.clock_ns = now_ns
        if task.finished or sleep is not RUN:
            cpu.current = task.on_cpu = None
            if sleep is not RUN:
                self._begin_sleep(task, sleep)
        elif stop_ns <= now_ns < end_ns and clock[LIMIT] == limit_ns:
            self._stretch = stretch
            return False
        self._stretch = None
        if clock[ANY_WAKE]:
            self._drain(now_ns)
        return True

    def _begin_sleep(self, task: Task, sleep: Sleep) -> None:
        task.sleep = sleep
        task.serial += 1
        if sleep.waitq is not None:
            sleep.waitq.tasks.append(task)
        if sleep.until_ns < NEVER:
            self.push(max(sleep.until_ns, task.since_ns), PRIORITY_TIMER, task, task.serial)

    def finish(self) -> None:
        """Bring every task's account of its time to now, no further and no less."""
        for task in self.tasks:
            rest_ns = self.now_ns - task.since_ns
            if rest_ns < 0:
                self._take_off(task, -rest_ns)
            elif task.finished:
                continue
            elif task.sleep is not None:
                cause = task.sleep.cause
                task.sleep_ns[cause] = task.sleep_ns.get(cause, 0) + rest_ns
            else:
                task.runnable_ns += rest_ns
            task.since_ns = self.now_ns

    def _take_off(self, task: Task, beyond_ns: int) -> None:
        """What a task did beyond now: it stops at safe points only, and may wake who sleeps."""
        asleep_ns = min(task.sleep_ns.get(task.last_cause, 0), beyond_ns)
        if asleep_ns:
            task.sleep_ns[task.last_cause] -= asleep_ns
        task.run_ns -= beyond_ns - asleep_ns
