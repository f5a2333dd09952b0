"""Memory cgroups: charge counters (memcontrol.c, res_counter.h), in pages."""

from __future__ import annotations

import numpy as np

MEMCG = np.dtype(
    [
        ("usage", np.int64),
        ("limit", np.int64),  # pages; 0 = none (root)
        ("max_usage", np.int64),
        ("failcnt", np.int64),
        ("nr_file", np.int64),
        ("nr_anon", np.int64),
        ("nr_dirty", np.int64),
        ("nr_writeback", np.int64),
        ("stock", np.int64),  # pages charged in advance (CHARGE_SIZE = 32)
        ("wmark_low", np.int64),  # kswapd for memcg: usage above it queues the memcg ...
        ("wmark_high", np.int64),  # ... and kswapd works down to it
        ("pending", np.int64),  # 1 while on kswapd's pending list
        ("pending_since_ns", np.int64),
        ("pending_served", np.int64),
        ("flusher_task", np.int64),  # its own thread, 0 = none
        ("flusher_wanted", np.int64),  # 1 while that thread is asked for, or at work
        ("flush_wanted", np.int64),  # pages of the work that waits for it, 0 = none
        ("oom_kills", np.int64),
        ("reclaims", np.int64),
        ("stall_ns", np.int64),
        ("pgscan", np.int64),
        ("pgsteal", np.int64),
    ],
    align=True,
)
