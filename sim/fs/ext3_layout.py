"""Where ext3 puts blocks: groups, reservation windows, indirect blocks (fs/ext3 of 2.6.35).

The goal of a page that follows the last one allocated is the next block; of any other page its left
neighbour in the block that names it. Each file allocates in a reservation window; windows keep
growing files apart and double up to 1027 blocks while they are used up. Every metadata block that
an allocation changes joins the running transaction.

# Differs from 2.6.35: descriptors, inodes and indirect blocks are always cached, never read; the
# first block in a group that the group before had no room for is taken before its bitmap is read;
# directories have no blocks; a window across a group's end is given up there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.fs.buffer import is_uptodate
from sim.fs.transaction import journal_dirty_data, journal_dirty_metadata
from sim.machine.address_space import I_ORDERED
from sim.machine.filesystem import (
    BLOCK_USED,
    BLOCKS_PER_GROUP,
    META_COMMITTING,
    META_RUNNING,
    NR_WINDOWS,
)
from sim.machine.machine import CURRENT

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
def _next_free(m: Any, start: Any, end: Any) -> Any:
    """The first free block from ``start`` up to ``end``, -1 when there is none."""
    used = m.block_used
    block = np.int64(start)
    while block < end:
        if not used[block] & BLOCK_USED:
            return block
        block += 1
    return np.int64(-1)


@njit
def _find_next_usable(m: Any, start: Any, end: Any) -> Any:
    """find_next_usable_block: near ``start``, else a free run of 8, else any free block."""
    first_block = start // BLOCKS_PER_GROUP * BLOCKS_PER_GROUP
    near = first_block + ((start - first_block + 63) & ~np.int64(63))
    block = _next_free(m, start, min(near, end))
    if block >= 0:
        return block
    byte = first_block + ((start - first_block) & ~np.int64(7))
    while byte < end and byte + 8 <= m.fs[0].nr_blocks:
        if byte >= start and _next_used(m, byte, byte + 8) < 0:
            return byte
        byte += 8
    return _next_free(m, start, end)


@njit
def _next_used(m: Any, start: Any, end: Any) -> Any:
    used = m.block_used
    block = np.int64(start)
    while block < end:
        if used[block] & BLOCK_USED:
            return block
        block += 1
    return np.int64(-1)


@njit
def _outside_windows(fs: Any, start: Any, size: Any) -> Any:
    """The first place at or after ``start`` where ``size`` blocks meet no file's window."""
    moved = True
    while moved:
        moved = False
        for other in range(fs.nr_windows):
            if fs.window_inode[other] < 0:
                continue
            if fs.window_start[other] < start + size and fs.window_end[other] >= start:
                start = np.int64(fs.window_end[other]) + 1
                moved = True
    return start


@njit
def _alloc_new_reservation(m: Any, w: Any, goal: Any, end: Any) -> Any:
    """Move window ``w`` to room at or after ``goal``, below ``end``, with a free block in it.

    The file's own old window is in the way like any other: a file written in random order leaves
    most of each window free behind it.
    """
    fs = m.fs[0]
    if fs.window_hits[w] * 2 > fs.window_end[w] - fs.window_start[w] + 1:
        fs.window_size[w] = min(fs.window_size[w] * 2, MAX_WINDOW_BLOCKS)
    size = np.int64(fs.window_size[w])
    start = np.int64(goal)
    while True:
        start = _outside_windows(fs, start, size)
        block = _next_free(m, start, end) if start < end else np.int64(-1)
        fs.window_hits[w] = 0
        if block < 0:
            fs.window_start[w] = 0
            fs.window_end[w] = -1
            return False
        fs.window_start[w] = start
        fs.window_end[w] = start + size - 1
        if block < start + size:
            return True
        start = block


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
def _try_group(m: Any, w: Any, goal: Any, end: Any) -> Any:
    """ext3_try_to_allocate_with_rsv: a block of the group that ends at ``end``, or -1."""
    fs = m.fs[0]
    fresh = False
    while True:
        if fresh or not fs.window_start[w] <= goal <= fs.window_end[w]:
            if not _alloc_new_reservation(m, w, goal, end):
                return np.int64(-1)
        inside = fs.window_start[w] <= goal <= fs.window_end[w]
        start = np.int64(goal) if inside else np.int64(fs.window_start[w])
        last = min(np.int64(fs.window_end[w]) + 1, end)
        if inside and not m.block_used[start] & BLOCK_USED:
            return start
        block = _find_next_usable(m, start, last)
        if block >= 0:
            return block
        fresh = True


