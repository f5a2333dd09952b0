"""Where ext3 puts blocks: groups, reservation windows, indirect blocks (fs/ext3 of 2.6.35).

Allocation is next-fit from the file's last block within its reservation window; windows keep
growing files apart and double up to 1027 blocks while they are used up. Every metadata block that
an allocation changes joins the running transaction.

# Differs from 2.6.35: the goal of a block is the file's last allocated block, not its left
# neighbour in the indirect block (both lead to the file's frontier); bitmaps, descriptors, inodes
# and indirect blocks are always cached, never read; directories have no blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.engine.rng import STREAM_LAYOUT, draw_below
from sim.fs.transaction import journal_dirty_data, journal_dirty_metadata
from sim.machine.address_space import I_ORDERED
from sim.machine.filesystem import BLOCK_USED, BLOCKS_PER_GROUP, META_RUNNING, NR_WINDOWS
from sim.machine.machine import CURRENT, SEED

DIRECT_BLOCKS = 12
PTRS_BITS = 10
PTRS = 1 << PTRS_BITS
"""Block numbers in an indirect block of 4 KiB."""
INODE_TABLE_BLOCKS = 500
INODES_PER_BLOCK = 32
SUPER_BLOCKS = 251
"""Superblock, descriptors and those reserved for growth: before the bitmaps of some groups."""
DESCRIPTORS_PER_BLOCK = 128
COLOURS = 16
WINDOW_BLOCKS = 8
MAX_WINDOW_BLOCKS = 1027
ORLOV_SLACK_BLOCKS = BLOCKS_PER_GROUP // 4


def has_super(group: int) -> bool:
    """Does the group begin with a copy of the superblock (sparse_super)?"""
    if group <= 1:
        return True
    return any(group in [base**n for n in range(1, 13)] for base in (3, 5, 7))


def group_bitmap_block(group: int) -> int:
    """The group's block bitmap; the inode bitmap and the inode table follow."""
    first = group * BLOCKS_PER_GROUP
    return first + SUPER_BLOCKS if has_super(group) else first


@njit
def inode_block(m: Any, ino: Any) -> Any:
    """The block of the inode table that holds the inode."""
    at = ino // INODES_PER_BLOCK % INODE_TABLE_BLOCKS
    return m.fs[0].group_bitmap[m.inode[ino].group] + 2 + at


# ---- free blocks


@njit
def _next_free(m: Any, start: Any) -> Any:
    """The first free block at or after ``start``, going round; -1 when the disk is full."""
    fs = m.fs[0]
    if fs.nr_free <= 0:
        return np.int64(-1)
    used = m.block_used
    nr_blocks = np.int64(fs.nr_blocks)
    block = np.int64(start)
    if block >= nr_blocks:
        block = np.int64(0)
    for _ in range(fs.nr_groups + 1):
        group = block // BLOCKS_PER_GROUP
        end = min((group + 1) * BLOCKS_PER_GROUP, nr_blocks)
        if fs.group_free[group] > 0:
            while block < end:
                if not used[block] & BLOCK_USED:
                    return block
                block += 1
        block = end if end < nr_blocks else np.int64(0)
    return np.int64(-1)


@njit
def _outside_windows(fs: Any, w: Any, start: Any, size: Any) -> Any:
    """The first place at or after ``start`` where ``size`` blocks meet no other file's window."""
    moved = True
    while moved:
        moved = False
        for other in range(fs.nr_windows):
            if other == w or fs.window_inode[other] < 0:
                continue
            if fs.window_start[other] < start + size and fs.window_end[other] >= start:
                start = np.int64(fs.window_end[other]) + 1
                moved = True
    return start


