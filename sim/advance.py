"""The machine's main loop as a kernel: events, disk interrupts, and tasks whose body is a kernel.

It goes on until Python is needed: for the generator of a kernel thread, an upcall of a workload
(a new file, OOM), an alarm's action, or full logs. ``engine.engine`` acts and calls again.
"""

from __future__ import annotations

from typing import Any

from sim.block.elevator import blk_service, blk_unplug
from sim.engine.clock import (
    ALARM_DUE_NS,
    ALARM_NUMBER,
    ANY_WAKE,
    CPU,
    FINISHED,
    NOW,
    NR_SLEEP_LOG,
    PHASE,
    STOP,
    STRETCH_TASK,
)
from sim.engine.jit import njit
from sim.engine.phases import ADVANCED, ALARM, DISK_ALARM, HANDED, LOGS, NONE, RANG, SENT
from sim.engine.records import NEVER, NOT_BEGUN, SLEEP_LOG_ROWS, WOKEN
from sim.engine.sched import (
    begin_stretch,
    end_stretch,
    event_is_void,
    may_go_on,
    next_cpu,
    next_due_ns,
    pop_event,
    resume_stretch,
    set_alarm,
    steal_time,
    wake_task,
    wake_timer,
    wake_up_nr,
)
from sim.machine.machine import (
    KICK_QUEUE,
    NR_IO_LOG,
    NR_STALL,
    NR_TRACE,
    NR_WAKE_TASKS,
    SOFTIRQ_CHARGED_NS,
    WAKE_CONGESTION_ASYNC,
    WAKE_CONGESTION_SYNC,
    WAKE_DIRECTORY,
    WAKE_FLUSHER,
    WAKE_JOURNAL,
    WAKE_KSWAPD,
    WAKE_METADATA,
    WAKE_REQUEST_ASYNC,
    WAKE_REQUEST_SYNC,
    WAKE_THROTTLED_ISOLATED,
    WAKE_THROTTLED_NOPROGRESS,
    WAKE_THROTTLED_WRITEBACK,
)
from sim.machine.system import MainLoop
from sim.machine.task import BUDGET_SPENT, DONE, WANT_SLAB
from sim.machine.wait import (
    ASLEEP,
    ASLEEP_UNPLUG,
    CONGESTION_ASYNC,
    CONGESTION_SYNC,
    DIRECTORY_WAIT,
    FLUSHER_WAIT,
    JOURNAL_WAIT,
    KSWAPD_WAIT,
    METADATA_WAIT,
    READY,
    REQUEST_ASYNC,
    REQUEST_SYNC,
    THROTTLED_ON_ISOLATED,
    THROTTLED_ON_PROGRESS,
    THROTTLED_ON_WRITEBACK,
    begin_wait,
    end_wait,
)
from sim.mm.new_slab import new_slab
from sim.workload.steps import enter_workload, workload_step

EVERYBODY = 1 << 30


@njit
def _wake_all(m: Any, word: Any, waitq: Any, now_ns: Any) -> None:
    if m.clock[word]:
        m.clock[word] = 0
        wake_up_nr(m, waitq, now_ns, EVERYBODY)


@njit
def _wake_exclusive(m: Any, word: Any, waitq: Any, now_ns: Any) -> None:
    if m.clock[word]:
        wake_up_nr(m, waitq, now_ns, m.clock[word])
        m.clock[word] = 0


@njit
def drain(m: Any, now_ns: Any) -> None:
    """Act on what kernels left in the clock's WAKE words."""
    clock = m.clock
    while clock[ANY_WAKE]:
        clock[ANY_WAKE] = 0
        if clock[KICK_QUEUE]:
            clock[KICK_QUEUE] = 0
            clock[NOW] = now_ns
            set_alarm(m, DISK_ALARM, blk_service(m))
        _wake_all(m, WAKE_KSWAPD, KSWAPD_WAIT, now_ns)
        _wake_all(m, WAKE_FLUSHER, FLUSHER_WAIT, now_ns)
        _wake_all(m, WAKE_CONGESTION_ASYNC, CONGESTION_ASYNC, now_ns)
        _wake_all(m, WAKE_CONGESTION_SYNC, CONGESTION_SYNC, now_ns)
        _wake_all(m, WAKE_JOURNAL, JOURNAL_WAIT, now_ns)
        _wake_all(m, WAKE_METADATA, METADATA_WAIT, now_ns)
        _wake_exclusive(m, WAKE_DIRECTORY, DIRECTORY_WAIT, now_ns)
        _wake_all(m, WAKE_THROTTLED_WRITEBACK, THROTTLED_ON_WRITEBACK, now_ns)
        _wake_all(m, WAKE_THROTTLED_ISOLATED, THROTTLED_ON_ISOLATED, now_ns)
        _wake_all(m, WAKE_THROTTLED_NOPROGRESS, THROTTLED_ON_PROGRESS, now_ns)
        _wake_exclusive(m, WAKE_REQUEST_ASYNC, REQUEST_ASYNC, now_ns)
        _wake_exclusive(m, WAKE_REQUEST_SYNC, REQUEST_SYNC, now_ns)
        for i in range(clock[NR_WAKE_TASKS]):
            wake_task(m, m.wake[i], now_ns, WOKEN)
        clock[NR_WAKE_TASKS] = 0


