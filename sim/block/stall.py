"""What interventions do to the device: it stands still for a while, or its rate changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.block.disk import scaled_rates
from sim.block.units import shift_units
from sim.engine.jit import njit
from sim.machine.machine import KICK_QUEUE, NOW
from sim.machine.request import DEVICE_ARM
from sim.machine.wake import wake_up


@njit
def blk_stall(m: Any, ns: int) -> None:
    """From now on the device ends nothing for ``ns``; what it was doing ends that much later.

    It still takes requests, up to its depth, as a drive does that retries or remaps inside.
    """
    q = m.queue[0]
    now = np.int64(m.clock[NOW])
    since = max(now, np.int64(q.stalled_until_ns))
    extra = now + np.int64(ns) - since
    if extra <= 0:
        return
    q.stalled_until_ns = now + ns
    if q.device_kind == DEVICE_ARM:
        if q.in_service >= 0:
            q.done_at_ns += extra
    else:
        shift_units(q, since, extra)
        r = np.int64(q.disk_head)
        while r >= 0:
            m.request[r].done_ns += extra
            r = np.int64(m.request[r].fifo_next)
    wake_up(m, KICK_QUEUE)  # the disk's alarm is set anew


def blk_set_rate(queue: Any, kb_per_s: int) -> None:
    """The media rate of requests that begin from now on, 1000 bytes a second at sector 0."""
    names = ("outer_kb_per_s", "inner_kb_per_s", "program_kb_per_s")
    for name, value in scaled_rates({n: int(queue[n]) for n in names}, kb_per_s).items():
        queue[name] = value
