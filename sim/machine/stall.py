"""Stalls: one record from entering reclaim or balance_dirty_pages to leaving it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class StallKind(IntEnum):
    """What a task was stalled in."""

    DIRECT_RECLAIM = 0
    MEMCG_RECLAIM = 1
    BALANCE_DIRTY = 2
    UNKNOWN = 3


STALL_DIRECT, STALL_MEMCG, STALL_BALANCE_DIRTY = 0, 1, 2

STALL = np.dtype(
    [
        ("t_begin_ns", np.int64),
        ("t_end_ns", np.int64),
        ("task", np.int16),
        ("kind", np.int8),  # StallKind
        ("priority", np.int8),  # lowest priority reached, -1 = unknown
        ("memcg", np.int16),
        ("order", np.int8),
        ("nr_scanned", np.int32),
        ("nr_reclaimed", np.int32),
        ("nr_dirty", np.int32),
        ("nr_written", np.int32),
        ("congestion_wait_ns", np.int64),
        ("writepage_ns", np.int64),  # asleep inside ->writepage (get_request)
        ("page_wait_ns", np.int64),  # asleep on a page's writeback or on isolated pages
        ("pause_ns", np.int64),  # asleep in balance_dirty_pages
    ],
    align=True,
)
