"""Recordings of real kernels: the configured folder's, and files that visitors dropped.

A dropped file lives for a day in a private folder under the first 12 hex digits of its sha256,
which is what ``file=`` says in a link. Nothing is parsed here: that is a job like a run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.settings import Settings, private_folder

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.traces import Recording

LIFE_S = 86_400.0
DIGEST = re.compile(r"[0-9a-f]{12}")
_CATALOGUE_S = 30.0  # how long a listing of the folder is believed
_FOLDER_LIMIT = 4  # all uploads together, in units of the largest one
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that can be opened: the run key its Result will have, and where it is."""

    key: str
    path: Path
    title: str


class TooLarge(Exception):
    """An upload past the limit, in MiB."""

    def __init__(self, limit_mib: int) -> None:
        super().__init__(f"the file is larger than {limit_mib} MiB")
        self.limit_mib = limit_mib


class Recordings:
    """The folder's catalogue and the uploads."""

    def __init__(self, settings: Settings, sources: str) -> None:
        self.folder = settings.recordings_dir
        self.uploads = private_folder(private_folder(settings.cache_dir) / "uploads")
        self.max_mib = settings.max_upload_mib
        self._sources = sources
        self._listed: tuple[float, dict[str, Recording]] = (-_CATALOGUE_S, {})

    def _key(self, identity: str) -> str:
        h = hashlib.sha256(f"{identity}\0{self._sources}".encode())
        return f"rec-{h.hexdigest()[:12]}"

    def catalogue(self) -> dict[str, Recording]:
        """Name -> recording of the configured folder; empty without one.

        Raises:
            TraceError: the folder cannot be read.
        """
        if self.folder is None:
            return {}
        at, listed = self._listed
        if time.monotonic() - at > _CATALOGUE_S:
            from sim.traces import catalogue

            listed = {recording.name: recording for recording in catalogue(self.folder)}
            self._listed = (time.monotonic(), listed)
        return listed

    def named(self, name: str) -> Recorded | None:
        """The recording that ``rec=<name>`` means."""
        found = self.catalogue().get(name)
        if found is None:
            return None
        return Recorded(self._key(_identity(found.path)), found.path, found.title)

    def parameters(self, name: str) -> Scenario | None:
        """What the recording of the folder was made with, as far as it is known."""
        from sim.traces import scenario_for

        found = self.catalogue().get(name)
        return scenario_for(found) if found is not None else None

    def uploaded(self, digest: str) -> Recorded | None:
        """The file that ``file=<12 hex>`` means, while it is there."""
        if not DIGEST.fullmatch(digest):
            return None
        for folder in self.uploads.glob(f"{digest}-*"):
            for path in folder.iterdir():
                return Recorded(self._key(digest), path, path.name)
        return None

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """Keep an upload as it arrives; its 12 hex digits.

        Raises:
            TooLarge: it passes the limit; nothing is kept.
            ValueError: it is empty.
        """
        self.expire()
        digest = hashlib.sha256()
        limit = self.max_mib << 20
        handle, partial = tempfile.mkstemp(prefix=".part-", dir=self.uploads)
        try:
            size = 0
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise TooLarge(self.max_mib)
                    digest.update(chunk)
                    file.write(chunk)
            if size == 0:
                raise ValueError("the file is empty")
            short = digest.hexdigest()[:12]
            self._make_room(size)
            # The name says the format where the content does not; the folder keeps both.
            folder = private_folder(self.uploads / f"{short}-{digest.hexdigest()[12:20]}")
            for other in folder.iterdir():
                other.unlink()
            os.replace(partial, folder / safe_name(name))
            os.utime(folder)
            return short
        finally:
            Path(partial).unlink(missing_ok=True)

    def expire(self) -> None:
        """Remove uploads past their day."""
        end = time.time() - LIFE_S
        for age, _, path in self._kept():
            if age < end:
                _remove(path)

    def _make_room(self, size: int) -> None:
        kept = sorted(self._kept())
        total = sum(bytes_ for _, bytes_, _ in kept) + size
        for _, bytes_, path in kept:
            if total <= _FOLDER_LIMIT * (self.max_mib << 20):
                return
            _remove(path)
            total -= bytes_

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        """(time, bytes, path) of each upload, and of those that were interrupted."""
        for path in self.uploads.iterdir():
            with contextlib.suppress(OSError):
                files = list(path.iterdir()) if path.is_dir() else [path]
                yield path.stat().st_mtime, sum(f.stat().st_size for f in files), path


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        else:
            path.unlink()


def safe_name(name: str) -> str:
    """A file name of harmless characters, its ending kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return _NAME.sub("-", last).lstrip(".-")[-80:] or "recording"


def _identity(path: Path) -> str:
    """What of a recording changes when it does."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return f"{path}\0{found.st_size}\0{found.st_mtime_ns}"
    return str(path)
