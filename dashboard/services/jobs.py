"""Runs as jobs: submit a scenario, follow it, fetch its frames, give it up.

A job's name is the run key, so that the same scenario asked for by many, in several processes, is
computed once. ``LocalJobs`` computes on this machine; ``worker.CeleryJobs`` elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, Protocol

from dashboard.services.frames import MAX_MESSAGE
from dashboard.services.recordings import Recorded
from dashboard.services.results import ResultStore, RunKey
from dashboard.services.run_queue import Busy, JobStatus, RunQueue, RunState
from dashboard.services.slots import Slot, wake
from dashboard.settings import Settings, private_folder
from sim.scenario import Scenario

__all__ = ["Busy", "JobStatus", "Jobs", "LocalJobs", "RunState"]

QUEUE_LIMIT = 32
"""Runs that may wait; one more is told that the server is busy."""
RUN = "sim.runner:run"
WARM = "sim.cli:warm_scenarios"
MAX_RECORDING_BYTES = 1 << 30
"""Of one file of a recording, after decompression."""
_RENEW_S = 15.0


class Jobs(Protocol):
    """What the page and the HTTP interface ask for."""

    def submit(self, scenario: Scenario, viewer: str = "") -> RunKey:
        """Have a scenario computed, once; returns at once. Raises Busy when the queue is full."""

    def submit_recording(self, recording: Recorded, viewer: str = "") -> RunKey:
        """Have a recording read, once. Raises Busy when the queue is full."""

    def status(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """Where a run is; None when nothing is known of it (any more): submit it again."""

    def frames(self, key: RunKey, start: int) -> bytes:
        """Messages of frames from number ``start`` on, as many as fit; empty when none is there."""

    def cancel(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """This viewer has gone; the run stops when nobody else is left."""

    def wait(self, key: RunKey, seconds: float) -> JobStatus | None:
        """The status when the run has ended, or after ``seconds``."""

    def load(self) -> dict[str, int]:
        """For ``/healthz``: queued, running, and runners by state."""

    def stop(self) -> None:
        """End what this process started."""


def read_frames(results: ResultStore, key: RunKey, start: int) -> bytes:
    """Messages from ``start`` on, at least one when there is one, at most ``MAX_MESSAGE`` bytes."""
    messages: list[bytes] = []
    size = 0
    while (message := results.frame(key, start + len(messages))) is not None:
        size += len(message)
        if messages and size > MAX_MESSAGE:
            break
        messages.append(message)
    return b"".join(messages)


def complete(results: ResultStore, key: RunKey) -> JobStatus | None:
    """The status of a run whose data are all in the cache."""
    note = results.note(key)
    if note is None:
        return None
    return JobStatus(
        key=key, state=RunState.DONE, fraction=1.0, chunks=note["chunks"],
        simulated_s=note.get("simulated_s", 0.0), wall_s=note.get("wall_s", 0.0),
    )  # fmt: skip


class LocalJobs:
    """Runner processes of this machine behind one queue for all its web processes."""

    def __init__(
        self, settings: Settings, results: ResultStore, *, run: str = RUN, warm: str = WARM,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:  # fmt: skip
        self.results = results
        self.settings = settings
        folder = private_folder(settings.cache_dir)
        self.queue = RunQueue(folder / "queue.sqlite3", queue_limit)
        self._folder = private_folder(folder / "slots")
        self._numbers = list(range(settings.runners))
        task = {
            "run": run,
            "warm": warm,
            "cache_dir": str(settings.cache_dir),
            "redis_url": settings.redis_url,
            "cache_mib": settings.cache_mib,
        }
        self.slots = [
            Slot(number, self._folder, self.queue, results, task) for number in self._numbers
        ]
        self._renewed: OrderedDict[tuple[RunKey, str], float] = OrderedDict()
        self._mutex = threading.Lock()

    def start(self) -> LocalJobs:
        """Start the slots this process can get; their runners warm up meanwhile."""
        for slot in self.slots:
            slot.start()
        return self

    def submit(self, scenario: Scenario, viewer: str = "") -> RunKey:
        """Have a scenario computed, once.

        Raises:
            Busy: the queue is full.
        """
        key = self.results.key_of(scenario)
        self._submit(key, {"scenario": scenario.to_dict()}, viewer)
        return key

    def submit_recording(self, recording: Recorded, viewer: str = "") -> RunKey:
        """Have a recording read, once; reading may take as long as a run.

        Raises:
            Busy: the queue is full.
        """
        what = {
            "recording": str(recording.path), "title": recording.title,
            "max_bytes": MAX_RECORDING_BYTES,
        }  # fmt: skip
        self._submit(recording.key, what, viewer)
        return recording.key

    def _submit(self, key: RunKey, what: dict[str, Any], viewer: str) -> None:
        if self.results.note(key) is None and self.queue.submit(
            key, what, viewer, lambda: self._make_room(key)
        ):
            wake(self._folder, self._numbers)

    def _make_room(self, key: RunKey) -> bool:
        """Drop what an earlier try left; False when the result is whole, lest somebody loses it."""
        if self.results.note(key) is not None:
            return False
        self.results.drop(key)
        return True

    def status(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """Where a run is; asking keeps the viewer's lease."""
        status = complete(self.results, key)
        if status is not None:
            return status
        status = self.queue.status(key)
        if status is None:
            return None
        if status.state is RunState.DONE:
            return complete(self.results, key)  # None: evicted
        if viewer and not status.state.ended:
            self._renew(key, viewer)
        return status

    def _renew(self, key: RunKey, viewer: str) -> None:
        now = time.monotonic()
        with self._mutex:
            if now - self._renewed.get((key, viewer), -_RENEW_S) < _RENEW_S:
                return
            self._renewed[key, viewer] = now
            self._renewed.move_to_end((key, viewer))
            while len(self._renewed) > 1000:
                self._renewed.popitem(last=False)
        self.queue.renew(key, viewer)

    def frames(self, key: RunKey, start: int) -> bytes:
        """Messages of frames from number ``start`` on."""
        return read_frames(self.results, key, start)

    def cancel(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """Release the viewer's lease."""
        with self._mutex:
            self._renewed.pop((key, viewer), None)
        if self.queue.release(key, viewer):
            wake(self._folder, self._numbers)
        return self.status(key)

    def wait(self, key: RunKey, seconds: float) -> JobStatus | None:
        """The status when the run has ended, or after ``seconds``."""
        end = time.monotonic() + seconds
        pause = 0.01
        while True:
            status = self.status(key)
            if status is None or status.state.ended or time.monotonic() >= end:
                return status
            time.sleep(min(pause, max(0.0, end - time.monotonic())))
            pause = min(0.1, pause * 1.5)

    def load(self) -> dict[str, int]:
        """Queued and running runs, and runners by state."""
        runners = {f"runners_{state}": n for state, n in self.queue.runners().items()}
        return {**self.queue.counts(), **runners}

    def stop(self) -> None:
        """End this process's slots and their runners."""
        for slot in self.slots:
            slot.stop()
        for slot in self.slots:
            if slot.is_alive():
                slot.join(timeout=3)
