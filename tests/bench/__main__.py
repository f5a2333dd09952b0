"""``./lab bench [name ...]``: runs the named benchmarks, or all of them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def benchmarks() -> dict[str, str]:
    """Name and first docstring line of every benchmark in this folder, a module with ``main()``."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = {
        name: importlib.import_module(f"tests.bench.{name}") for name in names if name[0] != "_"
    }
    return {
        name: (module.__doc__ or "").splitlines()[0]
        for name, module in modules.items()
        if hasattr(module, "main")
    }


def main(wanted: list[str]) -> int:
    """Exit status 2 for an unknown name, 1 when a benchmark could not be run."""
    known = benchmarks()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are:", file=sys.stderr)
        for name, line in known.items():
            print(f"  {name:10} {line}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or known:
        print(f"{name}: {known[name]}", flush=True)
        failed |= importlib.import_module(f"tests.bench.{name}").main()
        print()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
