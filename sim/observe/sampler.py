"""Samples the machine's counters at equal distances and empties its logs.

Runs at observer priority, after everything else due at the same time; reads state, never writes it
(but for the row counts of the logs it empties).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.clock import NR_SLEEP_LOG
from sim.engine.engine import PRIORITY_OBSERVER, Alarm
from sim.machine.dirty_limits import update_dirty_limits
from sim.machine.machine import NR_IO_LOG, NR_STALL, NR_TRACE
from sim.machine.request import ISSUER_FLUSHER, ISSUER_KSWAPD
from sim.machine.system import System
from sim.machine.vmstat import FLUSHER_RUN_NS, KSWAPD_AWAKE_NS, KSWAPD_RUN_NS, NAMES
from sim.machine.zone import MAX_NR_ZONES, MAX_ORDER, ZONE_NAMES

ZONE_FIELDS = ("nr_free", "nr_file_dirty", "nr_writeback", "pages_scanned")
ZONE_LRU_FIELDS = (
    "nr_inactive_anon",
    "nr_active_anon",
    "nr_inactive_file",
    "nr_active_file",
)
MEMCG_LRU_FIELDS = (*ZONE_LRU_FIELDS, "nr_dirty_list")
"""In the order of ``sim.machine.page.LRU_*``."""
FREE_BLOCKS = tuple(f"free_blocks_order{order}" for order in range(MAX_ORDER))
"""/proc/buddyinfo: free blocks of each order."""
MEMCG_FIELDS = (
    "usage",
    "limit",
    "soft_limit",
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

_RUN_WORDS = {KSWAPD_RUN_NS: ISSUER_KSWAPD, FLUSHER_RUN_NS: ISSUER_FLUSHER}
"""Counters that are CPU time, and whose."""


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
            + [
                f"zone.{ZONE_NAMES[z]}.{f}"
                for z in zones
                for f in ZONE_FIELDS + FREE_BLOCKS + ZONE_LRU_FIELDS
            ]
            + [f"memcg.{name}.{f}" for name in memcg_names for f in MEMCG_FIELDS]
            + [f"memcg.{name}.{f}" for name in memcg_names[1:] for f in MEMCG_LRU_FIELDS]
        )
        self.rows: list[np.ndarray] = []
        self.logs: dict[str, list[np.ndarray]] = {
            "io": [], "trace": [], "stalls": [], "sleeps": [],
        }  # fmt: skip
        system.engine.empty_logs = self.empty_logs
        arrays: Any = system.arrays
        # Plain arrays: a slice of a recarray costs ten times one of these.
        self._logs = [
            (self.logs[name], word, log.view(np.ndarray))
            for name, word, log in (
                ("io", NR_IO_LOG, arrays.io_log),
                ("trace", NR_TRACE, arrays.trace),
                ("stalls", NR_STALL, arrays.stall),
                ("sleeps", NR_SLEEP_LOG, arrays.sleep_log),
            )
        ]
        self._views = _views(system.arrays, zones, len(memcg_names))
        self._lists = _memcg_lists(system.arrays, zones, len(memcg_names))
        issuers = system.arrays.task["issuer"]
        self._run_column = np.asarray(arrays.sched["run_ns"])
        self._run_words = np.array(list(_RUN_WORDS))
        self._run_tasks = np.array([int((issuers == who).argmax()) for who in _RUN_WORDS.values()])
        self._alarm = Alarm(system.engine, PRIORITY_OBSERVER, self._sample)
        self._alarm.set(0)

    def _sample(self, now_ns: int) -> None:
        row = np.empty(len(self.columns), np.int64)
        row[0] = now_ns
        n = 1
        for words, indices in self._views:
            row[n : n + len(indices)] = words[indices]
            n += len(indices)
        words, lists = self._lists
        row[n:] = words[lists].sum(axis=0)
        row[1 + self._run_words] = self._run_ns()
        row[1 + KSWAPD_AWAKE_NS] += self._awake_ns(now_ns)
        self.rows.append(row)
        self.empty_logs()
        if now_ns + self._interval_ns <= self._end_ns:
            self._alarm.set(now_ns + self._interval_ns)

    def counters(self) -> dict[str, int]:
        """Every counter as it is now, by name."""
        words = np.array(self._s.arrays.vm)
        words[self._run_words] = self._run_ns()
        words[KSWAPD_AWAKE_NS] += self._awake_ns(self._s.engine.now_ns)
        return dict(zip(NAMES, words.tolist(), strict=False))

    def _run_ns(self) -> np.ndarray:
        # The scheduler counts CPU time by task and knows nothing of what the tasks are.
        run_ns: np.ndarray = self._run_column[self._run_tasks]
        return run_ns

    def _awake_ns(self, now_ns: int) -> int:
        # kswapd may be awake for minutes at a time, and adds that up when it sleeps.
        since_ns = self._s.kswapd_awake_since_ns
        return max(now_ns - since_ns, 0) if since_ns >= 0 else 0

    def empty_logs(self) -> None:
        """Take what the logs hold, so that they do not run over."""
        clock = self._s.clock
        for taken, word, log in self._logs:
            if count := int(clock[word]):
                taken.append(log[:count].copy())
                clock[word] = 0


def refresh_limits(system: System) -> None:
    """The dirty limits as they are before the first page is dirtied."""
    update_dirty_limits(system.m)


def _views(arrays: Any, zones: list[int], nr_memcgs: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(flat int64 words, which of them) for each array that a row is made of, in column order."""
    views = [(arrays.vm, np.arange(len(NAMES)))]
    for z in zones:
        fields = [(f, 0) for f in ZONE_FIELDS]
        fields += [("nr_free_blocks", order) for order in range(MAX_ORDER)]
        views.append(_words(arrays.zone, z, fields))
        views.append(_words(arrays.lru, z, [("nr", i) for i in range(len(ZONE_LRU_FIELDS))]))
    views += [_words(arrays.memcg, g, [(f, 0) for f in MEMCG_FIELDS]) for g in range(nr_memcgs)]
    return views


def _memcg_lists(arrays: Any, zones: list[int], nr_memcgs: int) -> tuple[np.ndarray, np.ndarray]:
    """(flat int64 words, a row for each zone: the lists of each memcg but the root's).

    The root's lists would be the zones'.
    """
    fields = [("nr", i) for i in range(len(MEMCG_LRU_FIELDS))]
    words = np.frombuffer(memoryview(arrays.lru).cast("B"), np.int64)
    places = [
        [at for g in range(1, nr_memcgs)
         for at in _words(arrays.lru, g * MAX_NR_ZONES + z, fields)[1].tolist()]
        for z in zones
    ]  # fmt: skip
    return words, np.array(places, np.int64)


def _words(records: Any, row: int, fields: list[tuple[str, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Where element i of a field of record ``row`` is in the array seen as int64 words."""
    dtype = records.dtype
    size = dtype.itemsize // 8
    offsets = [dtype.fields[name][1] // 8 + i for name, i in fields]
    words = np.frombuffer(memoryview(records).cast("B"), np.int64)
    return words, row * size + np.array(offsets)
