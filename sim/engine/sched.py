"""Scheduler, timers and wait queues as kernels over the engine's arrays; the engine's data plane.

Events happen by (time, priority, order of pushing). Runnable tasks wait in one heap ordered by
virtual runtime, ties by number. All of it is integers, so that equal runs are equal bits.
"""

from __future__ import annotations

from typing import Any

from sim.engine.clock import (
    CPU,
    CURRENT,
    CUT_NS,
    FINISHED,
    GRANULARITY_NS,
    LATENCY_NS,
    LIMIT,
    MIN_VRUNTIME,
    NOW,
    NR_EVENTS,
    NR_READY,
    NR_SLEEP_LOG,
    QUANTUM_NS,
    QUIET_CAUSES,
    SEQ,
    SLEEP_CAUSE,
    SLEEP_UNTIL_NS,
    SLEEP_WAITQ,
    STRETCH_BEGIN_NS,
    STRETCH_CPU,
    STRETCH_LIMIT_NS,
    STRETCH_TASK,
    WAKEUP_NS,
)
from sim.engine.jit import njit
from sim.engine.records import NEVER, PRIORITY_TIMER, RAN, TIMED_OUT, WOKEN

# ---- events


@njit
def _before(a: Any, b: Any) -> Any:
    if a.due_ns != b.due_ns:
        return a.due_ns < b.due_ns
    if a.priority != b.priority:
        return a.priority < b.priority
    return a.seq < b.seq


@njit
def _swap(event: Any, i: Any, j: Any) -> None:
    a, b = event[i], event[j]
    due, priority, seq, target, serial = a.due_ns, a.priority, a.seq, a.target, a.serial
    a.due_ns, a.priority, a.seq = b.due_ns, b.priority, b.seq
    a.target, a.serial = b.target, b.serial
    b.due_ns, b.priority, b.seq, b.target, b.serial = due, priority, seq, target, serial


@njit
def _sift_up(event: Any, i: Any) -> None:
    while i > 0:
        parent = (i - 1) >> 1
        if not _before(event[i], event[parent]):
            return
        _swap(event, i, parent)
        i = parent


@njit
def _sift_down(event: Any, i: Any, n: Any) -> None:
    while True:
        child = 2 * i + 1
        if child >= n:
            return
        if child + 1 < n and _before(event[child + 1], event[child]):
            child += 1
        if not _before(event[child], event[i]):
            return
        _swap(event, i, child)
        i = child


@njit
def event_is_void(m: Any, i: Any) -> Any:
    """Whether a later setting of its alarm, or an earlier wake-up of its task, made it void."""
    target = m.event[i].target
    if target >= 0:
        return m.sched[target].serial != m.event[i].serial
    return m.alarm[-1 - target].serial != m.event[i].serial


@njit
def push_event(m: Any, due_ns: Any, priority: Any, target: Any, serial: Any) -> None:
    """Queue an event; when the heap is full, void ones are thrown out first."""
    clock = m.clock
    n = clock[NR_EVENTS]
    if n == m.event.shape[0]:
        n = _throw_out_void(m, n)
    clock[SEQ] += 1
    new = m.event[n]
    new.due_ns, new.priority, new.seq = due_ns, priority, clock[SEQ]
    new.target, new.serial = target, serial
    clock[NR_EVENTS] = n + 1
    _sift_up(m.event, n)


