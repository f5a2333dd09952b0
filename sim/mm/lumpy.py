"""Lumpy reclaim: whole aligned blocks instead of single old pages (vmscan.c of 2.6.35).

Round a page from the old end of a list every other page of its block of 2^order is isolated too;
in lumpy mode whatever list it is on, and references do not count. What direct reclaim could not
free of such a batch it waits for: congestion_wait(HZ/10), then a second pass (PAGEOUT_IO_SYNC)
that sleeps until pages under writeback are written, those it writes itself included. With patch 6
that pass writes nothing: it kicks the flusher and waits HZ/10, up to MAX_SWAP_CLEAN_WAIT times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.lru import del_page_from_lru
from sim.machine.machine import NOW, SWAP_PAGES
from sim.machine.page import (
    PG_active,
    PG_dirty,
    PG_isolated,
    PG_kernel,
    PG_lru,
    PG_swapbacked,
    PG_swapcache,
)
from sim.machine.request import ISSUER_KSWAPD
from sim.machine.sysctl import HZ
from sim.machine.vmstat import (
    CONTIG_DIRTY,
    CONTIG_FAILED,
    CONTIG_TAKEN,
    LUMPY_WAIT_NS,
    LUMPY_WAITS,
    NR_SWAP_USED_PAGES,
    PGDEACTIVATE,
)
from sim.mm.scan_control import (
    DEF_PRIORITY,
    ISOLATE_BOTH,
    LIST_SCAN,
    PAGE_ALLOC_COSTLY_ORDER,
)


@njit
def set_lumpy_reclaim_mode(sc: Any) -> None:
    """For costly orders always, for small ones only when reclaim is in trouble."""
    costly = sc.sc_order > PAGE_ALLOC_COSTLY_ORDER
    trouble = sc.sc_order > 0 and sc.sc_priority < DEF_PRIORITY - 2
    sc.sc_lumpy = 1 if costly or trouble else 0


@njit
def isolate_block(m: Any, t: Any, pfn: Any, mode: Any, taken: Any) -> Any:
    """The other pages of the block round ``pfn`` join ``m.page_list[t]``; how many it has then."""
    page = m.page
    order = m.task[t].sc_order
    tag = page[pfn].page_flags & (PG_active | PG_swapbacked)
    no_swap = m.clock[SWAP_PAGES] <= m.vm[NR_SWAP_USED_PAGES]
    first = (pfn >> order) << order
    for other in range(first, min(first + (1 << order), page.shape[0])):
        flags = page[other].page_flags
        if other == pfn or page[other].zone != page[pfn].zone:
            continue
        if flags & PG_swapbacked and not flags & PG_swapcache and no_swap:
            continue
        same = mode == ISOLATE_BOTH or flags & (PG_active | PG_swapbacked) == tag
        if flags & PG_lru and same:
            del_page_from_lru(m, other)
            page[other].page_flags |= PG_isolated
            m.page_list[t, taken] = other
            taken += 1
            m.vm[CONTIG_TAKEN] += 1
            if flags & PG_dirty:
                m.vm[CONTIG_DIRTY] += 1
        elif mode == ISOLATE_BOTH and flags & (PG_isolated | PG_kernel):
            m.vm[CONTIG_FAILED] += 1
    return taken


@njit
def count_file_pages(m: Any, t: Any, taken: Any) -> Any:
    """How many of the isolated pages are of files."""
    files = 0
    for i in range(taken):
        if not m.page[m.page_list[t, i]].page_flags & PG_swapbacked:
            files += 1
    return files


@njit
def clear_active_flags(m: Any, t: Any, n: Any) -> None:
    """What was taken off active lists is inactive from now on."""
    for i in range(n):
        page = m.page[m.page_list[t, i]]
        if page.page_flags & PG_active:
            page.page_flags &= ~PG_active
            m.vm[PGDEACTIVATE] += 1


@njit
def _should_reclaim_stall(m: Any, sc: Any) -> Any:
    """nr_freed < nr_taken in lumpy mode; 2.6.36: small orders only when it gets desperate."""
    if sc.issuer == ISSUER_KSWAPD or not sc.sc_lumpy or sc.sc_list_freed >= sc.sc_list_taken:
        return False
    if m.rules[0].lumpy_stall_late and sc.sc_order <= PAGE_ALLOC_COSTLY_ORDER:
        return sc.sc_priority <= DEF_PRIORITY // 3
    return True


@njit
def begin_sync_pass(m: Any, t: Any) -> Any:
    """After a pass over a batch: True to wait HZ/10 and go over what is left of it once more."""
    sc = m.task[t]
    if sc.sc_sync:
        sc.sc_sync = 0
        m.vm[LUMPY_WAIT_NS] += m.clock[NOW] - sc.sc_lumpy_began_ns
        return False
    if not _should_reclaim_stall(m, sc):
        return False
    left = np.int64(sc.sc_list_kept)
    clear_active_flags(m, t, left)
    sc.sc_list_len = left
    sc.sc_list_pos = 0
    sc.sc_list_kept = 0
    sc.sc_cleaned = 0
    sc.sc_wait_rounds = 0
    sc.sc_list_step = LIST_SCAN
    sc.sc_sync = 1
    sc.sc_lumpy_began_ns = m.clock[NOW]
    sc.timeout_jiffies = max(m.sysctl[HZ] // 10, 1)
    m.vm[LUMPY_WAITS] += 1
    return True
