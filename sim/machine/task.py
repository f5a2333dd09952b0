"""Tasks as kernels see them, and the stop codes by which a kernel says why it returned.

A kernel never sleeps. It works until it is done, its time is up, or it would have to sleep; then
it keeps where it was in the task's record and returns a stop code. The generator that called it
sleeps as the code says and calls the same kernel again, which goes on from there.
"""

from __future__ import annotations

import numpy as np

DONE = 0
BUDGET_SPENT = 1
"""``now >= clock[LIMIT]``: another CPU, an event or the scheduler is due; call again."""
WANT_REQUEST_ASYNC = 2
"""Sleep in get_request_wait (exclusive, FIFO) on the async list."""
WANT_REQUEST_SYNC = 3
WANT_CONGESTION_WAIT = 4
"""congestion_wait(BLK_RW_ASYNC, task.timeout_jiffies)."""
WANT_PAGE_WRITEBACK = 5
"""wait_on_page_writeback(task.wait_pfn)."""
WANT_PAGE_READ = 6
"""lock_page of a page being read: task.wait_pfn."""
WANT_BALANCE_DIRTY = 7
"""balance_dirty_pages must run."""
WANT_ISOLATED_WAIT = 8
"""too_many_isolated: congestion_wait(BLK_RW_ASYNC, HZ/10)."""
WANT_VM_WRITEOUT_WAIT = 9
"""throttle_vm_writeout: congestion_wait(BLK_RW_ASYNC, HZ/10)."""
WANT_THINK = 10
"""Sleep until task.sleep_until_ns."""
WANT_MEMCG_OOM = 12
WANT_OOM = 13
WANT_FLUSHER = 14
"""wakeup_flusher_threads(task.flusher_nr_pages), then go on."""
WANT_PAUSE = 15
"""balance_dirty_pages: io_schedule_timeout(task.timeout_jiffies)."""
WANT_ALLOC_RETRY_WAIT = 16
"""Page allocator found no page after reclaim: congestion_wait(BLK_RW_ASYNC, HZ/50)."""
WANT_JOURNAL = 17
"""Metadata that a commit is writing to the log is needed (wait for BH_Unshadow), or a handle while
the transaction is locked (j_wait_transaction_locked)."""
WANT_COMMIT = 18
"""log_wait_commit: until a transaction is on disk."""
WANT_BUFFER = 19
"""lock_buffer: until the commit's write of the buffers of task.wait_pfn has ended."""

WANT_RECLAIM_THROTTLE = 20
"""6.1: reclaim_throttle(task.throttle_reason)."""
WANT_METADATA = 21
"""Until metadata block task.wait_block has been read."""
WANT_DIRECTORY = 22
"""mutex_lock(&dir->i_mutex) of the root directory."""
WANT_SLAB = 23
"""An object needs a new slab page: allocate it with GFP_NOFS, then go on."""

THROTTLE_WRITEBACK, THROTTLE_ISOLATED, THROTTLE_NOPROGRESS, THROTTLE_CONGESTED = range(4)
"""enum vmscan_throttle_state of 6.1."""

PF_MEMALLOC = 1 << 0
PF_KSWAPD = 1 << 1
PF_SWAPWRITE = 1 << 2
PF_FLUSHER = 1 << 3
PF_WRITER = 1 << 4
"""Inside write(2): current->backing_dev_info is the disk, so a congested queue does not stop it."""
PF_MEMDIE = 1 << 5
"""Chosen by OOM: it may take any page and any charge to get to its end."""

