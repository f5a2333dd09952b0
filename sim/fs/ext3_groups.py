"""Which block group a new directory or file goes to (ialloc.c of ext3, 2.6.35)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.engine.rng import STREAM_LAYOUT, draw_below
from sim.machine.filesystem import BLOCKS_PER_GROUP
from sim.machine.machine import SEED

ORLOV_SLACK_BLOCKS = BLOCKS_PER_GROUP // 4
ROOT_GROUP, ROOT_INODE = 0, 2


@njit
def top_directory_group(m: Any, number: Any) -> Any:
    """Group of a new directory under the root: a random one with as much room as the mean (Orlov).

    # Differs from 2.6.35: looks at free blocks only, not at inodes and directories.
    """
    fs = m.fs[0]
    start = draw_below(m.clock[SEED], STREAM_LAYOUT, number, fs.nr_groups)
    average = fs.nr_free // fs.nr_groups
    for i in range(fs.nr_groups):
        group = (start + i) % fs.nr_groups
        if fs.group_free[group] >= average:
            return group
    return start


@njit
def directory_group(m: Any, parent_group: Any) -> Any:
    """Group of a new directory below another: the parent's, or the next that is not much fuller."""
    fs = m.fs[0]
    least = max(fs.nr_free // fs.nr_groups - ORLOV_SLACK_BLOCKS, 1)
    for i in range(fs.nr_groups):
        group = (parent_group + i) % fs.nr_groups
        if fs.group_free[group] >= least:
            return group
    return np.int64(parent_group)


@njit
def file_group(m: Any, parent_group: Any, parent: Any) -> Any:
    """Group of a new file (find_group_other): its directory's, else by a hash of the directory.

    # Differs from 2.6.35: looks at free blocks only, not at inodes.
    """
    fs = m.fs[0]
    group = np.int64(parent_group)
    if fs.group_free[group] > 0:
        return group
    group = (group + parent) % fs.nr_groups
    step = np.int64(1)
    while step < fs.nr_groups:
        group = (group + step) % fs.nr_groups
        if fs.group_free[group] > 0:
            return group
        step <<= 1
    for i in range(fs.nr_groups):
        group = (parent_group + 1 + i) % fs.nr_groups
        if fs.group_free[group] > 0:
            return group
    return np.int64(parent_group)
