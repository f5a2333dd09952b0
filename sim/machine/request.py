"""Requests and the request queue as data (blkdev.h); who queues and picks them is in ``block``."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Issuer(IntEnum):
    """Context that submitted a request; codes 0 to 5 as in the recorded 2.6.36 logs."""

    KSWAPD = 0
    DIRECT = 1
    MEMCG = 2
    FLUSHER = 3
    OTHER = 4
    DIRTIER = 5
    JOURNAL = 6
    UNKNOWN = 7
    MEMCG_FLUSHER = 8


ISSUER_KSWAPD, ISSUER_DIRECT, ISSUER_MEMCG, ISSUER_FLUSHER = 0, 1, 2, 3
ISSUER_OTHER, ISSUER_DIRTIER, ISSUER_JOURNAL, ISSUER_UNKNOWN = 4, 5, 6, 7
ISSUER_MEMCG_FLUSHER = 8

REQUEST = np.dtype(
    [
        ("sector", np.int64),
        ("nr_sectors", np.int64),
        ("write", np.int64),
        ("sync", np.int64),
        ("meta", np.int64),  # journal, indirect and bitmap blocks: no page of the page cache
        ("issuer", np.int64),
        ("task", np.int64),
        ("state", np.int64),  # RQ_*
        ("first_page", np.int64),  # pfn chain through page.bio_next in sector order, -1 = no pages
        ("last_page", np.int64),
        ("nr_pages", np.int64),
        ("t_queue_ns", np.int64),
        ("t_issue_ns", np.int64),
        ("service_ns", np.int64),
        ("done_ns", np.int64),  # when a device of several units will have ended it
        ("positioned", np.int64),  # the head had to move or wait for the platter
        ("number", np.int64),  # serial of the request: key of its random draws
        ("queue", np.int64),  # elevator queue it sits in
        ("next", np.int64),  # elevator order, -1 = end; free list when free
        ("prev", np.int64),
        ("fifo_next", np.int64),
        ("fifo_prev", np.int64),
        ("deadline_ns", np.int64),
        ("waiter", np.int64),  # task to wake when it completes, -1 = none
        ("cookie", np.int64),  # for who waits for several: see fs.journal
        ("nr_cookies", np.int64),  # bios with a cookie that went into it
        ("nr_segments", np.int64),  # physically contiguous runs of pages
        ("tail_run_pages", np.int64),  # length of the last of them
        ("hash_end_next", np.int64),  # chain of QUEUE.hash_end, -1 = end
        ("hash_start_next", np.int64),
    ],
    align=True,
)
RQ_FREE, RQ_QUEUED, RQ_DISPATCHED = 0, 1, 2

ELEVATOR_NOOP, ELEVATOR_DEADLINE, ELEVATOR_CFQ = 0, 1, 2
DEVICE_ARM, DEVICE_RAID0, DEVICE_FLASH, DEVICE_STICK = 0, 1, 2, 3
"""What is below the queue: one arm, or units that work side by side (``sim.block.units``)."""
MAX_MEMBERS, MAX_CHANNELS, MAX_DIES, MAX_BUFFER, MAX_OPEN = 8, 32, 128, 1024, 16
WORKLOAD_ASYNC, WORKLOAD_SYNC_NOIDLE, WORKLOAD_SYNC = 0, 1, 2
"""CFQ's service trees, in the order in which equal keys are served."""
HASH_SIZE = 512

