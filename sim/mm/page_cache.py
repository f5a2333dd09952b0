"""Adding pages to mappings, marking their use, ending an address space (filemap.c, swap.c)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.lru import activate_page, add_page_to_lru_list, del_page_from_lru
from sim.machine.machine import NOW
from sim.machine.page import (
    PG_active,
    PG_isolated,
    PG_locked,
    PG_lru,
    PG_mapped,
    PG_referenced,
    PG_swapcache,
    PG_writeback,
    PG_young,
)
from sim.machine.task import DONE
from sim.machine.vmstat import PGACTIVATE
from sim.mm.free import free_page, remove_from_page_cache, swap_free, uncharge_page
from sim.mm.memcontrol import commit_charge, mem_cgroup_try_charge
from sim.mm.page_alloc import alloc_page
from sim.mm.res_counter import res_counter_uncharge


@njit
def mark_page_accessed(m: Any, pfn: Any) -> Any:
    """inactive,unreferenced -> inactive,referenced -> active,unreferenced -> active,referenced."""
    page = m.page[pfn]
    flags = page.page_flags
    if not flags & PG_referenced:
        page.page_flags = flags | PG_referenced
    elif not flags & PG_active and flags & PG_lru:
        page.page_flags = flags & ~PG_referenced
        activate_page(m, pfn)
        m.vm[PGACTIVATE] += 1


@njit
def new_page(m: Any, t: Any, ino: Any, index: Any, flags: Any, lru: Any) -> Any:
    """Allocate, charge and add a page to a mapping and the LRU: task.alloc_pfn; a stop code."""
    task = m.task[t]
    if not task.np_charging:
        stop = alloc_page(m, t)
        if stop != DONE:
            return stop
        task.np_charging = 1
    stop = mem_cgroup_try_charge(m, t)
    if stop != DONE:
        return stop
    pfn = task.alloc_pfn
    inode = m.inode[ino]
    if m.slot_pfn[inode.first_slot + index] >= 0:
        # -EEXIST: another writer of a shared file was faster
        res_counter_uncharge(m, task.memcg)
        free_page(m, pfn)
        task.alloc_pfn = m.slot_pfn[inode.first_slot + index]
        task.np_charging = 0
        return DONE
    page = m.page[pfn]
    page.mapping = ino
    page.index = index
    page.page_flags = flags
    page.lru_ms = m.clock[NOW] // 1_000_000
    m.slot_pfn[inode.first_slot + index] = pfn
    inode.nr_cached += 1
    commit_charge(m, t, pfn)
    add_page_to_lru_list(m, pfn, lru)
    task.np_charging = 0
    return DONE


@njit
def exit_mm(m: Any, ino: Any) -> Any:
    """An anonymous area goes with its task: its pages and swap slots are free again.

    Pages in some reclaimer's hands or under IO stay, unused, for reclaim to take.
    """
    inode = m.inode[ino]
    for index in range(inode.nr_pages):
        slot = inode.first_slot + index
        pfn = np.int64(m.slot_pfn[slot])
        if pfn < 0:
            if m.slot_block[slot] >= 0:
                swap_free(m, np.int64(m.slot_block[slot]))
                m.slot_block[slot] = -1
            continue
        page = m.page[pfn]
        page.page_flags &= ~(PG_mapped | PG_young | PG_referenced)
        if page.page_flags & (PG_locked | PG_writeback | PG_isolated):
            continue
        if page.page_flags & PG_swapcache:
            swap_free(m, np.int64(page.block))
            m.slot_block[slot] = -1
        del_page_from_lru(m, pfn)
        remove_from_page_cache(m, pfn)
        uncharge_page(m, pfn)
        free_page(m, pfn)
