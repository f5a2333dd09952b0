"""What each operation costs the CPU: instruction counts, turned into ns by the CPU's speed.

Counts are fitted to the latencies that the recorded 2.6.36 shows on a 1 GIPS CPU (its README): a
64 KiB write(2) that waits for nothing takes 160 us, a first store to a page of a mapped file 3-4 us
(median of the dirtier's operations), to a page of anonymous memory 1-2 us (the hog's first pass), a
clean reclaim of 32 pages about 60 us. How a total splits between its steps is our estimate.
"""

from __future__ import annotations

import numpy as np

_INSTRUCTIONS = {
    "WRITE_PAGE": 8700,  # generic_file_buffered_write: prepare, copy 4 KiB, commit
    "READ_PAGE": 3000,  # do_generic_file_read: copy 4 KiB
    "SYSCALL": 1500,
    "FAULT": 3500,  # a store with its page fault, the page's entry in the file and its dirtying
    "TOUCH": 50,  # a store to a mapped page
    "ALLOC_PAGE": 500,
    "ZERO_PAGE": 300,
    "ISOLATE": 250,  # per page, isolate_lru_pages and putback
    "SHRINK_PAGE": 900,  # per page, shrink_page_list
    "FREE_PAGE": 700,  # per page, __remove_mapping and free
    "RECLAIM_CALL": 4000,  # try_to_free_pages: entry, shrinkers, exit
    "WRITEPAGE": 3500,  # per page, clear dirty, get_block, build the bio
    "SUBMIT_BIO": 2500,  # per bio, merge or insert
    "END_IO_PAGE": 1200,  # per page, end of writeback
    "DISPATCH": 4000,  # per request
    "INODE": 2000,  # per inode turn of the flusher
    "CREATE_FILE": 40000,  # open(O_CREAT), close
    "FLUSHER_LOOP": 5000,
    "SOFTIRQ": 2000,
    "ANON_FAULT": 500,  # a store with its page fault, of anonymous memory
    # Passing over an inode of another memcg: G. Thelen, memcg: per cgroup dirty page limiting v9,
    # 2011-08-17: 58 ms for 100 000, taken as of a CPU of 4000 MIPS (his is not known).
    "FOREIGN_INODE": 2320,
    "LRU_MOVE": 150,  # one page by itself to another list, under the lock of the lists
    "LRU_COUNTER": 25,  # one update of a list's counter (__mod_zone_page_state, MEM_CGROUP_ZSTAT)
}
(
    COST_WRITE_PAGE, COST_READ_PAGE, COST_SYSCALL, COST_FAULT, COST_TOUCH, COST_ALLOC_PAGE,
    COST_ZERO_PAGE, COST_ISOLATE, COST_SHRINK_PAGE, COST_FREE_PAGE, COST_RECLAIM_CALL,
    COST_WRITEPAGE, COST_SUBMIT_BIO, COST_END_IO_PAGE, COST_DISPATCH, COST_INODE,
    COST_CREATE_FILE, COST_FLUSHER_LOOP, COST_SOFTIRQ, COST_ANON_FAULT, COST_FOREIGN_INODE,
    COST_LRU_MOVE, COST_LRU_COUNTER,
) = range(23)  # fmt: skip


def costs_ns(mips: int) -> np.ndarray:
    """int64 ns per operation on a CPU of ``mips`` million instructions a second, at least 1."""
    counts = np.array(list(_INSTRUCTIONS.values()), np.int64)
    return np.maximum(counts * 1000 // mips, 1)
