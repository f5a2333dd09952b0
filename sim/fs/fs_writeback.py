"""The flusher: lists of dirty inodes, an inode's turn, and works (fs/fs-writeback.c of 2.6.35).

Lists run oldest first. queue_io of 2.6.35 puts b_more_io before what is on b_io, that of 2.6.36
behind it, and expired inodes of b_dirty last. The block device's own dirty metadata is written when
a pass begins.

# Differs from 2.6.35: metadata in place is not an inode on the lists; it counts in no vm counter.
# The thread never exits when idle. Background work that is asked for while other works are queued
# is done after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.checkpoint import write_checkpoint
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
    B_DIRTY,
    B_IO,
    B_MORE_IO,
    B_NONE,
    I_DIRTY,
    I_MEMCG_SHARED,
    I_SYNC,
)
from sim.machine.bandwidth import bdi_update_bandwidth, writeback_chunk_size
from sim.machine.cost import COST_FLUSHER_LOOP, COST_FOREIGN_INODE, COST_INODE
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
    FLUSHER_FOREIGN_INODES,
    FLUSHER_INODES,
    FLUSHER_SEARCH_NS,
    FLUSHER_SHARED_INODES,
    FLUSHER_WAKEUPS,
    MEMCG_FLUSHER_WORKS,
    NR_FILE_DIRTY,
)
from sim.machine.wake import wake_up
from sim.result import SleepCause

MAX_WRITEBACK_PAGES = 1024

# What follows one call of writeback_inodes_wb in wb_writeback's loop.
WORK_DONE = 0
WORK_GOES_ON = 1
WORK_WAITS = 2
"""Nothing written and an inode is in another task's hands."""


# ---- lists of inodes


@njit
def _unlink(m: Any, ino: Any) -> Any:
    inode = m.inode[ino]
    which = inode.bdi_list
    if which == B_NONE:
        return
    bdi = m.bdi[0]
    before, after = np.int64(inode.prev), np.int64(inode.next)
    if before >= 0:
        m.inode[before].next = after
    else:
        bdi.head[which] = after
    if after >= 0:
        m.inode[after].prev = before
    else:
        bdi.tail[which] = before
    bdi.nr[which] -= 1
    inode.bdi_list = B_NONE
    inode.next = -1
    inode.prev = -1


@njit
def _append(m: Any, ino: Any, which: Any) -> Any:
    """Move an inode to the young end of a list."""
    _unlink(m, ino)
    bdi = m.bdi[0]
    inode = m.inode[ino]
    tail = np.int64(bdi.tail[which])
    inode.prev = tail
    inode.next = -1
    if tail >= 0:
        m.inode[tail].next = ino
    else:
        bdi.head[which] = ino
    bdi.tail[which] = ino
    bdi.nr[which] += 1
    inode.bdi_list = which


@njit
def mark_inode_dirty(m: Any, ino: Any) -> Any:
    """__mark_inode_dirty: a page of the inode became dirty; its age counts from the first one."""
    inode = m.inode[ino]
    if inode.state & I_DIRTY:
        return
    inode.state |= I_DIRTY
    if inode.state & I_SYNC:
        return  # whoever writes it puts it on the right list
    inode.dirtied_when = max(m.clock[NOW], 1)  # so that nothing is older than time 0
    _append(m, ino, B_DIRTY)


@njit
def redirty_tail(m: Any, ino: Any) -> Any:
    """To the young end of b_dirty; its time must not be before that of the youngest there."""
    inode = m.inode[ino]
    tail = np.int64(m.bdi[0].tail[B_DIRTY])
    if tail >= 0 and tail != ino and inode.dirtied_when < m.inode[tail].dirtied_when:
        inode.dirtied_when = m.clock[NOW]
    _append(m, ino, B_DIRTY)


@njit
def requeue_io(m: Any, ino: Any) -> Any:
    """To b_more_io: goes on with the next pass."""
    _append(m, ino, B_MORE_IO)


@njit
def _prepend(m: Any, ino: Any) -> Any:
    """Move an inode to the old end of b_io."""
    _unlink(m, ino)
    bdi = m.bdi[0]
    head = np.int64(bdi.head[B_IO])
    inode = m.inode[ino]
    inode.next = head
    inode.prev = -1
    if head >= 0:
        m.inode[head].prev = ino
    else:
        bdi.tail[B_IO] = ino
    bdi.head[B_IO] = ino
    bdi.nr[B_IO] += 1
    inode.bdi_list = B_IO


