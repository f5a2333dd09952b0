"""C10: a list for dirty pages that reclaim may not write, instead of another lap on the LRU.

1. A dirty file page that reclaim may not write goes on a list of its own, one in each zone and, if
   it is charged, one in each zone of its memcg.
2. Who may not write passes the list over as a whole: the share of it that would have been scanned
   counts as scanned, so that flusher and waits come when they came, but no page of it is touched.
3. Who may write (kswapd with patch 6) scans it like an inactive list.
4. When a page of it has been written it goes to the old end of its inactive list; a page that is
   used meanwhile goes to the active list as ever.

What it saves is the laps. What it costs is that way back: the flusher, too, cleans pages of it, and
each of them is moved by itself, with a counter less and a counter more in its zone and in its
memcg. In memory it is one list head, one counter and one saved scan count more for each zone and
each zone of each memcg. Its pages are reclaimable and dirtyable, but not inactive, so the active
list is shrunk earlier.

Source: patch 6 of the RFC, 2010-06-08: "The dirty pages could have been put on a dedicated list
but this increased counter overhead and the number of lists". Which list is scanned by whom is
ours; no such patch was posted.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.page import PG_dirty_list
from sim.machine.vmstat import DIRTY_LIST_PASSED, DIRTY_LIST_PUT


@njit
def put_on_dirty_list(m: Any, pfn: Any) -> None:
    """Reclaim may not write the dirty page: where it goes when its batch is put back."""
    page = m.page[pfn]
    if m.rules[0].dirty_list and not page.page_flags & PG_dirty_list:
        page.page_flags |= PG_dirty_list
        m.vm[DIRTY_LIST_PUT] += 1


@njit
def pass_over_dirty_list(m: Any, t: Any, z: Any, nr: Any) -> None:
    """The reclaimer may not write: ``nr`` pages, the list's share, count as scanned."""
    sc = m.task[t]
    sc.sc_nr_scanned += nr
    if sc.sc_memcg == 0:
        m.zone[z].pages_scanned += nr
    m.vm[DIRTY_LIST_PASSED] += nr
