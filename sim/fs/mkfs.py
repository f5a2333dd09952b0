"""A filesystem and old files on it, before the machine runs: plain numpy (mke2fs's ext3 layout)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import python_body
from sim.engine.rng import STREAM_LAYOUT, draw_below
from sim.fs.ext3_layout import (
    DIRECT_BLOCKS,
    INODE_TABLE_BLOCKS,
    PTRS,
    double_indirect_word,
    group_bitmap_block,
    indirect_word,
    triple_indirect_word,
)
from sim.fs.journal import journal_disk_block
from sim.machine.filesystem import BLOCK_USED, BLOCKS_PER_GROUP, FS, MAX_GROUPS, Manners
from sim.units import NSEC_PER_MSEC

EXT3 = Manners()
JOURNAL_BLOCKS = 16384
JOURNAL_START = 759
"""Behind group 0's metadata and the blocks of / and lost+found."""


def filesystem_arrays(
    nr_blocks: int,
    nr_indirect_words: int,
    *,
    swap_pages: int = 0,
    commit_interval_ms: int = 5000,
    journal_blocks: int = JOURNAL_BLOCKS,
    manners: Manners = EXT3,
) -> dict[str, Any]:
    """An ext3 with a swap file in it: ``fs``, ``block_used``, ``indirect`` and ``swap_block``.

    Args:
        nr_blocks: 4 KiB blocks of the disk; more than 512 GiB are not used.
        nr_indirect_words: length of ``dirty_tag``.
        swap_pages: length of the swap file; it was made first, right behind the journal.
        commit_interval_ms: period of commits.
        journal_blocks: length of the journal file.
        manners: what it does otherwise than ext3.

    Raises:
        ValueError: the disk is too small for the journal and the swap area.
    """
    nr_blocks = min(nr_blocks, MAX_GROUPS * BLOCKS_PER_GROUP)
    journal_end = int(python_body(journal_disk_block)(JOURNAL_START, journal_blocks - 1)) + 1
    if journal_end >= nr_blocks:
        raise ValueError(f"a disk of {nr_blocks} blocks has no room for the journal")
    fs = np.zeros(1, FS).view(np.recarray)
    f = fs[0]
    f.nr_blocks = nr_blocks
    f.nr_groups = -(-nr_blocks // BLOCKS_PER_GROUP)
    used = np.zeros(f.nr_groups * BLOCKS_PER_GROUP, np.uint8)
    used[nr_blocks:] = BLOCK_USED
    for group in range(f.nr_groups):
        bitmap = group_bitmap_block(group)
        f.group_bitmap[group] = bitmap
        used[group * BLOCKS_PER_GROUP : bitmap + 2 + INODE_TABLE_BLOCKS] = BLOCK_USED
    used[:journal_end] = BLOCK_USED
    swap_block = _swap_file(used, swap_pages)
    count_free(fs, used)
    f.journal_start, f.journal_blocks = JOURNAL_START, journal_blocks
    f.journal_head, f.journal_empty = 1, 1
    f.max_transaction_blocks = journal_blocks // 4
    f.commit_interval_ns = commit_interval_ms * NSEC_PER_MSEC
    f.ordered_head = f.ordered_tail = f.committing_head = f.root_owner = -1
    f.window_inode[:] = -1
    for name, value in manners._asdict().items():
        f[name] = value
    return {
        "fs": fs,
        "block_used": used,
        "indirect": np.zeros(nr_indirect_words, np.int32),
        "swap_block": swap_block,
    }


def _swap_file(used: Any, swap_pages: int) -> Any:
    """Disk blocks of the slots: the first free ones, indirect blocks between them left out."""
    if swap_pages == 0:
        return np.zeros(1, np.int32)
    words = _indirect_words(0, swap_pages)
    wanted = swap_pages + len(words)
    groups = used.reshape(-1, BLOCKS_PER_GROUP)
    last = int(np.searchsorted(np.cumsum(_free_by_group(used)), wanted))
    if last == len(groups):
        raise ValueError(f"a disk of {len(used)} blocks has no room for {swap_pages} of swap")
    blocks = np.flatnonzero(groups[: last + 1].reshape(-1) == 0)[:wanted]
    used[blocks] = BLOCK_USED
    is_data = np.ones(len(blocks), bool)
    is_data[[page + earlier for page, _, earlier in words]] = False
    return blocks[is_data].astype(np.int32)


def count_free(fs: Any, used: Any) -> None:
    """Free blocks of each group, from the bytes of ``block_used``."""
    f = fs[0]
    free = _free_by_group(used)
    f.group_free[: len(free)] = free
    f.nr_free = int(free.sum())


def _free_by_group(used: Any) -> Any:
    # One call per group: with an axis, numpy makes a copy of 20 million bytes first.
    return np.array(
        [BLOCKS_PER_GROUP - np.count_nonzero(g) for g in used.reshape(-1, BLOCKS_PER_GROUP)]
    )


def lay_out_file(arrays: Any, ino: int, extent_blocks_mean: int, seed: int) -> None:
    """Give all pages of an inode blocks: runs of random length at random places of the disk.

    Lengths are uniform from 1 to twice the mean less 1; places are drawn by (seed, ino, run). Each
    indirect block lies before the first block it names.

    Raises:
        ValueError: the disk has no room for the file.
    """
    fs, used = arrays.fs[0], arrays.block_used
    inode = arrays.inode[ino]
    base, nr_pages = int(inode.first_slot), int(inode.nr_pages)
    words = _indirect_words(base, nr_pages)
    wanted = nr_pages + len(words)
    if wanted > fs.nr_free:
        raise ValueError(f"no room on the disk: {wanted} blocks wanted, {fs.nr_free} free")
    blocks = _runs(fs, used, ino, wanted, extent_blocks_mean, seed)
    is_data = np.ones(wanted, bool)
    for page, word, earlier in words:
        is_data[page + earlier] = False
        arrays.indirect[word] = blocks[page + earlier]
    arrays.slot_block[base : base + nr_pages] = blocks[is_data]
    inode.goal_block = int(blocks[-1]) + 1
    inode.last_logical = inode.nr_pages - 1
    inode.group = int(blocks[0]) // BLOCKS_PER_GROUP


def _indirect_words(base: int, nr_pages: int) -> list[tuple[int, int, int]]:
    """(first page below it, word, indirect blocks before it) for every indirect block of a file."""
    words: list[tuple[int, int, int]] = []
    for chunk in range(-(-max(nr_pages - DIRECT_BLOCKS, 0) // PTRS)):
        page = DIRECT_BLOCKS + chunk * PTRS
        number, first = divmod(chunk - 1, PTRS)
        if chunk > 0 and first == 0:
            if number == 1:
                words.append((page, python_body(triple_indirect_word)(base), len(words)))
            words.append((page, python_body(double_indirect_word)(base, number), len(words)))
        words.append((page, python_body(indirect_word)(base, chunk), len(words)))
    return words


def _runs(fs: Any, used: Any, ino: int, wanted: int, mean: int, seed: int) -> Any:
    """``wanted`` free blocks as runs, taken and marked used."""
    blocks = np.empty(wanted, np.int64)
    have = number = 0
    while have < wanted:
        key = ino * (1 << 24) + number
        length = 1 + int(draw_below(seed, STREAM_LAYOUT, 2 * key, max(2 * mean - 1, 1)))
        at = int(draw_below(seed, STREAM_LAYOUT, 2 * key + 1, int(fs.nr_blocks)))
        number += 1
        taken = _take_run(fs, used, at, min(length, wanted - have))
        blocks[have : have + len(taken)] = taken
        have += len(taken)
    return blocks


def _take_run(fs: Any, used: Any, at: int, length: int) -> Any:
    """Up to ``length`` adjacent free blocks from the first free one at or after ``at``, round."""
    group, nr_groups = at // BLOCKS_PER_GROUP, int(fs.nr_groups)
    for i in range(nr_groups + 1):
        g = (group + i) % nr_groups
        end = (g + 1) * BLOCKS_PER_GROUP
        begin = max(at, g * BLOCKS_PER_GROUP) if i == 0 else g * BLOCKS_PER_GROUP
        first = begin + int(used[begin:end].argmin())
        if used[first]:
            continue
        run = used[first : min(first + length, end)]
        stop = int(run.argmax())
        n = stop if run[stop] else len(run)
        run[:n] = BLOCK_USED
        fs.group_free[g] -= n
        fs.nr_free -= n
        return np.arange(first, first + n)
    return np.arange(0)
