"""No lost wakeup: what each sleeper waits for is still to come."""

from __future__ import annotations

from typing import Any

from sim.engine.clock import STRETCH_TASK
from sim.engine.phases import DISK_ALARM
from sim.machine.filesystem import BUFFER_READING
from sim.machine.machine import ANY_WAKE
from sim.machine.page import PG_buffers_locked, PG_locked, PG_waiters, PG_writeback
from sim.machine.task import WANT_BUFFER
from sim.machine.vmstat import NR_REQUESTS_ASYNC
from sim.machine.wait import (
    COMMIT_WAIT,
    DIRECTORY_WAIT,
    JOURNAL_WAIT,
    KSWAPD_WAIT,
    METADATA_WAIT,
    REQUEST_SYNC,
)
from sim.result import SleepCause

CONGESTION = (
    SleepCause.CONGESTION_WAIT,
    SleepCause.TOO_MANY_ISOLATED,
    SleepCause.THROTTLE_VM_WRITEOUT,
    SleepCause.NO_PROGRESS,
    SleepCause.BALANCE_DIRTY,
    SleepCause.THINK,
)
"""Sleeps that must end by themselves."""
NEVER = 1 << 62


def check_sleepers(simulation: Any) -> None:
    """No lost wakeup: who sleeps without a timeout sleeps for something that is still to come."""
    system = simulation.system
    arrays, q = system.arrays, system.arrays.queue[0]
    if system.clock[ANY_WAKE]:
        # Stopped in the middle of a stretch whose end acts on them.
        assert system.clock[STRETCH_TASK] >= 0, "wakeups that nobody acted on"
        return
    if q["nr_queued"] or q["nr_at_disk"]:
        due_ns = arrays.alarm["due_ns"][DISK_ALARM]
        assert due_ns < NEVER, "requests wait and no event of the disk is due"
    for task in system.engine.tasks:
        if task.sleep_cause < 0 or task.until_ns < NEVER:
            continue
        cause, waitq = SleepCause(task.sleep_cause), task.waitq
        who = f"{task.name} sleeps in {cause.name} for ever"
        assert cause not in CONGESTION, who
        if cause == SleepCause.GET_REQUEST:
            sync = int(waitq == REQUEST_SYNC)
            assert arrays.vm[NR_REQUESTS_ASYNC + sync] > 0, f"{who}: no request is left to end"
        elif waitq in (METADATA_WAIT, DIRECTORY_WAIT):
            _check_waits_for_metadata(arrays, task, who)
        elif cause in (SleepCause.PAGE_WRITEBACK, SleepCause.PAGE_READ):
            pfn = int(arrays.task["wait_pfn"][task.number])
            bit = PG_writeback if cause == SleepCause.PAGE_WRITEBACK else PG_locked
            assert pfn >= 0, who
            assert int(arrays.page["page_flags"][pfn]) & bit, f"{who}: page {pfn} has no IO"
            assert int(arrays.page["page_flags"][pfn]) & PG_waiters, f"{who}: none is to be woken"
        elif arrays.sched["wait_stop"][task.number] == WANT_BUFFER:
            flags = int(arrays.page["page_flags"][int(arrays.task["wait_pfn"][task.number])])
            assert flags & PG_buffers_locked, f"{who}: no commit has its buffers"
            assert flags & PG_waiters, f"{who}: none is to be woken"
            assert arrays.fs["committing"][0], who
        elif waitq == COMMIT_WAIT:
            wanted = arrays.fs["running"][0] and arrays.fs["commit_wanted"][0]
            assert arrays.fs["committing"][0] or wanted, who
        elif cause == SleepCause.JOURNAL:
            _check_waits_for_journal(arrays, waitq, who)
        elif waitq == JOURNAL_WAIT:
            assert not arrays.fs["running"][0], f"{who}: a transaction is running"
        elif task.number in arrays.memcg["flusher_task"][1:]:
            g = list(arrays.memcg["flusher_task"]).index(task.number)
            assert not arrays.memcg["flusher_wanted"][g], f"{who}: its container wants it"
        else:
            assert waitq == KSWAPD_WAIT, who


def _check_waits_for_metadata(arrays: Any, task: Any, who: str) -> None:
    if task.waitq == DIRECTORY_WAIT:
        assert arrays.fs["root_owner"][0] >= 0, f"{who}: nobody has the directory"
        return
    block = int(arrays.task["wait_block"][task.number])
    assert arrays.block_used[block] & BUFFER_READING, f"{who}: block {block} has no IO"


def _check_waits_for_journal(arrays: Any, waitq: int, who: str) -> None:
    fs = arrays.fs[0]
    if waitq == JOURNAL_WAIT:
        assert arrays.queue["nr_cookies"][0] or (fs["locked"] and fs["updates"]), who
    else:
        full = fs["nr_running"] >= fs["max_transaction_blocks"]
        assert fs["log_io"] or fs["locked"] or full, who
