"""The one place that imports numba; without it, or with NUMBA_DISABLE_JIT=1, kernels run as Python.

Compiled kernels are cached on disk in a folder of our own; ``kernel_cache`` says when they hold.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sim.sources import sources_digest

__all__ = ["JIT", "cache_root", "njit", "python_body", "sources_digest", "struct_type"]

JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""False when kernels run uncompiled: the reference and the debugger."""

F = TypeVar("F", bound=Callable[..., Any])


def cache_root() -> Path:
    """The writable folder of our caches: RECLAIM_LAB_CACHE_DIR, else the user's, else temporary."""
    named = os.environ.get("RECLAIM_LAB_CACHE_DIR")
    base = Path(named) if named else _user_cache() / "reclaim-lab"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(base, os.W_OK):
            return base
    except OSError as error:
        print(f"cache folder {base}: {error.strerror}; using a temporary one", file=sys.stderr)
    return Path(tempfile.mkdtemp(prefix="reclaim-lab-"))


def _user_cache() -> Path:
    xdg = os.environ.get("XDG_CACHE_HOME")
    return Path(xdg) if xdg else Path.home() / ".cache"


if JIT:
    if "NUMBA_CACHE_DIR" not in os.environ:
        _folder = cache_root() / "numba"
        _folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["NUMBA_CACHE_DIR"] = str(_folder)
    import numba
    from numba.core import types
    from numba.experimental import structref

    from sim.engine.kernel_cache import KernelCache

    def njit(function: F) -> F:
        """Compile a kernel in nopython mode, cached on disk."""
        compiled: F = numba.njit(error_model="numpy")(function)
        # What cache=True does, with our cache in place of numba's.
        compiled._cache = KernelCache(function)  # type: ignore[attr-defined]
        return compiled

else:

    def njit(function: F) -> F:
        """Leave the kernel as Python."""
        return function


def python_body(kernel: F) -> F:
    """The kernel uncompiled: for the few calls that cost less than loading it."""
    body: F = getattr(kernel, "py_func", kernel)
    return body


if JIT:

    def struct_type(name: str, fields: tuple[str, ...], module: str) -> type[Any]:
        """A struct of arrays that kernels take by reference; see ``Machine``.

        A tuple of 30 arrays costs 8 us a crossing, this 2 us.
        """

        class StructType(types.StructRef):  # type: ignore[misc]
            def __init__(self, fields: Any) -> None:
                super().__init__(fields)
                # A short name spares mangling 30 record types for every kernel; the checksum keeps
                # structs of other types apart, for numba takes equal names for equal types.
                self.name = f"{name}_{zlib.crc32(repr(fields).encode()):08x}"

            def preprocess_fields(self, pairs: Any) -> Any:
                return tuple((n, types.unliteral(t)) for n, t in pairs)

        StructType.__name__ = StructType.__qualname__ = f"{name}Type"
        StructType.__module__ = module
        setattr(sys.modules[module], f"{name}Type", StructType)
        structref.register(StructType)

        class Proxy(structref.StructRefProxy):  # type: ignore[misc]
            __slots__ = ()

        Proxy.__name__ = Proxy.__qualname__ = name
        Proxy.__module__ = module
        structref.define_proxy(Proxy, StructType, list(fields))
        return Proxy
else:

    def struct_type(name: str, fields: tuple[str, ...], module: str) -> type[Any]:
        """The same struct as a plain Python class."""

        def init(self: Any, *arrays: Any) -> None:
            for field, array in zip(fields, arrays, strict=True):
                setattr(self, field, array)

        return type(name, (), {"__slots__": fields, "__init__": init, "__module__": module})
