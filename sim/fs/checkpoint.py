"""Committed metadata on its way to its place on disk: the block device's dirty buffers (fs/jbd).

A block that the running or the committing transaction has again is not written until that commit.

# Differs from 2.6.35: checkpointing is left to the flusher; the journal is never short of space.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.elevator import submit_bio
from sim.engine.jit import njit
from sim.machine.cost import COST_WRITEPAGE
from sim.machine.filesystem import (
    MAX_CHECKPOINT,
    META_CHECKPOINT,
    META_COMMITTING,
    META_RUNNING,
)
from sim.machine.machine import NOW
from sim.machine.task import DONE
from sim.units import SECTORS_PER_PAGE

BITS = 0xFF


@njit
def begin_metadata_bio(m: Any, t: Any, block: Any) -> Any:
    """A bio of one block that no page of the page cache belongs to."""
    task = m.task[t]
    task.bio_sector = np.int64(block) * SECTORS_PER_PAGE
    task.bio_sectors = SECTORS_PER_PAGE
    task.bio_write = 1
    task.bio_sync = 0
    task.bio_meta = 0
    task.bio_cookie = 0
    task.bio_first_page = -1
    task.bio_last_page = -1


@njit
def add_checkpoint(m: Any, block: Any) -> Any:
    """A committed block is dirty in the block device's cache."""
    fs = m.fs[0]
    if m.block_used[block] & META_CHECKPOINT or fs.nr_checkpoint >= MAX_CHECKPOINT:
        return
    m.block_used[block] |= META_CHECKPOINT
    if fs.nr_checkpoint == 0:
        fs.checkpoint_since_ns = m.clock[NOW]
    fs.checkpoint_meta[fs.nr_checkpoint] = block
    fs.nr_checkpoint += 1


@njit
def _begin(m: Any, t: Any) -> Any:
    fs = m.fs[0]
    task = m.task[t]
    if fs.nr_checkpoint == 0 or fs.checkpoint_busy:
        return False
    if task.wbc_older_than_ns >= 0 and fs.checkpoint_since_ns > task.wbc_older_than_ns:
        return False
    fs.checkpoint_busy = 1
    fs.checkpoint_pos = 0
    fs.checkpoint_end = fs.nr_checkpoint
    fs.checkpoint_meta[: fs.nr_checkpoint].sort()
    task.wbc_skipped = 1
    return True


@njit
def write_checkpoint(m: Any, t: Any) -> Any:
    """Write old enough metadata in place, in ascending order; a stop code.

    ``task.wbc_skipped`` is 1 while this task is the one that writes it.
    """
    task = m.task[t]
    if task.wbc_skipped == 0 and not _begin(m, t):
        return DONE
    fs = m.fs[0]
    while True:
        if task.bio_sectors != 0:
            stop = submit_bio(m, t)
            if stop != DONE:
                return stop
        if fs.checkpoint_pos >= fs.checkpoint_end or task.wbc_nr_to_write <= 0:
            break
        block = np.int64(fs.checkpoint_meta[fs.checkpoint_pos])
        fs.checkpoint_pos += 1
        m.block_used[block] &= BITS - META_CHECKPOINT
        if m.block_used[block] & (META_RUNNING | META_COMMITTING):
            continue  # comes back with that commit
        m.clock[NOW] += m.cost[COST_WRITEPAGE]
        task.wbc_nr_to_write -= 1
        begin_metadata_bio(m, t, block)
    _end(m, t)
    return DONE


@njit
def _end(m: Any, t: Any) -> Any:
    """What is left, and what came meanwhile, moves to the front."""
    fs = m.fs[0]
    left = fs.nr_checkpoint - fs.checkpoint_pos
    for i in range(left):
        fs.checkpoint_meta[i] = fs.checkpoint_meta[fs.checkpoint_pos + i]
    if fs.checkpoint_pos >= fs.checkpoint_end:
        fs.checkpoint_since_ns = m.clock[NOW]
    fs.nr_checkpoint = left
    fs.checkpoint_busy = 0
    m.task[t].wbc_skipped = 0
