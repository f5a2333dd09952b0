"""Catalogue of trace events (include/trace/events/vmscan.h of 2.6.36): ids and field names.

A trace record is (t_ns, event, cpu, task, a0..a7); ``TRACEPOINTS[event]`` says what a0.. mean.
``family`` is the patch of the series that adds the event (1 to 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Tracepoint(NamedTuple):
    """One event: its name, the patch that adds it, its fields in the order of a0.. ."""

    name: str
    family: int
    fields: tuple[str, ...]


_ISOLATE = (
    "isolate_mode", "order", "nr_requested", "nr_scanned", "nr_taken",
    "contig_taken", "contig_dirty", "contig_failed",
)  # fmt: skip
_BEGIN = ("order", "may_writepage", "gfp_flags")

TRACEPOINTS: tuple[Tracepoint, ...] = (
    Tracepoint("mm_vmscan_kswapd_sleep", 1, ("nid",)),
    Tracepoint("mm_vmscan_kswapd_wake", 1, ("nid", "order")),
    Tracepoint("mm_vmscan_wakeup_kswapd", 1, ("nid", "zid", "order")),
    Tracepoint("mm_vmscan_direct_reclaim_begin", 1, _BEGIN),
    Tracepoint("mm_vmscan_direct_reclaim_end", 1, ("nr_reclaimed",)),
    Tracepoint("mm_vmscan_memcg_reclaim_begin", 1, _BEGIN),
    Tracepoint("mm_vmscan_memcg_reclaim_end", 1, ("nr_reclaimed",)),
    Tracepoint("mm_vmscan_lru_isolate", 2, _ISOLATE),
    Tracepoint("mm_vmscan_memcg_isolate", 2, _ISOLATE),
    Tracepoint("mm_vmscan_writepage", 3, ("pfn", "flags")),
)
(
    EV_KSWAPD_SLEEP, EV_KSWAPD_WAKE, EV_WAKEUP_KSWAPD, EV_DIRECT_BEGIN, EV_DIRECT_END,
    EV_MEMCG_BEGIN, EV_MEMCG_END, EV_LRU_ISOLATE, EV_MEMCG_ISOLATE, EV_WRITEPAGE,
) = range(10)  # fmt: skip

RECLAIM_WB_ANON, RECLAIM_WB_FILE, RECLAIM_WB_SYNC, RECLAIM_WB_ASYNC = 1, 2, 4, 8

TRACE = np.dtype(
    [
        ("t_ns", np.int64),
        ("event", np.int16),
        ("cpu", np.int16),
        ("task", np.int32),
        ("a", np.int64, (8,)),
    ],
    align=True,
)