QUEUE = np.dtype(
    [
        # limits (struct request_queue; scenario's BlockSpec)
        ("nr_requests", np.int64),
        ("congestion_on", np.int64),
        ("congestion_off", np.int64),
        ("max_requests", np.int64),  # 3/2 of nr_requests: what batchers may fill
        ("batch_requests", np.int64),
        ("batch_ticks", np.int64),
        ("max_sectors", np.int64),
        ("max_segments", np.int64),
        ("unplug_thresh", np.int64),
        ("unplug_ticks", np.int64),
        ("elevator", np.int64),  # ELEVATOR_*
        # the disk (sim.block.disk.DiskParameters)
        ("capacity_sectors", np.int64),
        ("outer_kb_per_s", np.int64),  # 1000 bytes a second, at sector 0
        ("inner_kb_per_s", np.int64),  # at the last sector
        ("overhead_ns", np.int64),
        ("seek_min_ns", np.int64),
        ("seek_sqrt_ns", np.int64),  # times sqrt(distance / capacity)
        ("seek_linear_ns", np.int64),  # times distance / capacity
        ("latency_ns", np.int64),  # fixed wait for the platter
        ("rotation_ns", np.int64),  # and a uniform one below this
        ("readover_sectors", np.int64),
        ("queue_depth", np.int64),  # requests issued at once
        ("disk_window", np.int64),  # of these, the oldest it chooses from
        ("disk_age_ns", np.int64),  # older than this goes first
        ("device_kind", np.int64),  # DEVICE_*
        ("nr_members", np.int64),  # arms; capacity_sectors is of each
        ("chunk_sectors", np.int64),
        ("nr_channels", np.int64),  # flash: buses, and dies behind all of them
        ("nr_dies", np.int64),
        ("page_read_ns", np.int64),  # of 4 KiB: array to register, register to controller,
        ("page_bus_ns", np.int64),
        ("page_program_ns", np.int64),  # register to array
        ("buffer_pages", np.int64),  # written pages that the controller holds
        ("erase_sectors", np.int64),  # stick: of an erase block
        ("erase_ns", np.int64),
        ("nr_open", np.int64),  # erase blocks that it can fill side by side
        ("program_kb_per_s", np.int64),
        # deadline and CFQ tunables, ticks unless said otherwise
        ("read_expire_ticks", np.int64),
        ("write_expire_ticks", np.int64),
        ("writes_starved", np.int64),
        ("fifo_batch", np.int64),
        ("expire_async_ticks", np.int64),
        ("expire_sync_ticks", np.int64),
        ("slice_sync_ticks", np.int64),
        ("slice_async_ticks", np.int64),
        ("slice_async_rq", np.int64),
        ("slice_idle_ticks", np.int64),
        ("group_slice_ticks", np.int64),  # target_latency
        ("quantum", np.int64),
        ("back_max_sectors", np.int64),
        ("back_penalty", np.int64),
        ("cross_preempt", np.int64),  # a sync request ends async's turn at once (from 2.6.38 on)
        # requests
        ("free_head", np.int64),  # free requests through next, -1 = none
        ("full", np.int64, (2,)),  # async, sync: only batchers may allocate
        ("last_merge", np.int64),  # request that the last bio went to, -1 = none
        ("last_bio_request", np.int64),  # the same, kept when it is dispatched
        ("nr_queued", np.int64),  # in the elevator
        ("nr_cookies", np.int64),  # bios with a cookie that have not ended
        ("hash_end", np.int64, (HASH_SIZE,)),  # queued requests by their end sector
        ("hash_start", np.int64, (HASH_SIZE,)),  # and by their first
        # plug, disk
        ("plugged", np.int64),
        ("unplug_at_ns", np.int64),
        ("disk_head", np.int64),  # issued requests through fifo_next, oldest first
        ("disk_tail", np.int64),
        ("nr_at_disk", np.int64),
        ("in_service", np.int64),  # -1 = idle
        ("done_at_ns", np.int64),
        ("free_at_ns", np.int64),  # end of the softirq that ends the last request
        ("head_sector", np.int64),  # where the head is: end of the last transfer
        ("softirq_ns", np.int64),  # CPU time of completions and dispatches so far
        ("stalled_until_ns", np.int64),  # an intervention: nothing is served before
        ("busy_mark_ns", np.int64),  # units: DISK_BUSY_NS is counted up to here
        ("member_head", np.int64, (MAX_MEMBERS,)),
        ("member_free_ns", np.int64, (MAX_MEMBERS,)),
        ("link_free_ns", np.int64),
        ("channel_free_ns", np.int64, (MAX_CHANNELS,)),
        ("die_free_ns", np.int64, (MAX_DIES,)),
        ("next_die", np.int64),
        ("buffer_done_ns", np.int64, (MAX_BUFFER,)),  # ring: when each place is free again
        ("buffer_next", np.int64),
        ("stick_free_ns", np.int64),
        ("open_block", np.int64, (MAX_OPEN,)),  # erase blocks being filled, -1 = none
        ("open_sector", np.int64, (MAX_OPEN,)),  # up to where
        ("open_used", np.int64, (MAX_OPEN,)),  # when, in writes
        ("open_serial", np.int64),
        # deadline
        ("dl_next", np.int64, (2,)),  # write, read: next in sector order, -1 = none
        ("dl_batching", np.int64),
        ("dl_starved", np.int64),
        # CFQ
        ("active", np.int64),  # elevator queue that owns the disk, -1 = none
        ("workload", np.int64),  # WORKLOAD_* being served
        ("workload_expires_ns", np.int64),
        ("requires_idle", np.int64),  # the no-idle tree saw a request that wants idling
        ("idle_at_ns", np.int64),  # idle timer, 0 = not armed
        ("busy_head", np.int64, (3,)),  # busy queues of each workload, smallest key first
        ("nr_busy_workload", np.int64, (3,)),
        ("nr_busy", np.int64),
        ("in_flight", np.int64, (2,)),  # at the disk: async, sync
        ("last_position", np.int64),  # end of the last dispatched request
        ("last_delayed_sync_ns", np.int64),
    ],
    align=True,
)
"""The request queue, its disk and the elevator's own words. Sectors of 512 bytes."""

