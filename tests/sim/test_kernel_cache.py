"""Compiled kernels on disk: found by a process that has the same sources, and only then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="kernels run uncompiled here"
)

ROOT = Path(__file__).resolve().parents[2]
# Two kernels, one of which calls the other; what was compiled and what came from disk.
PROGRAM = """
from sim.pair import twice, four_times
results = {calls}
for kernel in (twice, four_times):
    print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()), end=" ")
print(*results)
"""
KERNELS = """
from sim.engine.jit import njit

@njit
def twice(x: int) -> int:
    if x < 0:
        raise ValueError("below zero")
    return {double}

@njit
def four_times(x: int) -> int:
    return twice(twice(x))
"""


class Checkout:
    """A copy of the sources that kernels depend on, with two kernels of its own."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache = root, cache
        for room in ("engine", "machine"):
            shutil.copytree(ROOT / "sim" / room, root / "sim" / room)
        for name in ("__init__.py", "sources.py", "units.py"):
            shutil.copy(ROOT / "sim" / name, root / "sim" / name)
        self.write()

    def write(self, double: str = "2 * x") -> None:
        text = KERNELS.format(double=double)
        (self.root / "sim" / "pair.py").write_text(text)

    def run(self, calls: str) -> list[int]:
        """Hits and misses of ``twice``, of ``four_times``, and what the calls gave."""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(calls=calls)],
            cwd=self.root,
            env=os.environ | {"NUMBA_CACHE_DIR": str(self.cache), "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [int(word) for word in done.stdout.split()]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a", tmp_path / "kernels")


def test_a_second_process_compiles_nothing(checkout):
    assert checkout.run("[four_times(3)]") == [0, 1, 0, 1, 12]
    assert checkout.run("[four_times(3)]") == [0, 0, 1, 0, 12]


def test_a_kernel_from_disk_is_linked_into_a_caller_that_is_compiled(checkout):
    assert checkout.run("[twice(3)]") == [0, 1, 0, 0, 6]
    assert checkout.run("[four_times(3)]") == [1, 0, 0, 1, 12]


def test_another_checkout_of_the_same_sources_compiles_nothing(checkout, tmp_path):
    checkout.run("[four_times(3)]")
    other = Checkout(tmp_path / "b", checkout.cache)
    assert other.run("[four_times(3)]") == [0, 0, 1, 0, 12]


def test_an_edit_of_a_callee_or_of_a_record_compiles_anew(checkout):
    checkout.run("[four_times(3)]")
    checkout.write(double="3 * x")
    assert checkout.run("[four_times(3)]") == [0, 1, 0, 1, 27]
    with (checkout.root / "sim" / "machine" / "page.py").open("a") as file:
        file.write("\n# another record\n")
    assert checkout.run("[four_times(3)]") == [0, 1, 0, 1, 27]


def test_a_kernel_of_another_type_of_argument_is_another_kernel(checkout):
    checkout.run("[four_times(3)]")
    assert checkout.run("[int(four_times(1.5))]") == [0, 1, 0, 1, 6]


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:999] + b"!" + b[1000:]])
def test_a_damaged_file_is_compiled_again(checkout, damage):
    checkout.run("[four_times(3)]")
    for path in checkout.cache.glob("*.kernel"):
        path.write_bytes(damage(path.read_bytes()))
    assert checkout.run("[four_times(3)]") == [0, 1, 0, 1, 12]
    assert checkout.run("[four_times(3)]") == [0, 0, 1, 0, 12]


def test_an_empty_file_is_compiled_again(checkout):
    checkout.run("[twice(3)]")
    for path in checkout.cache.glob("*.kernel"):
        path.write_bytes(b"")
    assert checkout.run("[twice(3)]") == [0, 1, 0, 0, 6]


def test_errors_of_a_kernel_from_disk_are_raised(checkout):
    checkout.run("[four_times(3)]")
    calls = """[]
try:
    four_times(-1)
except ValueError as error:
    results = [len(str(error))]
"""
    assert checkout.run(calls)[-1] == len("below zero")


def test_old_versions_of_a_kernel_are_removed(checkout):
    checkout.cache.mkdir()
    for number in range(14):
        old = checkout.cache / f"sim.pair.twice-{number:024d}.kernel"
        old.write_bytes(b"")
        os.utime(old, (number, number))
    checkout.run("[twice(3)]")
    assert len([*checkout.cache.glob("sim.pair.twice-*")]) == 12
    assert checkout.run("[twice(3)]")[:2] == [1, 0]
