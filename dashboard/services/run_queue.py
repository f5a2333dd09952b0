"""The queue of runs in a small sqlite file, so that several web processes see one queue.

States go ``QUEUED -> RUNNING -> DONE | FAILED | CANCELLED``. A row outlives its run by a while, for
those who still ask; whether a run's data are complete is the cache's to say, not this file's.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

LEASE_S = 60.0
"""How long a viewer who stopped asking keeps a run going."""
KEEP_ENDED_S = 900.0
SILENT_S = 20.0
MAX_TRIES = 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, seq INTEGER NOT NULL, what TEXT NOT NULL, state TEXT NOT NULL,
    submitted REAL NOT NULL, started REAL NOT NULL DEFAULT 0, ended REAL NOT NULL DEFAULT 0,
    heartbeat REAL NOT NULL DEFAULT 0, slot INTEGER NOT NULL DEFAULT -1,
    tries INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,
    fraction REAL NOT NULL DEFAULT 0, simulated_ns INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state, seq);
CREATE TABLE IF NOT EXISTS slots (
    slot INTEGER PRIMARY KEY, pid INTEGER NOT NULL, state TEXT NOT NULL, heartbeat REAL NOT NULL);
CREATE TABLE IF NOT EXISTS leases (
    key TEXT NOT NULL, viewer TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, viewer));
"""


class RunState(StrEnum):
    """Where a run is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self not in (RunState.QUEUED, RunState.RUNNING)


class Busy(Exception):
    """The queue is full; ``waiting`` runs are in it."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"busy: {waiting} runs are waiting, try again in a minute")
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A run at one moment."""

    key: str
    state: RunState
    position: int = 0
    """Runs that come before it while QUEUED, itself included."""
    fraction: float = 0.0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    message: str = ""
    chunks: int = 0
    """Messages of frames that can be fetched."""

    def to_dict(self) -> dict[str, Any]:
        """As ``/api/status`` answers."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that a slot has taken."""

    key: str
    what: dict[str, Any]
    """``{"scenario": {...}}`` or ``{"recording": path, ...}``."""