ELEVATOR_QUEUE = np.dtype(
    [
        ("head", np.int64),  # by sector through request.next, -1 = empty
        ("tail", np.int64),
        ("hint", np.int64),  # request from which the search for a place begins, -1 = none
        ("fifo_head", np.int64),  # by arrival through request.fifo_next
        ("fifo_tail", np.int64),
        ("nr", np.int64),
        # CFQ (struct cfq_queue and cfq_io_context)
        ("sync", np.int64),
        ("next_rq", np.int64),
        ("busy", np.int64),  # on a service tree
        ("busy_next", np.int64),
        ("workload", np.int64),  # the tree it is on
        ("key", np.int64),  # ticks
        ("dispatched", np.int64),  # at the disk
        ("slice_end_ns", np.int64),
        ("slice_new", np.int64),  # the slice begins with its first completion
        ("slice_dispatch", np.int64),
        ("slice_resid_ticks", np.int64),
        ("fifo_checked", np.int64),  # deadlines are looked at once a slice
        ("wait_request", np.int64),  # the disk idles for it
        ("must_dispatch", np.int64),
        ("must_alloc_slice", np.int64),
        ("idle_window", np.int64),
        ("deep", np.int64),
        ("seek_history", np.int64),  # a bit for each of the last 32 requests: it was far
        ("last_request_pos", np.int64),
        ("meta_pending", np.int64),
        ("ttime_samples", np.int64),  # weights of the decaying mean, 256 = one sample
        ("ttime_total_ns", np.int64),
        ("ttime_mean_ns", np.int64),
        ("last_end_ns", np.int64),
    ],
    align=True,
)
"""Requests of one owner. CFQ: 0 = async writes of all tasks, 1 + t = task t's reads and sync
writes. Deadline: 0 = writes, 1 = reads. Noop: 0 only."""

IO_LOG = np.dtype(
    [
        ("t_queue_ns", np.int64),
        ("t_issue_ns", np.int64),
        ("t_done_ns", np.int64),
        ("sector", np.int64),
        ("nr_sectors", np.int32),
        ("task", np.int16),
        ("write", np.int8),
        ("sync", np.int8),
        ("meta", np.int8),
        ("issuer", np.int8),
        ("positioned", np.int8),
        ("queue_depth", np.uint8),
    ],
    align=True,
)
"""One completed request, as ``Result.io`` has it; recorded logs fill what they know (-1 = not)."""
