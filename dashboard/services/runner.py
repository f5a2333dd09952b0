"""A runner process: computes one run at a time and keeps the compiled kernels warm in between.

``python -m dashboard.services.runner TASK`` with a socket and a flag inherited from its slot
(``slots.py``). Over the socket go JSON lines: a run in, its progress out. Frames and Result it
writes into the cache itself. The flag is one shared byte: 1 = stop.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import mmap
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.settings import Settings
    from sim.result import Result
    from sim.scenario import Scenario

NICE = 5  # the page's own requests come first


@dataclass(frozen=True, slots=True)
class Task:
    """What a runner is started with."""

    run: str
    """``module:function`` with the signature of ``sim.runner.run``."""
    warm: str
    """``module:function`` giving (name, Scenario) of runs that load every kernel; empty: none."""
    socket_fd: int
    flag_fd: int
    cache_dir: str
    redis_url: str
    cache_mib: int

    def to_json(self) -> str:
        """As the one argument of the process."""
        return json.dumps(asdict(self))


def loaded(name: str) -> Any:
    """The object that ``module:name`` means."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def say(pipe: socket.socket, **message: Any) -> None:
    """One line to the slot."""
    pipe.sendall(json.dumps(message).encode() + b"\n")


def heard(pipe: socket.socket, idle: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Lines from the slot until it goes away; ``idle`` is called meanwhile, while it says True."""
    rest = b""
    while True:
        while not select.select([pipe], [], [], 0)[0] and idle():
            pass
        data = pipe.recv(1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from map(json.loads, lines)


def describe(error: BaseException) -> str:
    """One line for the page: what and where, no path of this machine."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" in {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}{where}: {text[0][:300] if text else 'no message'}"


def traces_for(scenario: Scenario, settings: Settings) -> dict[str, Any]:
    """What ``sim.runner.run`` is given to find the traces that a scenario replays."""
    from dashboard.services.limits import traces_of
    from sim.replay_store import stored_trace

    if not any(group.trace for group in scenario.workloads):
        return {}
    return {"trace": partial(stored_trace, folder=traces_of(settings))}


class Runner:
    """The process's end of the pipe."""

    def __init__(self, task: Task, pipe: socket.socket) -> None:
        from dashboard.services.results import ResultStore, open_store
        from dashboard.settings import Settings

        self.parent = os.getppid()
        self.pipe = pipe
        self.flag = mmap.mmap(task.flag_fd, 1)
        self.run: Callable[..., Result] = loaded(task.run)
        self.settings = settings = Settings(
            cache_dir=Path(task.cache_dir), redis_url=task.redis_url, cache_mib=task.cache_mib
        )
        self.results = ResultStore(open_store(settings))
        self._cold: list[tuple[str, Scenario]] = list(loaded(task.warm)()) if task.warm else []
        self.warm()
        say(pipe, what="ready", sources=self.results.sources)

    def warm(self) -> bool:
        """Enter the kernels of one more tiny run; False when all are loaded.

        The first is run before the runner says that it is ready, the rest while it has nothing
        to do.
        """
        if not self._cold:
            return False
        name, scenario = self._cold.pop(0)
        # One process at a time: the first compiles what is not on disk yet, the others load it.
        with self.results.store.lock(f"warm-{name}"):
            self.run(scenario)
        return True

    def should_stop(self) -> bool:
        """Asked to stop, or nobody is there to be told."""
        return self.flag[0] != 0 or os.getppid() != self.parent

    def serve(self) -> None:
        """Compute what comes until the slot closes the pipe."""
        for order in heard(self.pipe, self.warm):
            try:
                with self.results.hold(order["key"]):
                    self.compute(order["key"], order["what"])
            except (BrokenPipeError, ConnectionResetError):
                return
            except Exception as error:
                if self.should_stop():
                    say(self.pipe, what="cancelled")
                    continue
                traceback.print_exc()
                say(self.pipe, what="failed", message=describe(error))

    def compute(self, key: str, what: dict[str, Any]) -> None:
        """One run from first frame to Result."""
        began = time.monotonic()
        self.results.drop(key)
        output = _Output(self, key)
        if "recording" in what:
            result = self._read(what, output)
        else:
            result = self._simulate(what["scenario"], output)
        if self.should_stop():
            say(self.pipe, what="cancelled")
            return
        output.end(result)
        note = {
            "chunks": output.chunks,
            "wall_s": round(time.monotonic() - began, 3),
            "simulated_s": result.duration_ns / 1e9,
            "result_digest": result.digest(),
        }
        self.results.finish(key, result.to_bytes(), note)
        say(self.pipe, what="done")

    def _simulate(self, scenario: dict[str, Any], output: _Output) -> Result:
        from sim.scenario import Scenario

        wanted = Scenario.from_dict(scenario)
        return self.run(
            wanted, on_chunk=output.on_chunk, should_stop=self.should_stop,
            **traces_for(wanted, self.settings),
        )  # fmt: skip

    def _read(self, what: dict[str, Any], output: _Output) -> Result:
        """A recording, which appears at once when it has been read."""
        from dashboard.services.frames import slices
        from sim.traces import read

        result = read(Path(what["recording"]), max_bytes=what["max_bytes"])
        result.meta["title"] = result.meta.get("title") or what.get("title", "")
        for chunk in slices(result):
            output.on_chunk(chunk)
        return result


class _Output:
    """Frames of one run on their way into the cache."""

    def __init__(self, runner: Runner, key: str) -> None:
        from dashboard.services.frames import Encoder

        self.runner = runner
        self.key = key
        self.encoder = Encoder(key)
        self.chunks = 0

    def _keep(self, message: bytes) -> None:
        self.runner.results.put_frame(self.key, self.chunks, message)
        self.chunks += 1

    def on_chunk(self, chunk: Result) -> None:
        """Encode a slice, keep it, say so."""
        for message in self.encoder.encode(chunk):
            self._keep(message)
        t_ns = int(chunk.meta["t1_ns"])
        say(
            self.runner.pipe, what="chunk", chunks=self.chunks, simulated_ns=t_ns,
            fraction=min(1.0, t_ns / max(1, chunk.duration_ns)),
        )  # fmt: skip

    def end(self, result: Result) -> None:
        """The message that says so, when the last slice did not reach the end."""
        if not self.encoder.done:
            self._keep(self.encoder.end(result.duration_ns, result.duration_ns))


def main() -> int:
    """Serve until the slot goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C ends the server, which ends us
    os.nice(NICE)
    task = Task(**json.loads(sys.argv[1]))
    pipe = socket.socket(fileno=task.socket_fd)
    try:
        runner = Runner(task, pipe)
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            say(pipe, what="broken", message=describe(error))
        return 1
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        runner.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
