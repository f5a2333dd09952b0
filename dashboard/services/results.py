"""Results by run key: scenario digest, model version and a hash of the sources that made them.

``<key>:f:<k>`` is message k of a run's frames, ``<key>:r`` its Result as .npz, ``<key>:m`` the
note that all of it is there, written last. Everything is immutable once written.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from dashboard.services.byte_store import ByteStore, FileBytes, RedisBytes
from dashboard.settings import Settings, private_folder
from sim import MODEL_VERSION
from sim.scenario import Scenario
from sim.sources import sources_digest

if TYPE_CHECKING:
    from sim.result import Result

RunKey = str
KEY = re.compile(r"[0-9a-f]{16}\.[0-9]{1,6}\.[0-9a-f]{12}|rec-[0-9a-f]{12,16}")
"""A run's name in links and file names; nothing else reaches the cache from a request."""

_IN_MEMORY = 4  # decoded Results: A to D of a comparison


def run_sources_digest() -> str:
    """12 hex digits over the model's sources and the encoder of its frames."""
    h = hashlib.sha256(sources_digest().encode())
    h.update(Path(__file__).with_name("frames.py").read_bytes())
    return h.hexdigest()[:12]


def result_folder(settings: Settings) -> Path:
    """Where results are kept when they are kept in files."""
    return private_folder(settings.cache_dir) / "results"


def open_store(settings: Settings) -> ByteStore:
    """The bytes below the results, for a process without Flask."""
    if settings.redis_url:
        return RedisBytes.from_url(settings.redis_url)
    return FileBytes(result_folder(settings), settings.cache_mib << 20)


class ResultStore:
    """Runs by key."""

    def __init__(self, store: ByteStore, sources: str | None = None) -> None:
        self.store = store
        self.sources = sources or run_sources_digest()
        self._decoded: OrderedDict[RunKey, Result] = OrderedDict()
        self._mutex = threading.Lock()

    def key_of(self, scenario: Scenario) -> RunKey:
        """The name under which a scenario's run is known."""
        return f"{scenario.digest()}.{MODEL_VERSION}.{self.sources}"

    def put_frame(self, key: RunKey, k: int, message: bytes) -> None:
        """Add message k of a run."""
        self.store.set(f"{key}:f:{k}", message)

    def frame(self, key: RunKey, k: int) -> bytes | None:
        """Message k of a run."""
        return self.store.get(f"{key}:f:{k}")

    def finish(self, key: RunKey, result: bytes, note: dict[str, Any]) -> None:
        """Add the Result, then the note that makes the run complete."""
        self.store.set(f"{key}:r", result)
        self.store.set(f"{key}:m", json.dumps(note).encode())

    def note(self, key: RunKey) -> dict[str, Any] | None:
        """The note of a complete run: chunks, wall_s, result_digest; None when not complete."""
        data = self.store.get(f"{key}:m")
        if data is None:
            return None
        try:
            note = json.loads(data)
        except ValueError:
            return None
        return note if isinstance(note, dict) and isinstance(note.get("chunks"), int) else None

    def result_bytes(self, key: RunKey) -> bytes | None:
        """The Result of a complete run as .npz."""
        return self.store.get(f"{key}:r") if self.note(key) is not None else None

    def result(self, key: RunKey) -> Result | None:
        """The Result of a complete run; the last few are kept decoded, and are not to be changed.

        A file that is not a Result counts as absent, and is dropped.
        """
        with self._mutex:
            if key in self._decoded:
                self._decoded.move_to_end(key)
                return self._decoded[key]
        data = self.result_bytes(key)
        if data is None:
            return None
        from sim.result import Result

        try:
            result = Result.from_bytes(data)
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            self.drop(key)
            return None
        with self._mutex:
            self._decoded[key] = result
            while len(self._decoded) > _IN_MEMORY:
                self._decoded.popitem(last=False)
        return result

    def drop(self, key: RunKey) -> None:
        """Forget a run."""
        with self._mutex:
            self._decoded.pop(key, None)
        self.store.drop(key)

    def hold(self, key: RunKey) -> AbstractContextManager[None]:
        """While it lasts the run's entries are not evicted."""
        return self.store.hold(key)

    def single_flight(
        self, key: str, compute: Callable[[], bytes], timeout: int | None = None
    ) -> bytes:
        """The entry, computed once whatever number of threads and processes ask for it."""
        found = self.store.get(key)
        if found is not None:
            return found
        with self.store.lock(key):
            found = self.store.get(key)
            if found is None:
                found = compute()
                self.store.set(key, found, timeout)
        return found
