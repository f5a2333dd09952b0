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
from sim.fs.fs_writeback import start_memcg_background
from sim.machine.bandwidth import (
    RATELIMIT_CALC_SHIFT,
    bdi_position_ratio,
    bdi_update_bandwidth,
    dirty_freerun_ceiling,
    domain_limits,
    ilog2,
    wb_dirty_pages,
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
DIRTY_POLL_THRESH = 128 >> (12 - 10)
"""Pages: fewer a pause are not worth the CPU time."""


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
    must_pause = _must_pause_6_1(m, t) if m.rules[0].reclaim_6_1 else _must_pause(m, t)
    if must_pause:
        return WANT_PAUSE
    _end(m, t)
    return DONE


@njit
def _due(m: Any, t: Any) -> Any:
    """Has the task dirtied its share, or the CPU's tasks together 32 KiB to 4 MiB?"""
    task = m.task[t]
    ratelimit = task.nr_dirtied_pause
    if m.bdi[_wb(m, task)].dirty_exceeded:
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
    if dirty <= dirty_freerun_ceiling(m, 0, False):
        return False
    _ask_flusher(m)
    bdi_dirty = bdi.nr_reclaimable + bdi.nr_writeback
    if bdi_dirty > bdi_dirty_limit(m) or dirty > m.vm[DIRTY_THRESH_PAGES]:
        task.bdp_exceeded = 1
        bdi.dirty_exceeded = 1
    bdi_update_bandwidth(m, 0, task.stall_begin_ns, True)
    max_pause = _max_pause(m, bdi_dirty)
    granted = (bdi.dirty_ratelimit * bdi_position_ratio(m, 0, False)) >> RATELIMIT_CALC_SHIFT
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
def _wb(m: Any, task: Any) -> Any:
    """Whose bdi_writeback throttles the task: its memcg's, or the disk's."""
    return np.int64(task.memcg if m.rules[0].cgroup2 else 0)


@njit
def _ask_wb(m: Any, g: Any) -> None:
    if g > 0:
        start_memcg_background(m, g)
    else:
        _ask_flusher(m)


@njit
def _must_pause_6_1(m: Any, t: Any) -> Any:
    """The same of 6.1: the stricter of two domains, pauses worth having, thinking time counts."""
    task = m.task[t]
    g = _wb(m, task)
    bdi = m.bdi[g]
    hz = m.sysctl[HZ]
    now = m.clock[NOW] * hz // 1_000_000_000
    update_dirty_limits(m)
    thresh, background, dirty = domain_limits(m, 0, False)
    free = dirty <= dirty_freerun_ceiling(m, 0, False)
    own = g > 0
    own_thresh, own_dirty = thresh, dirty
    if own:
        own_thresh, _, own_dirty = domain_limits(m, g, True)
        free = free and own_dirty <= dirty_freerun_ceiling(m, g, True)
    if m.vm[NR_FILE_DIRTY] > background:
        _ask_flusher(m)
    task.bdp_exceeded = 0
    if free:
        task.bdp_paused_when = now
        task.nr_dirtied = 0
        task.nr_dirtied_pause = _poll_interval(dirty, thresh)
        if own:
            every = _poll_interval(own_dirty, own_thresh)
            task.nr_dirtied_pause = min(task.nr_dirtied_pause, every)
        return False
    _ask_wb(m, g)
    wb_dirty = wb_dirty_pages(m, g)
    exceeded = wb_dirty > bdi_dirty_limit(m) and dirty > thresh
    pos_ratio = bdi_position_ratio(m, g, False)
    if own:
        exceeded = exceeded or own_dirty > own_thresh
        pos_ratio = min(pos_ratio, bdi_position_ratio(m, g, True))
    bdi.dirty_exceeded = 1 if exceeded else 0
    bdi_update_bandwidth(m, g, task.stall_begin_ns, True)
    granted = (bdi.dirty_ratelimit * pos_ratio) >> RATELIMIT_CALC_SHIFT
    max_pause = _max_pause_6_1(m, bdi.avg_write_bandwidth, wb_dirty)
    min_pause, until_next = _min_pause_6_1(m, bdi, max_pause, granted)
    dirtied = np.int64(task.nr_dirtied)
    period = np.int64(max_pause)
    pause = np.int64(max_pause)
    if granted > 0:
        period = hz * dirtied // granted
        pause = period
        if task.bdp_paused_when:
            pause -= now - task.bdp_paused_when
        if pause < min_pause:
            if pause < -hz:
                task.bdp_paused_when = now
                task.nr_dirtied = 0
            elif period:
                task.bdp_paused_when += period
                task.nr_dirtied = 0
            elif task.nr_dirtied_pause <= dirtied:
                task.nr_dirtied_pause += dirtied
            return False
        if pause > max_pause:
            now += min(pause - max_pause, max_pause)
            pause = np.int64(max_pause)
    task.bdp_granted = granted
    task.bdp_paused_when = now + pause
    task.nr_dirtied = 0
    task.nr_dirtied_pause = until_next
    task.timeout_jiffies = pause
    task.bdp_paused_at_ns = m.clock[NOW]
    task.bdp_step = IOLESS_PAUSED
    m.vm[BALANCE_DIRTY_PAUSES] += 1
    return True


@njit
def _poll_interval(dirty: Any, thresh: Any) -> Any:
    """dirty_poll_interval: pages until the next look, the square root of what is left."""
    return np.int64(1) << (ilog2(thresh - dirty) >> 1) if thresh > dirty else np.int64(1)


@njit
def _max_pause_6_1(m: Any, bandwidth: Any, wb_dirty: Any) -> Any:
    """wb_max_pause: an eighth of a second's pages, never so long that the disk runs dry."""
    hz = m.sysctl[HZ]
    pause = wb_dirty // (1 + bandwidth // _power_of_two(1 + hz // 8)) + 1
    return min(pause, max(hz // 5, 1))


@njit
def _min_pause_6_1(m: Any, bdi: Any, max_pause: Any, granted: Any) -> Any:
    """wb_min_pause: (shortest pause worth taking, pages until the next one); 10 ms for one dd."""
    hz = m.sysctl[HZ]
    ratelimit = bdi.dirty_ratelimit
    hi = ilog2(bdi.avg_write_bandwidth)
    lo = ilog2(ratelimit)
    target = max(np.int64(1), hz // 100)
    if hi > lo:
        target += (hi - lo) * (10 * hz) // 1024
    target = min(target, 1 + max_pause // 2)
    pages = ratelimit * target // _power_of_two(hz)
    if pages < DIRTY_POLL_THRESH:
        target = max_pause
        pages = ratelimit * target // _power_of_two(hz)
        if pages > DIRTY_POLL_THRESH:
            pages = np.int64(DIRTY_POLL_THRESH)
            target = hz * DIRTY_POLL_THRESH // ratelimit
    if hz * pages // (granted + 1) > max_pause:
        target = max_pause
        pages = granted * target // _power_of_two(hz)
    return 1 + target // 2 if pages >= DIRTY_POLL_THRESH else target, pages


@njit
def _power_of_two(value: Any) -> Any:
    """roundup_pow_of_two."""
    power = np.int64(1)
    while power < value:
        power <<= 1
    return power


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
    if m.rules[0].reclaim_6_1:
        task.bdp_step = IOLESS_IDLE
        if m.clock[NOW] > task.stall_begin_ns:
            log_stall(m, t, STALL_BALANCE_DIRTY)
        return
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
