"""Slots: each is a thread that owns one runner process and feeds it runs from the queue.

A slot belongs to the process that holds its lock file; when that process dies, the kernel frees
the lock and another process takes the slot over. A runner that dies, hangs or fails takes its own
run with it and nothing else.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from dashboard.services.results import ResultStore
from dashboard.services.run_queue import Claim, RunQueue, RunState
from dashboard.services.runner import Task

STOP_GRACE_S = 0.15
"""From asking a runner to stop to killing it."""
RUN_WALL_S_MAX = 600.0
_BEAT_S = 5.0
_IDLE_S = 1.0
_TAKE_OVER_S = 2.0
_RESTART_S = 10.0
_ROOT = Path(__file__).resolve().parents[2]


class RunnerProcess:
    """A spawned process with a pipe and a flag."""

    def __init__(self, task: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as shared:
            shared.write(b"\0")
            shared.flush()
            self.flag = mmap.mmap(shared.fileno(), 1)
            fds = (theirs.fileno(), shared.fileno())
            argument = Task(socket_fd=fds[0], flag_fd=fds[1], **task).to_json()
            path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.services.runner", argument],
                pass_fds=fds, stdin=subprocess.DEVNULL, cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        theirs.close()
        self.pipe = ours
        self.pipe.setblocking(False)
        self._rest = b""

    def order(self, claim: Claim) -> None:
        """Send a run; the runner is idle, so that its end of the pipe is empty."""
        self.flag[0] = 0
        self.pipe.setblocking(True)
        try:
            self.pipe.sendall(json.dumps({"key": claim.key, "what": claim.what}).encode() + b"\n")
        except OSError:
            return  # it died; reading says so
        finally:
            self.pipe.setblocking(False)

    def read(self) -> list[dict[str, Any]] | None:
        """What it said since; None when it is gone."""
        said: list[dict[str, Any]] = []
        while True:
            try:
                data = self.pipe.recv(1 << 16)
            except BlockingIOError:
                return said
            except OSError:
                data = b""
            if not data:
                return said or None
            *lines, self._rest = (self._rest + data).split(b"\n")
            said += [json.loads(line) for line in lines]

    def end(self) -> int:
        """Kill and reap it; how it ended."""
        self.process.kill()
        code = self.process.wait()
        self.pipe.close()
        self.flag.close()
        return code


def how_it_ended(code: int) -> str:
    """A dead runner in words."""
    if code >= 0:
        return f"ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", perhaps because memory ran out" if code == -signal.SIGKILL else ""
    return f"was killed by {name}{hint}"


class Slot(threading.Thread):
    """Owner of one runner process, when this process owns the slot."""

    def __init__(
        self, number: int, folder: Path, queue: RunQueue, results: ResultStore,
        task: dict[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(name=f"slot-{number}", daemon=True)
        self.number = number
        self.folder = folder
        self.queue = queue
        self.results = results
        self.task = task
        self.runner: RunnerProcess | None = None
        self.state = "waiting"
        self.broken = ""
        self._retry_at = 0.0
        self._beat_at = 0.0
        self._ending = threading.Event()
        self._wake_fd = -1

    # ---- owning

    def run(self) -> None:
        """Take the slot when it is free, and serve it to the end."""
        lock = os.open(self.folder / f"{self.number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not self._ending.is_set():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._ending.wait(_TAKE_OVER_S)
                    continue
                self._serve()
        finally:
            self._end_runner()
            os.close(lock)
            self.queue.close()

    def stop(self) -> None:
        """End the thread and its process; a run under way waits for the slot's next owner."""
        self._ending.set()
        wake(self.folder, [self.number])

    def _serve(self) -> None:
        fifo = wake_fifo(self.folder, self.number)
        self._wake_fd = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        try:
            self.queue.adopt(self.number)
            while not self._ending.is_set():
                self._start_runner()
                self._beat()
                claim = None
                if self.state in ("ready", "broken"):
                    claim = self.queue.claim(self.number)
                if claim is None:
                    self._wait(_IDLE_S)
                    self._listen()
                elif self.state == "broken":
                    self.queue.finish(claim.key, RunState.FAILED, self.broken)
                elif self.results.note(claim.key) is not None:
                    self.queue.finish(claim.key, RunState.DONE)
                else:
                    self._compute(claim)
        finally:
            os.close(self._wake_fd)
            self._wake_fd = -1

    def _beat(self) -> None:
        """Every few seconds: say that the slot is alive, forget runs nobody waits for."""
        now = time.monotonic()
        if now < self._beat_at:
            return
        self._beat_at = now + _BEAT_S
        self.queue.beat(self.number, os.getpid(), self.state)
        self.queue.drop_unwanted()

    def _wait(self, seconds: float) -> bool:
        """Until the runner speaks, someone wakes us, or time is up; True when woken."""
        fds = [self._wake_fd]
        if self.runner is not None:
            fds.append(self.runner.pipe.fileno())
        readable, _, _ = select.select(fds, [], [], max(0.0, seconds))
        if self._wake_fd in readable:
            os.read(self._wake_fd, 4096)
            return True
        return False

    # ---- the process

    def _start_runner(self) -> None:
        if self.runner is None and time.monotonic() >= self._retry_at:
            self.runner = RunnerProcess(self.task)
            if self.state != "broken":
                self._become("warming")

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._beat_at = 0.0

    def _end_runner(self) -> int:
        if self.runner is None:
            return 0
        code = self.runner.end()
        self.runner = None
        self._become("waiting")
        return code

    def _listen(self) -> None:
        """What an idle runner says: that it is ready, that it cannot start, or nothing any more."""
        if self.runner is None:
            return
        said = self.runner.read()
        if said is None:
            warming = self.state != "ready"
            code = self._end_runner()
            if warming:
                self._break(f"the runner {how_it_ended(code)} while starting")
            return
        for message in said:
            if message["what"] == "broken":
                self._end_runner()
                self._break(f"the runner cannot start: {message['message']}")
                return
            if message["what"] == "ready":
                self._check_sources(message["sources"])

    def _check_sources(self, sources: str) -> None:
        if sources == self.results.sources:
            self.broken = ""
            self._become("ready")
            return
        self._end_runner()
        self._break("the model's sources have changed since the server started: restart it")

    def _break(self, message: str) -> None:
        """Runs fail with this message until a new try, some seconds later, succeeds."""
        self.broken = message
        self._retry_at = time.monotonic() + _RESTART_S
        self._become("broken")

    # ---- a run

    def _compute(self, claim: Claim) -> None:
        assert self.runner is not None
        self._become("running")
        self._beat()
        self.runner.order(claim)
        began = time.monotonic()
        kill_at = 0.0
        check_at = 0.0
        while True:
            woken = self._wait(kill_at - time.monotonic() if kill_at else _IDLE_S)
            said = self.runner.read()
            if said is None:
                self._died(claim, bool(kill_at))
                return
            if any(self._heard(claim, message) for message in said):
                self._become("ready")
                return
            now = time.monotonic()
            if kill_at and now >= kill_at:
                self._end_runner()
                self._stopped(claim, now - began)
                return
            if not kill_at and (woken or now >= check_at):
                check_at = now + _IDLE_S
                self._beat()
                if self._must_stop(claim, now - began):
                    self.runner.flag[0] = 1
                    kill_at = now + STOP_GRACE_S

    def _must_stop(self, claim: Claim, wall_s: float) -> bool:
        return self._ending.is_set() or wall_s > RUN_WALL_S_MAX or self.queue.unwanted(claim.key)

    def _heard(self, claim: Claim, message: dict[str, Any]) -> bool:
        """Pass on what the runner says; True when the run is over."""
        what = message["what"]
        if what == "chunk":
            self.queue.progress(
                claim.key, message["fraction"], message["simulated_ns"], message["chunks"]
            )
            return False
        if what == "done":
            self.queue.finish(claim.key, RunState.DONE)
        elif what == "failed":
            self.queue.finish(claim.key, RunState.FAILED, message["message"])
        elif what == "cancelled":
            self._stopped(claim, 0.0)
        return what in ("done", "failed", "cancelled")

    def _stopped(self, claim: Claim, wall_s: float) -> None:
        """A run that we ended; on our own way out it is left for the slot's next owner."""
        if wall_s > RUN_WALL_S_MAX:
            message = f"stopped after {RUN_WALL_S_MAX:.0f} s of computing"
            self.queue.finish(claim.key, RunState.FAILED, message)
        elif not self._ending.is_set():
            self.queue.finish(claim.key, RunState.CANCELLED)

    def _died(self, claim: Claim, asked_to_stop: bool) -> None:
        code = self._end_runner()
        if asked_to_stop:
            self._stopped(claim, 0.0)
            return
        self.queue.finish(
            claim.key, RunState.FAILED, f"the process computing this run {how_it_ended(code)}"
        )


def wake_fifo(folder: Path, number: int) -> Path:
    """The slot's bell, made when absent."""
    path = folder / f"{number}.wake"
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        return path
    return path


def wake(folder: Path, numbers: list[int]) -> None:
    """Ring the slots' bells, whichever process owns them."""
    for number in numbers:
        try:
            bell = os.open(folder / f"{number}.wake", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue  # nobody owns the slot yet
        try:
            os.write(bell, b"\0")
        except BlockingIOError:
            continue  # it has been ringing for long
        finally:
            os.close(bell)
