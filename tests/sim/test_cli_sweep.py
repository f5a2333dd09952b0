"""``python -m sim sweep``: the grid, its forms, what cannot be swept, and an interrupted one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim.cli import INTERRUPTED, USAGE, main
from sim.cli_sweep import MAX_RUNS
from sim.machine.vmstat import NAMES
from sim.result import Result
from sim.scenario import Scenario
from sim.validation import workers
from tests.support.results import result

GRID = ["sweep", "container-dirty", "--x", "memcgs.0.limit_mib=32/64/128",
        "--y", "vm.dirty_ratio=10/40", "--metric", "direct_reclaims"]  # fmt: skip


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """A run has as many direct reclaims as its limit, dirty ratio and seed say together."""
    seen: list[Scenario] = []

    def simulated(
        scenarios: list[Scenario], measure: Callable[[Result], Any], _workers: int
    ) -> Iterator[Any]:
        for s in scenarios:
            seen.append(s)
            amount = 1000 * s.memcgs[0].limit_mib + 10 * s.vm.dirty_ratio + s.seed
            yield measure(result(counters=dict.fromkeys(NAMES, 0) | {"direct_reclaims": amount}))
            if s.memcgs[0].limit_mib == 99:
                raise KeyboardInterrupt

    monkeypatch.setattr(workers, "simulated", simulated)
    return seen


def test_every_cell_is_run_with_the_same_seeds(
    ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GRID, "--seeds", "2"]) == 0
    cells = [(s.vm.dirty_ratio, s.memcgs[0].limit_mib, s.seed) for s in ran]
    assert cells == [(y, x, n) for y in (10, 40) for x in (32, 64, 128) for n in (1, 2)]
    head, columns, *rows = capsys.readouterr().out.splitlines()
    assert head == "direct_reclaims, calls, across: memcgs.0.limit_mib"
    assert columns.split() == ["32", "64", "128"]
    assert [row.split()[0] for row in rows] == ["vm.dirty_ratio=10", "vm.dirty_ratio=40"]
    # Mean of 32101 and 32102; half the interval is t(1 df) = 12.7 times 0.5.
    assert rows[0].split()[1:4] == ["32102", "±", "6.4"]


@pytest.mark.usefixtures("ran")
def test_one_parameter_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GRID[:4], *GRID[6:]]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["32201", "64201", "1.282e+05"]


@pytest.mark.usefixtures("ran")
def test_csv_has_a_line_for_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GRID, "--seeds", "2", "--format", "csv"]) == 0
    head, first, *others = capsys.readouterr().out.splitlines()
    assert head == "vm.dirty_ratio,memcgs.0.limit_mib,seed,direct_reclaims"
    assert first == "10,32,1,32101"
    assert len(others) == 11


@pytest.mark.usefixtures("ran")
def test_json_has_the_link_of_each_cell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GRID, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["x"], data["y"]) == ("memcgs.0.limit_mib", "vm.dirty_ratio")
    assert data["units"] == {"direct_reclaims": "calls"}
    last = data["cells"][-1]
    assert (last["x"], last["y"], last["runs"]) == ("128", "40", 1)
    assert "m=box.128" in last["link"]
    assert last["metrics"]["direct_reclaims"]["values"] == [128401]


@pytest.mark.usefixtures("ran")
def test_what_was_run_before_an_interruption_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    values = ["--x", "memcgs.0.limit_mib=32/99/128"]
    assert main([*GRID[:2], *values, *GRID[6:]]) == INTERRUPTED
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].split() == ["32201", "99201", "-"]
    assert "interrupted" in told.err


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--x", "vm.nothing=1/2"], "no field nothing"),
        (["--x", "vm.dirty_ratio=10/999"], "must be"),
        (["--x", "vm.dirty_ratio"], "must be path=value"),
        (["--metric", "nothing"], "no such row or metric"),
        (["--seeds", "0"], "must be 1 to 100"),
        (["--x", "seed=" + "/".join("123456789"), "--seeds", "100"], f"at most {MAX_RUNS}"),
    ],
)
def test_what_cannot_be_swept_is_named(
    changes: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GRID, *changes]) == USAGE
    assert said in capsys.readouterr().err
