"""Inodes with their page index, dirty tags and place on the flusher's lists (fs.h, backing-dev.h).

Every inode owns a run of slots, one per page of its size: ``m.slot_pfn[base + index]`` is its page
cache (pfn or -1), ``m.slot_block[base + index]`` its block map (disk block of 4 KiB, -1 = hole or
not yet allocated) and bit ``index & 63`` of ``m.dirty_tag[(base + index) >> 6]``
PAGECACHE_TAG_DIRTY. ``base`` is a multiple of 64. An anonymous area is an inode with I_ANON: its
slots are the page table, its blocks the swap slots.
"""

from __future__ import annotations

import numpy as np

I_DIRTY = 1 << 0
I_ANON = 1 << 1
I_SYNC = 1 << 2
"""The flusher or a dirtier is writing it."""
I_ORDERED = 1 << 3
"""On the running transaction's list of ordered data."""
I_RANDOM = 1 << 4
"""Its mapping has MADV_RANDOM: a fault reads its page alone."""

I_MEMCG_SHARED = -1

B_NONE, B_DIRTY, B_IO, B_MORE_IO = 0, 1, 2, 3
NR_BDI_LISTS = 4

INODE = np.dtype(
    [
        ("first_slot", np.int64),
        ("nr_pages", np.int64),  # slots owned: the largest size it may have
        ("size_pages", np.int64),  # pages up to i_size
        ("state", np.int64),
        ("dirtied_when", np.int64),  # ns
        ("bdi_list", np.int64),  # B_*
        ("next", np.int64),  # on that list; -1 = end
        ("prev", np.int64),
        ("nr_dirty", np.int64),  # pages tagged dirty
        ("nr_cached", np.int64),
        ("writeback_index", np.int64),
        ("goal_block", np.int64),  # block after its last allocated one, -1 = none yet
        ("last_logical", np.int64),  # page that one belongs to
        ("group", np.int64),  # block group of the inode; -1 = not made yet
        ("ordered_next", np.int64),  # the running transaction's list of ordered inodes, -1 = end
        ("ra_start", np.int64),  # readahead window of its reader (struct file_ra_state)
        ("ra_size", np.int64),
        ("ra_async_size", np.int64),
        ("prev_index", np.int64),  # page of its last fault
        ("mmap_miss", np.int64),  # faults that found no page, less those that did
        ("memcg", np.int64),
        ("i_memcg", np.int64),  # whose pages are dirty in it, I_MEMCG_SHARED = several memcgs
        ("rsv_window", np.int64),  # its reservation window's slot + 1, 0 = none
    ],
    align=True,
)

BDI = np.dtype(
    [
        ("head", np.int64, (NR_BDI_LISTS,)),  # oldest first; -1 = empty
        ("tail", np.int64, (NR_BDI_LISTS,)),
        ("nr", np.int64, (NR_BDI_LISTS,)),
        ("nr_reclaimable", np.int64),  # pages dirty
        ("nr_writeback", np.int64),
        ("dirty_exceeded", np.int64),
        ("completions", np.int64),  # pages written, halved each period (prop_local)
        ("completions_period", np.int64),
        ("writeback_running", np.int64),  # the flusher is in wb_writeback
        # 3.2: estimates, pages/s; what they were made from, at which jiffy
        ("write_bandwidth", np.int64),
        ("avg_write_bandwidth", np.int64),
        ("dirty_ratelimit", np.int64),
        ("balanced_dirty_ratelimit", np.int64),
        ("bw_stamp", np.int64),
        ("written_stamp", np.int64),
        ("dirtied_stamp", np.int64),
        ("dirty_limit", np.int64),  # global_dirty_limit, pages
        ("dirtied", np.int64),  # pages, by tasks and of pages of this cgroup; cumulative
        ("written", np.int64),
    ],
    align=True,
)
"""Element 0: one backing device, the flusher's inode lists and the counts that throttling reads.

Element g, with cgroup writeback (6.1, cgroup v2): struct bdi_writeback of memcg g, which has
estimates and counts only."""
