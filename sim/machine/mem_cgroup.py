"""Memory cgroups: charge counters (memcontrol.c, res_counter.h), in pages.

Their index is the css id less one: in order of creation, 0 = root.
"""

from __future__ import annotations

import numpy as np

from sim.machine.zone import MAX_NR_ZONES

MEMCG = np.dtype(
    [
        ("usage", np.int64),  # its own and of those below it
        ("limit", np.int64),  # pages; 0 = none (root)
        ("max_usage", np.int64),
        ("failcnt", np.int64),
        ("nr_file", np.int64),
        ("nr_anon", np.int64),
        ("nr_dirty", np.int64),
        ("nr_writeback", np.int64),
        ("stock", np.int64),  # pages charged in advance (CHARGE_SIZE = 32)
        ("child_stock", np.int64),  # the stocks of those below it
        ("parent", np.int64),  # whom charges also go to (use_hierarchy), 0 = nobody
        ("use_hierarchy", np.int64),
        ("last_scanned_child", np.int64),
        ("soft_limit", np.int64),  # pages; 0 = none
        ("events", np.int64),  # charges and uncharges
        ("soft_on_tree", np.int64, (MAX_NR_ZONES,)),  # 1 = in the zone's tree, by
        ("soft_excess", np.int64, (MAX_NR_ZONES,)),  # pages over the soft limit and
        ("soft_order", np.int64, (MAX_NR_ZONES,)),  # number of the insertion
        ("wmark_low", np.int64),  # kswapd for memcg: usage above it queues the memcg ...
        ("wmark_high", np.int64),  # ... and kswapd works down to it
        ("pending", np.int64),  # 1 while on kswapd's pending list
        ("pending_since_ns", np.int64),
        ("background_wanted", np.int64),  # 1 while a background work of its own waits
        ("congested", np.int64),  # LRUVEC_CONGESTED of 6.1, cgroup v2
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
