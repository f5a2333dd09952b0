"""The flusher's lists of dirty inodes: b_dirty, b_io and b_more_io (fs/fs-writeback.c of 2.6.35).

Lists run oldest first. queue_io of 2.6.35 puts b_more_io before what is on b_io, that of 2.6.36
behind it, and expired inodes of b_dirty last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.address_space import (
    B_DIRTY,
    B_IO,
    B_MORE_IO,
    B_NONE,
    I_DIRTY,
    I_MEMCG_SHARED,
    I_SYNC,
)
from sim.machine.cost import COST_FOREIGN_INODE
from sim.machine.vmstat import (
    FLUSHER_FOREIGN_INODES,
    FLUSHER_SEARCH_NS,
    FLUSHER_SHARED_INODES,
)
from sim.machine.wait import jiffies


@njit
def unlink(m: Any, ino: Any) -> Any:
    """Take an inode off whichever list it is on."""
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
def append(m: Any, ino: Any, which: Any) -> Any:
    """Move an inode to the young end of a list."""
    unlink(m, ino)
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
    inode.dirtied_when = max(jiffies(m, 0), 1)  # so that nothing is older than time 0
    append(m, ino, B_DIRTY)


@njit
def redirty_tail(m: Any, ino: Any) -> Any:
    """To the young end of b_dirty; its time must not be before that of the youngest there."""
    inode = m.inode[ino]
    tail = np.int64(m.bdi[0].tail[B_DIRTY])
    if tail >= 0 and tail != ino and inode.dirtied_when < m.inode[tail].dirtied_when:
        inode.dirtied_when = jiffies(m, 0)
    append(m, ino, B_DIRTY)


@njit
def requeue_io(m: Any, ino: Any) -> Any:
    """To b_more_io: goes on with the next pass."""
    append(m, ino, B_MORE_IO)


@njit
def prepend(m: Any, ino: Any) -> Any:
    """Move an inode to the old end of b_io."""
    unlink(m, ino)
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
            append(m, ino, B_IO)
            ino = np.int64(bdi.head[B_MORE_IO])
    ino = np.int64(bdi.tail[B_MORE_IO])
    while ino >= 0:
        prepend(m, ino)
        ino = np.int64(bdi.tail[B_MORE_IO])
    ino = np.int64(bdi.head[B_DIRTY])
    while ino >= 0:
        if older_than_ns >= 0 and m.inode[ino].dirtied_when > older_than_ns:
            break
        append(m, ino, B_IO)
        ino = np.int64(bdi.head[B_DIRTY])


@njit
def selected(m: Any, t: Any, ino: Any) -> Any:
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
            if selected(m, t, ino):
                prepend(m, ino)
                if m.inode[ino].i_memcg == I_MEMCG_SHARED:
                    m.vm[FLUSHER_SHARED_INODES] += 1
            else:
                foreign += 1
            ino = before
    if m.rules[0].cgroup2:
        foreign = 0  # with cgroup writeback every memcg has lists of its own: nothing is searched
    search_ns = foreign * m.cost[COST_FOREIGN_INODE]
    m.task[t].debt_ns += search_ns
    m.vm[FLUSHER_FOREIGN_INODES] += foreign
    m.vm[FLUSHER_SEARCH_NS] += search_ns