@njit
def _throw_out_void(m: Any, n: Any) -> Any:
    """A task and an alarm have one valid event each, so this always makes room."""
    kept = 0
    for i in range(n):
        if not event_is_void(m, i):
            if kept != i:
                _swap(m.event, kept, i)
            kept += 1
    for i in range(kept // 2, -1, -1):
        _sift_down(m.event, i, kept)
    return kept


@njit
def pop_event(m: Any) -> None:
    """Take off the first event."""
    n = m.clock[NR_EVENTS] - 1
    m.clock[NR_EVENTS] = n
    if n > 0:
        _swap(m.event, 0, n)
        _sift_down(m.event, 0, n)


@njit
def next_due_ns(m: Any) -> Any:
    """When the first event is due."""
    return m.event[0].due_ns if m.clock[NR_EVENTS] else NEVER


@njit
def set_alarm(m: Any, number: Any, due_ns: Any) -> None:
    """The alarm rings at ``due_ns`` instead of any earlier setting."""
    alarm = m.alarm[number]
    if due_ns == alarm.due_ns:
        return
    alarm.due_ns = due_ns
    alarm.serial += 1
    if due_ns < NEVER:
        push_event(m, due_ns, alarm.priority, -1 - number, alarm.serial)


# ---- who is runnable


@njit
def _ahead(m: Any, a: Any, b: Any) -> Any:
    """Whether task a is to run before task b."""
    va, vb = m.sched[a].vruntime, m.sched[b].vruntime
    return va < vb or (va == vb and a < b)


@njit
def push_ready(m: Any, t: Any) -> None:
    """Into the heap of runnable tasks."""
    ready = m.ready
    i = m.clock[NR_READY]
    m.clock[NR_READY] = i + 1
    while i > 0:
        parent = (i - 1) >> 1
        if not _ahead(m, t, ready[parent]):
            break
        ready[i] = ready[parent]
        i = parent
    ready[i] = t


@njit
def pop_ready(m: Any) -> Any:
    """The runnable task with the smallest virtual runtime."""
    ready = m.ready
    first = ready[0]
    n = m.clock[NR_READY] - 1
    m.clock[NR_READY] = n
    last = ready[n]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n and _ahead(m, ready[child + 1], ready[child]):
            child += 1
        if not _ahead(m, ready[child], last):
            break
        ready[i] = ready[child]
        i = child
    ready[i] = last
    return first


@njit
def enqueue(m: Any, t: Any, now_ns: Any) -> None:
    """A task becomes runnable; idle processors look at the time."""
    push_ready(m, t)
    for cpu in range(m.processor.shape[0]):
        p = m.processor[cpu]
        if p.current < 0:
            p.clock_ns = max(p.clock_ns, now_ns)


@njit
def wake_task(m: Any, t: Any, now_ns: Any, woken: Any) -> None:
    """A sleeping task becomes runnable; others are left alone."""
    task = m.sched[t]
    cause = task.sleep_cause
    if cause < 0:
        return
    task.serial += 1
    task.sleep_cause = -1
    task.woken = woken
    if task.waitq >= 0:
        _leave_waitq(m, t)
    now_ns = max(now_ns, task.since_ns)
    task.sleep_ns[cause] += now_ns - task.since_ns
    if not (m.clock[QUIET_CAUSES] >> cause) & 1:
        n = m.clock[NR_SLEEP_LOG]
        row = m.sleep_log[n]
        row.t_begin_ns, row.t_end_ns, row.task, row.cause = task.since_ns, now_ns, t, cause
        m.clock[NR_SLEEP_LOG] = n + 1
    task.since_ns = now_ns
    task.last_cause = cause
    task.vruntime = max(task.vruntime, m.clock[MIN_VRUNTIME] - m.clock[LATENCY_NS] // 2)
    enqueue(m, t, now_ns)


# ---- wait queues: tasks in order of arrival (wait.h)


@njit
def _leave_waitq(m: Any, t: Any) -> None:
    task = m.sched[t]
    queue = m.waitq[task.waitq]
    if task.wait_prev < 0:
        queue.head = task.wait_next
    else:
        m.sched[task.wait_prev].wait_next = task.wait_next
    if task.wait_next < 0:
        queue.tail = task.wait_prev
    else:
        m.sched[task.wait_next].wait_prev = task.wait_prev
    task.waitq = task.wait_next = task.wait_prev = -1


@njit
def wake_up_nr(m: Any, waitq: Any, now_ns: Any, nr_exclusive: Any) -> None:
    """The first ``nr_exclusive`` sleepers go on."""
    while nr_exclusive > 0 and m.waitq[waitq].head >= 0:
        wake_task(m, m.waitq[waitq].head, now_ns, WOKEN)
        nr_exclusive -= 1


@njit
def begin_sleep(m: Any, t: Any, cause: Any, waitq: Any, until_ns: Any) -> None:
    """The task sleeps until it is woken or ``until_ns``."""
    task = m.sched[t]
    task.sleep_cause = cause
    task.until_ns = until_ns
    task.serial += 1
    if waitq >= 0:
        queue = m.waitq[waitq]
        task.waitq, task.wait_prev, task.wait_next = waitq, queue.tail, -1
        if queue.tail < 0:
            queue.head = t
        else:
            m.sched[queue.tail].wait_next = t
        queue.tail = t
    if until_ns < NEVER:
        push_event(m, max(until_ns, task.since_ns), PRIORITY_TIMER, t, task.serial)


# ---- processors and stretches


@njit
def next_cpu(m: Any) -> Any:
    """(CPU to run next or -1, how far): busy ones, and as many idle ones as tasks wait."""
    best = -1
    others_ns = NEVER
    idle = m.clock[NR_READY]
    for cpu in range(m.processor.shape[0]):
        p = m.processor[cpu]
        if p.current < 0:
            if idle <= 0:
                continue
            idle -= 1
        if best < 0:
            best = cpu
        elif p.clock_ns < m.processor[best].clock_ns:
            others_ns = m.processor[best].clock_ns
            best = cpu
        elif p.clock_ns < others_ns:
            others_ns = p.clock_ns
    return best, others_ns + m.clock[QUANTUM_NS]


@njit
def _pick(m: Any, cpu: Any) -> Any:
    """Keep the current task within its slice, unless a woken one is far behind it."""
    clock = m.clock
    p = m.processor[cpu]
    current = p.current
    if current >= 0:
        if clock[NR_READY] == 0:
            return current
        behind = m.sched[current].vruntime - m.sched[m.ready[0]].vruntime
        spent = p.clock_ns >= p.slice_end_ns
        if not spent and behind <= clock[WAKEUP_NS]:
            return current
        if behind < 0:
            p.slice_end_ns = p.clock_ns + clock[GRANULARITY_NS]
            return current
        push_ready(m, current)
    t = pop_ready(m)
    clock[MIN_VRUNTIME] = max(clock[MIN_VRUNTIME], m.sched[t].vruntime)
    p.current = t
    slice_ns = max(clock[LATENCY_NS] // (clock[NR_READY] + 1), clock[GRANULARITY_NS])
    p.slice_end_ns = max(p.clock_ns, m.sched[t].since_ns) + slice_ns
    return t


@njit
def begin_stretch(m: Any, cpu: Any, limit_ns: Any) -> None:
    """Choose the task and how far it may go; none when it was woken after that."""
    clock = m.clock
    t = _pick(m, cpu)
    p = m.processor[cpu]
    begin_ns = max(p.clock_ns, m.sched[t].since_ns)
    p.clock_ns = begin_ns
    if begin_ns >= limit_ns:
        return
    if clock[NR_READY] and p.slice_end_ns > begin_ns:
        limit_ns = min(limit_ns, p.slice_end_ns)
    clock[STRETCH_TASK], clock[STRETCH_CPU], clock[STRETCH_LIMIT_NS] = t, cpu, limit_ns


@njit
def resume_stretch(m: Any, stop_ns: Any) -> None:
    """Set the words that the task's kernels look at, up to ``stop_ns`` for now."""
    clock = m.clock
    t, cpu = clock[STRETCH_TASK], clock[STRETCH_CPU]
    limit_ns = min(clock[STRETCH_LIMIT_NS], stop_ns)
    begin_ns = m.processor[cpu].clock_ns
    clock[NOW], clock[LIMIT], clock[CPU], clock[CURRENT] = begin_ns, limit_ns, cpu, t
    clock[STRETCH_BEGIN_NS], clock[CUT_NS] = begin_ns, limit_ns
    clock[SLEEP_CAUSE], clock[FINISHED] = -1, 0
    if begin_ns < limit_ns:
        task = m.sched[t]
        task.runnable_ns += begin_ns - task.since_ns
        task.since_ns = begin_ns
        task.last_cause = RAN


@njit
def may_go_on(m: Any) -> Any:
    """Whether the stretch has time left. A kernel that wakes somebody lowers LIMIT to end it."""
    clock = m.clock
    return clock[NOW] < clock[CUT_NS] and clock[LIMIT] == clock[CUT_NS]


@njit
def end_stretch(m: Any, stop_ns: Any) -> Any:
    """Account its time. False when it came to ``stop_ns`` only and goes on from there."""
    clock = m.clock
    t = clock[STRETCH_TASK]
    task, p = m.sched[t], m.processor[clock[STRETCH_CPU]]
    ran_ns = clock[NOW] - clock[STRETCH_BEGIN_NS]
    if ran_ns > 0:
        task.run_ns += ran_ns
        task.vruntime += ran_ns
        task.since_ns = p.clock_ns = clock[NOW]
    if clock[FINISHED]:
        task.finished = 1
        p.current = -1
    elif clock[SLEEP_CAUSE] >= 0:
        p.current = -1
        begin_sleep(m, t, clock[SLEEP_CAUSE], clock[SLEEP_WAITQ], clock[SLEEP_UNTIL_NS])
    elif stop_ns <= clock[NOW] < clock[STRETCH_LIMIT_NS] and clock[LIMIT] == clock[CUT_NS]:
        return False
    clock[STRETCH_TASK] = -1
    return True


@njit
def wake_timer(m: Any, t: Any, due_ns: Any) -> None:
    """The timeout of a sleep is over."""
    wake_task(m, t, due_ns, TIMED_OUT)


@njit
def steal_time(m: Any, due_ns: Any) -> None:
    """What an interrupt at ``due_ns`` cost, up to NOW, is missing on CPU 0."""
    p = m.processor[0]
    p.clock_ns = max(p.clock_ns, due_ns) + m.clock[NOW] - due_ns
