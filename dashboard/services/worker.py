"""Runs on other machines: the Jobs protocol over Celery and Redis (the extra ``scale``).

Redis carries the tasks, as JSON, and keeps the results, as bytes; whoever runs a worker
(``celery -A dashboard.services.worker worker``) needs ``RECLAIM_LAB_REDIS_URL`` only.
"""

from __future__ import annotations

import json
import time
from typing import Any

from celery import Celery

from dashboard.services.jobs import QUEUE_LIMIT, RUN, Jobs, complete, read_frames
from dashboard.services.recordings import Recorded
from dashboard.services.results import ResultStore, RunKey, open_store
from dashboard.services.run_queue import LEASE_S, Busy, JobStatus, RunState
from dashboard.services.runner import describe, traces_for
from dashboard.settings import Settings
from sim.scenario import Scenario

_SETTINGS = Settings.from_env()
app = Celery("reclaim-lab", broker=_SETTINGS.redis_url or "memory://")
app.conf.update(
    task_serializer="json", accept_content=["json"], result_backend=None,
    worker_prefetch_multiplier=1, task_acks_late=True, task_ignore_result=True,
)  # fmt: skip


def _state_key(key: RunKey) -> str:
    return f"{key}:state"


def _write_state(results: ResultStore, key: RunKey, **state: Any) -> None:
    results.store.set(_state_key(key), json.dumps(state).encode(), int(LEASE_S) * 15)


def _read_state(results: ResultStore, key: RunKey) -> dict[str, Any]:
    data = results.store.get(_state_key(key))
    state: dict[str, Any] = json.loads(data) if data else {}
    return state


@app.task(name="reclaim-lab.run")  # type: ignore[untyped-decorator]
def run_scenario(key: RunKey, scenario: dict[str, Any], run: str = RUN) -> None:
    """Compute one run into the shared cache."""
    from dashboard.services.frames import Encoder
    from dashboard.services.runner import loaded

    results = ResultStore(open_store(_SETTINGS))
    if results.note(key) is not None:
        return
    encoder = Encoder(key)
    began = time.time()
    chunks = 0

    def should_stop() -> bool:
        return _read_state(results, key).get("cancel", False) is True

    def on_chunk(chunk: Any) -> None:
        nonlocal chunks
        for message in encoder.encode(chunk):
            results.put_frame(key, chunks, message)
            chunks += 1
        if should_stop():
            return  # the flag must survive
        t_ns = int(chunk.meta["t1_ns"])
        _write_state(
            results, key, state=RunState.RUNNING, started=began, chunks=chunks,
            simulated_s=t_ns / 1e9, fraction=min(1.0, t_ns / max(1, chunk.duration_ns)),
        )  # fmt: skip

    try:
        wanted = Scenario.from_dict(scenario)
        result = loaded(run)(
            wanted, on_chunk=on_chunk, should_stop=should_stop, **traces_for(wanted, _SETTINGS)
        )
    except Exception as error:
        state = RunState.CANCELLED if should_stop() else RunState.FAILED
        _write_state(results, key, state=state, message=describe(error), ended=time.time())
        return
    if not encoder.done:
        results.put_frame(key, chunks, encoder.end(result.duration_ns, result.duration_ns))
        chunks += 1
    note = {
        "chunks": chunks, "wall_s": round(time.time() - began, 3),
        "simulated_s": result.duration_ns / 1e9, "result_digest": result.digest(),
    }  # fmt: skip
    results.finish(key, result.to_bytes(), note)


class CeleryJobs:
    """Runs computed by Celery workers; recordings, which lie here, are read by local slots."""

    def __init__(self, results: ResultStore, local: Jobs, *, run: str = RUN) -> None:
        self.results = results
        self.local = local
        self.run = run

    def submit(self, scenario: Scenario, _viewer: str = "") -> RunKey:
        """Have a scenario computed, once.

        Raises:
            Busy: the broker's queue is full.
        """
        key = self.results.key_of(scenario)
        status = self.status(key)
        if status is not None and status.state not in (RunState.FAILED, RunState.CANCELLED):
            return key
        waiting = self._waiting()
        if waiting >= QUEUE_LIMIT:
            raise Busy(waiting)
        self.results.drop(key)
        _write_state(self.results, key, state=RunState.QUEUED, position=waiting + 1)
        run_scenario.delay(key, scenario.to_dict(), self.run)
        return key

    def submit_recording(self, recording: Recorded, viewer: str = "") -> RunKey:
        """Have a recording read on this machine."""
        return self.local.submit_recording(recording, viewer)

    def _waiting(self) -> int:
        with app.connection_or_acquire() as connection:
            size = getattr(connection.default_channel, "_size", None)
            return int(size("celery")) if size is not None else 0

    def status(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """Where a run is."""
        status = complete(self.results, key)
        if status is not None:
            return status
        state = _read_state(self.results, key)
        if not state:
            return self.local.status(key, viewer)
        began = state.get("started", 0.0)
        return JobStatus(
            key=key,
            state=RunState.CANCELLED if state.get("cancel") else RunState(state["state"]),
            position=state.get("position", 0),
            fraction=state.get("fraction", 0.0),
            simulated_s=state.get("simulated_s", 0.0),
            wall_s=round(state.get("ended", time.time()) - began, 3) if began else 0.0,
            message=state.get("message", ""),
            chunks=state.get("chunks", 0),
        )

    def frames(self, key: RunKey, start: int) -> bytes:
        """Messages of frames from number ``start`` on."""
        return read_frames(self.results, key, start)

    def cancel(self, key: RunKey, viewer: str = "") -> JobStatus | None:
        """Tell the worker to stop between two slices."""
        if not _read_state(self.results, key):
            return self.local.cancel(key, viewer)
        status = self.status(key)
        if status is not None and not status.state.ended:
            _write_state(self.results, key, state=status.state, cancel=True)
        return self.status(key)

    def wait(self, key: RunKey, seconds: float) -> JobStatus | None:
        """The status when the run has ended, or after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            status = self.status(key)
            if status is None or status.state.ended or time.monotonic() >= end:
                return status
            time.sleep(0.05)

    def load(self) -> dict[str, int]:
        """Queued runs, as the broker knows."""
        load = self.local.load()
        return load | {"queued": load["queued"] + self._waiting()}

    def stop(self) -> None:
        """End the local slots; the workers are not ours."""
        self.local.stop()