@njit
def _new_block(m: Any, ino: Any, goal: Any) -> Any:
    """ext3_new_blocks for one block: the goal's group, then those after it; -1 = disk full."""
    fs = m.fs[0]
    used = m.block_used
    w = _window_of(m, ino)
    block = np.int64(-1)
    start = np.int64(goal) if 0 <= goal < fs.nr_blocks else np.int64(0)
    for _ in range(fs.nr_groups + 1):
        group = start // BLOCKS_PER_GROUP
        end = min((group + 1) * BLOCKS_PER_GROUP, np.int64(fs.nr_blocks))
        if fs.group_free[group] > 0:
            block = _try_group(m, w, start, end)
            if block >= 0:
                break
        start = end if end < fs.nr_blocks else np.int64(0)
    if block < 0:
        fs.nr_enospc += 1
        return block
    group = block // BLOCKS_PER_GROUP
    used[block] |= BLOCK_USED
    fs.group_free[group] -= 1
    fs.nr_free -= 1
    fs.window_hits[w] += 1
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
def _left_neighbour(m: Any, base: Any, index: Any, first: Any) -> Any:
    """Block of the nearest allocated page from ``index - 1`` down to ``first``, or -1."""
    i = np.int64(index) - 1
    while i >= first:
        block = np.int64(m.slot_block[base + i])
        if block >= 0:
            return block
        i -= 1
    return np.int64(-1)


