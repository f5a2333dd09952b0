"""Samples the machine's counters at equal distances and empties its logs.

Runs at observer priority, after everything else due at the same time; reads state, never writes it
(but for the row counts of the logs it empties).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.engine import PRIORITY_OBSERVER, Alarm
from sim.machine.dirty_limits import update_dirty_limits
from sim.machine.machine import NR_IO_LOG, NR_STALL, NR_TRACE
from sim.machine.system import System
from sim.machine.vmstat import NAMES
from sim.machine.zone import MAX_NR_ZONES, ZONE_NAMES

ZONE_FIELDS = ("nr_free", "nr_file_dirty", "nr_writeback", "pages_scanned")
ZONE_LRU_FIELDS = (
    "nr_inactive_anon",
    "nr_active_anon",
    "nr_inactive_file",
    "nr_active_file",
)
MEMCG_FIELDS = (
    "usage",
    "limit",
    "nr_file",
    "nr_anon",
    "nr_dirty",
    "nr_writeback",
    "pending",
    "pending_served",
    "reclaims",
    "stall_ns",
    "pgscan",
    "pgsteal",
)


class Sampler:
    """Collects one row per ``interval_ns`` and everything the logs held."""

    def __init__(
        self, system: System, *, interval_ns: int, end_ns: int, memcg_names: list[str]
    ) -> None:
        self._s = system
        self._interval_ns = interval_ns
        self._end_ns = end_ns
        zones = [z for z in range(MAX_NR_ZONES) if system.arrays.zone["present_pages"][z]]
        self._zones = zones
        self.columns = (
            ["t_ns", *NAMES]
            + [f"zone.{ZONE_NAMES[z]}.{f}" for z in zones for f in ZONE_FIELDS + ZONE_LRU_FIELDS]
            + [f"memcg.{name}.{f}" for name in memcg_names for f in MEMCG_FIELDS]
        )
        self._nr_memcgs = len(memcg_names)
        self.rows: list[np.ndarray] = []
        self.logs: dict[str, list[np.ndarray]] = {"io": [], "trace": [], "stalls": []}
        self._alarm = Alarm(system.engine, PRIORITY_OBSERVER, self._sample)
        self._alarm.set(0)

    def _sample(self, now_ns: int) -> None:
        arrays = self._s.arrays
        row = np.empty(len(self.columns), np.int64)
        row[0] = now_ns
        n = 1 + len(NAMES)
        row[1:n] = arrays.vm
        for z in self._zones:
            record = arrays.zone[z]
            for f in ZONE_FIELDS:
                row[n] = record[f]
                n += 1
            row[n : n + 4] = arrays.lru["nr"][z, :4]
            n += 4
        for f_index, f in enumerate(MEMCG_FIELDS):
            row[n + f_index :: len(MEMCG_FIELDS)] = arrays.memcg[f][: self._nr_memcgs]
        self.rows.append(row)
        self.empty_logs()
        if now_ns + self._interval_ns <= self._end_ns:
            self._alarm.set(now_ns + self._interval_ns)

    def empty_logs(self) -> None:
        """Take what the logs hold, so that they do not run over."""
        arrays: Any = self._s.arrays
        clock = self._s.clock
        for name, word, log in (
            ("io", NR_IO_LOG, arrays.io_log),
            ("trace", NR_TRACE, arrays.trace),
            ("stalls", NR_STALL, arrays.stall),
        ):
            if clock[word]:
                self.logs[name].append(np.array(log[: clock[word]]))
                clock[word] = 0


def refresh_limits(system: System) -> None:
    """The dirty limits as they are before the first page is dirtied."""
    update_dirty_limits(system.m)
