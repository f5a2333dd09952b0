"""The disk's write bandwidth and the rate it grants each dirtier: arithmetic of 3.2.

From page-writeback.c of 3.2: "writeback: dirty position control" (commit 6c14ae1e92c7), "dirty
rate control" (be3ffa276446), "per task dirty rate limit" (9d823e8f6b1b). Rates are pages a second,
ratios have ``RATELIMIT_CALC_SHIFT`` bits behind the point.

With cgroup writeback (6.1, cgroup v2; struct dirty_throttle_control) ``g`` is the memcg whose
bdi_writeback is meant, and ``own`` says which of its two domains: the machine or the memcg.

# Differs from 6.1: of the memcg's own domain its one disk has the whole from the start, not a
# floating share; of the machine it has the share of the disk, not its own of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.dirty_limits import bdi_dirty_limit, memcg_dirty_limits
from sim.machine.machine import DIRTY_EVENTS, NOW, WRITEOUTS
from sim.machine.sysctl import HZ
from sim.machine.vmstat import (
    BACKGROUND_THRESH_PAGES,
    DIRTY_THRESH_PAGES,
    NR_FILE_DIRTY,
    NR_WRITEBACK,
)

RATELIMIT_CALC_SHIFT = 10
INIT_BW = 100 << (20 - 12)
"""What a disk is taken for at first: 100 MiB a second, pages."""
INIT_DIRTIED_PAUSE = 128 >> (12 - 10)
"""Pages a new task dirties before it is looked at."""
MIN_WRITEBACK_PAGES = 1024
DIRTY_SCOPE = 8


@njit
def jiffies(m: Any, t_ns: Any) -> Any:
    """Whole ticks since boot."""
    return t_ns * m.sysctl[HZ] // 1_000_000_000


@njit
def ilog2(value: Any) -> Any:
    """Number of the highest bit; 0 of nothing."""
    bits = np.int64(0)
    while value > 1:
        value >>= 1
        bits += 1
    return bits


@njit
def domain_limits(m: Any, g: Any, own: Any) -> Any:
    """(dirty limit, background limit, dirty pages) of the machine, or of memcg ``g``."""
    if own:
        thresh, background = memcg_dirty_limits(m, g)
        memcg = m.memcg[g]
        return np.int64(thresh), np.int64(background), memcg.nr_dirty + memcg.nr_writeback
    vm = m.vm
    dirty = vm[NR_FILE_DIRTY] + vm[NR_WRITEBACK]
    return vm[DIRTY_THRESH_PAGES], vm[BACKGROUND_THRESH_PAGES], dirty


@njit
def wb_dirty_pages(m: Any, g: Any) -> Any:
    """Dirty pages and those under writeback of one bdi_writeback."""
    if m.rules[0].cgroup2:
        return m.memcg[g].nr_dirty + m.memcg[g].nr_writeback
    return m.bdi[0].nr_reclaimable + m.bdi[0].nr_writeback


@njit
def hard_dirty_limit(m: Any, g: Any, own: Any) -> Any:
    """The limit, or where it was lately: it comes down slowly."""
    thresh, _, _ = domain_limits(m, g, own)
    return max(thresh, m.bdi[g if own else 0].dirty_limit)


@njit
def dirty_freerun_ceiling(m: Any, g: Any, own: Any) -> Any:
    """Pages up to which nobody is throttled."""
    thresh, background, _ = domain_limits(m, g, own)
    return (thresh + background) // 2


@njit
def global_position_ratio(dirty: Any, freerun: Any, limit: Any) -> Any:
    """1 + ((setpoint - dirty) / (limit - setpoint))^3, never below 0."""
    one = np.int64(1) << RATELIMIT_CALC_SHIFT
    if dirty >= limit:
        return np.int64(0)
    setpoint = (freerun + limit) // 2
    distance = (setpoint - dirty) << RATELIMIT_CALC_SHIFT
    span = limit - setpoint + 1
    x = distance // span if distance >= 0 else -(-distance // span)  # C's division
    return one + (((x * x) >> RATELIMIT_CALC_SHIFT) * x >> RATELIMIT_CALC_SHIFT)


@njit
def bdi_position_ratio(m: Any, g: Any, own: Any) -> Any:
    """How much faster (above 1) or slower than the granted rate a dirtier may go now."""
    bdi = m.bdi[g]
    thresh, _, dirty = domain_limits(m, g, own)
    freerun = dirty_freerun_ceiling(m, g, own)
    limit = hard_dirty_limit(m, g, own)
    pos_ratio = global_position_ratio(dirty, freerun, limit)
    if dirty >= limit:
        return pos_ratio
    setpoint = (freerun + limit) // 2
    bdi_dirty = wb_dirty_pages(m, g)
    share = thresh if own else min(bdi_dirty_limit(m), thresh)
    bdi_thresh = max(share, (limit - dirty) // 8)
    x = (bdi_thresh << 16) // (thresh + 1)
    bdi_setpoint = (setpoint * x) >> 16
    span = ((thresh - bdi_thresh + 8 * bdi.avg_write_bandwidth) * x) >> 16
    x_intercept = bdi_setpoint + span
    if bdi_dirty < x_intercept - span // 4:
        pos_ratio = pos_ratio * (x_intercept - bdi_dirty) // (x_intercept - bdi_setpoint + 1)
    else:
        pos_ratio //= 4
    reserve = bdi_thresh // 2
    if bdi_dirty < reserve:
        pos_ratio = pos_ratio * reserve // bdi_dirty if bdi_dirty > reserve // 8 else pos_ratio * 8
    return pos_ratio


@njit
def _update_dirty_limit(m: Any, g: Any, own: Any) -> Any:
    bdi = m.bdi[g if own else 0]
    thresh, _, dirty = domain_limits(m, g, own)
    if bdi.dirty_limit < thresh:
        bdi.dirty_limit = thresh
        return
    thresh = max(thresh, dirty)
    if bdi.dirty_limit > thresh:
        bdi.dirty_limit -= (bdi.dirty_limit - thresh) >> 5


@njit
def _written(m: Any, g: Any) -> Any:
    return m.bdi[g].written if m.rules[0].cgroup2 else m.clock[WRITEOUTS]


@njit
def _dirtied(m: Any, g: Any) -> Any:
    return m.bdi[g].dirtied if m.rules[0].cgroup2 else m.clock[DIRTY_EVENTS]


@njit
def _update_write_bandwidth(m: Any, g: Any, elapsed: Any) -> Any:
    """Smoothed over about three seconds."""
    bdi = m.bdi[g]
    hz = m.sysctl[HZ]
    log = ilog2(3 * hz - 1) + 1  # roundup_pow_of_two
    period = np.int64(1) << log
    old = bdi.write_bandwidth
    avg = bdi.avg_write_bandwidth
    bw = (_written(m, g) - bdi.written_stamp) * hz
    if elapsed > period:
        bw //= elapsed
        avg = bw
    else:
        bw = (bw + old * (period - elapsed)) >> log
        if avg > old >= bw:
            avg -= (avg - old) >> 3
        if avg < old <= bw:
            avg += (old - avg) >> 3
    bdi.write_bandwidth = bw
    bdi.avg_write_bandwidth = avg


@njit
def _update_dirty_ratelimit(m: Any, g: Any, own: Any, elapsed: Any) -> Any:
    """A step towards write bandwidth / number of dirtiers, which their own rate tells."""
    bdi = m.bdi[g]
    _, _, dirty = domain_limits(m, g, own)
    setpoint = (dirty_freerun_ceiling(m, g, own) + hard_dirty_limit(m, g, own)) // 2
    ratelimit = bdi.dirty_ratelimit
    dirty_rate = (_dirtied(m, g) - bdi.dirtied_stamp) * m.sysctl[HZ] // elapsed
    pos_ratio = bdi_position_ratio(m, g, own)
    task_ratelimit = ((ratelimit * pos_ratio) >> RATELIMIT_CALC_SHIFT) + 1
    balanced = task_ratelimit * bdi.avg_write_bandwidth // (dirty_rate | 1)
    if m.rules[0].reclaim_6_1:
        balanced = min(balanced, bdi.avg_write_bandwidth)
    if dirty < setpoint:
        x = min(bdi.balanced_dirty_ratelimit, balanced, task_ratelimit)
        step = max(x - ratelimit, 0)
    else:
        x = max(bdi.balanced_dirty_ratelimit, balanced, task_ratelimit)
        step = max(ratelimit - x, 0)
    # "Don't pursue 100% rate matching", and no faster than an eighth of the way.
    step >>= min(ratelimit // (2 * step + 1), 63)
    step = (step + 7) // 8
    ratelimit += step if ratelimit < balanced else -step
    bdi.dirty_ratelimit = max(ratelimit, 1)
    bdi.balanced_dirty_ratelimit = balanced


@njit
def bdi_update_bandwidth(m: Any, g: Any, began_ns: Any, throttling: Any) -> Any:
    """After more than HZ/5: bandwidth and, when a dirtier asks (``throttling``), the rate.

    ``began_ns``: since when the caller is at it; a disk that was idle for a second before teaches
    nothing.
    """
    bdi = m.bdi[g]
    hz = m.sysctl[HZ]
    now = jiffies(m, m.clock[NOW])
    elapsed = now - bdi.bw_stamp
    if elapsed <= max(hz // 5, 1):
        return
    if not (elapsed > hz and bdi.bw_stamp < jiffies(m, began_ns)):
        if throttling:
            _update_dirty_limit(m, g, False)
            _update_dirty_ratelimit(m, g, False, elapsed)
            if g > 0:
                _update_dirty_limit(m, g, True)
                _update_dirty_ratelimit(m, g, True, elapsed)
        _update_write_bandwidth(m, g, elapsed)
    bdi.dirtied_stamp = _dirtied(m, g)
    bdi.written_stamp = _written(m, g)
    bdi.bw_stamp = now


@njit
def writeback_chunk_size(m: Any, g: Any) -> Any:
    """Pages the flusher writes at a time: half a second's, in steps of 4 MiB (1a12d8bd7b29)."""
    bdi = m.bdi[g]
    pages = min(bdi.avg_write_bandwidth // 2, hard_dirty_limit(m, g, False) // DIRTY_SCOPE)
    return (pages + MIN_WRITEBACK_PAGES) // MIN_WRITEBACK_PAGES * MIN_WRITEBACK_PAGES