class RunQueue:
    """One sqlite file, one connection for each thread."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit
        self._local = threading.local()
        try:
            self._create()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.close()  # not a database: the queue of a machine that lost its power
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink()
            self._create()

    def _create(self) -> None:
        with self._write() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
        self.path.chmod(0o600)

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")  # the queue may be lost with the machine
            self._local.db = db
        return db

    def close(self) -> None:
        """Close this thread's connection."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            self._local.db = None

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        db = self._db()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    # ---- viewers

    def submit(
        self, key: str, what: dict[str, Any], viewer: str, on_new: Callable[[], bool]
    ) -> bool:
        """Join a run that is under way, or queue it; True when it was queued.

        ``on_new`` is called before a new run can be taken by a slot; it says False when none is
        needed: another one has come to its end since the caller looked.

        Raises:
            Busy: the queue is full.
        """
        now = time.time()
        with self._write() as db:
            row = db.execute("SELECT state, cancel FROM runs WHERE key = ?", (key,)).fetchone()
            joined = row is not None and not RunState(row["state"]).ended and not row["cancel"]
            if not joined:
                waiting = self._count(db, RunState.QUEUED)
                if waiting >= self.limit:
                    raise Busy(waiting)
                if row is not None and row["cancel"] and row["state"] == RunState.RUNNING:
                    # Its slot is just stopping it: it goes back into the queue afterwards.
                    db.execute(
                        "UPDATE runs SET cancel = 2, submitted = ? WHERE key = ?", (now, key)
                    )
                elif on_new():
                    self._insert(db, key, what, now)
                else:
                    joined = True
            if viewer:
                self._lease(db, key, viewer, now)
            db.execute("DELETE FROM runs WHERE ended > 0 AND ended < ?", (now - KEEP_ENDED_S,))
            db.execute("DELETE FROM leases WHERE until < ?", (now,))
        return not joined

    def _insert(self, db: sqlite3.Connection, key: str, what: dict[str, Any], now: float) -> None:
        (seq,) = db.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM runs").fetchone()
        db.execute(
            "INSERT OR REPLACE INTO runs (key, seq, what, state, submitted) VALUES (?, ?, ?, ?, ?)",
            (key, seq, json.dumps(what), RunState.QUEUED, now),
        )

    @staticmethod
    def _lease(db: sqlite3.Connection, key: str, viewer: str, now: float) -> None:
        db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (key, viewer, now + LEASE_S))

    @staticmethod
    def _count(db: sqlite3.Connection, state: RunState) -> int:
        (count,) = db.execute("SELECT COUNT(*) FROM runs WHERE state = ?", (state,)).fetchone()
        return int(count)

    def renew(self, key: str, viewer: str) -> None:
        """The viewer is still there."""
        with self._write() as db:
            self._lease(db, key, viewer, time.time())

    def release(self, key: str, viewer: str) -> bool:
        """The viewer has gone; True when nobody is left and the run is to stop."""
        now = time.time()
        with self._write() as db:
            db.execute("DELETE FROM leases WHERE key = ? AND viewer = ?", (key, viewer))
            left = db.execute(
                "SELECT 1 FROM leases WHERE key = ? AND until >= ?", (key, now)
            ).fetchone()
            if left is not None:
                return False
            self._cancel(db, key, now)
        return True

    @staticmethod
    def _cancel(db: sqlite3.Connection, key: str, now: float) -> None:
        db.execute("UPDATE runs SET cancel = 1 WHERE key = ? AND state = 'RUNNING'", (key,))
        db.execute(
            "UPDATE runs SET state = 'CANCELLED', ended = ? WHERE key = ? AND state = 'QUEUED'",
            (now, key),
        )

    def status(self, key: str) -> JobStatus | None:
        """The run's row; None when there is none (any more)."""
        db = self._db()
        row = db.execute("SELECT * FROM runs WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        state = RunState(row["state"])
        if state is RunState.RUNNING and row["cancel"]:
            state = RunState.CANCELLED if row["cancel"] == 1 else RunState.QUEUED
        position = 0
        if state is RunState.QUEUED:
            (position,) = db.execute(
                "SELECT COUNT(*) FROM runs WHERE state = 'QUEUED' AND seq <= ?", (row["seq"],)
            ).fetchone()
        end = row["ended"] or time.time()
        return JobStatus(
            key=key,
            state=state,
            position=max(1, position) if state is RunState.QUEUED else 0,
            fraction=row["fraction"],
            simulated_s=row["simulated_ns"] / 1e9,
            wall_s=round(end - row["started"], 3) if row["started"] else 0.0,
            message=row["message"],
            chunks=row["chunks"],
        )

    def counts(self) -> dict[str, int]:
        """Runs that wait and that run."""
        db = self._db()
        return {
            state.lower(): self._count(db, state) for state in (RunState.QUEUED, RunState.RUNNING)
        }

    def runners(self) -> dict[str, int]:
        """Slots by state; one that has been silent for long is not counted."""
        rows = self._db().execute(
            "SELECT state, COUNT(*) AS n FROM slots WHERE heartbeat > ? GROUP BY state",
            (time.time() - SILENT_S,),
        )
        return {row["state"]: row["n"] for row in rows}

    # ---- slots

    def beat(self, slot: int, pid: int, state: str) -> None:
        """The slot's owner is alive."""
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?)", (slot, pid, state, time.time())
            )

    def claim(self, slot: int) -> Claim | None:
        """Take the oldest waiting run."""
        now = time.time()
        with self._write() as db:
            row = db.execute(
                "SELECT key, what FROM runs WHERE state = 'QUEUED' ORDER BY seq LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE runs SET state = 'RUNNING', slot = ?, started = ?, heartbeat = ?,"
                " ended = 0, tries = tries + 1, fraction = 0, simulated_ns = 0, chunks = 0,"
                " cancel = 0"
                " WHERE key = ?",
                (slot, now, now, row["key"]),
            )
        return Claim(row["key"], json.loads(row["what"]))

    def progress(self, key: str, fraction: float, simulated_ns: int, chunks: int) -> None:
        """What the runner said last."""
        with self._write() as db:
            db.execute(
                "UPDATE runs SET fraction = ?, simulated_ns = ?, chunks = ?, heartbeat = ?"
                " WHERE key = ?",
                (fraction, simulated_ns, chunks, time.time(), key),
            )

    def finish(self, key: str, state: RunState, message: str = "") -> None:
        """The run has ended; one that was asked for again while it stopped waits anew."""
        with self._write() as db:
            row = db.execute("SELECT cancel FROM runs WHERE key = ?", (key,)).fetchone()
            if row is not None and row["cancel"] == 2 and state is not RunState.DONE:
                db.execute(
                    "UPDATE runs SET state = 'QUEUED', cancel = 0, tries = 0 WHERE key = ?", (key,)
                )
                return
            db.execute(
                "UPDATE runs SET state = ?, message = ?, ended = ?,"
                " fraction = CASE WHEN ? = 'DONE' THEN 1 ELSE fraction END WHERE key = ?",
                (state, message, time.time(), state, key),
            )

    def unwanted(self, key: str) -> bool:
        """Whether the run is to stop: cancelled, or every viewer has been silent for a minute."""
        row = (
            self._db()
            .execute(
                "SELECT cancel, submitted, (SELECT MAX(until) FROM leases"
                " WHERE leases.key = runs.key) AS until FROM runs WHERE key = ?",
                (key,),
            )
            .fetchone()
        )
        if row is None or row["cancel"]:
            return True
        until: float = max(row["until"] or 0.0, row["submitted"] + LEASE_S)
        return until < time.time()

    def drop_unwanted(self) -> None:
        """Cancel waiting runs that nobody waits for."""
        now = time.time()
        with self._write() as db:
            db.execute(
                "UPDATE runs SET state = 'CANCELLED', ended = ? WHERE state = 'QUEUED'"
                " AND submitted < ? AND NOT EXISTS"
                " (SELECT 1 FROM leases WHERE leases.key = runs.key AND until >= ?)",
                (now, now - LEASE_S, now),
            )

    def adopt(self, slot: int) -> None:
        """A slot has a new owner: a run it was computing waits again, the second time it fails."""
        with self._write() as db:
            db.execute(
                "UPDATE runs SET state = 'FAILED', ended = ?, message ="
                " 'the server was stopped twice during this run'"
                " WHERE state = 'RUNNING' AND slot = ? AND tries >= ?",
                (time.time(), slot, MAX_TRIES),
            )
            db.execute(
                "UPDATE runs SET state = 'QUEUED', slot = -1, chunks = 0, fraction = 0"
                " WHERE state = 'RUNNING' AND slot = ?",
                (slot,),
            )
