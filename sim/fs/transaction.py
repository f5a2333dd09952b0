"""What belongs to the running transaction: metadata blocks and inodes with ordered data (fs/jbd).

# Differs from 2.6.35: ordered data is remembered by inode, not by buffer in the order of dirtying,
# and written in ascending order.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.address_space import I_ORDERED
from sim.machine.filesystem import MAX_META, META_RUNNING
from sim.machine.machine import ANY_WAKE, NOW, WAKE_JOURNAL


@njit
def _start_transaction(m: Any) -> Any:
    """Something joins an empty transaction: kjournald's timer runs from now on."""
    fs = m.fs[0]
    if not fs.running:
        fs.running = 1
        fs.started_ns = m.clock[NOW]
        m.clock[WAKE_JOURNAL] = 1
        m.clock[ANY_WAKE] = 1


@njit
def journal_dirty_metadata(m: Any, block: Any) -> Any:
    """The running transaction changes a metadata block."""
    fs = m.fs[0]
    if m.block_used[block] & META_RUNNING or fs.nr_running >= MAX_META:
        return
    m.block_used[block] |= META_RUNNING
    _start_transaction(m)
    fs.running_meta[fs.nr_running] = block
    fs.nr_running += 1
    if fs.nr_running >= fs.max_transaction_blocks and not fs.commit_wanted:
        fs.commit_wanted = 1
        m.clock[WAKE_JOURNAL] = 1
        m.clock[ANY_WAKE] = 1


@njit
def journal_dirty_data(m: Any, ino: Any) -> Any:
    """The inode has data that must be on disk before the running transaction commits."""
    inode = m.inode[ino]
    if inode.state & I_ORDERED:
        return
    inode.state |= I_ORDERED
    inode.ordered_next = -1
    fs = m.fs[0]
    _start_transaction(m)
    if fs.ordered_head < 0:
        fs.ordered_head = ino
    else:
        m.inode[fs.ordered_tail].ordered_next = ino
    fs.ordered_tail = ino
