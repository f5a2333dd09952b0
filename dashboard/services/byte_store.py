"""Bytes by key, in files or in Redis: what the cache and the runners keep results in.

Only bytes go in and only bytes come out: nothing here can be made to run code by a planted file.
A key is ``<group>:<name>``; a group (one run) is kept or evicted as a whole, so that whoever finds
a run's last entry finds all of it. Free of Flask, for the runner processes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

_EXPIRY = struct.Struct("<d")  # seconds since the epoch, 0 = never
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_USED_STEP_S = 10.0  # how fine the order of use is kept


class ByteStore(Protocol):
    """What results are kept in."""

    def get(self, key: str) -> bytes | None:
        """The bytes, None when absent or past their time."""

    def set(self, key: str, value: bytes, timeout: int | None = None) -> bool | None:
        """Keep bytes for ``timeout`` seconds, 0 = until evicted, None = the store's default."""

    def delete(self, key: str) -> bool:
        """Forget one entry."""

    def drop(self, group: str) -> None:
        """Forget all entries of a group."""

    def hold(self, group: str) -> contextlib.AbstractContextManager[None]:
        """While it lasts the group is not evicted; it ends with the process at the latest."""

    def lock(self, name: str) -> contextlib.AbstractContextManager[None]:
        """One holder at a time over all processes; it ends with the process at the latest."""

    def bytes_used(self) -> int:
        """Size of everything kept."""


def split_key(key: str) -> tuple[str, str]:
    """(group, name) of a key.

    Raises:
        ValueError: characters that have no place in a file name.
    """
    group, _, name = key.partition(":")
    name = name.replace(":", ".") or "value"
    if not _NAME.fullmatch(group) or not _NAME.fullmatch(name):
        raise ValueError(f"not a cache key: {key!r}")
    return group, name


