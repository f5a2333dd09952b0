"""The seam between policy and mechanism: what mechanism consults instead of knowing a patch.

``sim.policy`` resolves patches and memcg answers into one ``ReclaimRules``; mechanism reads the
same fields from ``m.rules[0]`` and never writes them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ReclaimRules(NamedTuple):
    """Rules of page reclaim; ints so that kernels take them as they are."""

    direct_may_write_file: int = 1
    """try_to_free_pages may call ->writepage on file pages (patch 6 clears it)."""
    direct_may_write_anon: int = 1
    memcg_may_write_file: int = 1
    memcg_may_write_anon: int = 1
    batch_dirty: int = 0
    """shrink_page_list sets dirty pages aside and comes back to them (patches 5 and 6)."""
    range_write: int = 0
    """0 page by page; 1 the posted patch 5 (min..max span); 2 recorded (sorted contiguous runs)."""
    range_in_direct: int = 0
    """The range writer also runs in direct reclaim (patch 5 without 6) or only in kswapd."""
    range_in_memcg: int = 0
    clean_wait_rounds: int = 0
    """Patch 6, synchronous lumpy pass: rounds of flusher kick and congestion_wait(HZ/10)."""
    lumpy_stall_late: int = 0
    """2.6.36: direct reclaim waits for blocks of order 1 to 3 only at priority 4 and below."""
    memcg_clean_wait_rounds: int = 0
    """Rounds in which memcg reclaim kicks the flusher, waits and retries its dirty pages."""
    memcg_kswapd: int = 0
    """kswapd serves a pending list of memcgs above their low watermark."""
    memcg_dirty_limit: int = 0
    """balance_dirty_pages throttles a memcg's dirtiers at the memcg's own dirty limit."""
    kick_flusher: int = 0
    """V6: a batch of file pages in which dirty ones were met wakes the flusher for 4 MiB."""
    conditional_wait: int = 0
    """2.6.37: reclaim and allocator sleep only while queue and zone are congested."""
    kswapd_writes_in_trouble: int = 0
    """3.2: kswapd writes file pages at priorities below DEF_PRIORITY - 2 only."""
    throttle_on_writeback: int = 0
    """3.2: a batch with many pages under writeback waits for congestion."""
    immediate_reclaim: int = 0
    """3.2: dirty file pages that may not be written are freed when the flusher has cleaned them."""
    dirty_list: int = 0
    """C10: dirty file pages that reclaim may not write go on a list of their own until clean."""
    ioless_throttling: int = 0
    """3.2: a throttled dirtier sleeps and leaves the writing to the flusher."""
    balance_gap: int = 0
    """2.6.39: kswapd leaves a zone alone from 1 % of it above its high watermark, not from 8 x."""
    scan_small_targets: int = 0
    """3.0: kswapd and memcg reclaim scan 32 pages of a list too short for the priority; small
    amounts are scanned at once, not saved up."""
    memcg_flusher: int = 0
    """A reclaimer in a memcg above its dirty limit wakes a thread that cleans its LRU."""
    memcg_writeback: int = 0
    """Flusher works and throttled writing on behalf of a memcg take that memcg's inodes only."""
    b_more_io_for_all: int = 0
    """2.6.36: an inode whose slice is used up goes to b_more_io for any work, and b_more_io goes
    behind what is on b_io."""
    wb_start_per_work: int = 0
    """2.6.36: inodes dirtied since a work began are left alone; 2.6.35: since its pass began."""
    throttle_on_global: int = 0
    """2.6.36: balance_dirty_pages also throttles at the global limit."""
    reclaim_6_1: int = 0
    """6.1: ``mm.vmscan_6_1``. Dirty pages are left to the flusher, reclaim_throttle instead of
    congestion_wait."""
    cgroup2: int = 0
    """6.1: containers are of cgroup v2, whose reclaim does not wait for writeback."""
    trace_mask: int = 0b1111
    """Which of patches 1 to 4 are applied: bit n-1 for patch n."""


RULES = np.dtype([(name, np.int64) for name in ReclaimRules._fields], align=True)


def rules_array(rules: ReclaimRules) -> np.recarray:  # type: ignore[type-arg]
    """The rules as the one-element record array that kernels read."""
    return np.array([tuple(rules)], RULES).view(np.recarray)
