"""Where new files go: into the root directory, small files into one of their own per 100.

So the recorded runs have it: the writer's and the dirtier's files lie in one group (0 or 1; 3
behind the swap file), small files elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.buffer import sb_bread
from sim.fs.ext3_groups import (
    ROOT_GROUP,
    ROOT_INODE,
    directory_group,
    file_group,
    top_directory_group,
)
from sim.fs.ext3_layout import (
    INODE_TABLE_BLOCKS,
    creation_in_shadow,
    ext3_create,
    ext3_release_file,
)
from sim.fs.handle import journal_start, journal_stop, may_start
from sim.machine.address_space import I_ANON
from sim.machine.machine import WAKE_DIRECTORY
from sim.machine.task import DONE, WANT_DIRECTORY, WANT_JOURNAL
from sim.machine.wake import wake_up
from sim.workload.kinds import KIND_HIGH_ORDER, KIND_REPLAY

FILES_PER_DIRECTORY = 100
NOT_OPEN, WAITS_FOR_DIRECTORY, HAS_DIRECTORY, HAS_GROUP, FILES_OPEN = range(5)
"""``task.open_step``."""


@njit
def open_files(m: Any, t: Any) -> Any:
    """The task's first operation: make its new files, or a directory for them; a stop code.

    They are made in the root directory, by one task at a time (i_mutex), which reads the
    directory's block and the bitmaps of the group that it chooses. ``task.open_step`` is
    FILES_OPEN then.
    """
    task = m.task[t]
    fs = m.fs[0]
    if task.open_step == NOT_OPEN:
        if task.kind == KIND_HIGH_ORDER or not _makes_files(m, t):
            task.open_step = FILES_OPEN
            return DONE
        task.open_step = WAITS_FOR_DIRECTORY
    if task.open_step == WAITS_FOR_DIRECTORY:
        if fs.root_owner >= 0:
            return WANT_DIRECTORY
        fs.root_owner = t  # even if another has made its files meanwhile: who was woken must wake
        task.open_step = HAS_DIRECTORY
    if task.open_step == HAS_DIRECTORY:
        stop = _read(m, t, fs.group_bitmap[ROOT_GROUP] + 2 + INODE_TABLE_BLOCKS)
        if stop != DONE:
            return stop
        if not may_start(m, t):
            return WANT_JOURNAL
        journal_start(m, t)
        top = task.dir_end > 0
        group = top_directory_group(m, t) if top else file_group(m, ROOT_GROUP, ROOT_INODE)
        task.dir_group = group
        task.open_step = HAS_GROUP
    stop = _read_bitmaps(m, t, np.int64(task.dir_group), task.dir_end > 0)
    if stop != DONE:
        return stop
    _create_first(m, t)
    journal_stop(m, t)
    fs.root_owner = -1
    wake_up(m, WAKE_DIRECTORY)
    task.open_step = FILES_OPEN
    return DONE


@njit
def _read(m: Any, t: Any, block: Any) -> Any:
    """A block of metadata, where there are such blocks; a stop code."""
    return sb_bread(m, t, np.int64(block)) if m.fs[0].jbd else DONE


@njit
def _read_bitmaps(m: Any, t: Any, group: Any, of_blocks: Any) -> Any:
    """The group's bitmap of inodes, and that of blocks for a new directory; a stop code."""
    bitmap = np.int64(m.fs[0].group_bitmap[group])
    stop = _read(m, t, bitmap + 1)
    if stop != DONE or not of_blocks:
        return stop
    return _read(m, t, bitmap)


@njit
def _makes_files(m: Any, t: Any) -> Any:
    task = m.task[t]
    if task.dir_end:
        return True
    if task.kind == KIND_REPLAY:
        for ino in range(task.op_first, task.op_second):
            if _is_new(m, np.int64(ino)):
                return True
        return False
    if _is_new(m, np.int64(task.op_inode)):
        return True
    return task.op_second > 0 and _is_new(m, np.int64(task.op_second))


@njit
def _create_first(m: Any, t: Any) -> None:
    task = m.task[t]
    group = np.int64(task.dir_group)
    if task.kind == KIND_REPLAY:
        for ino in range(task.op_first, task.op_second):
            _create_new(m, np.int64(ino), group)
        return
    _create_new(m, np.int64(task.op_inode), group)
    if task.op_second:
        _create_new(m, np.int64(task.op_second), group)


@njit
def _is_new(m: Any, ino: Any) -> Any:
    """To be made: no old file, no anonymous area, not made by another task that shares it."""
    inode = m.inode[ino]
    return inode.size_pages == 0 and not inode.state & I_ANON and inode.group < 0


@njit
def _create_new(m: Any, ino: Any, group: Any) -> None:
    if _is_new(m, ino):
        ext3_create(m, ino, group)


@njit
def no_more_files(m: Any, t: Any) -> Any:
    """A creator's directories are full."""
    task = m.task[t]
    return task.dir_next >= task.dir_end


@njit
def next_file(m: Any, t: Any) -> Any:
    """Close the creator's last file and open its next; a stop code."""
    task = m.task[t]
    if task.dir_made:
        if task.dir_made % FILES_PER_DIRECTORY == 0 and not task.handle:
            task.dir_group = directory_group(m, np.int64(task.dir_group))
        if not may_start(m, t):
            return WANT_JOURNAL
        group, ino = np.int64(task.dir_group), np.int64(task.dir_next)
        journal_start(m, t)
        stop = _read_bitmaps(m, t, group, task.dir_made % FILES_PER_DIRECTORY == 0)
        if stop != DONE:
            return stop
        m.inode[ino].group = group
        if creation_in_shadow(m, ino, group):
            return WANT_JOURNAL
        ext3_release_file(m, np.int64(task.op_inode))
        ext3_create(m, ino, group)
        journal_stop(m, t)
    task.op_inode = task.dir_next
    task.dir_next += 1
    task.dir_made += 1
    return DONE
