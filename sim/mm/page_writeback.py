"""balance_dirty_pages: the dirtier throttles itself, and writes (page-writeback.c; mechanics 2.10).

A kernel like the rest: its pauses are stop codes, its writing is ``fs``'s.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.fs.fs_writeback import kick_flusher, writeback_inodes_wb
from sim.machine.dirty_limits import (
    bdi_dirty_limit,
    memcg_dirty_limits,
    task_dirty_limit,
    update_dirty_limits,
)
from sim.machine.machine import BACKGROUND_WANTED, CPU, NOW, RATELIMIT_PAGES, WAKE_FLUSHER
from sim.machine.request import ISSUER_DIRTIER
from sim.machine.stall import STALL_BALANCE_DIRTY
from sim.machine.sysctl import HZ
from sim.machine.task import DONE, WANT_PAUSE
from sim.machine.vmstat import (
    BACKGROUND_THRESH_PAGES,
    BALANCE_DIRTY_CALLS,
    BALANCE_DIRTY_PAUSES,
    DIRTY_THRESH_PAGES,
    MEMCG_DIRTY_THROTTLED,
    MEMCG_FLUSHER_KICKS,
    NR_FILE_DIRTY,
    NR_WRITEBACK,
)
from sim.machine.wait import jiffies
from sim.machine.wake import wake_up
from sim.mm.ioless import balance_dirty_pages_ioless
from sim.mm.vmscan_direct import log_stall

BDP_IDLE = 0
BDP_LOOK = 1
BDP_WRITE = 2
BDP_PAUSED = 3
CPU_DIRTIED = 0
"""Word of ``m.cpu[cpu]``: pages dirtied there since its last balance_dirty_pages."""
RATELIMIT_EXCEEDED = 8


@njit
def balance_dirty_pages_ratelimited(m: Any, t: Any) -> Any:
    """One page was dirtied: every ratelimit-th time, balance; a stop code."""
    task = m.task[t]
    if task.bdp_step > BDP_PAUSED or (task.bdp_step == BDP_IDLE and _ioless(m, task)):
        return balance_dirty_pages_ioless(m, t)
    if task.bdp_step == BDP_IDLE:
        cpu = m.clock[CPU]
        m.cpu[cpu, CPU_DIRTIED] += 1
        ratelimit = m.clock[RATELIMIT_PAGES]
        limit = RATELIMIT_EXCEEDED if m.bdi[0].dirty_exceeded else ratelimit
        dirtied = m.cpu[cpu, CPU_DIRTIED]
        if dirtied < limit:
            return DONE
        m.cpu[cpu, CPU_DIRTIED] = 0
        dirtied = max(dirtied, ratelimit)
        task.bdp_write_chunk = dirtied + dirtied // 2
        _begin(m, t)
    return _balance_dirty_pages(m, t)


@njit
def _ioless(m: Any, task: Any) -> Any:
    """Throttled as in 3.2? Not where a container has a dirty limit: up to 4.2 that has no rate."""
    rules = m.rules[0]
    return rules.ioless_throttling and not (task.memcg > 0 and rules.memcg_dirty_limit)


@njit
def _begin(m: Any, t: Any) -> Any:
    task = m.task[t]
    task.bdp_step = BDP_LOOK
    task.bdp_written = 0
    task.wbc_shared = 0
    task.bdp_pause = 1
    task.stall_begin_ns = m.clock[NOW]
    task.stall_cw_ns = 0
    task.stall_wp_ns = 0
    task.stall_wait_ns = 0
    task.stall_pause_ns = 0
    task.stall_written = 0
    m.vm[BALANCE_DIRTY_CALLS] += 1


@njit
def _memcg_throttled(m: Any, t: Any) -> Any:
    """Is the task's container over its own dirty limit? Only with the answer ``dirty-ratio``.

    With that or ``io-cgroup`` the flusher is kicked above the background limit.
    """
    task = m.task[t]
    rules = m.rules[0]
    task.bdp_memcg = 0
    if task.memcg == 0 or not (rules.memcg_dirty_limit or rules.memcg_writeback):
        return False
    memcg = m.memcg[task.memcg]
    dirty, background = memcg_dirty_limits(m, task.memcg)
    if memcg.nr_dirty > background:
        # Differs from the March 2010 posting: a work of so many pages, for a background work ends
        # at once when the machine as a whole is below its threshold.
        m.vm[MEMCG_FLUSHER_KICKS] += 1
        kick_flusher(m, task.memcg, memcg.nr_dirty - background)
    if not rules.memcg_dirty_limit or memcg.nr_dirty + memcg.nr_writeback <= dirty:
        return False
    m.vm[MEMCG_DIRTY_THROTTLED] += 1
    task.bdp_thresh = dirty
    task.bdp_exceeded = 1
    task.bdp_memcg = task.memcg if rules.memcg_writeback else 0
    return True


@njit
def _throttled(m: Any, t: Any) -> Any:
    """Is the task's container, the disk's share or (2.6.36) the machine over its dirty limit?"""
    if _memcg_throttled(m, t):
        return True
    update_dirty_limits(m)
    task = m.task[t]
    vm = m.vm
    bdi = m.bdi[0]
    task.bdp_thresh = task_dirty_limit(m, t, bdi_dirty_limit(m))
    total = vm[NR_FILE_DIRTY] + vm[NR_WRITEBACK]
    on_disk = bdi.nr_reclaimable + bdi.nr_writeback
    if m.rules[0].throttle_on_global:
        over = total >= (vm[BACKGROUND_THRESH_PAGES] + vm[DIRTY_THRESH_PAGES]) // 2
        over = over and (on_disk >= task.bdp_thresh or total >= vm[DIRTY_THRESH_PAGES])
        task.bdp_exceeded = 1 if over else 0
        return over
    if on_disk <= task.bdp_thresh:
        return False
    return total >= (vm[BACKGROUND_THRESH_PAGES] + vm[DIRTY_THRESH_PAGES]) // 2


@njit
def _balance_dirty_pages(m: Any, t: Any) -> Any:
    task = m.task[t]
    bdi = m.bdi[0]
    while True:
        if task.bdp_step == BDP_PAUSED:
            task.stall_pause_ns += m.clock[NOW] - task.bdp_paused_at_ns
            task.bdp_step = BDP_LOOK
        if task.bdp_step == BDP_LOOK:
            if not _throttled(m, t):
                break
            bdi.dirty_exceeded = 1
            if bdi.nr_reclaimable > task.bdp_thresh:
                _begin_write(m, t)
            else:
                _begin_pause(m, t)
                return WANT_PAUSE
        if task.bdp_step == BDP_WRITE:
            stop = writeback_inodes_wb(m, t)
            if stop != DONE:
                return stop
            task.issuer = task.bdp_saved_issuer
            written = task.bdp_write_chunk - task.wbc_nr_to_write
            task.bdp_written += written
            task.stall_written += written
            task.wbc_shared = 1 if written == 0 else 0
            task.bdp_step = BDP_LOOK
            if not m.rules[0].throttle_on_global and not _memcg_throttled(m, t):
                update_dirty_limits(m)
                task.bdp_thresh = task_dirty_limit(m, t, bdi_dirty_limit(m))
                if bdi.nr_reclaimable + bdi.nr_writeback <= task.bdp_thresh:
                    break
            if task.bdp_written >= task.bdp_write_chunk:
                break
            _begin_pause(m, t)
            return WANT_PAUSE
    _end(m, t)
    return DONE


@njit
def _begin_write(m: Any, t: Any) -> Any:
    task = m.task[t]
    task.bdp_saved_issuer = task.issuer
    task.issuer = ISSUER_DIRTIER
    task.wbc_nr_to_write = task.bdp_write_chunk
    task.wbc_older_than_ns = -1
    task.wbc_for_kupdate = 0
    task.wbc_for_background = 0
    task.wbc_for_reclaim = 0
    task.wbc_memcg = task.bdp_memcg
    task.wbc_range_cyclic = 1
    task.wbc_start_ns = jiffies(m, 0)
    task.wbc_step = 0
    task.bdp_step = BDP_WRITE


@njit
def _begin_pause(m: Any, t: Any) -> Any:
    """io_schedule_timeout(pause): 1, 2, 4 ... jiffies up to HZ/10."""
    task = m.task[t]
    task.timeout_jiffies = task.bdp_pause
    task.bdp_pause = min(task.bdp_pause * 2, max(m.sysctl[HZ] // 10, 1))
    task.bdp_paused_at_ns = m.clock[NOW]
    task.bdp_step = BDP_PAUSED
    m.vm[BALANCE_DIRTY_PAUSES] += 1


@njit
def _end(m: Any, t: Any) -> Any:
    task = m.task[t]
    bdi = m.bdi[0]
    if m.rules[0].throttle_on_global:
        below = task.bdp_exceeded == 0
    else:
        below = bdi.nr_reclaimable + bdi.nr_writeback < task.bdp_thresh
    if bdi.dirty_exceeded and below:
        bdi.dirty_exceeded = 0
    task.bdp_step = BDP_IDLE
    if m.clock[NOW] > task.stall_begin_ns:
        log_stall(m, t, STALL_BALANCE_DIRTY)
    over = m.vm[NR_FILE_DIRTY] > m.vm[BACKGROUND_THRESH_PAGES]
    if over and not bdi.writeback_running:
        m.clock[BACKGROUND_WANTED] = 1
        wake_up(m, WAKE_FLUSHER)
