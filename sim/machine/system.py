"""``System``: the control plane's hold on one machine: arrays, engine, wait queues, sleeping.

Kernels see ``System.m`` only. Generators of ``fs``, ``mm`` and ``policy`` call kernels and sleep
through ``wait`` as the kernels' stop codes say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import numpy as np

from sim.engine.clock import ANY_WAKE, NOW
from sim.engine.engine import NEVER, PRIORITY_DEVICE, RUN, Alarm, Engine, Sleep, Task
from sim.engine.jit import JIT, njit
from sim.engine.waitq import WaitQueue
from sim.machine.machine import (
    FIELDS,
    JIFFY_NS,
    KICK_QUEUE,
    NR_WAKE_TASKS,
    WAKE_CONGESTION_ASYNC,
    WAKE_CONGESTION_SYNC,
    WAKE_FLUSHER,
    WAKE_JOURNAL,
    WAKE_KSWAPD,
    WAKE_REQUEST_ASYNC,
    WAKE_REQUEST_SYNC,
    Machine,
)
from sim.machine.page import PG_locked, PG_waiters, PG_writeback
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.task import (
    BUDGET_SPENT,
    TASK,
    WANT_ALLOC_RETRY_WAIT,
    WANT_CONGESTION_WAIT,
    WANT_ISOLATED_WAIT,
    WANT_JOURNAL,
    WANT_PAGE_READ,
    WANT_PAGE_WRITEBACK,
    WANT_PAUSE,
    WANT_REQUEST_ASYNC,
    WANT_REQUEST_SYNC,
    WANT_THINK,
    WANT_VM_WRITEOUT_WAIT,
)
from sim.machine.vmstat import (
    DIRECT_CONGESTION_WAIT_NS,
    DIRECT_CONGESTION_WAITS,
    DIRECT_WRITEPAGE_NS,
    KSWAPD_CONGESTION_WAIT_NS,
    KSWAPD_CONGESTION_WAITS,
    KSWAPD_WRITEPAGE_NS,
    MEMCG_CONGESTION_WAIT_NS,
    MEMCG_CONGESTION_WAITS,
    MEMCG_WRITEPAGE_NS,
)
from sim.result import SLEEP, SleepCause

Waiting = Generator[Sleep | None, bool | None, bool]

_CONGESTION_COUNTERS = {
    ISSUER_KSWAPD: (KSWAPD_CONGESTION_WAIT_NS, KSWAPD_CONGESTION_WAITS),
    ISSUER_DIRECT: (DIRECT_CONGESTION_WAIT_NS, DIRECT_CONGESTION_WAITS),
    ISSUER_MEMCG: (MEMCG_CONGESTION_WAIT_NS, MEMCG_CONGESTION_WAITS),
}
_WRITEPAGE_COUNTERS = {
    ISSUER_KSWAPD: KSWAPD_WRITEPAGE_NS,
    ISSUER_DIRECT: DIRECT_WRITEPAGE_NS,
    ISSUER_MEMCG: MEMCG_WRITEPAGE_NS,
}
_UNSEEN = (int(SleepCause.IDLE), int(SleepCause.THINK))


class System:
    """One virtual machine at run time."""

    def __init__(
        self,
        arrays: dict[str, Any],
        *,
        service_queue: Callable[[Any], int],
        unplug_queue: Callable[[Any], None],
        nr_cpus: int,
        quantum_ns: int,
    ) -> None:
        """Make the machine of these arrays.

        ``service_queue(m) -> ns of its next event`` and ``unplug_queue(m)`` are block's upcalls.
        """
        self.arrays = SimpleNamespace(**arrays)
        self.m = make_machine(*(arrays[name] for name in FIELDS))
        self.clock = memoryview(self.arrays.clock)
        self.vm = memoryview(self.arrays.vm)
        self.tcol: dict[str, Any] = {
            name: memoryview(arrays["task"][name]) for name in TASK.names or ()
        }
        self.jiffy_ns = int(self.clock[JIFFY_NS])
        self.engine = Engine(
            self.clock,
            nr_cpus=nr_cpus,
            quantum_ns=quantum_ns,
            drain=self._drain,
            on_sleep=self._log_sleep,
        )
        self.kswapd_wait = WaitQueue(self.engine, "kswapd_wait")
        self.flusher_wait = WaitQueue(self.engine, "flusher_wait")
        self.congestion_async = WaitQueue(self.engine, "congestion_wqh[BLK_RW_ASYNC]")
        self.congestion_sync = WaitQueue(self.engine, "congestion_wqh[BLK_RW_SYNC]")
        self.request_async = WaitQueue(self.engine, "get_request_wait async")
        self.request_sync = WaitQueue(self.engine, "get_request_wait sync")
        self.journal_wait = WaitQueue(self.engine, "journal")
        self.shadow_wait = WaitQueue(self.engine, "journal shadow")
        self._service_queue = service_queue
        self._unplug_queue = unplug_queue
        self._queue_alarm = Alarm(self.engine, PRIORITY_DEVICE, self._serve_queue)
        self._page_flags = memoryview(arrays["page"]["page_flags"])
        self._softirq_ns = memoryview(arrays["queue"]["softirq_ns"])
        self._softirq_charged_ns = 0
        self.sleeps: list[tuple[int, int, int, int]] = []

    # ---- the disk, and what kernels leave to wake

    def _serve_queue(self, _now_ns: int) -> None:
        """The disk's interrupt; the CPU time of its softirq is what the engine charges for it."""
        self._queue_alarm.set(int(self._service_queue(self.m)))
        softirq_ns = int(self._softirq_ns[0])
        self.clock[NOW] += softirq_ns - self._softirq_charged_ns
        self._softirq_charged_ns = softirq_ns

    def _drain(self, now_ns: int) -> None:
        """Act on what kernels left in the clock's WAKE words."""
        clock = self.clock
        engine = self.engine
        while clock[ANY_WAKE]:
            clock[ANY_WAKE] = 0
            if clock[KICK_QUEUE]:
                clock[KICK_QUEUE] = 0
                clock[NOW] = now_ns
                self._queue_alarm.set(int(self._service_queue(self.m)))
            for word, waitq in (
                (WAKE_KSWAPD, self.kswapd_wait),
                (WAKE_FLUSHER, self.flusher_wait),
                (WAKE_CONGESTION_ASYNC, self.congestion_async),
                (WAKE_CONGESTION_SYNC, self.congestion_sync),
                (WAKE_JOURNAL, self.journal_wait),
            ):
                if clock[word]:
                    clock[word] = 0
                    waitq.wake_up_all(now_ns)
            for word, waitq in (
                (WAKE_REQUEST_ASYNC, self.request_async),
                (WAKE_REQUEST_SYNC, self.request_sync),
            ):
                if clock[word]:
                    waitq.wake_up(now_ns, clock[word])
                    clock[word] = 0
            for i in range(clock[NR_WAKE_TASKS]):
                engine.wake(engine.tasks[int(self.arrays.wake[i])], now_ns)
            clock[NR_WAKE_TASKS] = 0

    def _log_sleep(self, task: Task, cause: int, begin_ns: int, end_ns: int) -> None:
        if cause not in _UNSEEN:
            self.sleeps.append((begin_ns, end_ns, task.number, cause))

    def take_sleeps(self) -> np.ndarray:
        """Sleeps ended since the last call, as SLEEP records."""
        records = np.array(self.sleeps, SLEEP) if self.sleeps else np.zeros(0, SLEEP)
        self.sleeps.clear()
        return records

    # ---- sleeping

    def jiffies(self, n: int) -> int:
        """The time of the n-th tick from now: every timeout ends on a tick (schedule_timeout)."""
        return int((self.clock[NOW] // self.jiffy_ns + n) * self.jiffy_ns)

    def hz(self, divisor: int) -> int:
        """HZ / divisor in jiffies, at least one."""
        return max(1, round(1_000_000_000 / self.jiffy_ns) // divisor)

    def sleep(self, waitq: WaitQueue | None, cause: SleepCause, until_ns: int = NEVER) -> Waiting:
        """Sleeps. Until woken (True) or ``until_ns`` (False)."""
        woken = yield Sleep(int(cause), waitq, until_ns)
        return bool(woken)

    def congestion_wait(
        self, t: int, timeout_jiffies: int, cause: SleepCause = SleepCause.CONGESTION_WAIT
    ) -> Waiting:
        """Sleeps. Until some queue leaves congestion or the timeout (backing-dev.c)."""
        begin_ns = self.clock[NOW]
        woken = yield Sleep(int(cause), self.congestion_async, self.jiffies(timeout_jiffies))
        asleep_ns = self.clock[NOW] - begin_ns
        counters = _CONGESTION_COUNTERS.get(self.tcol["issuer"][t])
        if counters is not None:
            self.vm[counters[0]] += asleep_ns
            self.vm[counters[1]] += 1
        self.tcol["stall_cw_ns"][t] += asleep_ns
        return bool(woken)

    def wait(self, t: int, stop: int) -> Waiting:
        """Sleeps. As the stop code of a kernel says; the caller then calls the kernel again."""
        if stop == BUDGET_SPENT:
            yield RUN
            return True
        if stop in (WANT_REQUEST_ASYNC, WANT_REQUEST_SYNC):
            return (yield from self._wait_request(t, stop))
        if stop in (WANT_PAGE_WRITEBACK, WANT_PAGE_READ):
            return (yield from self._wait_page(t, stop))
        if stop == WANT_CONGESTION_WAIT:
            return (yield from self.congestion_wait(t, self.tcol["timeout_jiffies"][t]))
        if stop == WANT_ISOLATED_WAIT:
            return (yield from self.congestion_wait(t, self.hz(10), SleepCause.TOO_MANY_ISOLATED))
        if stop == WANT_VM_WRITEOUT_WAIT:
            return (
                yield from self.congestion_wait(t, self.hz(10), SleepCause.THROTTLE_VM_WRITEOUT)
            )
        if stop == WANT_ALLOC_RETRY_WAIT:
            return (yield from self.congestion_wait(t, self.hz(50), SleepCause.NO_PROGRESS))
        if stop == WANT_JOURNAL:
            return (yield from self._wait_in_writepage(t, self.shadow_wait, SleepCause.JOURNAL))
        if stop == WANT_THINK:
            woken = yield Sleep(int(SleepCause.THINK), None, self.tcol["sleep_until_ns"][t])
            return bool(woken)
        if stop == WANT_PAUSE:
            until_ns = self.jiffies(self.tcol["timeout_jiffies"][t])
            woken = yield Sleep(int(SleepCause.BALANCE_DIRTY), None, until_ns)
            return bool(woken)
        raise AssertionError(f"a kernel of task {t} returned stop code {stop}")

    def _wait_request(self, t: int, stop: int) -> Waiting:
        waitq = self.request_async if stop == WANT_REQUEST_ASYNC else self.request_sync
        return (yield from self._wait_in_writepage(t, waitq, SleepCause.GET_REQUEST))

    def _wait_in_writepage(self, t: int, waitq: WaitQueue, cause: SleepCause) -> Waiting:
        begin_ns = self.clock[NOW]
        woken = yield Sleep(int(cause), waitq)
        asleep_ns = self.clock[NOW] - begin_ns
        counter = _WRITEPAGE_COUNTERS.get(self.tcol["issuer"][t])
        if counter is not None:
            self.vm[counter] += asleep_ns
        self.tcol["stall_wp_ns"][t] += asleep_ns
        return bool(woken)

    def _wait_page(self, t: int, stop: int) -> Waiting:
        pfn = self.tcol["wait_pfn"][t]
        bit = PG_writeback if stop == WANT_PAGE_WRITEBACK else PG_locked
        if not self._page_flags[pfn] & bit:
            self.tcol["wait_pfn"][t] = -1
            return True
        self._page_flags[pfn] |= PG_waiters
        cause = SleepCause.PAGE_WRITEBACK if stop == WANT_PAGE_WRITEBACK else SleepCause.PAGE_READ
        self._unplug_queue(self.m)  # who waits for a page starts the disk (sync_page)
        begin_ns = self.clock[NOW]
        woken = yield Sleep(int(cause))
        self.tcol["stall_wait_ns"][t] += self.clock[NOW] - begin_ns
        return bool(woken)


def _new_machine(*arrays: Any) -> Any:
    return Machine(*arrays)


make_machine: Callable[..., Any] = njit(_new_machine) if JIT else Machine
