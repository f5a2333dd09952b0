"""Who may import whom: the contracts in pyproject.toml, and what a light import must not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_import_contracts_are_kept():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = python("-c", code)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["sim", "sim.scenario", "sim.scenario_url", "sim.presets"])
def test_a_scenario_costs_no_numba(module):
    done = python("-c", f"import sys, {module}; sys.exit('numba' in sys.modules)")
    assert done.returncode == 0, done.stderr or f"import {module} loads numba"


def test_the_web_process_never_imports_numba():
    done = python("-c", "import sys, dashboard.wsgi; sys.exit('numba' in sys.modules)")
    assert done.returncode == 0, done.stderr or "dashboard.wsgi loads numba"
