"""Blocks of metadata that are read from disk when first needed (fs/buffer.c of 2.6.35).

Bitmaps and the root directory's block are not cached when the machine starts, as after mounting or
drop_caches; what was read once stays.

# Differs from 2.6.35: the buffers have no pages of their own; indirect blocks and inode tables of
# old files are cached from the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.elevator import submit_bio
from sim.engine.jit import njit
from sim.machine.filesystem import BUFFER_READING, BUFFER_UPTODATE
from sim.machine.task import DONE, WANT_METADATA
from sim.units import SECTORS_PER_PAGE


@njit
def is_uptodate(m: Any, block: Any) -> Any:
    """Is the block in the block device's cache?"""
    return m.block_used[block] & BUFFER_UPTODATE != 0


@njit
def sb_bread(m: Any, t: Any, block: Any) -> Any:
    """Read the block unless it is cached; a stop code. Call again until it is DONE.

    Whoever comes second waits for the first one's read.
    """
    task = m.task[t]
    stop = finish_bread(m, t)
    if stop != DONE:
        return stop
    bits = m.block_used[block]
    if bits & BUFFER_UPTODATE:
        return DONE
    task.wait_block = block
    if bits & BUFFER_READING:
        return WANT_METADATA
    m.block_used[block] |= BUFFER_READING
    m.fs[0].nr_reading += 1
    task.bio_sector = np.int64(block) * SECTORS_PER_PAGE
    task.bio_sectors = SECTORS_PER_PAGE
    task.bio_write = 0
    task.bio_sync = 1
    task.bio_meta = 0
    task.bio_cookie = 0
    task.bio_first_page = -1
    task.bio_last_page = -1
    stop = submit_bio(m, t)
    return stop if stop != DONE else WANT_METADATA


@njit
def finish_bread(m: Any, t: Any) -> Any:
    """Go on with a read of metadata that waits for a request; a stop code."""
    task = m.task[t]
    if task.bio_sectors == 0 or task.bio_write or task.bio_first_page >= 0:
        return DONE
    return submit_bio(m, t)
