"""Means, intervals and marks against values known from tables and by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.observe import mmtests
from tests.support.results import result

NAME = "Direct pages scanned"


def samples(*values: float) -> list[mmtests.Sample]:
    return [{NAME: value} for value in values]


@pytest.mark.parametrize(
    ("df", "t"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423), (99, 1.9842)],
)
def test_students_t_is_that_of_the_tables(df: int, t: float) -> None:
    assert mmtests.t_quantile(df) == pytest.approx(t, abs=5e-5)


def test_an_interval_by_hand() -> None:
    mean, half = mmtests.interval([1, 2, 3])
    assert mean == 2
    assert half == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert mmtests.interval([7]) == (7, None)


def test_a_change_is_taken_seed_by_seed() -> None:
    """The seeds differ by far more than the scenarios do."""
    (line,) = mmtests.compare([samples(100, 200, 300), samples(110, 211, 312)], [NAME])
    first, second = line.cells
    assert first is not None
    assert second is not None
    assert (first.mean, first.change, first.significant) == (200, None, None)
    assert (second.change, second.percent, second.significant) == (11, 5.5, True)


def test_chance_is_not_marked() -> None:
    (line,) = mmtests.compare([samples(100, 200, 300), samples(130, 150, 330)], [NAME])
    assert line.cells[1] is not None
    assert line.cells[1].significant is False


def test_one_seed_cannot_tell() -> None:
    lines = mmtests.compare([samples(100), samples(50)], [NAME])
    assert lines[0].cells[1] is not None
    assert lines[0].cells[1].significant is None
    assert mmtests.as_table(lines, ["a", "b"])[1].endswith("50 (-50.00%)?")


def test_what_a_run_lacks_stays_empty() -> None:
    (line,) = mmtests.compare([samples(1, 2), [{NAME: None}, {NAME: 5}]], [NAME])
    assert line.cells[1] is None
    assert mmtests.as_markdown([line], ["a", "b"])[2].endswith("| - |")


def test_from_nothing_there_is_no_percentage() -> None:
    lines = mmtests.compare([samples(0, 0), samples(5, 5)], [NAME])
    assert "new" in mmtests.as_table(lines, ["a", "b"])[1]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6))
def test_a_scenario_does_not_differ_from_itself(values: list[float]) -> None:
    lines = mmtests.compare([samples(*values), samples(*values)], [NAME])
    assert not mmtests.differs(lines)
    assert lines[0].cells[1] is not None
    assert not lines[0].cells[1].significant


def test_rows_have_the_names_of_mmtests() -> None:
    names = mmtests.row_names()
    assert names[:2] == ["Minor Faults", "Major Faults"]
    assert {"Kswapd efficiency %", "Page writes by reclaim", "Allocation stalls"} <= set(names)
    assert mmtests.units().keys() == mmtests.numbers(result()).keys()


def test_a_mail_is_plain_ascii_with_a_legend() -> None:
    lines = mmtests.compare([samples(1, 2), samples(3, 5)], [NAME])
    text = mmtests.as_lkml(lines, ["plain", "patched"])
    assert "\n".join(text).isascii()
    assert text[-2:] == ["A: plain", "B: patched"]
