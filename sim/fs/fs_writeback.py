"""The flusher: an inode's turn, and works (fs/fs-writeback.c of 2.6.35); ``fs.dirty_inodes``.

The block device's own dirty metadata is written when a pass begins.

# Differs from 2.6.35: metadata in place is not an inode on the lists; it counts in no vm counter.
# The thread never exits when idle. Background work that is asked for while other works are queued
# is done after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.checkpoint import write_checkpoint
from sim.fs.dirty_inodes import (
    queue_io,
    queue_memcg_io,
    redirty_tail,
    requeue_io,
    selected,
    unlink,
)
from sim.fs.writepage import (
    LONG_MAX,
    WB_BEGIN,
    WB_CHECKPOINT,
    WB_NEXT_INODE,
    WB_PAGES,
    WB_SEARCHED,
    begin_write_cache_pages,
    write_cache_pages,
)
from sim.machine.address_space import (
    B_IO,
    B_MORE_IO,
    I_DIRTY,
    I_SYNC,
)
from sim.machine.bandwidth import bdi_update_bandwidth, writeback_chunk_size
from sim.machine.cost import COST_FLUSHER_LOOP, COST_INODE
from sim.machine.debt import spend
from sim.machine.dirty_limits import over_bground_thresh
from sim.machine.filesystem import BACKGROUND_WORK, MAX_WORKS
from sim.machine.machine import (
    BACKGROUND_WANTED,
    FLUSHER_WANTED,
    LIMIT,
    NOW,
    WAKE_FLUSHER,
)
from sim.machine.request import ISSUER_FLUSHER
from sim.machine.sysctl import DIRTY_EXPIRE_NS, DIRTY_WRITEBACK_NS
from sim.machine.system import System
from sim.machine.task import BUDGET_SPENT, DONE, PF_FLUSHER
from sim.machine.vmstat import (
    FLUSHER_INODES,
    FLUSHER_WAKEUPS,
    MEMCG_FLUSHER_WORKS,
    NR_FILE_DIRTY,
)
from sim.machine.wait import jiffies
from sim.machine.wake import wake_up
from sim.result import SleepCause

MAX_WRITEBACK_PAGES = 1024

# What follows one call of writeback_inodes_wb in wb_writeback's loop.
WORK_DONE = 0
WORK_GOES_ON = 1
WORK_WAITS = 2
"""Nothing written and an inode is in another task's hands."""


# ---- one inode, one pass


@njit
def _begin_inode(m: Any, t: Any, ino: Any) -> Any:
    task = m.task[t]
    inode = m.inode[ino]
    inode.state = (inode.state | I_SYNC) & ~I_DIRTY
    m.clock[NOW] += m.cost[COST_INODE]
    if task.issuer == ISSUER_FLUSHER:
        m.vm[FLUSHER_INODES] += 1
    task.wbc_pages_skipped = 0
    begin_write_cache_pages(m, t, ino)


@njit
def _end_inode(m: Any, t: Any, ino: Any) -> Any:
    """Where writeback_single_inode leaves the inode: clean and off the lists, or on one."""
    task = m.task[t]
    inode = m.inode[ino]
    inode.state &= ~I_SYNC
    redirtied = inode.state & I_DIRTY
    if not redirtied and inode.nr_dirty == 0:
        unlink(m, ino)
        return
    inode.state |= I_DIRTY
    any_work = m.rules[0].b_more_io_for_all and inode.nr_dirty > 0
    slice_used = (task.wbc_for_kupdate or any_work) and task.wbc_nr_to_write <= 0
    if slice_used and task.wbc_pages_skipped == 0:
        requeue_io(m, ino)
    else:
        redirty_tail(m, ino)


@njit
def writeback_inodes_wb(m: Any, t: Any) -> Any:
    """Write inodes from b_io, oldest first, until wbc_nr_to_write is used up; a stop code.

    The caller fills task.wbc_nr_to_write, wbc_older_than_ns (-1 = any age), wbc_for_kupdate,
    wbc_range_cyclic, wbc_start_ns (inodes dirtied after it are left alone) and sets wbc_step to 0;
    it finds wbc_more_io when inodes are left for another pass.
    """
    task = m.task[t]
    bdi = m.bdi[0]
    if task.wbc_step == WB_BEGIN:
        task.wbc_more_io = 0
        if task.wbc_memcg > 0:
            queue_memcg_io(m, t)
        elif not task.wbc_for_kupdate or bdi.head[B_IO] < 0:
            queue_io(m, task.wbc_older_than_ns)
        task.wbc_step = WB_SEARCHED if task.wbc_memcg > 0 else WB_CHECKPOINT
    if task.wbc_step == WB_SEARCHED:
        stop = spend(m, t)
        if stop != DONE:
            return stop
        task.wbc_step = WB_CHECKPOINT
    if task.wbc_step == WB_CHECKPOINT:
        stop = write_checkpoint(m, t)
        if stop != DONE:
            return stop
        task.wbc_step = WB_NEXT_INODE
    while True:
        if task.wbc_step == WB_NEXT_INODE:
            ino = np.int64(bdi.head[B_IO])
            if ino < 0 or m.inode[ino].dirtied_when > task.wbc_start_ns:
                break
            if task.wbc_memcg > 0 and not selected(m, t, ino):
                break
            if m.inode[ino].state & I_SYNC:
                requeue_io(m, ino)
                task.wbc_more_io = 1
                continue
            if m.clock[NOW] >= m.clock[LIMIT]:
                return BUDGET_SPENT
            _begin_inode(m, t, ino)
            task.wbc_step = WB_PAGES
        stop = write_cache_pages(m, t)
        if stop != DONE:
            return stop
        _end_inode(m, t, np.int64(task.wbc_inode))
        task.wbc_step = WB_NEXT_INODE
        if task.wbc_nr_to_write <= 0:
            task.wbc_more_io = 1
            break
        if bdi.head[B_MORE_IO] >= 0:
            task.wbc_more_io = 1
    task.wbc_step = WB_BEGIN
    return DONE