class FileBytes:
    """One file for each entry below a private folder, the least recently used groups evicted."""

    def __init__(self, folder: Path, max_bytes: int, default_timeout: int = 0) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.default_timeout = default_timeout
        self._groups = folder / "groups"
        self._locks = folder / "locks"
        for path in (folder, self._groups, self._locks):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._added = max_bytes  # so that the first entry counts what is there
        self._mutex = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The bytes, None when absent or past their time."""
        group, name = split_key(key)
        path = self._groups / group / name
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(data) < _EXPIRY.size:
            return None
        (expiry,) = _EXPIRY.unpack_from(data)
        if expiry and expiry < time.time():
            path.unlink(missing_ok=True)
            return None
        self._mark_used(path.parent)
        return data[_EXPIRY.size :]

    def set(self, key: str, value: bytes, timeout: int | None = None) -> bool:
        """Keep bytes; the file appears whole or not at all.

        Raises:
            TypeError: not bytes.
            OSError: the disk is full even after eviction.
        """
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"the cache keeps bytes, not {type(value).__name__}")
        group, name = split_key(key)
        seconds = self.default_timeout if timeout is None else timeout
        head = _EXPIRY.pack(time.time() + seconds if seconds > 0 else 0.0)
        size = len(value) + len(head)
        self._make_room(size)
        try:
            self._write(group, name, head, value)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.evict(self.bytes_used() // 2)
            self._write(group, name, head, value)
        return True

    def _write(self, group: str, name: str, head: bytes, value: Any) -> None:
        folder = self._groups / group
        for _ in range(3):  # an eviction may take the folder away in between
            folder.mkdir(mode=0o700, exist_ok=True)
            try:
                handle, partial = tempfile.mkstemp(prefix=".part-", dir=folder)
            except FileNotFoundError:
                continue
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(head)
                    file.write(value)
                os.replace(partial, folder / name)
                return
            except FileNotFoundError:
                continue
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
        raise OSError(errno.EAGAIN, "the entry's folder keeps vanishing", str(folder))

    def has(self, key: str) -> bool:
        """Whether an entry can be read."""
        return self.get(key) is not None

    def delete(self, key: str) -> bool:
        """Forget one entry."""
        group, name = split_key(key)
        try:
            (self._groups / group / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def clear(self) -> bool:
        """Forget everything that no run holds."""
        self.evict(0)
        return True

    def drop(self, group: str) -> None:
        """Forget all entries of a group, in one step for readers."""
        folder = self._groups / split_key(group)[0]
        gone = Path(tempfile.mkdtemp(prefix=".gone-", dir=self.folder))
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, gone / "group")
        shutil.rmtree(gone, ignore_errors=True)

    @contextlib.contextmanager
    def hold(self, group: str) -> Iterator[None]:
        """Keep the group from eviction: a shared lock that the evictor would need alone."""
        handle = self._flock(f"hold-{split_key(group)[0]}", fcntl.LOCK_SH)
        assert handle is not None
        try:
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """An exclusive lock over processes; the kernel releases it when its holder dies."""
        file = f"sf-{'-'.join(split_key(name))}"
        handle = self._flock(file, fcntl.LOCK_EX)
        assert handle is not None
        try:
            yield
        finally:
            (self._locks / file).unlink(missing_ok=True)
            os.close(handle)

    def _flock(self, name: str, how: int) -> int | None:
        """An open, locked file; None when it is taken and ``how`` has LOCK_NB."""
        path = self._locks / name
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, how)
            except BlockingIOError:
                os.close(handle)
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_ino == os.fstat(handle).st_ino:
                    return handle
            os.close(handle)  # its last holder removed the file while we waited

    def _mark_used(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            now = time.time()
            if now - folder.stat().st_mtime > _USED_STEP_S:
                os.utime(folder, (now, now))

    def _make_room(self, size: int) -> None:
        """Count and evict when enough was added since the last look."""
        with self._mutex:
            self._added += size
            if self._added < self.max_bytes // 16:
                return
            self._added = 0
        self.evict(self.max_bytes - self.max_bytes // 8 - size)

    def evict(self, target_bytes: int) -> None:
        """Drop the least recently used groups until the rest fits."""
        groups = sorted(self._sizes())
        total = sum(size for _, size, _ in groups)
        for _, size, name in groups:
            if total <= target_bytes:
                return
            handle = self._flock(f"hold-{name}", fcntl.LOCK_EX | fcntl.LOCK_NB)
            if handle is None:
                continue  # a run is writing it
            try:
                self.drop(name)
                (self._locks / f"hold-{name}").unlink(missing_ok=True)
            finally:
                os.close(handle)
            total -= size

    def _sizes(self) -> Iterator[tuple[float, int, str]]:
        """(last use, bytes, name) of every group."""
        for group in self._groups.iterdir():
            with contextlib.suppress(OSError):
                size = sum(entry.stat().st_size for entry in group.iterdir())
                yield group.stat().st_mtime, size, group.name

    def bytes_used(self) -> int:
        """Size of everything kept, by its files."""
        return sum(size for _, size, _ in self._sizes())


class RedisBytes:
    """The same in Redis, whose own ``maxmemory`` policy evicts; entries end after a day unused."""

    LIFE_S = 86_400
    PREFIX = "reclaim-lab:"

    def __init__(self, client: Any, default_timeout: int = 0) -> None:
        self.client = client
        self.default_timeout = default_timeout

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Connect; needs the extra ``scale``."""
        import redis

        return cls(redis.Redis.from_url(url))

    def _name(self, key: str) -> str:
        group, name = split_key(key)
        return f"{self.PREFIX}{group}:{name}"

    def get(self, key: str) -> bytes | None:
        """The bytes, None when absent; a read gives them another day."""
        name = self._name(key)
        value = self.client.get(name)
        if value is None:
            return None
        if self.client.ttl(name) > self.LIFE_S // 2:
            self.client.expire(name, self.LIFE_S)
        return bytes(value)

    def set(self, key: str, value: bytes, timeout: int | None = None) -> bool:
        """Keep bytes as they are: the client is given no serializer.

        Raises:
            TypeError: not bytes.
        """
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"the cache keeps bytes, not {type(value).__name__}")
        seconds = self.default_timeout if timeout is None else timeout
        life = seconds if seconds > 0 else self.LIFE_S
        return bool(self.client.set(self._name(key), bytes(value), ex=life))

    def has(self, key: str) -> bool:
        """Whether an entry can be read."""
        return bool(self.client.exists(self._name(key)))

    def delete(self, key: str) -> bool:
        """Forget one entry."""
        return bool(self.client.delete(self._name(key)))

    def clear(self) -> bool:
        """Forget everything of ours."""
        for name in self.client.scan_iter(match=f"{self.PREFIX}*"):
            self.client.delete(name)
        return True

    def drop(self, group: str) -> None:
        """Forget all entries of a group."""
        for name in self.client.scan_iter(match=f"{self.PREFIX}{split_key(group)[0]}:*"):
            self.client.delete(name)

    @contextlib.contextmanager
    def hold(self, _group: str) -> Iterator[None]:
        """Nothing to do: entries outlive a run by far."""
        yield

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """An exclusive lock, renewed by its holder for as long as it works."""
        lock = self.client.lock(f"{self.PREFIX}lock:{name}", timeout=15, thread_local=False)
        lock.acquire()
        done = threading.Event()

        def renew() -> None:
            while not done.wait(5):
                lock.reacquire()

        threading.Thread(target=renew, daemon=True).start()
        try:
            yield
        finally:
            done.set()
            lock.release()

    def bytes_used(self) -> int:
        """Size of the whole database, in Redis' own count."""
        return int(self.client.info("memory")["used_memory"])
