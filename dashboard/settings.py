"""Settings of one server, read from the environment once.

Nothing else in this package looks at ``os.environ``; tests make a ``Settings`` by hand.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "RECLAIM_LAB_"


class SettingsError(ValueError):
    """A variable that cannot be used; the message names it."""


def _setting(default: Any, help_: str, lo: int = 0, hi: int = 0) -> Any:
    return field(default=default, metadata={"help": help_, "lo": lo, "hi": hi})


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the variable ``RECLAIM_LAB_<FIELD>``; empty means its default."""

    cache_dir: Path = _setting(  # noqa: RUF009
        Path(), "Folder of results, queue and uploads, mode 0700; default: the user's cache folder"
    )
    recordings_dir: Path | None = _setting(  # noqa: RUF009
        None, "Folder of recordings of real kernels that the page offers; default: none"
    )
    redis_url: str = _setting(
        "", "Keep results in this Redis instead of the cache folder; default: none"
    )
    max_pages: int = _setting(
        4 << 20, "RAM pages of the largest machine a request may ask for", 1 << 14, 1 << 28
    )
    max_seconds: int = _setting(
        600, "Simulated seconds of the longest run a request may ask for", 1, 3600
    )
    runners: int = _setting(
        0, "Runs computed at once, each in its own process; 0 = one for each CPU, at least 2", 0, 64
    )
    cache_mib: int = _setting(2048, "MiB of results kept in the cache folder", 16, 1 << 20)
    celery: int = _setting(
        0, "1 = runs are computed by Celery workers, which share `RECLAIM_LAB_REDIS_URL`", 0, 1
    )
    max_upload_mib: int = _setting(
        256, "MiB of the largest recording that may be uploaded", 1, 1 << 14
    )

    def __post_init__(self) -> None:
        """Fill in what depends on the machine."""
        if self.cache_dir == Path():
            object.__setattr__(self, "cache_dir", _default_cache_dir(os.environ))
        if self.runners == 0:
            object.__setattr__(self, "runners", max(2, _cpus()))

    @classmethod
    def table(cls) -> str:
        """The variables as README.md lists them, in Markdown."""
        rows = ["| variable | what | default | range |", "|---|---|---|---|"]
        for f in fields(cls):
            what, _, said = f.metadata["help"].partition("; default: ")
            lo, hi = f.metadata["lo"], f.metadata["hi"]
            default = said or (f"{f.default:,}" if hi else "none")
            span = f"{lo:,} to {hi:,}" if hi else ""
            rows.append(f"| `{PREFIX}{f.name.upper()}` | {what} | {default} | {span} |")
        return "\n".join(rows)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read every variable.

        Raises:
            SettingsError: not a number, out of range, or a folder that is not there.
        """
        env = os.environ if environ is None else environ
        values: dict[str, Any] = {"cache_dir": _default_cache_dir(env)}
        for f in fields(cls):
            name = PREFIX + f.name.upper()
            text = env.get(name, "").strip()
            if not text:
                continue
            if f.name == "redis_url":
                values[f.name] = text
            elif f.name.endswith("_dir"):
                values[f.name] = Path(text).expanduser().resolve()
            else:
                values[f.name] = _number(name, text, f.metadata["lo"], f.metadata["hi"])
        settings = cls(**values)
        if settings.celery and not settings.redis_url:
            raise SettingsError(f"{PREFIX}CELERY=1 needs {PREFIX}REDIS_URL")
        folder = settings.recordings_dir
        if folder is not None and not folder.is_dir():
            raise SettingsError(f"{PREFIX}RECORDINGS_DIR: {folder} is not a folder")
        return settings


def _number(name: str, text: str, lo: int, hi: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {text!r}") from None
    if not lo <= value <= hi:
        raise SettingsError(f"{name} must be {lo} to {hi}, not {value}")
    return value


def _default_cache_dir(env: Mapping[str, str]) -> Path:
    """The user's cache folder, or a private temporary one where there is none to write into."""
    xdg, home = env.get("XDG_CACHE_HOME"), env.get("HOME")
    temporary = Path(tempfile.gettempdir()) / f"reclaim-lab-{os.getuid()}"
    if not xdg and not home:
        return temporary
    path = (Path(xdg) if xdg else Path(str(home)) / ".cache") / "reclaim-lab"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return temporary
    return path if os.access(path, os.W_OK) else temporary


def private_folder(path: Path) -> Path:
    """Make a folder that only this user may enter.

    Raises:
        SettingsError: it cannot be made, or belongs to someone else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        if found.st_uid != os.getuid():
            raise SettingsError(f"{path} belongs to another user")
        if found.st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise SettingsError(f"cache folder {path}: {error.strerror}") from error
    return path