# ---- works


@njit
def _wake_flusher(m: Any) -> Any:
    if not m.bdi[0].writeback_running:
        wake_up(m, WAKE_FLUSHER)


@njit
def wakeup_flusher_threads(m: Any, nr_pages: Any) -> Any:
    """Queue a work of ``nr_pages`` (0 = all that is dirty) and wake the flusher.

    # Differs from 2.6.35: a queue of more than 256 works grows its last one.
    """
    pages = np.int64(nr_pages)
    if pages == 0:
        pages = m.vm[NR_FILE_DIRTY]
    m.clock[FLUSHER_WANTED] += pages
    fs = m.fs[0]
    if fs.nr_works < MAX_WORKS:
        last = (fs.first_work + fs.nr_works) % MAX_WORKS
        fs.work_pages[last] = pages
        fs.work_memcg[last] = 0
        fs.nr_works += 1
    else:
        fs.work_pages[(fs.first_work + fs.nr_works - 1) % MAX_WORKS] += pages
    _wake_flusher(m)


@njit
def kick_flusher(m: Any, g: Any, nr_pages: Any) -> Any:
    """Reclaim, or a dirtier, of memcg ``g`` asks for ``nr_pages``: of any inode, or (C18) of its.

    A memcg has one work waiting at a time, as a bit in a map; the largest wish holds.
    """
    fs = m.fs[0]
    memcg = m.memcg[g]
    if g == 0 or not m.rules[0].memcg_writeback:
        wakeup_flusher_threads(m, nr_pages)
        return
    waiting = memcg.flush_wanted > 0
    if not waiting and fs.nr_works == MAX_WORKS:
        wakeup_flusher_threads(m, nr_pages)
        return
    memcg.flush_wanted = max(memcg.flush_wanted, nr_pages)
    if not waiting:
        last = (fs.first_work + fs.nr_works) % MAX_WORKS
        fs.work_pages[last] = nr_pages
        fs.work_memcg[last] = g
        fs.nr_works += 1
        m.vm[MEMCG_FLUSHER_WORKS] += 1
    _wake_flusher(m)


@njit
def start_memcg_background(m: Any, g: Any) -> None:
    """wb_start_background_writeback of memcg ``g``'s bdi_writeback (6.1): one such work waits.

    # Differs from 6.1: one flusher does the works of all, one after another.
    """
    fs = m.fs[0]
    if m.memcg[g].background_wanted or fs.nr_works == MAX_WORKS:
        return
    m.memcg[g].background_wanted = 1
    last = (fs.first_work + fs.nr_works) % MAX_WORKS
    fs.work_pages[last] = BACKGROUND_WORK
    fs.work_memcg[last] = g
    fs.nr_works += 1
    _wake_flusher(m)


@njit
def next_work(m: Any) -> Any:
    """Take the oldest work: its pages, BACKGROUND_WORK, or 0 when there is none."""
    fs = m.fs[0]
    if fs.nr_works > 0:
        pages = np.int64(fs.work_pages[fs.first_work])
        fs.work_for = fs.work_memcg[fs.first_work]
        fs.first_work = (fs.first_work + 1) % MAX_WORKS
        fs.nr_works -= 1
        if pages == BACKGROUND_WORK:
            m.memcg[fs.work_for].background_wanted = 0
        elif fs.work_for > 0:
            pages = np.int64(m.memcg[fs.work_for].flush_wanted)
            m.memcg[fs.work_for].flush_wanted = 0
        return pages
    fs.work_for = 0
    m.clock[FLUSHER_WANTED] = 0
    if m.clock[BACKGROUND_WANTED]:
        m.clock[BACKGROUND_WANTED] = 0
        return np.int64(BACKGROUND_WORK)
    return np.int64(0)


