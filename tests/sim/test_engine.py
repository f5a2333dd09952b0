"""The event engine by itself: order of events, wait queues, processors, timeouts, alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.clock import ANY_WAKE, CPU, LIMIT, NOW, NR_SLEEP_LOG
from sim.engine.engine import NEVER, RUN, Alarm, Sleep
from sim.engine.records import NR_ALARMS
from sim.machine.machine import WAKE_JOURNAL
from tests.support.bare_machine import make

MS = 1_000_000
CAUSE = 7


class Rig:
    """A bare machine whose tasks are lists of steps: ns to work, or a Sleep."""

    def __init__(self, nr_cpus: int = 1, quantum_ns: int = 50_000) -> None:
        self.system = make(nr_tasks=6, nr_cpus=nr_cpus, quantum_ns=quantum_ns).s
        self.clock = self.system.clock
        self.engine = self.system.engine
        self.log: list[tuple[int, str]] = []

    def slept(self) -> list[tuple[str, int, int, int]]:
        """(task, cause, begin, end) of each sleep that has ended."""
        log = self.system.arrays.sleep_log
        rows = [log[i] for i in range(self.clock[NR_SLEEP_LOG])]
        names = [task.name for task in self.engine.tasks]
        return [
            (names[r["task"]], int(r["cause"]), int(r["t_begin_ns"]), int(r["t_end_ns"]))
            for r in rows
        ]

    def spawn(self, name: str, *steps: Any) -> Any:
        def body(_number: int) -> Any:
            for step in steps:
                if isinstance(step, int):
                    left = step
                    while left > 0:
                        room = max(self.clock[LIMIT] - self.clock[NOW], 1)
                        used = min(left, room)
                        self.clock[NOW] += used
                        left -= used
                        if left:
                            yield RUN
                elif callable(step):
                    step(self.clock[NOW])
                else:
                    woken = yield step
                    self.log.append((self.clock[NOW], f"{name} {'woken' if woken else 'timeout'}"))
            self.log.append((self.clock[NOW], f"{name} done on {self.clock[CPU]}"))

        return self.engine.spawn(name, body)

    def at(self, due_ns: int, action: Callable[[int], None], priority: int = 1) -> Alarm:
        alarm = Alarm(self.engine, priority, action)
        alarm.set(due_ns)
        return alarm


# ---- order


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([0, 1, 9])), max_size=30))
def test_events_happen_by_time_then_priority_then_order_of_setting(
    events: list[tuple[int, int]],
) -> None:
    rig = Rig()
    seen: list[tuple[int, int, int]] = []
    for number, (due, priority) in enumerate(events):
        rig.at(due, lambda _now, key=(due, priority, number): seen.append(key), priority)
    rig.engine.run_until(100)
    assert seen == sorted(seen)
    assert len(seen) == len(events)


def test_an_alarm_set_again_rings_at_the_last_time_only() -> None:
    rig = Rig()
    rung: list[int] = []
    alarm = rig.at(10, rung.append)
    alarm.set(50)
    alarm.set(30)
    rig.engine.run_until(100)
    assert rung == [30]
    assert alarm.due_ns == NEVER


def test_an_alarm_may_set_itself() -> None:
    rig = Rig()
    rung: list[int] = []

    def ring(now_ns: int) -> None:
        rung.append(now_ns)
        alarm.set(now_ns + 10)

    alarm = rig.at(10, ring)
    rig.engine.run_until(35)
    assert rung == [10, 20, 30]


def test_an_event_at_the_end_of_the_run_happens_one_after_it_does_not() -> None:
    rig = Rig()
    rung: list[int] = []
    rig.at(100, rung.append)
    rig.at(101, rung.append)
    rig.engine.run_until(100)
    assert rung == [100]
    rig.engine.run_until(101)
    assert rung == [100, 101]


def test_an_interrupt_steals_its_time_from_cpu_0() -> None:
    rig = Rig()

    def softirq(_now_ns: int) -> None:
        rig.clock[NOW] += 300

    rig.at(1000, softirq)
    task = rig.spawn("a", 5000)
    rig.engine.run_until(MS)
    assert rig.log == [(5300, "a done on 0")]
    assert task.run_ns == 5000
    assert task.runnable_ns == 300


# ---- sleeping and waking


def test_a_timeout_ends_a_sleep_at_its_time_and_says_so() -> None:
    rig = Rig()
    task = rig.spawn("a", Sleep(CAUSE, None, 4 * MS))
    rig.engine.run_until(10 * MS)
    assert rig.log[0] == (4 * MS, "a timeout")
    assert task.sleep_ns == {CAUSE: 4 * MS}
    assert rig.slept() == [("a", CAUSE, 0, 4 * MS)]


def test_a_woken_sleeper_does_not_time_out_later() -> None:
    rig = Rig()
    queue = rig.system.journal_wait
    rig.spawn("a", Sleep(CAUSE, queue, 4 * MS), Sleep(CAUSE, queue, 20 * MS))
    rig.at(1 * MS, queue.wake_up_all)
    rig.engine.run_until(10 * MS)
    assert rig.log == [(MS, "a woken")]
    rig.engine.run_until(30 * MS)
    assert rig.log[1] == (20 * MS, "a timeout")


def test_a_timed_out_sleeper_has_left_its_queue() -> None:
    rig = Rig()
    queue = rig.system.journal_wait
    rig.spawn("a", Sleep(CAUSE, queue, MS))
    rig.engine.run_until(2 * MS)
    assert queue.empty


def test_exclusive_wakeups_go_in_order_of_arrival() -> None:
    rig = Rig()
    queue = rig.system.journal_wait
    for i, name in enumerate("cab"):
        rig.spawn(name, 1000 * (i + 1), Sleep(CAUSE, queue))
    rig.at(MS, queue.wake_up)
    rig.at(2 * MS, lambda now: queue.wake_up(now, 2))
    rig.engine.run_until(3 * MS)
    woken = [(t, what) for t, what in rig.log if what.endswith("woken")]
    assert woken == [(MS, "c woken"), (2 * MS, "a woken"), (2 * MS, "b woken")]


def test_waking_nobody_is_not_remembered() -> None:
    rig = Rig()
    queue = rig.system.journal_wait
    queue.wake_up(0, 5)
    rig.spawn("a", Sleep(CAUSE, queue))
    rig.engine.run_until(MS)
    assert rig.log == []


def test_a_running_task_is_not_woken() -> None:
    rig = Rig()
    task = rig.spawn("a", 5 * MS)
    rig.engine.run_until(MS)
    rig.engine.wake(task, MS)
    rig.engine.run_until(10 * MS)
    assert rig.log == [(5 * MS, "a done on 0")]


def test_what_a_task_leaves_to_wake_is_drained_when_it_stops() -> None:
    rig = Rig(nr_cpus=2)

    def leave(_now_ns: int) -> None:
        rig.clock[WAKE_JOURNAL] = rig.clock[ANY_WAKE] = 1

    rig.spawn("b", Sleep(CAUSE, rig.system.journal_wait))
    rig.spawn("a", 700, leave, 50, Sleep(CAUSE, None, MS))
    rig.engine.run_until(2 * MS)
    assert rig.slept()[0] == ("b", CAUSE, 0, 750)


def test_events_that_became_void_make_room_for_others() -> None:
    rig = Rig()
    alarm = rig.at(5 * MS, lambda now: rig.log.append((now, "rung")))
    for i in range(20 * NR_ALARMS):
        alarm.set(6 * MS + i)
    alarm.set(7 * MS)
    rig.spawn("a", Sleep(CAUSE, None, 4 * MS))
    rig.engine.run_until(20 * MS)
    assert rig.log == [(4 * MS, "a timeout"), (4 * MS, "a done on 0"), (7 * MS, "rung")]


# ---- processors


def test_one_processor_is_shared_and_nobody_starves() -> None:
    rig = Rig()
    tasks = [rig.spawn(name, 50 * MS) for name in "abc"]
    rig.engine.run_until(60 * MS)
    assert sum(t.run_ns for t in tasks) == 60 * MS
    assert all(abs(t.run_ns - 20 * MS) <= 6 * MS for t in tasks)


@pytest.mark.parametrize("nr_cpus", [1, 2, 4])
def test_no_processor_idles_while_a_task_could_run(nr_cpus: int) -> None:
    rig = Rig(nr_cpus)
    tasks = [rig.spawn(str(i), 100 * MS) for i in range(5)]
    rig.engine.run_until(40 * MS)
    rig.engine.finish()
    assert sum(t.run_ns for t in tasks) == min(nr_cpus, 5) * 40 * MS
    for task in tasks:
        assert task.run_ns + task.runnable_ns == 40 * MS


def test_two_tasks_run_at_once_on_two_processors() -> None:
    rig = Rig(2)
    rig.spawn("a", 3 * MS)
    rig.spawn("b", 3 * MS)
    rig.engine.run_until(10 * MS)
    assert [t for t, _ in rig.log] == [3 * MS, 3 * MS]
    assert {what[-1] for _, what in rig.log} == {"0", "1"}


def test_a_processor_does_not_run_further_ahead_than_a_quantum() -> None:
    rig = Rig(2, quantum_ns=1000)
    ahead: list[int] = []

    def body(_number: int) -> Any:
        while True:
            rig.clock[NOW] = rig.clock[LIMIT]
            clocks = rig.system.arrays.processor["clock_ns"]
            ahead.append(rig.clock[NOW] - int(clocks.min()))
            yield RUN

    rig.engine.spawn("a", body)
    rig.engine.spawn("b", body)
    rig.engine.run_until(MS)
    assert 0 < max(ahead) <= 2000


steps = st.lists(
    st.integers(1, 3 * MS) | st.integers(1, 40).map(lambda n: Sleep(n % 3, None, n * MS)),
    max_size=8,
)


@given(st.lists(steps, min_size=1, max_size=6), st.integers(1, 3))
def test_a_tasks_time_is_running_runnable_and_asleep_to_the_nanosecond(
    bodies: list[list[Any]], nr_cpus: int
) -> None:
    rig = Rig(nr_cpus)
    tasks = [rig.spawn(str(i), *body) for i, body in enumerate(bodies)]
    rig.engine.run_until(30 * MS)
    rig.engine.finish()
    for task, body in zip(tasks, bodies, strict=True):
        spent = task.run_ns + task.runnable_ns + sum(task.sleep_ns.values())
        assert spent == task.since_ns
        assert task.finished or spent == 30 * MS
        worked = sum(step for step in body if isinstance(step, int))
        assert task.run_ns <= worked
        assert not task.finished or task.run_ns == worked
