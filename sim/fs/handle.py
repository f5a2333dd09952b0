"""Handles: a task's share of the running transaction (fs/jbd/transaction.c of 2.6.35).

A commit begins by locking its transaction: no handle may be started until those that are open have
stopped. A handle is open over whatever its owner sleeps for: a bitmap being read, metadata on its
way to the log, a request for the page that ->writepage has just given a block. So a flusher that
waits for a request can hold up a commit, and the commit everybody who wants to write.

# Differs from 2.6.35: a handle that is never slept over is not counted; blocks that a transaction
# has, not the credits reserved for it, say when it is full; an inode's times change without one.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import ANY_WAKE, WAKE_JOURNAL


@njit
def may_start(m: Any, t: Any) -> Any:
    """Would start_this_handle go on? Not while the transaction is locked, or full."""
    fs = m.fs[0]
    if m.task[t].handle or not fs.jbd:
        return True
    return not fs.locked and fs.nr_running < fs.max_transaction_blocks


@njit
def journal_start(m: Any, t: Any) -> None:
    """Open the task's handle; it may be open already (journal_start nests)."""
    task = m.task[t]
    if task.handle or not m.fs[0].jbd:
        return
    task.handle = 1
    m.fs[0].updates += 1


@njit
def journal_stop(m: Any, t: Any) -> None:
    """Close the task's handle, if one is open; the last one lets a locked transaction commit."""
    task = m.task[t]
    if not task.handle:
        return
    task.handle = 0
    fs = m.fs[0]
    fs.updates -= 1
    if fs.updates == 0 and fs.locked:
        m.clock[WAKE_JOURNAL] = 1
        m.clock[ANY_WAKE] = 1