@njit
def begin_work(m: Any, t: Any, older_than_ns: Any, kupdate: Any, background: Any) -> Any:
    """Set up the flusher's wbc for one work."""
    task = m.task[t]
    task.wbc_older_than_ns = older_than_ns
    task.wbc_for_kupdate = kupdate
    task.wbc_for_background = background
    task.wbc_for_reclaim = 0
    task.wbc_memcg = m.fs[0].work_for
    task.wbc_shared = 0
    task.wbc_range_cyclic = 1 if kupdate or background else 0
    task.wbc_start_ns = jiffies(m, 0)
    task.wbc_written = 0
    task.wbc_work_began_ns = m.clock[NOW]


@njit
def wb_chunk(m: Any, g: Any) -> Any:
    """Pages of one pass.

    # Differs from 3.2: of a pass there, too, not of each of its inodes.
    """
    return writeback_chunk_size(m, g) if m.rules[0].ioless_throttling else MAX_WRITEBACK_PAGES


@njit
def begin_pass(m: Any, t: Any) -> Any:
    """One turn of wb_writeback's loop: False when background work has nothing more to do."""
    task = m.task[t]
    m.clock[NOW] += m.cost[COST_FLUSHER_LOOP]
    g = np.int64(task.wbc_memcg if m.rules[0].cgroup2 else 0)
    if task.wbc_for_background and not over_bground_thresh(m, g):
        return False
    task.wbc_nr_to_write = wb_chunk(m, g)
    task.wbc_chunk = task.wbc_nr_to_write
    if not m.rules[0].wb_start_per_work:
        task.wbc_start_ns = jiffies(m, 0)
    task.wbc_step = WB_BEGIN
    return True


@njit
def end_pass(m: Any, t: Any) -> Any:
    """What wb_writeback does after a pass: WORK_*."""
    task = m.task[t]
    if m.rules[0].ioless_throttling:
        g = np.int64(task.wbc_memcg if m.rules[0].cgroup2 else 0)
        bdi_update_bandwidth(m, g, task.wbc_work_began_ns, False)
    if task.wbc_nr_to_write <= 0:
        return WORK_GOES_ON
    if not task.wbc_more_io:
        if task.wbc_memcg > 0 and not task.wbc_shared:
            task.wbc_shared = 1
            return WORK_GOES_ON
        return WORK_DONE
    if task.wbc_nr_to_write < task.wbc_chunk:
        return WORK_GOES_ON
    return WORK_WAITS


@njit
def old_data_flush_due(m: Any) -> Any:
    """wb_check_old_data_flush: is the period over and is anything dirty?"""
    fs = m.fs[0]
    now = m.clock[NOW]
    if now < fs.last_old_flush_ns + m.sysctl[DIRTY_WRITEBACK_NS]:
        return False
    fs.last_old_flush_ns = now
    return m.vm[NR_FILE_DIRTY] > 0 or fs.nr_checkpoint > 0


def _wb_writeback(s: System, t: int, nr_pages: int) -> Any:
    """Sleeps. wb_writeback: passes of MAX_WRITEBACK_PAGES until ``nr_pages`` are written."""
    m = s.m
    nr_to_write, chunk = s.tcol["wbc_nr_to_write"], s.tcol["wbc_chunk"]
    while nr_pages > 0 and begin_pass(m, t):
        while (stop := writeback_inodes_wb(m, t)) != DONE:
            yield from s.wait(t, stop)
        nr_pages -= int(chunk[t] - nr_to_write[t])
        verdict = end_pass(m, t)
        if verdict == WORK_DONE:
            break
        if verdict == WORK_WAITS:
            # Differs from 2.6.35: looks again at the next tick, not when the inode is let go.
            yield from s.sleep(None, SleepCause.PAGE_WRITEBACK, s.jiffies(1))
        elif s.clock[NOW] >= s.clock[LIMIT]:
            yield from s.wait(t, BUDGET_SPENT)


def flusher(s: System, t: int) -> Any:
    """Sleeps. The thread flush-8:0: queued works, old data, then up to five seconds of sleep."""
    m, clock, vm = s.m, s.clock, s.vm
    s.tcol["issuer"][t] = ISSUER_FLUSHER
    s.tcol["pf_flags"][t] |= PF_FLUSHER
    bdi = s.arrays.bdi[0]
    interval_ns = int(s.arrays.sysctl[DIRTY_WRITEBACK_NS])
    expire_ns = int(s.arrays.sysctl[DIRTY_EXPIRE_NS])
    while True:
        bdi.writeback_running = 1
        while pages := int(next_work(m)):
            background = pages == BACKGROUND_WORK
            begin_work(m, t, -1, 0, int(background))
            yield from _wb_writeback(s, t, LONG_MAX if background else pages)
        if old_data_flush_due(m):
            begin_work(m, t, max(clock[NOW] - expire_ns, 0), 1, 0)
            yield from _wb_writeback(s, t, int(vm[NR_FILE_DIRTY]) + MAX_WRITEBACK_PAGES)
        bdi.writeback_running = 0
        if s.arrays.fs[0].nr_works or clock[BACKGROUND_WANTED]:
            continue
        until_ns = s.jiffies(-(-interval_ns // s.jiffy_ns))
        woken = yield from s.sleep(s.flusher_wait, SleepCause.IDLE, until_ns)
        vm[FLUSHER_WAKEUPS] += bool(woken)