# fmt: off
_FIELDS = (
    # who it is
    "pid", "memcg", "pf_flags", "kind", "issuer",
    # what it sleeps for
    "wait_pfn", "timeout_jiffies", "sleep_until_ns", "flusher_nr_pages",
    # a bio that is under way: sector, length, its pages; bio_sectors 0 = none
    "bio_sector", "bio_sectors", "bio_write", "bio_sync", "bio_meta", "bio_first_page",
    "bio_last_page", "bio_cookie",
    # get_request batching (struct io_context)
    "batch_count", "batch_until_ns",
    # struct writeback_control and where writeback stands
    "wbc_nr_to_write", "wbc_older_than_ns", "wbc_for_kupdate", "wbc_for_background",
    "wbc_range_cyclic", "wbc_range_start", "wbc_range_end", "wbc_for_reclaim", "wbc_step",
    "wbc_inode", "wbc_index", "wbc_end", "wbc_wrapped", "wbc_start_ns", "wbc_written",
    "wbc_sync", "wbc_skipped", "wbc_pages_skipped", "wbc_more_io", "wbc_last_inode",
    # writeback of one memcg's inodes, 0 = of any; with those it shares
    "wbc_memcg", "wbc_shared",
    # the pass's pages; when the work began
    "wbc_chunk", "wbc_work_began_ns",
    # struct scan_control and where reclaim stands
    "sc_active", "sc_order", "sc_memcg", "sc_nofs", "sc_priority", "sc_step", "sc_zone",
    "sc_classzone", "sc_nr_to_reclaim", "sc_nr_scanned", "sc_nr_reclaimed", "sc_total_scanned",
    "sc_may_writepage", "sc_may_swap", "sc_lumpy", "sc_sync", "sc_zone_step", "sc_lru",
    "sc_lru_next", "sc_nr_inactive_anon", "sc_nr_active_anon", "sc_nr_inactive_file",
    "sc_nr_active_file", "sc_nr_dirty_list", "sc_list_step", "sc_list_len", "sc_list_pos",
    "sc_list_kept",
    "sc_memcg_retries", "sc_alloc_step", "sc_end_zone", "sc_under_min", "sc_all_ok",
    "sc_list_file", "sc_list_taken", "sc_list_freed", "sc_dirty_len", "sc_cleaned",
    "sc_nr_dirty", "sc_nr_skipped", "sc_nr_congested", "sc_nr_writeback", "sc_wait_rounds",
    "sc_priority_scanned", "sc_range_pos", "sc_range_state",
    "sc_range_ino", "sc_range_start", "sc_range_end", "sc_range_asked", "sc_flusher_kicked",
    # 6.1: of the batch, of the zone's batches, whether it was throttled, progress before a round
    "sc_nr_unqueued", "sc_nr_immediate", "sc_sum_dirty", "sc_sum_congested", "sc_sum_unqueued",
    "sc_sum_writeback", "sc_sum_immediate", "sc_sum_taken", "sc_sum_file_taken", "sc_stalled",
    "throttle_reason", "sc_before_round", "bdp_paused_when",
    "sc_saved_issuer", "sc_victim", "alloc_pfn", "charge_step", "sc_lumpy_began_ns",
    # mem_cgroup_hierarchical_reclaim, and what of balance_pgdat soft limit reclaim keeps
    "hr_root", "hr_loop", "hr_total", "hr_victim", "hr_excess",
    "soft_step", "soft_next", "soft_loop", "soft_total", "soft_priority", "soft_nr_scanned",
    "soft_nr_reclaimed", "soft_nr_to_reclaim",
    # struct reclaim totals of the call under way
    "stall_kind", "stall_begin_ns", "stall_cw_ns", "stall_wp_ns", "stall_wait_ns",
    "stall_pause_ns", "stall_written", "stall_dirty_met",
    # balance_dirty_pages
    "bdp_step", "bdp_written", "bdp_pause", "bdp_paused_at_ns", "bdp_write_chunk", "bdp_thresh",
    "bdp_exceeded", "bdp_saved_issuer", "bdp_memcg", "bdp_granted", "bdp_max_pause",
    # 3.2: pages dirtied since the last pause, and how many until the next
    "nr_dirtied", "nr_dirtied_pause",
    # the system call or fault under way
    "np_charging", "op_page_step", "ra_step", "ra_async", "ra_next", "ra_end", "ra_run_start",
    "op_step", "op_inode", "op_index", "op_left", "op_started_ns", "op_pfn", "op_count",
    "op_drawn", "op_max_ns", "op_random", "op_rate_ns", "op_due_ns", "op_aux",
    # a second file of the task, and what its operation does to it
    "op_first", "op_second", "op_write", "op_start",
    # a creator's files: the next inode, behind the last, how many were opened, their group
    "dir_next", "dir_end", "dir_made", "dir_group",
    # fsync under way
    "sync_step", "sync_index", "sync_commits", "sync_began_ns",
    # task's share of dirtying (prop_local)
    "nr_dirty_share", "dirty_period",
    # workload parameters
    "w_block_pages", "w_file_pages", "w_run_pages", "w_think_ns", "w_rate_pages_per_s",
    "w_fsync", "w_order", "w_hold_ns",
    # a high-order allocator's blocks, oldest first through page.next
    "blocks_first", "blocks_last", "nr_blocks",
    # page locks that reclaim holds: how many, and since when that of the page being written
    "locks_held", "lock_since_ns",
    # CPU time of a search that is done but not yet spent, ns
    "debt_ns",
    # where reclaim's context is entered from, bytes of stack
    "stack_entry",
    # splice: pages go into a pipe, nothing marks them accessed
    "w_splice",
    # a replayer's rows of m.replay: the next one, behind the last
    "replay_next", "replay_end",
    # xfs_cluster_write: the next page, how many more, the block of the last (-1 = delayed)
    "cluster_ino", "cluster_index", "cluster_left", "cluster_block",
    # a handle of the running transaction is open; the metadata block that is waited for
    "handle", "wait_block",
    # making its first files: how far that is
    "open_step",
)
# fmt: on

TASK = np.dtype([(name, np.int64) for name in _FIELDS], align=True)
"""One thread as kernels see it; all words int64, times in ns, lengths in pages."""
