"""Compiled kernels on disk: one file a kernel, found by the digest of all it was compiled from.

numba's own cache stamps a kernel with its file's text only, so that a changed callee or record type
in another file would go unnoticed. Here the digest covers the file, everything of ``sim`` it
imports, directly or not, and all of ``sim.machine``, whose record types are part of every
kernel's argument; but not the control plane, which kernels cannot call. An edit recompiles what
depends on it and no more, and two checkouts of the same sources share their kernels.

A kernel from disk is object code: what only the compilation of its callers needs (its bitcode, its
types) is parsed when one is compiled, and the argument types, which every entry into the machine
shares, are not stored again. numba's cache takes 20 ms an entry, this 3.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import pickle
import re
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
from llvmlite import binding
from numba.core import types
from numba.core.caching import _Cache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import NumbaPickler

_SIM = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(rb"^(?:from|import) (sim(?:\.\w+)*)", re.MULTILINE)
_CONTROL_PLANE = {
    _SIM / "engine" / "engine.py",
    _SIM / "engine" / "waitq.py",
    _SIM / "machine" / "system.py",
}
_KEPT_VERSIONS = 12
"""Files of one kernel that stay: as many signatures and source states as people go back and forth
between."""


class KernelCache(_Cache):  # type: ignore[misc]
    """numba's ``_cache`` of one dispatcher.

    A kernel that cannot be read (cut short, damaged, by another release) is compiled again.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder of all kernels."""
        return os.environ["NUMBA_CACHE_DIR"]

    def enable(self) -> None:
        """Load and save from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Neither load nor save from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Forget the kernel in every signature."""
        for path in self._versions():
            path.unlink(missing_ok=True)

    def load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        """The compiled kernel for the argument types, None when there is none that holds."""
        if not self._enabled:
            return None
        # Loading needs numba's runtime, but not the registries of all that numba could compile,
        # which refresh() imports (0.15 s).
        rtsys.initialize(target_context)
        path = self._path(sig, target_context.codegen())
        stored = _read(path, sig)
        if stored is None:
            return None
        os.utime(path)
        return _rebuild(target_context, *stored)

    def save_overload(self, sig: Any, data: CompileResult) -> None:
        """Store a kernel that was just compiled."""
        if not self._enabled:
            return
        if data.library.has_dynamic_globals or data.lifted:
            # It would hold addresses of this process, and every process would compile it anew.
            raise RuntimeError(f"kernel {self._function.__qualname__} cannot be cached")
        path = self._path(sig, data.codegen)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, _reduce(data), sig)
        by_use = sorted(self._versions(), key=_last_use_ns)
        for old in by_use[:-_KEPT_VERSIONS]:
            old.unlink(missing_ok=True)

    def _path(self, sig: Any, codegen: Any) -> Path:
        code = self._function.__code__
        parts = (
            stamp(Path(code.co_filename)),
            repr(sig),
            repr(codegen.magic_tuple()),
            numba.__version__,
            llvmlite.__version__,
            f"{code.co_firstlineno}",
        )
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
        return Path(self.cache_path) / f"{self._name}-{digest}.kernel"

    def _versions(self) -> list[Path]:
        return [*Path(self.cache_path).glob(f"{self._name}-*.kernel")]

    @property
    def _name(self) -> str:
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        return re.sub(r"[^\w.]", "_", name)


class _StoredLibrary(JITCodeLibrary):  # type: ignore[misc]
    """A library from disk, whose module for linking is parsed when a caller is compiled."""

    bitcode: bytes
    _shared_module: Any

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            self._shared_module = binding.parse_bitcode(zlib.decompress(self.bitcode))
        return self._shared_module


def _reduce(result: CompileResult) -> tuple[Any, ...]:
    name, _, (object_code, bitcode) = result.library.serialize_using_object_code()
    module = result.library._get_module_for_linking()
    symbols = [
        value.name
        for values in (module.functions, module.global_variables)
        for value in values
        if not value.is_declaration
    ]
    result.fndesc.typemap = result.fndesc.calltypes = None
    return (
        name,
        object_code,
        zlib.compress(bitcode, 1),
        symbols,
        result.fndesc,
        result.environment,
        result.signature,
        result.objectmode,
        result.reload_init,
        tuple(result._find_referenced_environments()),
    )


def _rebuild(
    context: Any,
    name: str,
    object_code: bytes,
    bitcode: bytes,
    symbols: list[str],
    fndesc: Any,
    environment: Any,
    signature: Any,
    objectmode: bool,
    reload_init: list[Callable[[], None]],
    environments: tuple[Any, ...],
) -> CompileResult:
    for function in reload_init:
        function()
    codegen = context.codegen()
    library = _StoredLibrary(codegen, name)
    library.bitcode = bitcode
    library.enable_object_caching()
    library._set_compiled_object(object_code)
    library._finalize_final_module()
    codegen._engine._defined_symbols.update(symbols)
    entry_point = context.get_executable(library, fndesc, environment)
    for each in environments:
        codegen.set_env(each.env_name, each)
    return CompileResult(
        target_context=context,
        typing_context=context.typing_context,
        library=library,
        environment=environment,
        entry_point=entry_point,
        fndesc=fndesc,
        type_annotation="",
        signature=signature,
        objectmode=objectmode,
        lifted=(),
        typing_error=None,
        call_helper=None,
        metadata=None,
        reload_init=reload_init,
        referenced_envs=environments,
    )


class _Pickler(NumbaPickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO, argument_types: tuple[Any, ...]) -> None:
        super().__init__(file, protocol=5)
        self._places = {kind: i for i, kind in enumerate(argument_types)}

    def persistent_id(self, value: Any) -> int | None:
        """An argument type is named by its place: it is at hand when the kernel is loaded."""
        return self._places.get(value) if isinstance(value, types.Type) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, argument_types: tuple[Any, ...]) -> None:
        super().__init__(file)
        self._argument_types = argument_types

    def persistent_load(self, place: int) -> Any:
        return self._argument_types[place]


def _write(path: Path, data: tuple[Any, ...], argument_types: tuple[Any, ...]) -> None:
    """Replace the file at once; other processes may be reading it."""
    buffer = io.BytesIO()
    _Pickler(buffer, argument_types).dump(data)
    body = buffer.getvalue()
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(zlib.crc32(body).to_bytes(4, "little"))
        file.write(body)
    os.replace(file.name, path)


def _read(path: Path, argument_types: tuple[Any, ...]) -> tuple[Any, ...] | None:
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    if zlib.crc32(content[4:]).to_bytes(4, "little") != content[:4]:
        return None
    stored: tuple[Any, ...] = _Unpickler(io.BytesIO(content[4:]), argument_types).load()
    return stored


def _last_use_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # another process took it away
        return 0


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
