"""Trace events as the families of a Result: stalls, sleeps, requests, trace rows, counters.

Times are the trace's clock; ``ftrace.py`` moves them to the run's start. What an event of a later
kernel means in the terms of 2.6.35 stands beside its handler.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from sim.machine.request import Issuer
from sim.machine.tracepoints import (
    EV_DIRECT_BEGIN,
    EV_DIRECT_END,
    EV_KSWAPD_SLEEP,
    EV_KSWAPD_WAKE,
    EV_LRU_ISOLATE,
    EV_MEMCG_BEGIN,
    EV_MEMCG_END,
    EV_MEMCG_ISOLATE,
    EV_WAKEUP_KSWAPD,
    EV_WRITEPAGE,
    RECLAIM_WB_ANON,
    RECLAIM_WB_ASYNC,
    RECLAIM_WB_FILE,
    RECLAIM_WB_SYNC,
)  # fmt: skip
from sim.result import SleepCause, StallKind
from sim.traces.errors import Problems
from sim.traces.ftrace_text import FtraceReader, Handler, fields, number, numbers, sleep_ns
from sim.traces.gfp import gfp_bits
from sim.units import NSEC_PER_MSEC, NSEC_PER_USEC

_KIND_NAME = ("direct", "memcg")  # by StallKind
_WRITE_FLAGS = {
    b"RECLAIM_WB_ANON": RECLAIM_WB_ANON, b"RECLAIM_WB_FILE": RECLAIM_WB_FILE,
    b"RECLAIM_WB_SYNC": RECLAIM_WB_SYNC, b"RECLAIM_WB_ASYNC": RECLAIM_WB_ASYNC,
}  # fmt: skip
_THROTTLE_CAUSE = {
    b"VMSCAN_THROTTLE_ISOLATED": SleepCause.TOO_MANY_ISOLATED,
    b"VMSCAN_THROTTLE_NOPROGRESS": SleepCause.NO_PROGRESS,
}

_ISOLATE_LATER = (b"order", b"nr_requested", b"nr_scanned", b"nr_taken")
_ISOLATE_2_6_36 = (
    b"isolate_mode", *_ISOLATE_LATER, b"contig_taken", b"contig_dirty", b"contig_failed",
)  # fmt: skip
_SHRINK = (b"nr_scanned", b"nr_reclaimed", b"priority")
_DIRTY_STATE = (b"dirty", b"writeback", b"thresh", b"bg_thresh")
_SHRINK_MET = (b"nr_dirty", b"nr_writeback")

# A stall while it is open: columns of STALL, in order.
(
    BEGIN, END, TASK, KIND, PRIORITY, MEMCG, ORDER, SCANNED, RECLAIMED, DIRTY, WRITTEN,
    CONGESTION_WAIT, WRITEPAGE, PAGE_WAIT, PAUSE,
) = range(15)  # fmt: skip
UNKNOWN_PRIORITY = 127
NO_SECTOR = b"18446744073709551615"  # of a flush


class EventCollector:
    """Collects what the handlers see, as lists of rows in the order of the Result's columns."""

    def __init__(self, problems: Problems) -> None:
        self.reader = FtraceReader(self._handlers(), problems)
        self.counters: Counter[str] = Counter()
        self.stalls: list[list[int]] = []
        self.sleeps: list[list[int]] = []
        self.rows: list[tuple[int, ...]] = []
        self.steals: list[tuple[int, str, int, int]] = []
        """(t, context, scanned, reclaimed) of every shrink_inactive_list."""
        self.kswapd_awake: list[tuple[int, int]] = []
        self.marks: list[tuple[int, int, str]] = []
        self.requests: dict[bytes, list[list[int]]] = defaultdict(list)
        """By device: t_queue, t_issue, t_done, sector, nr, task, write, sync, meta, issuer, depth.
        """
        self.dirty_state: list[tuple[int, ...]] = []
        """(t, dirty, writeback, thresh, bg_thresh)."""
        self.unmatched: Counter[str] = Counter()
        self._inside: dict[int, list[int]] = {}
        self._awake: dict[int, int] = {}
        self._dirtier: dict[int, tuple[list[int], int, list[int]]] = {}
        self._pause_end: dict[int, int] = {}
        self._pending: dict[tuple[bytes, int], list[int]] = {}
        self._queued: dict[tuple[bytes, int], int] = {}
        self._issuers: list[int] = []

    def _handlers(self) -> dict[bytes, Handler]:
        direct, memcg = StallKind.DIRECT_RECLAIM, StallKind.MEMCG_RECLAIM
        return {
            b"mm_vmscan_direct_reclaim_begin": self._begin(EV_DIRECT_BEGIN, direct),
            b"mm_vmscan_direct_reclaim_end": self._end(EV_DIRECT_END, direct),
            b"mm_vmscan_memcg_reclaim_begin": self._begin(EV_MEMCG_BEGIN, memcg),
            b"mm_vmscan_memcg_reclaim_end": self._end(EV_MEMCG_END, memcg),
            b"mm_vmscan_kswapd_wake": self._kswapd_wake,
            b"mm_vmscan_kswapd_sleep": self._kswapd_sleep,
            b"mm_vmscan_wakeup_kswapd": self._wakeup_kswapd,
            b"mm_vmscan_lru_isolate": self._isolate,
            b"mm_vmscan_memcg_isolate": self._isolate,
            b"mm_vmscan_lru_shrink_inactive": self._shrink_inactive,
            b"mm_vmscan_writepage": self._write,
            b"mm_vmscan_write_folio": self._write,
            b"mm_vmscan_throttled": self._throttled,
            b"balance_dirty_pages": self._balance_dirty,
            b"global_dirty_state": self._dirty_state,
            b"writeback_single_inode": self._single_inode,
            b"block_rq_insert": self._rq_insert,
            b"block_rq_issue": self._rq_issue,
            b"block_rq_complete": self._rq_complete,
            b"block_rq_requeue": self._rq_requeue,
            b"tracing_mark_write": self._mark,
        }

    # ---- reclaim

    def context(self, task: int) -> str:
        """Who reclaims: the call the task is in, else by its name."""
        stall = self._inside.get(task)
        if stall is not None:
            return _KIND_NAME[stall[KIND]]
        return "kswapd" if self.reader.tasks.comms[task].startswith("kswapd") else "other"

    def _begin(self, event: int, kind: StallKind) -> Handler:
        def begin(t: int, cpu: int, task: int, args: bytes) -> None:
            f = fields(args)
            order = number(f[b"order"])
            may_writepage = number(f.get(b"may_writepage", b"-1"))  # gone from later kernels
            gfp = gfp_bits(f[b"gfp_flags"])
            if task in self._inside:
                # Its end is lost, or (2.6.36 memcg) this call is nested: the inner one is kept.
                self.unmatched["reclaim without end"] += 1
            memcg = int(kind == StallKind.MEMCG_RECLAIM)
            self._inside[task] = [
                t, 0, task, kind, UNKNOWN_PRIORITY, memcg, order, 0, 0, 0, 0, 0, 0, 0, 0,
            ]  # fmt: skip
            self.rows.append((t, event, cpu, task, order, may_writepage, gfp))

        return begin

    def _end(self, event: int, kind: StallKind) -> Handler:
        def end(t: int, cpu: int, task: int, args: bytes) -> None:
            reclaimed = number(fields(args)[b"nr_reclaimed"])
            self.rows.append((t, event, cpu, task, reclaimed))
            stall = self._inside.get(task)
            if stall is None or stall[KIND] != kind:
                self.unmatched["end of a reclaim that began before the trace"] += 1
                return
            del self._inside[task]
            stall[END] = t
            stall[RECLAIMED] = reclaimed
            self.stalls.append(stall)
            name = _KIND_NAME[kind]
            self.counters[f"{name}_reclaims"] += 1
            self.counters[f"{name}_stall_ns"] += t - stall[BEGIN]

        return end

    def _isolate(self, t: int, cpu: int, task: int, args: bytes) -> None:
        """6.1: a list's name replaces the mode 0 (inactive) or 1 (active), contig_* are gone."""
        f = fields(args)
        lru = f.get(b"lru")
        if lru is None:
            values = numbers(f, _ISOLATE_2_6_36)
        else:
            values = [int(lru.startswith(b"active")), *numbers(f, _ISOLATE_LATER), -1, -1, -1]
        who = self.context(task)
        self.counters[f"isolated_{who}"] += values[3]
        event = EV_MEMCG_ISOLATE if who == "memcg" else EV_LRU_ISOLATE
        self.rows.append((t, event, cpu, task, *values))

    def _shrink_inactive(self, t: int, _cpu: int, task: int, args: bytes) -> None:
        """2.6.37 and later; the dirty and writeback counts came later still."""
        f = fields(args)
        scanned, reclaimed, priority = numbers(f, _SHRINK)
        dirty, writeback = numbers(f, _SHRINK_MET) if b"nr_dirty" in f else (0, 0)
        who = self.context(task)
        self.steals.append((t, who, scanned, reclaimed))
        counters = self.counters
        counters[f"pgscan_{who}"] += scanned
        counters[f"pgsteal_{who}"] += reclaimed
        counters[f"dirty_met_{who}"] += dirty
        counters[f"writeback_met_{who}"] += writeback
        stall = self._inside.get(task)
        if stall is not None:
            stall[SCANNED] += scanned
            stall[DIRTY] += dirty
            stall[PRIORITY] = min(stall[PRIORITY], priority)

    def _write(self, t: int, cpu: int, task: int, args: bytes) -> None:
        """``->writepage`` by reclaim; pfn is decimal in 2.6.36 and hexadecimal later."""
        f = fields(args)
        flags = sum(_WRITE_FLAGS.get(name, 0) for name in f[b"flags"].split(b"|"))
        self.rows.append((t, EV_WRITEPAGE, cpu, task, number(f[b"pfn"]), flags))
        who = self.context(task)
        kind = "file" if flags & RECLAIM_WB_FILE else "anon"
        how = ("_sync" if flags & RECLAIM_WB_SYNC else "_async") if who == "direct" else ""
        self.counters[f"{who}_write_{kind}{how}"] += 1
        self.counters["nr_vmscan_write"] += 1
        if task in self._inside:
            self._inside[task][WRITTEN] += 1

    def _throttled(self, t: int, _cpu: int, task: int, args: bytes) -> None:
        """reclaim_throttle, after the sleep: what congestion_wait was in 2.6.35."""
        f = fields(args)
        slept = sleep_ns(f[b"usect_delayed"], NSEC_PER_USEC)
        who = self.context(task)
        self.counters[f"{who}_congestion_waits"] += 1
        self.counters[f"{who}_congestion_wait_ns"] += slept
        cause = _THROTTLE_CAUSE.get(f[b"reason"], SleepCause.CONGESTION_WAIT)
        if slept:
            self.sleeps.append([t - slept, t, task, cause])
        if task in self._inside:
            self._inside[task][CONGESTION_WAIT] += slept

    def _kswapd_wake(self, t: int, cpu: int, task: int, args: bytes) -> None:
        f = fields(args)
        self.rows.append((t, EV_KSWAPD_WAKE, cpu, task, number(f[b"nid"]), number(f[b"order"])))
        if task in self._awake:
            self.counters["kswapd_rewakeups"] += 1
        else:
            self.counters["kswapd_wakeups"] += 1
            self._awake[task] = t

    def _kswapd_sleep(self, t: int, cpu: int, task: int, args: bytes) -> None:
        self.rows.append((t, EV_KSWAPD_SLEEP, cpu, task, number(fields(args)[b"nid"])))
        since = self._awake.pop(task, None)
        if since is None:
            self.unmatched["kswapd was awake when the trace began"] += 1
            return
        self.kswapd_awake.append((since, t))

    def _wakeup_kswapd(self, t: int, cpu: int, task: int, args: bytes) -> None:
        f = fields(args)
        zid = number(f.get(b"zid", b"-1"))  # gone from later kernels
        row = (t, EV_WAKEUP_KSWAPD, cpu, task, number(f[b"nid"]), zid, number(f[b"order"]))
        self.rows.append(row)
        self.counters["wakeup_kswapd"] += 1

    # ---- writeback

    def _balance_dirty(self, t: int, _cpu: int, task: int, args: bytes) -> None:
        """One event before each sleep of ``pause`` ms; ``paused`` counts from the call's start."""
        f = fields(args)
        pause = sleep_ns(f[b"pause"], NSEC_PER_MSEC)
        paused = sleep_ns(f[b"paused"], NSEC_PER_MSEC)
        stall: list[int] | None = None
        slept = 0
        if task in self._dirtier:
            stall, slept, sleep = self._dirtier[task]
            # A pause of n ticks ends with the n-th tick, up to one tick before n ticks are over.
            stall[END] = sleep[1] = min(stall[END], t)
        if stall is not None and paused < slept:
            # Its clock began anew: another call.
            self._leave_balance_dirty(task)
            stall = None
        if not pause:
            if stall is not None:
                stall[END] = t
                self._leave_balance_dirty(task)
            return
        self.counters["balance_dirty_pauses"] += 1
        self.counters["balance_dirty_ns"] += pause
        sleep = [t, t + pause, task, SleepCause.BALANCE_DIRTY]
        self.sleeps.append(sleep)
        if stall is None:
            begin = max(t - paused, self._pause_end.get(task, 0))
            kind = StallKind.BALANCE_DIRTY
            stall = [min(begin, t), 0, task, kind, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        self._dirtier[task] = (stall, paused + pause, sleep)
        stall[END] = t + pause
        stall[PAUSE] += pause

    def _leave_balance_dirty(self, task: int) -> None:
        stall, _, _ = self._dirtier.pop(task)
        self._pause_end[task] = stall[END]
        self.stalls.append(stall)

    def _dirty_state(self, t: int, _cpu: int, _task: int, args: bytes) -> None:
        self.dirty_state.append((t, *numbers(fields(args), _DIRTY_STATE)))

    def _single_inode(self, _t: int, _cpu: int, _task: int, args: bytes) -> None:
        """The flusher's writing of one inode: pages put under writeback."""
        self.counters["written_flusher"] += number(fields(args)[b"wrote"])

    # ---- block

    def _issuer(self, task: int) -> int:
        issuers = self._issuers
        while len(issuers) <= task:
            issuers.append(issuer_of(self.reader.tasks.comms[len(issuers)]))
        if issuers[task] == Issuer.OTHER and task in self._inside:
            memcg = self._inside[task][KIND] == StallKind.MEMCG_RECLAIM
            return Issuer.MEMCG if memcg else Issuer.DIRECT
        return issuers[task]

    def _rq_insert(self, t: int, _cpu: int, _task: int, args: bytes) -> None:
        device, _, sector, _ = request(args)
        self._queued[device, sector] = t

    def _rq_issue(self, t: int, _cpu: int, task: int, args: bytes) -> None:
        device, rwbs, sector, nr = request(args)
        write = b"W" in rwbs
        if not nr or not (write or b"R" in rwbs):
            return  # a flush or a discard
        self._pending[device, sector] = [
            self._queued.pop((device, sector), -1), t, 0, sector, nr, task, write,
            b"S" in rwbs if write else b"A" not in rwbs, b"M" in rwbs, self._issuer(task),
            len(self._pending),
        ]  # fmt: skip

    def _rq_complete(self, t: int, _cpu: int, _task: int, args: bytes) -> None:
        device, _, sector, nr = request(args)
        row = self._pending.pop((device, sector), None) if nr else None
        if row is None:
            # A flush, or the second end of a write that was sent with one.
            self.unmatched["request ends without a beginning"] += bool(nr)
            return
        row[2] = t
        self.requests[device].append(row)

    def _rq_requeue(self, _t: int, _cpu: int, _task: int, args: bytes) -> None:
        device, _, sector, _ = request(args)
        self._pending.pop((device, sector), None)

    def _mark(self, t: int, _cpu: int, task: int, args: bytes) -> None:
        self.marks.append((t, task, args.strip().decode("ascii", "replace")))

    # ---- the end

    def finish(self) -> None:
        """Close what is still open when the trace ends, and count what cannot be closed."""
        for task in list(self._dirtier):
            self._leave_balance_dirty(task)
        self.kswapd_awake += [(since, self.reader.last_ns) for since in self._awake.values()]
        if self.kswapd_awake:
            self.counters["kswapd_awake_ns"] = sum(end - since for since, end in self.kswapd_awake)
        if self._inside:
            self.unmatched["reclaim still running at the end"] = len(self._inside)
        if self._pending:
            self.unmatched["request still at the disk at the end"] = len(self._pending)


def request(args: bytes) -> tuple[bytes, bytes, int, int]:
    """(device, rwbs, sector, sectors) of a block event of any kernel."""
    device, rwbs, _ = args.split(None, 2)
    sector, plus, nr = args[args.index(b") ") + 2 :].split(None, 3)[:3]
    if plus != b"+":
        raise ValueError("no request")
    return device, rwbs, -1 if sector == NO_SECTOR else number(sector), number(nr)


def issuer_of(comm: str) -> int:
    """Issuer by the name of the task that sent the request to the disk."""
    if comm.startswith("kswapd"):
        return Issuer.KSWAPD
    if comm.startswith(("flush-", "kworker/u")) or comm == "pdflush":
        return Issuer.FLUSHER
    if comm.startswith(("jbd2", "kjournald")):
        return Issuer.JOURNAL
    # Bound workers and softirqs send requests that others have queued.
    if comm.startswith(("kworker/", "kblockd", "ksoftirqd", "<idle>")):
        return Issuer.UNKNOWN
    return Issuer.OTHER
