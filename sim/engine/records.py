"""The engine's arrays: what it knows of tasks, processors, events, alarms and wait queues."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.clock import (
    GRANULARITY_NS,
    LATENCY_NS,
    QUANTUM_NS,
    QUIET_CAUSES,
    SLEEP_CAUSE,
    STRETCH_TASK,
    WAKEUP_NS,
)

NEVER = 1 << 62
"""A time that does not come."""

PRIORITY_DEVICE, PRIORITY_TIMER, PRIORITY_OBSERVER = 0, 1, 9

MAX_CAUSES = 16
RAN = -1
"""``SCHED.last_cause`` of a task that ran; else the cause of the sleep it was woken from."""
NOT_BEGUN, TIMED_OUT, WOKEN = -1, 0, 1

SCHED = np.dtype(
    [
        ("since_ns", np.int64),  # its times are accounted up to here
        ("run_ns", np.int64),
        ("runnable_ns", np.int64),
        ("sleep_ns", np.int64, (MAX_CAUSES,)),
        ("vruntime", np.int64),
        ("serial", np.int64),  # a timer event of another serial is void
        ("until_ns", np.int64),
        ("sleep_cause", np.int64),  # -1 = awake
        ("last_cause", np.int64),
        ("waitq", np.int64),  # -1 = none; neighbours in it
        ("wait_next", np.int64),
        ("wait_prev", np.int64),
        ("woken", np.int64),  # NOT_BEGUN, TIMED_OUT or WOKEN: for who sleeps, when it goes on
        ("finished", np.int64),
        ("compiled", np.int64),  # 1 = its body is a kernel, else a generator
        ("wait_stop", np.int64),  # the stop code it sleeps for, 0 = none, and since when
        ("wait_begin_ns", np.int64),
    ]
)
PROCESSOR = np.dtype(
    [("clock_ns", np.int64), ("current", np.int64), ("slice_end_ns", np.int64)]  # -1 = idle
)
EVENT = np.dtype(
    [
        ("due_ns", np.int64),
        ("priority", np.int64),
        ("seq", np.int64),
        ("target", np.int64),  # a task, or -1 - alarm
        ("serial", np.int64),
    ]
)
ALARM = np.dtype([("due_ns", np.int64), ("serial", np.int64), ("priority", np.int64)])
WAITQ = np.dtype([("head", np.int64), ("tail", np.int64)])
SLEEP = np.dtype(
    [
        ("t_begin_ns", np.int64),
        ("t_end_ns", np.int64),
        ("task", np.int16),
        ("cause", np.int8),
    ],
    align=True,
)
"""One sleep of a task; quiet causes are left out."""

NR_ALARMS = 512
SLEEP_LOG_ROWS = 1 << 13

ENGINE_FIELDS = (
    "sched",  # SCHED[nr_tasks]
    "processor",  # PROCESSOR[nr_cpus]
    "event",  # EVENT[n]: heap by due time, priority, order of pushing
    "ready",  # int64[nr_tasks]: heap of runnable tasks by virtual runtime, number
    "alarm",  # ALARM[NR_ALARMS]
    "waitq",  # WAITQ[nr_waitqs]
    "sleep_log",  # SLEEP[n]
)


def engine_arrays(nr_tasks: int, nr_cpus: int, nr_waitqs: int) -> dict[str, Any]:
    """ENGINE_FIELDS of idle processors and no tasks."""
    arrays = {
        "sched": np.zeros(nr_tasks, SCHED),
        "processor": np.zeros(nr_cpus, PROCESSOR),
        "event": np.zeros(4 * (nr_tasks + NR_ALARMS), EVENT),
        "alarm": np.zeros(NR_ALARMS, ALARM),
        "waitq": np.zeros(nr_waitqs, WAITQ),
        "sleep_log": np.zeros(SLEEP_LOG_ROWS + nr_tasks, SLEEP),
    }
    for name in ("sleep_cause", "last_cause", "waitq", "wait_next", "wait_prev", "woken"):
        arrays["sched"][name] = -1
    arrays["processor"]["current"] = -1
    arrays["alarm"]["due_ns"] = NEVER
    arrays["waitq"]["head"] = arrays["waitq"]["tail"] = -1
    return {name: array.view(np.recarray) for name, array in arrays.items()} | {
        "ready": np.zeros(nr_tasks, np.int64)
    }


def set_engine_words(clock: Any, nr_cpus: int, quantum_ns: int, quiet_causes: int) -> None:
    """The constants of the scheduler (sched_fair.c, from memory) for so many CPUs."""
    scale = nr_cpus.bit_length()
    clock[QUANTUM_NS] = quantum_ns
    clock[LATENCY_NS] = 6_000_000 * scale
    clock[GRANULARITY_NS] = 2_000_000 * scale
    clock[WAKEUP_NS] = 1_000_000 * scale
    clock[QUIET_CAUSES] = quiet_causes
    clock[STRETCH_TASK] = clock[SLEEP_CAUSE] = -1
