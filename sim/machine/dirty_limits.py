"""Dirty limits: arithmetic only (page-writeback.c, fs-writeback.c of 2.6.35)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.machine import DIRTY_EVENTS, PROP_HALF_PERIOD, SWAP_PAGES, WRITEOUTS
from sim.machine.sysctl import DIRTY_BACKGROUND_RATIO, DIRTY_RATIO
from sim.machine.vmstat import (
    BACKGROUND_THRESH_PAGES,
    DIRTY_THRESH_PAGES,
    NR_ACTIVE_ANON,
    NR_ACTIVE_FILE,
    NR_DIRTY_LIST,
    NR_FILE_DIRTY,
    NR_FREE_PAGES,
    NR_INACTIVE_ANON,
    NR_INACTIVE_FILE,
    NR_SWAP_USED_PAGES,
    NR_WRITEBACK,
)


@njit
def determine_dirtyable_memory(m: Any) -> Any:
    """Pages that may become dirty: free and reclaimable ones."""
    vm = m.vm
    pages = vm[NR_FREE_PAGES] + vm[NR_INACTIVE_FILE] + vm[NR_ACTIVE_FILE] + vm[NR_DIRTY_LIST]
    if m.clock[SWAP_PAGES] > vm[NR_SWAP_USED_PAGES]:
        pages += vm[NR_INACTIVE_ANON] + vm[NR_ACTIVE_ANON]
    return pages + 1


@njit
def update_dirty_limits(m: Any) -> Any:
    """get_dirty_limits: sets vm[DIRTY_THRESH_PAGES] and vm[BACKGROUND_THRESH_PAGES]."""
    available = determine_dirtyable_memory(m)
    dirty_ratio = max(m.sysctl[DIRTY_RATIO], 5)
    dirty = dirty_ratio * available // 100
    background = m.sysctl[DIRTY_BACKGROUND_RATIO] * available // 100
    if background >= dirty:
        background = dirty // 2
    m.vm[DIRTY_THRESH_PAGES] = dirty
    m.vm[BACKGROUND_THRESH_PAGES] = background


@njit
def memcg_dirty_limits(m: Any, g: Any) -> Any:
    """(dirty limit, background limit) of memcg ``g``, pages: the machine's ratios of its own pages.

    Dirtyable is what it and those above it may still take and what it has of files, at most the
    machine's.
    """
    memcg = m.memcg[g]
    room = memcg.limit - memcg.usage
    above = memcg.parent
    while above:
        room = min(room, m.memcg[above].limit - m.memcg[above].usage)
        above = m.memcg[above].parent
    available = max(room, 0) + memcg.nr_file
    available = min(available, determine_dirtyable_memory(m))
    dirty = max(m.sysctl[DIRTY_RATIO], 5) * available // 100
    background = m.sysctl[DIRTY_BACKGROUND_RATIO] * available // 100
    if background >= dirty:
        background = dirty // 2
    return dirty, background


@njit
def over_bground_thresh(m: Any, g: Any) -> Any:
    """Are there as many dirty pages as the background threshold, of memcg ``g`` or of all?"""
    if g > 0:
        _, background = memcg_dirty_limits(m, g)
        if m.memcg[g].nr_dirty > background:
            return True
    update_dirty_limits(m)
    return m.vm[NR_FILE_DIRTY] >= m.vm[BACKGROUND_THRESH_PAGES]


@njit
def bdi_dirty_limit(m: Any) -> Any:
    """The disk's share of the dirty limit, pages, before the task's own share is taken off.

    Its floating proportion of completed writeouts: 0 on a machine that has written nothing yet, so
    that the first writers write for themselves (vm_completions, lib/proportions.c).
    """
    half_period = _half_period(m)
    total = m.clock[WRITEOUTS]
    bdi = m.bdi[0]
    _age_completions(bdi, total // half_period)
    limit = m.vm[DIRTY_THRESH_PAGES] * bdi.completions // (half_period + total % half_period)
    if not m.rules[0].throttle_on_global:
        # clip_bdi_dirty_limit, up to 2.6.35
        dirty = m.vm[NR_FILE_DIRTY] + m.vm[NR_WRITEBACK]
        room = max(m.vm[DIRTY_THRESH_PAGES] - dirty, 0)
        limit = min(limit, room + bdi.nr_reclaimable + bdi.nr_writeback)
    return limit


@njit
def _age_completions(bdi: Any, period: Any) -> Any:
    while bdi.completions_period < period and bdi.completions > 0:
        bdi.completions >>= 1
        bdi.completions_period += 1
    bdi.completions_period = period


@njit
def bdi_writeout_inc(m: Any, g: Any) -> Any:
    """A page of a file, charged to memcg ``g``, was written to the disk."""
    m.bdi[g].written += 1
    bdi = m.bdi[0]
    half_period = _half_period(m)
    _age_completions(bdi, m.clock[WRITEOUTS] // half_period)
    bdi.completions += 1
    m.clock[WRITEOUTS] += 1


@njit
def task_dirty_limit(m: Any, t: Any, limit: Any) -> Any:
    """``limit`` less up to 1/8 by the task's share of recent dirtying, at least half."""
    half_period = _half_period(m)
    total = m.clock[DIRTY_EVENTS]
    task = m.task[t]
    _age(task, total // half_period)
    denominator = half_period + total % half_period
    inv = limit // 8 * task.nr_dirty_share // denominator
    return max(limit - inv, limit // 2)


@njit
def _half_period(m: Any) -> Any:
    """Half the period of both proportions: 2 + ilog2(dirty_thresh - 1) bits, fixed at first use.

    The swap file has been written by then, so its pages count as completed.
    """
    if m.clock[PROP_HALF_PERIOD] > 0:
        return m.clock[PROP_HALF_PERIOD]
    update_dirty_limits(m)
    bits = 0
    x = max(m.vm[DIRTY_THRESH_PAGES] - 1, 1)
    while x > 1:
        x >>= 1
        bits += 1
    half_period = np.int64(1) << np.int64(bits + 1)
    m.clock[PROP_HALF_PERIOD] = half_period
    bdi = m.bdi[0]
    for _ in range(m.clock[SWAP_PAGES] // half_period):
        bdi.completions = (bdi.completions + half_period) >> 1
    return half_period


@njit
def _age(task: Any, period: Any) -> Any:
    while task.dirty_period < period and task.nr_dirty_share > 0:
        task.nr_dirty_share >>= 1
        task.dirty_period += 1
    task.dirty_period = period


@njit
def task_dirty_inc(m: Any, t: Any) -> Any:
    """One more page dirtied by the task (prop_inc_single on vm_dirties)."""
    half_period = _half_period(m)
    m.clock[DIRTY_EVENTS] += 1
    task = m.task[t]
    m.bdi[task.memcg].dirtied += 1
    _age(task, m.clock[DIRTY_EVENTS] // half_period)
    task.nr_dirty_share += 1