@njit
def queue_io(m: Any, older_than_ns: Any) -> Any:
    """Fill b_io: b_more_io, before or behind what is there, then inodes dirty since then (-1: all).

    From 2.6.36 on b_more_io goes behind, so that inodes whose slice is used up take turns.
    """
    bdi = m.bdi[0]
    if m.rules[0].b_more_io_for_all:
        ino = np.int64(bdi.head[B_MORE_IO])
        while ino >= 0:
            _append(m, ino, B_IO)
            ino = np.int64(bdi.head[B_MORE_IO])
    ino = np.int64(bdi.tail[B_MORE_IO])
    while ino >= 0:
        _prepend(m, ino)
        ino = np.int64(bdi.tail[B_MORE_IO])
    ino = np.int64(bdi.head[B_DIRTY])
    while ino >= 0:
        if older_than_ns >= 0 and m.inode[ino].dirtied_when > older_than_ns:
            break
        _append(m, ino, B_IO)
        ino = np.int64(bdi.head[B_DIRTY])


@njit
def _selected(m: Any, t: Any, ino: Any) -> Any:
    """May a writeback on behalf of task.wbc_memcg take this inode?"""
    task = m.task[t]
    owner = m.inode[ino].i_memcg
    return owner == task.wbc_memcg or (task.wbc_shared and owner == I_MEMCG_SHARED)


@njit
def queue_memcg_io(m: Any, t: Any) -> Any:
    """Put the inodes of task.wbc_memcg first on b_io, the oldest in front.

    Every inode of every list is looked at: nothing leads from a memcg to its inodes. The time that
    takes is left in task.debt_ns.
    """
    bdi = m.bdi[0]
    foreign = 0
    nr_io = np.int64(bdi.nr[B_IO])
    for which in (B_DIRTY, B_MORE_IO, B_IO):
        ino = np.int64(bdi.tail[which])
        for _ in range(nr_io if which == B_IO else np.int64(bdi.nr[which])):
            before = np.int64(m.inode[ino].prev)
            if _selected(m, t, ino):
                _prepend(m, ino)
                if m.inode[ino].i_memcg == I_MEMCG_SHARED:
                    m.vm[FLUSHER_SHARED_INODES] += 1
            else:
                foreign += 1
            ino = before
    search_ns = foreign * m.cost[COST_FOREIGN_INODE]
    m.task[t].debt_ns += search_ns
    m.vm[FLUSHER_FOREIGN_INODES] += foreign
    m.vm[FLUSHER_SEARCH_NS] += search_ns


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
        _unlink(m, ino)
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
            if task.wbc_memcg > 0 and not _selected(m, t, ino):
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
def next_work(m: Any) -> Any:
    """Take the oldest work: its pages, BACKGROUND_WORK, or 0 when there is none."""
    fs = m.fs[0]
    if fs.nr_works > 0:
        pages = np.int64(fs.work_pages[fs.first_work])
        fs.work_for = fs.work_memcg[fs.first_work]
        fs.first_work = (fs.first_work + 1) % MAX_WORKS
        fs.nr_works -= 1
        if fs.work_for > 0:
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
    task.wbc_start_ns = m.clock[NOW]
    task.wbc_written = 0
    task.wbc_work_began_ns = m.clock[NOW]


@njit
def wb_chunk(m: Any) -> Any:
    """Pages of one pass.

    # Differs from 3.2: of a pass there, too, not of each of its inodes.
    """
    return writeback_chunk_size(m) if m.rules[0].ioless_throttling else MAX_WRITEBACK_PAGES


@njit
def begin_pass(m: Any, t: Any) -> Any:
    """One turn of wb_writeback's loop: False when background work has nothing more to do."""
    task = m.task[t]
    m.clock[NOW] += m.cost[COST_FLUSHER_LOOP]
    if task.wbc_for_background and not over_bground_thresh(m):
        return False
    task.wbc_nr_to_write = wb_chunk(m)
    task.wbc_chunk = task.wbc_nr_to_write
    if not m.rules[0].wb_start_per_work:
        task.wbc_start_ns = m.clock[NOW]
    task.wbc_step = WB_BEGIN
    return True


@njit
def end_pass(m: Any, t: Any) -> Any:
    """What wb_writeback does after a pass: WORK_*."""
    task = m.task[t]
    if m.rules[0].ioless_throttling:
        bdi_update_bandwidth(m, task.wbc_work_began_ns, False)
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