@njit
def _in_inode(m: Any, ino: Any, index: Any) -> Any:
    """Goal beside what the inode itself names: direct blocks, else its group and a colour.

    The colour is the pid of whoever allocates (ext3_find_near).
    """
    base = np.int64(m.inode[ino].first_slot)
    block = _left_neighbour(m, base, min(np.int64(index), DIRECT_BLOCKS), 0)
    if block >= 0:
        return block
    pid = np.int64(m.task[m.clock[CURRENT]].pid)
    colour = pid % COLOURS * (BLOCKS_PER_GROUP // COLOURS)
    return np.int64(m.inode[ino].group) * BLOCKS_PER_GROUP + colour


@njit
def _find_near(m: Any, ino: Any, index: Any) -> Any:
    """ext3_find_near: the left neighbour in the block that will name it, else that block."""
    base = np.int64(m.inode[ino].first_slot)
    if index < DIRECT_BLOCKS:
        return _in_inode(m, ino, index)
    chunk = (np.int64(index) - DIRECT_BLOCKS) >> PTRS_BITS
    indirect = np.int64(m.indirect[indirect_word(base, chunk)])
    if indirect > 0:
        block = _left_neighbour(m, base, index, DIRECT_BLOCKS + (chunk << PTRS_BITS))
        return block if block >= 0 else indirect
    if chunk == 0:
        return _in_inode(m, ino, index)
    number = (chunk - 1) >> PTRS_BITS
    above = np.int64(m.indirect[double_indirect_word(base, number)])
    lowest = (number << PTRS_BITS) + 1 if above > 0 else np.int64(0)
    left = chunk - 1
    while left >= lowest:
        block = np.int64(m.indirect[indirect_word(base, left)])
        if block > 0:
            return block
        left -= 1
    return above if above > 0 else _in_inode(m, ino, index)


@njit
def _find_goal(m: Any, ino: Any, index: Any) -> Any:
    """ext3_find_goal: the next block of a file written in order, else near its neighbours."""
    inode = m.inode[ino]
    if inode.goal_block >= 0 and index == inode.last_logical + 1:
        return np.int64(inode.goal_block)
    return _find_near(m, ino, index)


@njit
def _need_block(m: Any, ino: Any, word: Any, goal: Any) -> Any:
    """An indirect block at ``word``, allocated when it is first needed."""
    block = np.int64(m.indirect[word])
    if block == 0:
        block = _new_block(m, ino, goal)
        if block < 0:
            return block
        m.indirect[word] = block
    return block


@njit
def _indirect_block(m: Any, ino: Any, index: Any, goal: Any) -> Any:
    """The indirect block of page ``index`` (12 or above) and those above it; -1 = disk full."""
    base = np.int64(m.inode[ino].first_slot)
    chunk = (np.int64(index) - DIRECT_BLOCKS) >> PTRS_BITS
    word = indirect_word(base, chunk)
    if m.indirect[word] == 0 and chunk > 0:
        number = (chunk - 1) >> PTRS_BITS
        if number > 0:
            top = _need_block(m, ino, triple_indirect_word(base), goal)
            if top < 0:
                return top
            journal_dirty_metadata(m, top)
        above = _need_block(m, ino, double_indirect_word(base, number), goal)
        if above < 0:
            return above
        journal_dirty_metadata(m, above)
    return _need_block(m, ino, word, goal)


@njit
def _append_block(m: Any, inode: Any, index: Any, slot: Any) -> Any:
    """The common case: the next block of the window, all metadata already in the transaction.

    -1 when it is not that; otherwise just what the long way would do.
    """
    block = np.int64(inode.goal_block)
    w = np.int64(inode.rsv_window) - 1
    if block < 0 or w < 0 or index != inode.last_logical + 1:
        return np.int64(-1)
    used = m.block_used
    fs = m.fs[0]
    if index >= DIRECT_BLOCKS and not fs.extents:
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
    inode.last_logical = index
    m.slot_block[slot] = block
    return block


@njit
def _shadowed(m: Any, block: Any) -> Any:
    """Being written to the log, and not yet copied out for the running transaction."""
    return m.block_used[block] & (META_COMMITTING | META_RUNNING) == META_COMMITTING


@njit
def in_shadow(m: Any, ino: Any, index: Any) -> Any:
    """Must an allocation wait, as its metadata is on its way to the log (BJ_Shadow)?

    Looks at the inode, the indirect block and the bitmap of the goal's group. What the running
    transaction took part in before the log was begun has a copy and need not wait
    (do_get_write_access).
    """
    fs = m.fs[0]
    if not fs.log_io:
        return False
    if _shadowed(m, inode_block(m, ino)):
        return True
    if index >= DIRECT_BLOCKS:
        base = np.int64(m.inode[ino].first_slot)
        word = indirect_word(base, (np.int64(index) - DIRECT_BLOCKS) >> PTRS_BITS)
        if m.indirect[word] > 0 and _shadowed(m, m.indirect[word]):
            return True
    group = _find_goal(m, ino, index) // BLOCKS_PER_GROUP
    return _shadowed(m, fs.group_bitmap[group])


@njit
def unread_bitmap(m: Any, ino: Any, index: Any) -> Any:
    """The block bitmap that must be read before the page can have a block, or -1."""
    fs = m.fs[0]
    if not fs.jbd:
        return np.int64(-1)
    group = min(_find_goal(m, ino, index) // BLOCKS_PER_GROUP, np.int64(fs.nr_groups) - 1)
    for _ in range(fs.nr_groups):
        if fs.group_free[group] > 0:
            bitmap = np.int64(fs.group_bitmap[group])
            return np.int64(-1) if is_uptodate(m, bitmap) else bitmap
        group = (group + 1) % fs.nr_groups
    return np.int64(-1)


@njit
def creation_in_shadow(m: Any, ino: Any, group: Any) -> Any:
    """The same for a new inode of the group: its bitmap and its block of the table."""
    fs = m.fs[0]
    if not fs.log_io:
        return False
    return _shadowed(m, fs.group_bitmap[group] + 1) or _shadowed(m, inode_block(m, ino))


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
    goal = _find_goal(m, ino, index)
    if index >= DIRECT_BLOCKS and not m.fs[0].extents:
        indirect = _indirect_block(m, ino, index, goal)
        if indirect < 0:
            return indirect
    block = _new_block(m, ino, goal)
    if block < 0:
        return block
    m.slot_block[slot] = block
    inode.goal_block = block + 1
    inode.last_logical = index
    if indirect > 0:
        journal_dirty_metadata(m, indirect)
    journal_dirty_metadata(m, inode_block(m, ino))
    return block


@njit
def ext3_get_block(m: Any, ino: Any, index: Any) -> Any:
    """For write(2), also over old data: allocate at write_begin, file data and inode time.

    With delayed allocation only the inode's time is changed here.
    """
    fs = m.fs[0]
    if fs.delalloc:
        journal_dirty_metadata(m, inode_block(m, ino))
        return np.int64(m.slot_block[m.inode[ino].first_slot + index])
    block = map_block(m, ino, index)
    if fs.ordered and not m.inode[ino].state & I_ORDERED:
        journal_dirty_data(m, ino)
        journal_dirty_metadata(m, inode_block(m, ino))
    return block


# ---- new files


@njit
def ext3_create(m: Any, ino: Any, parent_group: Any) -> Any:
    """open(O_CREAT): the inode goes to its directory's group, with its metadata in the journal."""
    inode = m.inode[ino]
    inode.group = parent_group
    inode.goal_block = -1
    journal_dirty_metadata(m, m.fs[0].group_bitmap[parent_group] + 1)
    journal_dirty_metadata(m, 1 + inode.group // DESCRIPTORS_PER_BLOCK)
    journal_dirty_metadata(m, inode_block(m, ino))