@njit
def _alloc_new_reservation(m: Any, w: Any, goal: Any) -> Any:
    """Move window ``w`` to the first room at or after ``goal``; its first free block or -1."""
    fs = m.fs[0]
    if fs.window_hits[w] * 2 > fs.window_end[w] - fs.window_start[w] + 1:
        fs.window_size[w] = min(fs.window_size[w] * 2, MAX_WINDOW_BLOCKS)
    size = np.int64(fs.window_size[w])
    start = np.int64(goal)
    for _ in range(2 * NR_WINDOWS):
        start = _outside_windows(fs, w, start, size)
        if start >= fs.nr_blocks:
            start = _outside_windows(fs, w, np.int64(0), size)
        block = _next_free(m, start)
        if block < 0:
            return block
        if start <= block < start + size:
            fs.window_start[w] = start
            fs.window_end[w] = start + size - 1
            fs.window_hits[w] = 0
            return block
        start = block
    # Windows leave no room for another: take any free block, as the kernel does without one.
    block = _next_free(m, goal)
    fs.window_start[w] = block
    fs.window_end[w] = block
    fs.window_hits[w] = 0
    return block


@njit
def _window_of(m: Any, ino: Any) -> Any:
    """The inode's window slot; a new one may cost another file its window."""
    inode = m.inode[ino]
    if inode.rsv_window > 0:
        return inode.rsv_window - 1
    fs = m.fs[0]
    w = np.int64(-1)
    for i in range(fs.nr_windows):
        if fs.window_inode[i] < 0:
            w = np.int64(i)
            break
    if w < 0 and fs.nr_windows < NR_WINDOWS:
        w = np.int64(fs.nr_windows)
        fs.nr_windows += 1
    if w < 0:
        w = np.int64(fs.window_hand)
        fs.window_hand = (w + 1) % NR_WINDOWS
        m.inode[fs.window_inode[w]].rsv_window = 0
    fs.window_inode[w] = ino
    fs.window_start[w] = 0
    fs.window_end[w] = -1
    fs.window_hits[w] = 0
    fs.window_size[w] = WINDOW_BLOCKS
    inode.rsv_window = w + 1
    return w


@njit
def ext3_release_file(m: Any, ino: Any) -> Any:
    """The last writer closed the file: its window is free for others."""
    inode = m.inode[ino]
    if inode.rsv_window > 0:
        m.fs[0].window_inode[inode.rsv_window - 1] = -1
        inode.rsv_window = 0


