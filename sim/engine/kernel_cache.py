"""When a compiled kernel on disk may be used: when nothing that it was compiled from has changed.

numba stamps a cached kernel with its own file's text only, so that a changed callee or record type
in another file would go unnoticed. Here the stamp covers the file, everything of ``sim`` it
imports, directly or not, and all of ``sim.machine``, whose record types are part of every
kernel's argument; but not the control plane, which kernels cannot call. An edit recompiles what
depends on it and no more.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, UserProvidedCacheLocator
from numba.core.runtime import rtsys

_SIM = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(rb"^(?:from|import) (sim(?:\.\w+)*)", re.MULTILINE)
_CONTROL_PLANE = {
    _SIM / "engine" / "engine.py",
    _SIM / "engine" / "waitq.py",
    _SIM / "machine" / "system.py",
}


class ImportedSourcesLocator(UserProvidedCacheLocator):  # type: ignore[misc]
    """numba's locator for NUMBA_CACHE_DIR, with a stamp over all imported sources of ``sim``."""

    def get_source_stamp(self) -> str:
        """What numba compares with the stamp stored beside the compiled kernels of the file."""
        return stamp(Path(self._py_file))


class LazyCache:
    """numba's cache of one function, opened at first use: three hundred take 0.1 s to open.

    A kernel from disk is complete: loading it needs numba's runtime, but not the registries of all
    that numba could compile, which numba itself would import first (0.15 s).
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The compiled kernel for the signature, None when there is none that holds."""
        rtsys.initialize(target)
        with self._opened._guard_against_spurious_io_errors():
            return self._opened._load_overload(signature, target)

    @functools.cached_property
    def _opened(self) -> FunctionCache:
        return FunctionCache(self._function)


@functools.cache
def stamp(path: Path) -> str:
    """sha256 over the interpreter's version and every source the file at ``path`` depends on."""
    sources = {path.resolve(), *(_SIM / "machine").glob("*.py")} - (_CONTROL_PLANE - {path})
    waiting = list(sources)
    while waiting:
        for source in _imports(waiting.pop()):
            if source not in sources:
                sources.add(source)
                waiting.append(source)
    h = hashlib.sha256(sys.version.encode())
    for source in sorted(sources):
        h.update(source.name.encode())
        h.update(_text(source))
    return h.hexdigest()


@functools.cache
def _text(path: Path) -> bytes:
    return path.read_bytes()


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Modules of ``sim`` that the file imports."""
    found = []
    for name in _IMPORT.findall(_text(path)):
        module = _SIM.parent.joinpath(*name.decode().split("."))
        found += [p for p in (module.with_suffix(".py"), module / "__init__.py") if p.is_file()]
    return tuple(p for p in found if p not in _CONTROL_PLANE)
