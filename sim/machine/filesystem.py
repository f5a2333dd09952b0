"""The filesystem's state on disk and in its journal: block groups, windows, the transactions.

Disk blocks are of 4 KiB; block 0 is the first of the disk. Each block has a byte in
``m.block_used``: BLOCK_USED and, for metadata, where the journal has it. ``m.indirect`` (int32, as
long as ``m.dirty_tag``, 0 = none) holds the disk block of each indirect block at the word of an
inode's slots that ``sim.fs.ext3_layout`` computes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK_USED = 1
META_RUNNING = 2
"""Changed by the running transaction."""
META_COMMITTING = 4
META_CHECKPOINT = 8
"""Committed and dirty in the block device's cache: to be written in place."""
BUFFER_UPTODATE = 16
"""In the block device's cache; kept for bitmaps and the root directory's block only."""
BUFFER_READING = 32

BLOCKS_PER_GROUP = 32768
MAX_GROUPS = 4096
MAX_META = 8192
"""Metadata blocks that one transaction remembers; it is committed at half of that."""
MAX_CHECKPOINT = 32768
WBUF_SIZE = 512
"""Data buffers that a commit locks before it submits them (j_wbufsize)."""
NR_WINDOWS = 256
MAX_WORKS = 256
BACKGROUND_WORK = -1

REFUSES_NOBODY, REFUSES_DIRECT, REFUSES_RECLAIM = 0, 1, 2


class Manners(NamedTuple):
    """What a filesystem does otherwise than ext3; ints so that kernels take them as they are."""

    delalloc: int = 0
    """write(2) allocates no block, ->writepage and ->writepages do."""
    extents: int = 0
    """The inode names extents: no indirect blocks lie between a file's data."""
    ordered: int = 1
    """A commit writes the data of the files that its transaction allocated blocks for."""
    refuses_unmapped: int = 0
    """->writepage redirties a page without a block (ext4_writepage)."""
    refuses_memalloc: int = REFUSES_NOBODY
    """->writepage redirties what a PF_MEMALLOC task hands it, or such a task but kswapd; memcg
    reclaim is no such task."""
    refuses_in_ranges: int = 0
    """So does ->writepages."""
    clusters: int = 0
    """->writepage for reclaim goes on with the dirty pages behind the page (xfs_cluster_write)."""
    jbd: int = 1
    """Changes are made under handles of jbd, to bitmaps that are blocks."""
    page_mkwrite: int = 0
    """A store to a mapping gives its page buffers; else the first ->writepage does (ext3)."""


FS = np.dtype(
    [
        # layout
        ("nr_blocks", np.int64),
        ("nr_groups", np.int64),
        ("group_free", np.int64, (MAX_GROUPS,)),  # free blocks
        ("group_bitmap", np.int64, (MAX_GROUPS,)),  # block of its block bitmap
        ("nr_free", np.int64),
        ("nr_enospc", np.int64),  # allocations that found no free block
        # reservation windows of growing files (struct ext3_reserve_window_node)
        ("nr_windows", np.int64),  # slots ever used
        ("window_hand", np.int64),  # the next one taken away when all are in use
        ("window_inode", np.int64, (NR_WINDOWS,)),  # -1 = free slot
        ("window_start", np.int64, (NR_WINDOWS,)),
        ("window_end", np.int64, (NR_WINDOWS,)),
        ("window_size", np.int64, (NR_WINDOWS,)),  # to ask for next time
        ("window_hits", np.int64, (NR_WINDOWS,)),
        # swap file
        ("swap_next", np.int64),  # where the search for a free slot begins
        *((name, np.int64) for name in Manners._fields),
        # journal
        ("journal_start", np.int64),  # its first disk block
        ("journal_blocks", np.int64),  # length of the journal file
        ("journal_head", np.int64),  # next block of the file to write; block 0 is its superblock
        ("journal_empty", np.int64),  # the superblock says so; the next commit rewrites it
        ("commit_interval_ns", np.int64),
        ("commit_wanted", np.int64),
        ("max_transaction_blocks", np.int64),
        # running transaction
        ("started_ns", np.int64),
        ("running", np.int64),  # it has something in it
        ("nr_running", np.int64),  # metadata blocks
        ("running_meta", np.int32, (MAX_META,)),
        ("ordered_head", np.int64),  # inodes with ordered data, oldest first; -1 = none
        ("ordered_tail", np.int64),
        ("updates", np.int64),  # open handles that somebody sleeps over (t_updates)
        ("locked", np.int64),  # T_LOCKED: its commit waits for those, new ones wait for it
        ("nr_reading", np.int64),  # metadata blocks being read
        ("root_owner", np.int64),  # task that holds the root directory's i_mutex, -1 = nobody
        # committing transaction
        ("committing", np.int64),  # there is one
        ("nr_committing", np.int64),
        ("committing_meta", np.int32, (MAX_META,)),
        ("committing_head", np.int64),  # its ordered inodes
        ("wbuf", np.int32, (WBUF_SIZE,)),  # pages whose buffers are locked, to be submitted
        ("nr_wbuf", np.int64),
        ("wbuf_pos", np.int64),  # how many of them have been
        ("log_io", np.int64),  # its metadata is being written to the log: nobody may change it
        ("log_pos", np.int64),  # blocks of the log written so far
        ("log_length", np.int64),  # descriptors and metadata
        # committed metadata waiting for its place on disk
        ("nr_checkpoint", np.int64),
        ("checkpoint_meta", np.int32, (MAX_CHECKPOINT,)),
        ("checkpoint_since_ns", np.int64),  # when the first of them became dirty
        ("checkpoint_busy", np.int64),  # a task is writing them
        ("checkpoint_pos", np.int64),
        ("checkpoint_end", np.int64),
        # the flusher's works (struct wb_writeback_work), first in first out
        ("nr_works", np.int64),
        ("first_work", np.int64),
        ("work_pages", np.int64, (MAX_WORKS,)),  # or BACKGROUND_WORK
        ("work_memcg", np.int64, (MAX_WORKS,)),  # whose inodes, 0 = any
        ("work_for", np.int64),  # of the work taken last
        ("last_old_flush_ns", np.int64),
        # slab pages of buffer and journal heads (sim.machine.slab)
        ("counts_slab", np.int64),
        ("buffers_begun", np.int64),
        ("buffers_ended", np.int64),
        ("slab_owed", np.int64),  # pages still to be taken, below 0: to be given back
        ("nr_slab", np.int64),  # pages held
        ("nr_bio_slab", np.int64),  # of these for bios
        ("slab_head", np.int64),  # the first of them, linked through page.next
    ],
    align=True,
)
"""One ext3 filesystem (data=ordered) with its journal, and the swap area of the same disk."""