@njit
def _goal(m: Any, ino: Any) -> Any:
    """The block after the file's last one; before the first, its group and the task's colour."""
    inode = m.inode[ino]
    if inode.goal_block >= 0:
        return np.int64(inode.goal_block)
    colour = m.clock[CURRENT] % COLOURS * (BLOCKS_PER_GROUP // COLOURS)
    return np.int64(inode.group) * BLOCKS_PER_GROUP + colour


@njit
def _new_block(m: Any, ino: Any) -> Any:
    """ext3_new_blocks for one block; -1 when the disk is full."""
    fs = m.fs[0]
    used = m.block_used
    w = _window_of(m, ino)
    goal = _goal(m, ino)
    block = np.int64(-1)
    if fs.window_start[w] <= goal <= fs.window_end[w]:
        last = min(np.int64(fs.window_end[w]), fs.nr_blocks - 1)
        candidate = goal
        while candidate <= last:
            if not used[candidate] & BLOCK_USED:
                block = candidate
                break
            candidate += 1
        goal = last + 1
    if block < 0:
        block = _alloc_new_reservation(m, w, goal)
        if block < 0:
            fs.nr_enospc += 1
            return block
    group = block // BLOCKS_PER_GROUP
    used[block] |= BLOCK_USED
    fs.group_free[group] -= 1
    fs.nr_free -= 1
    fs.window_hits[w] += 1
    m.inode[ino].goal_block = block + 1
    if not used[fs.group_bitmap[group]] & META_RUNNING:
        journal_dirty_metadata(m, np.int64(fs.group_bitmap[group]))
        journal_dirty_metadata(m, 1 + group // DESCRIPTORS_PER_BLOCK)
    return block


# ---- the block map


@njit
def indirect_word(base: Any, chunk: Any) -> Any:
    """Word of ``m.indirect`` of an inode's indirect block: pages 12 + 1024 chunk and on."""
    return (base >> 6) + (chunk << (PTRS_BITS - 6))


@njit
def double_indirect_word(base: Any, number: Any) -> Any:
    """Word of double indirect block ``number``; that of 0 covers chunks 1 to 1024."""
    return (base >> 6) + 1 if number == 0 else (base >> 6) + 3 + number


@njit
def triple_indirect_word(base: Any) -> Any:
    """Word of the triple indirect block, for files above 4 GiB."""
    return (base >> 6) + 2


@njit
def _need_block(m: Any, ino: Any, word: Any) -> Any:
    """An indirect block at ``word``, allocated when it is first needed."""
    block = np.int64(m.indirect[word])
    if block == 0:
        block = _new_block(m, ino)
        if block < 0:
            return block
        m.indirect[word] = block
    return block


@njit
def _indirect_block(m: Any, ino: Any, index: Any) -> Any:
    """The indirect block of page ``index`` (12 or above) and those above it; -1 = disk full."""
    base = np.int64(m.inode[ino].first_slot)
    chunk = (np.int64(index) - DIRECT_BLOCKS) >> PTRS_BITS
    word = indirect_word(base, chunk)
    if m.indirect[word] == 0 and chunk > 0:
        number = (chunk - 1) >> PTRS_BITS
        if number > 0:
            top = _need_block(m, ino, triple_indirect_word(base))
            if top < 0:
                return top
            journal_dirty_metadata(m, top)
        above = _need_block(m, ino, double_indirect_word(base, number))
        if above < 0:
            return above
        journal_dirty_metadata(m, above)
    return _need_block(m, ino, word)


@njit
def _append_block(m: Any, inode: Any, index: Any, slot: Any) -> Any:
    """The common case: the next block of the window, all metadata already in the transaction.

    -1 when it is not that; otherwise just what the long way would do.
    """
    block = np.int64(inode.goal_block)
    w = np.int64(inode.rsv_window) - 1
    if block < 0 or w < 0:
        return np.int64(-1)
    used = m.block_used
    fs = m.fs[0]
    if index >= DIRECT_BLOCKS:
        word = indirect_word(np.int64(inode.first_slot), (index - DIRECT_BLOCKS) >> PTRS_BITS)
        if not used[m.indirect[word]] & META_RUNNING:
            return np.int64(-1)
    if block < fs.window_start[w] or block > fs.window_end[w] or block >= fs.nr_blocks:
        return np.int64(-1)
    group = block // BLOCKS_PER_GROUP
    if used[block] & BLOCK_USED or not used[fs.group_bitmap[group]] & META_RUNNING:
        return np.int64(-1)
    used[block] |= BLOCK_USED
    fs.group_free[group] -= 1
    fs.nr_free -= 1
    fs.window_hits[w] += 1
    inode.goal_block = block + 1
    m.slot_block[slot] = block
    return block


@njit
def map_block(m: Any, ino: Any, index: Any) -> Any:
    """ext3_get_block(create): the page's disk block, allocated when it has none; -1 = disk full."""
    inode = m.inode[ino]
    slot = inode.first_slot + index
    block = np.int64(m.slot_block[slot])
    if block >= 0:
        return block
    block = _append_block(m, inode, index, slot)
    if block >= 0:
        journal_dirty_metadata(m, inode_block(m, ino))
        return block
    indirect = np.int64(0)
    if index >= DIRECT_BLOCKS:
        indirect = _indirect_block(m, ino, index)
        if indirect < 0:
            return indirect
    block = _new_block(m, ino)
    if block < 0:
        return block
    m.slot_block[slot] = block
    if indirect > 0:
        journal_dirty_metadata(m, indirect)
    journal_dirty_metadata(m, inode_block(m, ino))
    return block


@njit
def ext3_get_block(m: Any, ino: Any, index: Any) -> Any:
    """For write(2), also over old data: allocate at write_begin, file data and inode time."""
    block = map_block(m, ino, index)
    if not m.inode[ino].state & I_ORDERED:
        journal_dirty_data(m, ino)
        journal_dirty_metadata(m, inode_block(m, ino))
    return block


# ---- new files and directories


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
def ext3_create(m: Any, ino: Any, parent_group: Any) -> Any:
    """open(O_CREAT): the inode goes to its directory's group, with its metadata in the journal."""
    inode = m.inode[ino]
    inode.group = parent_group
    inode.goal_block = -1
    journal_dirty_metadata(m, m.fs[0].group_bitmap[parent_group] + 1)
    journal_dirty_metadata(m, 1 + inode.group // DESCRIPTORS_PER_BLOCK)
    journal_dirty_metadata(m, inode_block(m, ino))
