"""``mem_map``: one 48-byte record per page frame, and its flags (mm_types.h, page-flags.h)."""

from __future__ import annotations

import numpy as np

PG_locked = 1 << 0
PG_referenced = 1 << 1
PG_uptodate = 1 << 2
PG_dirty = 1 << 3
PG_lru = 1 << 4
PG_active = 1 << 5
PG_writeback = 1 << 6
PG_reclaim = 1 << 7
PG_swapcache = 1 << 8
PG_swapbacked = 1 << 9
"""An anonymous page (page_is_file_cache is its absence)."""
PG_mapped = 1 << 10
"""Some page table maps it (page_mapped)."""
PG_young = 1 << 11
"""The accessed bit of its page table entry; page_referenced tests and clears it."""
PG_waiters = 1 << 12
"""A task sleeps on the page's lock or writeback; end of IO must wake it."""
PG_skipped = 1 << 13
"""Ours: reclaim met it dirty and put it back (patch 6); counts laps."""
PG_isolated = 1 << 14
"""Ours: off its lists, in some reclaimer's hands."""

PG_writable = 1 << 15
"""Its page table entry is writable and dirty: a store needs no fault until page_mkclean."""
PG_buffers_clean = 1 << 17
"""Ours: a commit has written the dirty page's buffers, so ->writepage has nothing to write."""
PG_buffers_locked = 1 << 18
"""Ours: a commit's write of the dirty page's buffers is under way."""
PG_set_aside = 1 << 19
"""Ours: its lock is held in a reclaimer's batch (posted patch 5); see ``sim.machine.page_lock``."""
PG_unasked = 1 << 20
"""Ours: written in a range of reclaim that had not isolated it."""
PG_readahead = 1 << 16
"""Meeting it starts the next window of readahead."""

PG_private = 1 << 23
"""It has buffers (page_has_buffers)."""
PG_kernel = 1 << 21
"""Ours: the kernel's own (boot, slab, a block of order > 0): on no list, never reclaimed."""
PG_dirty_list = 1 << 22
"""C10: skipped dirty; its place on the LRU is the list of dirty pages until it is clean."""

PAGE = np.dtype(
    [
        ("page_flags", np.int32),
        ("mapping", np.int32),  # inode number; anonymous areas are inodes with I_ANON; -1 = none
        ("index", np.int32),  # page index in the mapping
        ("memcg", np.int16),  # 0 = root, not on any memcg list
        ("zone", np.int8),
        ("lru", np.int8),  # LRU_* it is on or was taken from
        ("next", np.int32),  # zone list towards the tail; free list when free; -1 = end
        ("prev", np.int32),
        ("memcg_next", np.int32),  # memcg list of its zone
        ("memcg_prev", np.int32),
        ("bio_next", np.int32),  # next page of the same request, -1 = last
        ("block", np.int32),  # disk block (4 KiB) of its last IO
        ("lru_ms", np.int32),  # when it was added to the LRU, ms of simulated time
        ("dirtied_ms", np.int32),  # when it was last dirtied
    ],
    align=True,
)

LRU_INACTIVE_ANON = 0
LRU_ACTIVE_ANON = 1
LRU_INACTIVE_FILE = 2
LRU_ACTIVE_FILE = 3
LRU_DIRTY_FILE = 4
LRU_UNEVICTABLE = 5
NR_LRU_LISTS = 6
"""enum lru_list, mmzone.h: active is +1, file is +2. LRU_DIRTY_FILE is C10's (mm.dirty_list)."""