@njit
def _end_interrupt(m: Any, due_ns: Any) -> None:
    """The CPU time it took is stolen from CPU 0."""
    steal_time(m, due_ns)
    if m.clock[ANY_WAKE]:
        drain(m, m.clock[NOW])


@njit
def _serve_disk(m: Any, due_ns: Any) -> None:
    """The disk's interrupt; it costs the CPU time of its softirq."""
    clock = m.clock
    clock[NOW], clock[CPU] = due_ns, 0
    set_alarm(m, DISK_ALARM, blk_service(m))
    softirq_ns = m.queue[0].softirq_ns
    clock[NOW] += softirq_ns - clock[SOFTIRQ_CHARGED_NS]
    clock[SOFTIRQ_CHARGED_NS] = softirq_ns
    _end_interrupt(m, due_ns)


@njit
def _fire(m: Any) -> Any:
    """The first event happens; ALARM when its action is Python's."""
    due_ns, target = m.event[0].due_ns, m.event[0].target
    void = event_is_void(m, 0)
    pop_event(m)
    if void:
        return NONE
    if target >= 0:
        wake_timer(m, target, due_ns)
        return NONE
    number = -1 - target
    m.alarm[number].due_ns = NEVER
    if number == DISK_ALARM:
        _serve_disk(m, due_ns)
        return NONE
    m.clock[ALARM_NUMBER], m.clock[ALARM_DUE_NS] = number, due_ns
    m.clock[NOW], m.clock[CPU] = due_ns, 0
    return ALARM


@njit
def _run_workload(m: Any, t: Any, handed: Any) -> Any:
    """The body of a workload task, until its stretch ends; False when Python is to act on STOP."""
    task = m.sched[t]
    look = not handed
    while True:
        if look and not may_go_on(m):
            return True
        if task.woken == NOT_BEGUN:
            task.woken = WOKEN
            enter_workload(m, t)
        elif task.wait_stop:
            end_wait(m, t)
        stop = new_slab(m, t) if m.task[t].sc_nofs else DONE
        if stop == DONE:
            stop = workload_step(m, t)
        if stop == WANT_SLAB:
            m.task[t].sc_nofs = 1
            continue
        look = stop == BUDGET_SPENT
        if not look:
            said = begin_wait(m, t, stop)
            if said == ASLEEP_UNPLUG:
                blk_unplug(m)
            if said in (ASLEEP, ASLEEP_UNPLUG):
                return True
            if said != READY:
                m.clock[STOP] = stop
                return False


@njit
def _logs_are_full(m: Any) -> Any:
    clock = m.clock
    return (
        clock[NR_SLEEP_LOG] >= SLEEP_LOG_ROWS
        or 2 * clock[NR_TRACE] > m.trace.shape[0]
        or 2 * clock[NR_IO_LOG] > m.io_log.shape[0]
        or 2 * clock[NR_STALL] > m.stall.shape[0]
    )


@njit
def advance(m: Any, stop_ns: Any) -> Any:
    """All there is to do up to ``stop_ns``, events at that time included, or until Python acts."""
    clock = m.clock
    phase = clock[PHASE]
    clock[PHASE] = NONE
    if phase == RANG:
        _end_interrupt(m, clock[ALARM_DUE_NS])
    while True:
        t = clock[STRETCH_TASK]
        if t >= 0:
            if phase == NONE:
                resume_stretch(m, stop_ns)
            if m.sched[t].compiled:
                if not clock[FINISHED] and not _run_workload(m, t, phase == HANDED):
                    clock[PHASE] = HANDED
                    return HANDED
            elif phase == NONE and may_go_on(m):
                clock[PHASE] = SENT
                return SENT
            if not end_stretch(m, stop_ns):
                return ADVANCED
            if clock[ANY_WAKE]:
                drain(m, clock[NOW])
        phase = NONE
        if _logs_are_full(m):
            return LOGS
        due_ns = next_due_ns(m)
        cpu, limit_ns = next_cpu(m)
        if cpu < 0 or due_ns <= m.processor[cpu].clock_ns:
            if due_ns > stop_ns:
                return ADVANCED
            if _fire(m) == ALARM:
                clock[PHASE] = RANG
                return ALARM
        elif m.processor[cpu].clock_ns >= stop_ns:
            return ADVANCED
        else:
            begin_stretch(m, cpu, min(due_ns, limit_ns))


MAIN_LOOP = MainLoop(advance, drain, blk_unplug, new_slab)
"""What ``System`` is to be driven by."""
