"""The scoring rules, case by case, and what must hold for any recordings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.validation.score import (
    ABSENT,
    COUNT,
    NOT_SIMULATED,
    OK,
    OK_SMALL,
    OUTSIDE,
    P99,
    SINGLE,
    SPREAD,
    STACK,
    STALL,
    WRONG_SIGN,
    Range,
    band,
    range_of,
    ratio,
    sign,
    verdict,
)


def at(*values: float) -> Range:
    found = range_of(values)
    assert found is not None
    return found


def test_a_range_is_of_the_values_that_are_there() -> None:
    assert range_of([3, None, 1, 10]) == Range(1, 3, 10, 3)
    assert range_of([None]) is None


@pytest.mark.parametrize(
    ("recorded", "kind", "ours", "expected"),
    [
        # further apart than 1.5: [min / 1.5, 1.5 max]
        ((100, 300), COUNT, 67, OK),
        ((100, 300), COUNT, 66, OUTSIDE),
        ((100, 300), COUNT, 450, OK),
        ((100, 300), COUNT, 451, OUTSIDE),
        ((100, 300), STACK, 450, OK),
        # closer: the median's tolerance
        ((100, 100, 120), COUNT, 125, OK),
        ((100, 100, 120), COUNT, 126, OUTSIDE),
        ((100, 100, 120), COUNT, 75, OK),
        ((100, 100, 120), COUNT, 74, OUTSIDE),
        ((20, 20), STALL, 30, OK),
        ((20, 20), STALL, 30.1, OUTSIDE),
        ((20, 20), STALL, 13.4, OK),
        ((20, 20), STALL, 13.3, OUTSIDE),
        ((4000, 4000), STACK, 4600, OK),
        ((4000, 4000), STACK, 4601, OUTSIDE),
        ((4000, 4000), STACK, 3399, OUTSIDE),
        # exactly 1.5 apart is not wide
        ((100, 150), COUNT, 93, OUTSIDE),
        # nothing agrees with nothing, and with a range that reaches down to it
        ((0, 0), COUNT, 9, OK),
        ((0, 0), COUNT, 11, OUTSIDE),
        ((0, 50), COUNT, 5, OK),
        ((40, 50), COUNT, 5, OUTSIDE),
    ],
)
def test_the_bands(recorded: tuple[float, ...], kind: str, ours: float, expected: str) -> None:
    assert verdict(at(*recorded), at(ours), kind, 10 if kind == COUNT else 0.1) == expected


def test_what_cannot_be_scored_says_why() -> None:
    assert verdict(None, at(1), COUNT, 1) == ABSENT
    assert verdict(at(5), at(500), COUNT, 1) == SINGLE
    assert verdict(at(5, 5), None, COUNT, 1) == NOT_SIMULATED


@given(st.lists(st.floats(1, 1e9), min_size=2, max_size=5), st.sampled_from([COUNT, STALL, STACK]))
def test_the_recorded_median_itself_always_agrees(values: list[float], kind: str) -> None:
    real = at(*values)
    assert verdict(real, at(real.mid), kind, 1) == OK
    assert verdict(real, at(real.high * 2), kind, 1) == OUTSIDE
    assert verdict(real, at(real.low / 2), kind, 0.1) == OUTSIDE


def test_a_ratio_needs_two_amounts() -> None:
    assert ratio(at(10, 20), at(30), 1) == 2
    assert ratio(at(0.5), at(30), 1) is None
    assert ratio(at(10), None, 1) is None


@pytest.mark.parametrize(
    ("before", "after", "ours", "expected"),
    [
        ((100, 110), (200, 220), (100, 150), OK),
        ((100, 110), (200, 220), (100, 50), WRONG_SIGN),
        ((100, 110), (200, 220), (100, 104), OK_SMALL),
        ((100, 110), (200, 220), (100, 100), WRONG_SIGN),  # nothing changed
        ((100, 110), (50, 55), (100, 50), OK),
        ((100, 200), (180, 280), (100, 50), ""),  # 80 of a spread of 100
        ((100, 110), (103, 113), (100, 50), ""),  # below the floor
        ((100,), (200, 220), (100, 50), ""),  # a single run has no spread to exceed
    ],
)
def test_signs(
    before: tuple[float, ...], after: tuple[float, ...], ours: tuple[float, float], expected: str
) -> None:
    simulated = (at(ours[0]), at(ours[1]))
    assert sign((at(*before), at(*after)), simulated, 10) == expected


def test_a_change_that_was_not_recorded_has_no_sign() -> None:
    assert sign((None, at(1, 2)), (at(1), at(2)), 1) == ""
    assert sign((at(1, 2), at(100, 101)), (None, at(2)), 1) == NOT_SIMULATED


@pytest.mark.parametrize(
    ("low", "high", "kind", "expected"),
    [
        (90, 110, SPREAD, (60, 140)),  # twice the spread is more than a quarter
        (99, 101, SPREAD, (75, 125)),
        (10, 20, P99, (5, 40)),
    ],
)
def test_bands_of_the_6_1_recordings(
    low: float, high: float, kind: str, expected: tuple[float, float]
) -> None:
    assert band(Range(low, (low + high) / 2, high, 2), kind) == expected
