"""``python -m sim compare``: tables, expectations as exit code, words that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim import cli_compare
from sim.cli import USAGE, main
from sim.machine.vmstat import NAMES
from sim.result import Result
from sim.scenario import Patch, Scenario
from sim.validation import workers
from tests.support.results import result


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """Base scans 1000 + 10 for each seed, patched scenarios 10 % more and write nothing."""
    seen: list[Scenario] = []

    def simulated(
        scenarios: list[Scenario], measure: Callable[[Result], Any], _workers: int
    ) -> Iterator[Any]:
        for scenario in scenarios:
            seen.append(scenario)
            scanned, patched = 1000 + 10 * scenario.seed, Patch.P6 in scenario.patches
            counters = dict.fromkeys(NAMES, 0) | {
                "pgscan_direct": scanned * (11 if patched else 10) // 10,
                "written_direct": 0 if patched else 7,
            }
            yield measure(result(counters=counters))

    monkeypatch.setattr(workers, "simulated", simulated)
    return seen


def test_every_scenario_has_the_same_seeds(
    ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "global", "global-p5-p6", "?v=1&seed=9&p=p6", "--seeds", "2"]) == 0
    assert [s.seed for s in ran] == [1, 2] * 3
    (row,) = [r for r in capsys.readouterr().out.splitlines() if r.startswith("Direct pages sca")]
    assert row.count("(+10.00%)*") == 2


@pytest.mark.usefixtures("ran")
def test_equal_scenarios_show_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "global", "global", "--seeds", "2"]) == 0
    assert capsys.readouterr().out == "no difference in any row, 2 seeds\n"
    assert main(["compare", "global", "global", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["different"] is False


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(("form", "sign"), [("table", "±"), ("markdown", "|"), ("lkml", "+-")])
def test_formats(form: str, sign: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "global", "global-p5-p6", "--format", form]) == 0
    out = capsys.readouterr().out
    (row,) = [r for r in out.splitlines() if "Direct pages scanned" in r]
    assert sign in row
    assert out.isascii() == (form == "lkml")


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("expectation", "code"),
    [
        (("Direct pages scanned", "<", "1200"), 0),
        (("Direct pages scanned", "<", "1100"), 1),
        (("Direct pages scanned", "le", "10.5%"), 0),
        (("Direct pages scanned", "<", "10%"), 1),
        (("Kswapd pages scanned", "==", "0%"), 0),
        (("Page reclaim immediate", "==", "0"), 1),  # not known is not as expected
    ],
)
def test_expectations_are_the_exit_code(
    expectation: tuple[str, str, str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "global", "global-p5-p6", "--expect", *expectation]
    assert main(arguments) == code
    err = capsys.readouterr().err
    assert ("not as expected: " + " ".join(expectation) in err) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["global", "no-such-preset"], "no-such-preset: no preset"),
        (["global", "stack", "--seeds", "0"], "--seeds 0: must be 1 to 100"),
        (["global", "stack", "--jobs", "101"], "--jobs 101: must be 1 to 100"),
        (["global"] * 9, "9 scenarios: at most 8"),
        (["global", "stack", "--expect", "nonsense", "<", "1"], "nonsense: no such row or metric"),
        (["global", "stack", "--expect", "Swap Ins", "=~", "1"], "Swap Ins =~: one of <"),
        (["global", "stack", "--expect", "Swap Ins", "<", "nan"], "must be a number"),
    ],
)
@pytest.mark.usefixtures("ran")
def test_what_cannot_be_used_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == USAGE
    assert said in capsys.readouterr().err


def test_operators_have_a_name_for_shells() -> None:
    for sign, word in (("<", "lt"), ("<=", "le"), ("==", "eq"), ("!=", "ne"), (">=", "ge")):
        assert cli_compare.OPERATORS[sign] is cli_compare.OPERATORS[word]
