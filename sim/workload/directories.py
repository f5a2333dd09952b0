"""Where new files go: into the root directory, small files into one of their own per 100.

So the recorded runs have it: the writer's and the dirtier's files lie in one group (0 or 1; 3
behind the swap file), small files elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.ext3_groups import (
    ROOT_GROUP,
    ROOT_INODE,
    directory_group,
    file_group,
    top_directory_group,
)
from sim.fs.ext3_layout import ext3_create, ext3_release_file
from sim.machine.address_space import I_ANON
from sim.workload.kinds import KIND_HIGH_ORDER, KIND_REPLAY

FILES_PER_DIRECTORY = 100


@njit
def create_files(m: Any, t: Any) -> Any:
    """Before the run: the task's new files; a directory for a creator's."""
    task = m.task[t]
    if task.kind == KIND_HIGH_ORDER:
        return
    if task.dir_end:
        task.dir_group = top_directory_group(m, t)
    else:
        task.dir_group = file_group(m, ROOT_GROUP, ROOT_INODE)
    if task.kind == KIND_REPLAY:
        for ino in range(task.op_first, task.op_second):
            _create_new(m, np.int64(ino), task.dir_group)
        return
    _create_new(m, np.int64(task.op_inode), task.dir_group)
    if task.op_second:
        _create_new(m, np.int64(task.op_second), task.dir_group)


@njit
def _create_new(m: Any, ino: Any, group: Any) -> Any:
    inode = m.inode[ino]
    if inode.size_pages == 0 and not inode.state & I_ANON:
        ext3_create(m, ino, group)


@njit
def next_file(m: Any, t: Any) -> Any:
    """Close the creator's last file and open its next; False when its directories are full."""
    task = m.task[t]
    if task.dir_made:
        ext3_release_file(m, np.int64(task.op_inode))
    if task.dir_next >= task.dir_end:
        return False
    task.op_inode = task.dir_next
    task.dir_next += 1
    if task.dir_made:
        if task.dir_made % FILES_PER_DIRECTORY == 0:
            task.dir_group = directory_group(m, np.int64(task.dir_group))
        ext3_create(m, np.int64(task.op_inode), np.int64(task.dir_group))
    task.dir_made += 1
    return True
