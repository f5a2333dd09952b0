"""A high-order allocator: a thread of the kernel that asks for blocks and holds them.

As the module of the kernel's stress-highalloc test does it: blocks of one order, one after another,
at a rate, each held for a time or until the most it may hold is reached; then the oldest is freed.
The blocks are the kernel's: on no LRU list, in no container, and nothing can reclaim or move them.
A block whose time is over is freed when the allocator next asks for one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import NOW
from sim.machine.task import DONE
from sim.machine.vmstat import (
    HIGHORDER_ALLOC_FAILED,
    HIGHORDER_ALLOC_NS,
    HIGHORDER_ALLOC_SUCCESS,
    NR_HIGHORDER_PAGES,
)
from sim.mm.free import free_block, take_block
from sim.mm.page_alloc import alloc_pages
from sim.units import NSEC_PER_MSEC
from sim.workload.kinds import HOLD_ALL


@njit
def allocate_block(m: Any, t: Any) -> Any:
    """One attempt, a success or a failure; a stop code."""
    task = m.task[t]
    order = np.int64(task.w_order)
    stop = alloc_pages(m, t, order)
    if stop != DONE:
        return stop
    now = m.clock[NOW]
    pfn = np.int64(task.alloc_pfn)
    m.vm[HIGHORDER_ALLOC_NS] += now - task.op_started_ns
    if pfn < 0:
        m.vm[HIGHORDER_ALLOC_FAILED] += 1
        return DONE
    m.vm[HIGHORDER_ALLOC_SUCCESS] += 1
    m.vm[NR_HIGHORDER_PAGES] += 1 << order
    take_block(m, pfn, order)
    m.page[pfn].lru_ms = now // NSEC_PER_MSEC
    if task.nr_blocks:
        m.page[task.blocks_last].next = pfn
    else:
        task.blocks_first = pfn
    task.blocks_last = pfn
    task.nr_blocks += 1
    return DONE


@njit
def pass_is_over(m: Any, t: Any) -> Any:
    """A pass has asked for every block that fits: all are free again."""
    task = m.task[t]
    if task.w_hold_ns != HOLD_ALL or task.op_count < task.w_file_pages >> task.w_order:
        return False
    free_all_blocks(m, t)
    return True


@njit
def free_old_blocks(m: Any, t: Any) -> None:
    """Free what was held long enough, and the oldest when no more may be held."""
    task = m.task[t]
    if task.w_hold_ns == HOLD_ALL:
        return
    now_ms = m.clock[NOW] // NSEC_PER_MSEC
    while task.nr_blocks:
        age_ns = (now_ms - m.page[task.blocks_first].lru_ms) * NSEC_PER_MSEC
        full = task.nr_blocks << task.w_order >= task.w_file_pages
        if not full and (task.w_hold_ns == 0 or age_ns < task.w_hold_ns):
            return
        _free_oldest(m, t)


@njit
def _free_oldest(m: Any, t: Any) -> None:
    task = m.task[t]
    order = np.int64(task.w_order)
    pfn = np.int64(task.blocks_first)
    task.blocks_first = m.page[pfn].next
    task.nr_blocks -= 1
    m.vm[NR_HIGHORDER_PAGES] -= 1 << order
    free_block(m, pfn, order)


@njit
def free_all_blocks(m: Any, t: Any) -> None:
    """The allocator is over."""
    while m.task[t].nr_blocks:
        _free_oldest(m, t)
