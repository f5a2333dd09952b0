"""House rules that a reader relies on: sizes, names, period words, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINE, MAX_FUNCTION, MAX_FILE = 100, 70, 500

# Longer than the limits, each with its reason: "path" for a file, "path::function" for a function.
LONGER: dict[str, tuple[int, str]] = {}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}

# Words of later kernels (3.2 on), which nothing in 2.6.35 means. Allowed behind a version number.
MECHANISM = ("sim/mm", "sim/fs", "sim/block", "sim/machine")
LATER_KERNELS = re.compile(
    r"lruvec|lru_lock|workingset|refault|mglru|dirty_paused_when|cgroup[ _]?v2|memory[._]high"
    r"|\bpsi\b|folio|zone_congested|wait_iff_congested|mm_vmscan_lru_shrink",
    re.IGNORECASE,
)
KERNEL_VERSION = re.compile(r"\b(2\.6\.(3[7-9])|[3-6]\.\d+)\b")

MACHINE_PATH = re.compile(r"""(?<![\w.)\]}/-])/(work|root|home)/""")
OFF_SITE = re.compile(
    r"cdnjs|jsdelivr|unpkg|googleapis|gstatic|api\.iconify|cloud\.plotly"
    r"|(src|href|url|import|fetch)\W{1,3}https?://",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")


def tracked_files() -> list[str]:
    """What is or will be in the repository, by git when there is one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and listed.stdout:
        names = set(listed.stdout.split("\0")) - {""}
    else:
        folders = ("sim", "dashboard", "tests", "assets", ".ci")
        found = [p for folder in folders for p in (ROOT / folder).rglob("*")]
        names = {p.relative_to(ROOT).as_posix() for p in found if "__pycache__" not in p.parts}
    return sorted(name for name in names if (ROOT / name).is_file())


# What other people wrote is theirs to lay out.
FILES = [name for name in tracked_files() if not name.startswith("assets/vendor/")]
PYTHON = [name for name in FILES if name.endswith(".py")]
CODE = [name for name in PYTHON if name.startswith(("sim/", "dashboard/"))]
TEXT = [
    name
    for name in FILES
    if name.endswith((".py", ".css", ".js", ".md", ".toml", ".yaml", ".html", ".svg", ".txt"))
    or name in ("lab", ".ci/run", "requirements.lock", "requirements-test.lock")
]
THIS = "tests/arch/test_tidy.py"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def hits(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    """``path:line: text`` for every line that matches."""
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in names
        if name != THIS
        for number, line in enumerate(read(name).splitlines(), 1)
        if pattern.search(line)
    ]


def limit(key: str, otherwise: int) -> int:
    return LONGER.get(key, (otherwise, ""))[0]


def functions(name: str) -> list[tuple[str, int]]:
    """Every function of a file with its length in lines; a docstring costs nothing."""
    found = []
    for node in ast.walk(ast.parse(read(name))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            prose = node.body[0] if ast.get_docstring(node) else None
            saved = (prose.end_lineno or 0) - prose.lineno + 1 if prose else 0
            found.append((node.name, (node.end_lineno or 0) - node.lineno + 1 - saved))
    return found


def test_there_is_something_to_check():
    assert len(CODE) > 10


def test_lines_fit_into_100_columns():
    code = [*PYTHON, "lab", ".ci/run", *(n for n in FILES if n.endswith((".css", ".js")))]
    long = re.compile(rf"^.{{{MAX_LINE + 1},}}$")
    assert hits(long, code) == []


def test_functions_fit_on_a_page():
    long = [
        f"{name}::{function} has {length} lines"
        for name in PYTHON
        for function, length in functions(name)
        if length > limit(f"{name}::{function}", MAX_FUNCTION)
    ]
    assert long == []


def test_files_stay_small():
    sizes = {name: len(read(name).splitlines()) for name in PYTHON}
    assert {n: s for n, s in sizes.items() if s > limit(n, MAX_FILE)} == {}


def test_every_exception_from_the_limits_is_needed_and_has_a_reason():
    for key, (_, reason) in LONGER.items():
        name, _, function = key.partition("::")
        assert reason, key
        if function:
            assert max(n for f, n in functions(name) if f == function) > MAX_FUNCTION, key
        else:
            assert len(read(name).splitlines()) > MAX_FILE, key


def test_no_file_is_named_after_nothing():
    words = {name: set(re.split(r"[_./]", name.rpartition("/")[2])) for name in PYTHON}
    assert [name for name, parts in words.items() if parts & FORBIDDEN_NAMES] == []


def test_no_later_kernel_in_the_mechanism():
    rooms = [name for name in CODE if name.startswith(MECHANISM)]
    found = hits(LATER_KERNELS, rooms)
    assert [hit for hit in found if not KERNEL_VERSION.search(hit)] == []


def test_no_path_of_one_machine():
    assert hits(MACHINE_PATH, TEXT) == []


def test_the_page_asks_no_other_host():
    page = [n for n in FILES if n.startswith(("assets/", "dashboard/"))]
    assert hits(OFF_SITE, [n for n in page if n in TEXT]) == []


def test_locks_name_no_registry():
    locks = [name for name in FILES if name.endswith(".lock")]
    assert hits(re.compile(r"https?://|--(extra-)?index-url|--find-links|@ file"), locks) == []


def test_nothing_is_left_unfinished():
    assert hits(UNFINISHED, [*CODE, *(n for n in TEXT if n.startswith("assets/"))]) == []


@pytest.mark.parametrize("name", PYTHON)
def test_no_error_is_swallowed(name):
    """``except ...: pass`` hides; contextlib.suppress at least names what it hides."""
    silent = [
        f"{name}:{node.lineno}"
        for node in ast.walk(ast.parse(read(name)))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]
    assert silent == []


def test_top_level_is_what_the_readme_says():
    allowed = {
        "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "lab",
        "requirements.lock", "requirements-test.lock",
        "sim", "dashboard", "tests", "assets",
        ".ci", ".gitignore", ".pre-commit-config.yaml",
    }  # fmt: skip
    assert {name.partition("/")[0] for name in FILES} <= allowed
