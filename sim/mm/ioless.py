"""balance_dirty_pages of 3.2: the dirtier only sleeps, as long as its pages are worth.

"writeback: IO-less balance_dirty_pages()" (commit 143dfe8611a6, 3.2). A kernel like the rest: its
pause is a stop code. ``task.nr_dirtied`` counts up to ``nr_dirtied_pause``, which the pauses set.

# Differs from 3.2: ``ratelimit_pages`` stays what 2.6.35 makes it at boot, of all memory instead of
# the dirty limit; there is no laptop mode.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.bandwidth import (
    RATELIMIT_CALC_SHIFT,
    bdi_position_ratio,
    bdi_update_bandwidth,
    dirty_freerun_ceiling,
    ilog2,
)
from sim.machine.dirty_limits import bdi_dirty_limit, update_dirty_limits
from sim.machine.machine import BACKGROUND_WANTED, CPU, NOW, RATELIMIT_PAGES, WAKE_FLUSHER
from sim.machine.stall import STALL_BALANCE_DIRTY
from sim.machine.sysctl import HZ
from sim.machine.task import DONE, WANT_PAUSE
from sim.machine.vmstat import (
    BACKGROUND_THRESH_PAGES,
    BALANCE_DIRTY_CALLS,
    BALANCE_DIRTY_PAUSES,
    DIRTY_THRESH_PAGES,
    NR_FILE_DIRTY,
    NR_WRITEBACK,
)
from sim.machine.wake import wake_up
from sim.mm.vmscan_direct import log_stall

IOLESS_IDLE = 0
IOLESS_LOOK = 4
IOLESS_PAUSED = 5
"""Steps of ``task.bdp_step``; between them are those of 2.6.35's form."""
CPU_DIRTIED = 0
RATELIMIT_EXCEEDED = 8


@njit
def balance_dirty_pages_ioless(m: Any, t: Any) -> Any:
    """One page was dirtied, or a pause is over; a stop code."""
    task = m.task[t]
    if task.bdp_step == IOLESS_IDLE:
        task.nr_dirtied += 1
        if not _due(m, t):
            return DONE
        task.bdp_step = IOLESS_LOOK
        task.bdp_pause = 0
        task.stall_begin_ns = m.clock[NOW]
        task.stall_cw_ns = 0
        task.stall_wp_ns = 0
        task.stall_wait_ns = 0
        task.stall_pause_ns = 0
        task.stall_written = 0
        m.vm[BALANCE_DIRTY_CALLS] += 1
    if task.bdp_step == IOLESS_PAUSED:
        task.stall_pause_ns += m.clock[NOW] - task.bdp_paused_at_ns
        task.bdp_step = IOLESS_LOOK
        if task.bdp_granted > 0:
            _end(m, t)
            return DONE
    if _must_pause(m, t):
        return WANT_PAUSE
    _end(m, t)
    return DONE


@njit
def _due(m: Any, t: Any) -> Any:
    """Has the task dirtied its share, or the CPU's tasks together 32 KiB to 4 MiB?"""
    task = m.task[t]
    ratelimit = task.nr_dirtied_pause
    if m.bdi[0].dirty_exceeded:
        ratelimit = min(ratelimit, RATELIMIT_EXCEEDED)
    cpu = m.clock[CPU]
    if task.nr_dirtied >= ratelimit:
        m.cpu[cpu, CPU_DIRTIED] = 0
        return True
    m.cpu[cpu, CPU_DIRTIED] += 1
    if m.cpu[cpu, CPU_DIRTIED] >= m.clock[RATELIMIT_PAGES]:
        m.cpu[cpu, CPU_DIRTIED] = 0
        return True
    return False


@njit
def _ask_flusher(m: Any) -> Any:
    if not m.bdi[0].writeback_running:
        m.clock[BACKGROUND_WANTED] = 1
        wake_up(m, WAKE_FLUSHER)


@njit
def _must_pause(m: Any, t: Any) -> Any:
    """Set up the next pause; False when the task may go on at once."""
    task = m.task[t]
    bdi = m.bdi[0]
    update_dirty_limits(m)
    dirty = m.vm[NR_FILE_DIRTY] + m.vm[NR_WRITEBACK]
    task.bdp_exceeded = 0
    if dirty <= dirty_freerun_ceiling(m):
        return False
    _ask_flusher(m)
    bdi_dirty = bdi.nr_reclaimable + bdi.nr_writeback
    if bdi_dirty > bdi_dirty_limit(m) or dirty > m.vm[DIRTY_THRESH_PAGES]:
        task.bdp_exceeded = 1
        bdi.dirty_exceeded = 1
    bdi_update_bandwidth(m, task.stall_begin_ns, True)
    max_pause = _max_pause(m, bdi_dirty)
    granted = (bdi.dirty_ratelimit * bdi_position_ratio(m)) >> RATELIMIT_CALC_SHIFT
    pause = np.int64(max_pause)
    if granted > 0:
        pause = min(m.sysctl[HZ] * task.nr_dirtied // granted, max_pause)
    task.bdp_granted = granted
    if pause <= 0:
        task.bdp_pause = 1  # not 0: that would mean that nobody is throttled
        return False
    task.bdp_pause = pause
    task.bdp_max_pause = max_pause
    task.timeout_jiffies = pause
    task.bdp_paused_at_ns = m.clock[NOW]
    task.bdp_step = IOLESS_PAUSED
    m.vm[BALANCE_DIRTY_PAUSES] += 1
    return True


@njit
def _max_pause(m: Any, bdi_dirty: Any) -> Any:
    """Jiffies: 20 ms for one dirtier, more for many, never what would let the disk run dry."""
    bdi = m.bdi[0]
    hz = m.sysctl[HZ]
    hi = ilog2(bdi.avg_write_bandwidth)
    lo = ilog2(bdi.dirty_ratelimit)
    pause = hz // 50
    if hi > lo:
        pause += (hi - lo) * (20 * hz) // 1024
    pause = min(pause, bdi_dirty * hz // (8 * bdi.avg_write_bandwidth + 1))
    return min(max(pause, 4), max(hz // 5, 1))


@njit
def _end(m: Any, t: Any) -> Any:
    """How many pages until the next look: so that pauses come to about half the longest."""
    task = m.task[t]
    bdi = m.bdi[0]
    vm = m.vm
    if bdi.dirty_exceeded and not task.bdp_exceeded:
        bdi.dirty_exceeded = 0
    dirtied = np.int64(task.nr_dirtied)
    wanted = bdi.dirty_ratelimit * (task.bdp_max_pause // 2) // m.sysctl[HZ]
    if task.bdp_pause == 0:
        room = vm[DIRTY_THRESH_PAGES] - vm[NR_FILE_DIRTY] - vm[NR_WRITEBACK]
        task.nr_dirtied_pause = np.int64(1) << (ilog2(room) >> 1) if room > 0 else 1
    elif task.bdp_pause <= task.bdp_max_pause // 4 and dirtied >= task.nr_dirtied_pause:
        task.nr_dirtied_pause = min(max(wanted, dirtied + dirtied // 8), dirtied * 4)
    elif task.bdp_pause >= task.bdp_max_pause:
        task.nr_dirtied_pause = 1 | min(max(wanted, dirtied // 4), dirtied - dirtied // 8)
    task.nr_dirtied = 0
    task.bdp_step = IOLESS_IDLE
    if m.clock[NOW] > task.stall_begin_ns:
        log_stall(m, t, STALL_BALANCE_DIRTY)
    if vm[NR_FILE_DIRTY] > vm[BACKGROUND_THRESH_PAGES]:
        _ask_flusher(m)
