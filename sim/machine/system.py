"""``System``: the control plane's hold on one machine: arrays, engine, wait queues, sleeping.

Kernels see ``System.m`` only. Generators of ``fs``, ``mm`` and ``policy`` call kernels and sleep
through ``wait`` as the kernels' stop codes say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any, NamedTuple

from sim.engine.clock import NOW, NR_SLEEP_LOG
from sim.engine.engine import BEGUN, NEVER, RUN, Engine, Sleep
from sim.engine.jit import JIT, njit
from sim.engine.records import ENGINE_FIELDS, engine_arrays, set_engine_words
from sim.engine.waitq import WaitQueue
from sim.machine.machine import FIELDS, JIFFY_NS, NR_IO_LOG, NR_STALL, NR_TRACE, Machine
from sim.machine.task import BUDGET_SPENT, DONE, TASK, WANT_SLAB
from sim.machine.wait import (
    ASLEEP_UNPLUG,
    COMMIT_WAIT,
    CONGESTION_ASYNC,
    FLUSHER_WAIT,
    JOURNAL_WAIT,
    KSWAPD_WAIT,
    NR_WAITQS,
    READY,
    SHADOW_WAIT,
    UNKNOWN_STOP,
    account_congestion_wait,
    begin_wait,
    end_wait,
)
from sim.result import SleepCause

Waiting = Generator[Sleep | None, bool | None, bool]

_QUIET = 1 << SleepCause.IDLE | 1 << SleepCause.THINK
"""Sleeps that nobody wants to see."""


class MainLoop(NamedTuple):
    """The kernels above this room that drive the machine; ``sim.advance`` has them."""

    advance: Callable[[Any, int], int]
    drain: Callable[[Any, int], None]
    unplug: Callable[[Any], None]
    new_slab: Callable[[Any, int], int]


class System:
    """One virtual machine at run time."""

    def __init__(
        self, arrays: dict[str, Any], main_loop: MainLoop, *, nr_cpus: int, quantum_ns: int
    ) -> None:
        """Make the machine of these arrays; see ``machine.FIELDS``."""
        arrays = arrays | engine_arrays(len(arrays["task"]), nr_cpus, NR_WAITQS)
        set_engine_words(arrays["clock"], nr_cpus, quantum_ns, _QUIET)
        self.arrays = SimpleNamespace(**arrays)
        self.m = make_machine(*(arrays[name] for name in FIELDS + ENGINE_FIELDS))
        self.clock = memoryview(self.arrays.clock)
        self.vm = memoryview(self.arrays.vm)
        self.tcol: dict[str, Any] = {
            name: memoryview(arrays["task"][name]) for name in TASK.names or ()
        }
        self.jiffy_ns = int(self.clock[JIFFY_NS])
        self.engine = Engine(
            self.m,
            self.arrays,
            advance=main_loop.advance,
            empty_logs=self._drop_logs,
        )
        self.kswapd_wait = WaitQueue(self.m, self.arrays, KSWAPD_WAIT)
        self.flusher_wait = WaitQueue(self.m, self.arrays, FLUSHER_WAIT)
        self.congestion_async = WaitQueue(self.m, self.arrays, CONGESTION_ASYNC)
        self.journal_wait = WaitQueue(self.m, self.arrays, JOURNAL_WAIT)
        self.shadow_wait = WaitQueue(self.m, self.arrays, SHADOW_WAIT)
        self.commit_wait = WaitQueue(self.m, self.arrays, COMMIT_WAIT)
        self._main_loop = main_loop
        self.kswapd_awake_since_ns = -1
        """Not yet in KSWAPD_AWAKE_NS; -1 = kswapd sleeps."""

    def drain(self, now_ns: int) -> None:
        """Act on what kernels left in the clock's WAKE words."""
        self._main_loop.drain(self.m, now_ns)

    def _drop_logs(self) -> None:
        """Nobody watches: the logs begin anew."""
        for word in (NR_IO_LOG, NR_TRACE, NR_STALL, NR_SLEEP_LOG):
            self.clock[word] = 0

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

    def congestion_wait(self, t: int, timeout_jiffies: int) -> Waiting:
        """Sleeps. Until some queue leaves congestion or the timeout (backing-dev.c)."""
        begin_ns = self.clock[NOW]
        cause = int(SleepCause.CONGESTION_WAIT)
        woken = yield Sleep(cause, self.congestion_async, self.jiffies(timeout_jiffies))
        account_congestion_wait(self.m, t, self.clock[NOW] - begin_ns)
        return bool(woken)

    def wait(self, t: int, stop: int) -> Waiting:
        """Sleeps. As the stop code of a kernel says; the caller then calls the kernel again."""
        if stop == BUDGET_SPENT:
            yield RUN
            return True
        if stop == WANT_SLAB:
            while (stop := self._main_loop.new_slab(self.m, t)) != DONE:
                yield from self.wait(t, stop)
            return True
        said = begin_wait(self.m, t, stop)
        if said == READY:
            return True
        if said == UNKNOWN_STOP:
            raise AssertionError(f"a kernel of task {t} returned stop code {stop}")
        if said == ASLEEP_UNPLUG:
            self._main_loop.unplug(self.m)
        woken = yield BEGUN
        end_wait(self.m, t)
        return bool(woken)


def _new_machine(*arrays: Any) -> Any:
    return Machine(*arrays)


make_machine: Callable[..., Any] = njit(_new_machine) if JIT else Machine
