"""Page locks that reclaim holds, as a meter: how long, how many at once, and against whom (C3).

Page by page a reclaimer holds one lock from the look at the page until ->writepage has put it under
writeback. The posted patch 5 keeps every dirty page of a batch locked while others of the batch are
written: the locks of a range are dropped before ->writepages, those of the other files stay. Who
then wants such a lock would sleep; who wants it while holding locks of its own may deadlock.

# Differs from 2.6.35: nobody waits for these locks; what would have been a wait is counted.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.machine import NOW
from sim.machine.page import PG_set_aside
from sim.machine.vmstat import (
    PAGE_LOCK_CONTENDED,
    PAGE_LOCK_INVERSIONS,
    PAGE_LOCK_NESTED,
    PAGE_LOCK_NS,
    PAGE_LOCK_NS_MAX,
    PAGE_LOCKS,
    PAGE_LOCKS_HELD_MAX,
)


@njit
def _account(m: Any, since_ns: Any) -> None:
    held_ns = m.clock[NOW] - since_ns
    m.vm[PAGE_LOCKS] += 1
    m.vm[PAGE_LOCK_NS] += held_ns
    m.vm[PAGE_LOCK_NS_MAX] = max(m.vm[PAGE_LOCK_NS_MAX], held_ns)


@njit
def hold_lock(m: Any, t: Any, i: Any, pfn: Any) -> None:
    """The page becomes number ``i`` of the task's dirty list and stays locked."""
    m.page[pfn].page_flags |= PG_set_aside
    m.lock_since[t, i] = m.clock[NOW]
    task = m.task[t]
    task.locks_held += 1
    m.vm[PAGE_LOCKS_HELD_MAX] = max(m.vm[PAGE_LOCKS_HELD_MAX], task.locks_held)


@njit
def drop_lock(m: Any, t: Any, i: Any) -> None:
    """unlock_page of number ``i`` of the dirty list, if the task still holds it."""
    if m.lock_since[t, i] == 0:
        return
    m.page[m.dirty_list[t, i]].page_flags &= ~PG_set_aside
    m.task[t].locks_held -= 1
    _account(m, m.lock_since[t, i])
    m.lock_since[t, i] = 0


@njit
def lock_for_writepage(m: Any, t: Any) -> None:
    """trylock_page succeeded and ->writepage is to be called under it."""
    m.task[t].lock_since_ns = m.clock[NOW]


@njit
def unlocked_by_writepage(m: Any, t: Any) -> None:
    """->writepage has put the page under writeback and dropped the lock."""
    task = m.task[t]
    if task.lock_since_ns:
        _account(m, task.lock_since_ns)
        task.lock_since_ns = 0


@njit
def enter_filesystem(m: Any, t: Any) -> None:
    """->writepage[s] is called, which locks pages in its own order."""
    if m.task[t].locks_held > 0:
        m.vm[PAGE_LOCK_NESTED] += 1


@njit
def meet_locked(m: Any, t: Any) -> None:
    """write_cache_pages would sleep in lock_page for a page of another's batch."""
    m.vm[PAGE_LOCK_CONTENDED] += 1
    if m.task[t].locks_held > 0:
        m.vm[PAGE_LOCK_INVERSIONS] += 1
