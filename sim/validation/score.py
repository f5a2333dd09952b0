"""When a simulated number agrees with recorded ones, and when a change has the recorded sign.

The rules are the same for every row, and none knows which one it judges:

* one recording shows no spread: it is reported, not scored;
* recordings that differ by more than 1.5 x: the simulated median lies in [min / 1.5, 1.5 max];
* recordings closer together: within 25 % of their median for counts and throughput, a factor of
  1.5 for stall totals, 15 % for the deepest stack;
* a change from base to patched that exceeds the spread of both has the recorded sign; one that is
  smaller than what counts as a change of its kind is right, but said to be small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

COUNT, STALL, STACK = "count", "stall", "stack"
SPREAD, P99 = "spread", "p99"
"""Of the 6.1 recordings: within 25 % or twice the spread; percentiles within a factor of 2."""
TOLERANCE: dict[str, tuple[float, float]] = {
    # kind: lowest and highest simulated over recorded median
    COUNT: (0.75, 1.25),
    STALL: (1 / 1.5, 1.5),
    STACK: (0.85, 1.15),
}
WIDE = 1.5
"""Recordings further apart than this are judged by their range."""

OK, OUTSIDE, WRONG_SIGN = "ok", "outside", "wrong sign"
OK_SMALL = "ok, small"
SINGLE, ABSENT, NOT_SIMULATED = "one recording", "not recorded", "not simulated"
FAILURES = frozenset({OUTSIDE, WRONG_SIGN})
SCORED = frozenset({OK, OK_SMALL}) | FAILURES


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest, middle and largest value over the runs that have one."""

    low: float
    mid: float
    high: float
    runs: int

    @property
    def spread(self) -> float:
        """Largest less smallest."""
        return self.high - self.low


def range_of(values: Iterable[float | None]) -> Range | None:
    """The range of the values that are there, None when none is."""
    known = [float(value) for value in values if value is not None]
    return Range(min(known), median(known), max(known), len(known)) if known else None


def band(real: Range, kind: str) -> tuple[float, float]:
    """Lowest and highest simulated median that agrees with the recordings."""
    if kind == P99:
        return real.low / 2, real.high * 2
    if kind == SPREAD:
        margin = max(real.mid / 4, 2 * real.spread)
        return real.mid - margin, real.mid + margin
    if real.high > WIDE * real.low:
        return real.low / WIDE, real.high * WIDE
    low, high = TOLERANCE[kind]
    return real.mid * low, real.mid * high


def verdict(real: Range | None, ours: Range | None, kind: str, floor: float) -> str:
    """Whether the medians agree; amounts below ``floor`` are nothing, and agree with nothing."""
    if real is None:
        return ABSENT
    if real.runs < 2:
        return SINGLE
    if ours is None:
        return NOT_SIMULATED
    low, high = band(real, kind)
    if ours.mid < floor:
        return OK if low < floor else OUTSIDE
    return OK if low <= ours.mid <= max(high, floor) else OUTSIDE


def ratio(real: Range | None, ours: Range | None, floor: float) -> float | None:
    """Simulated over recorded median; None when either is next to nothing."""
    if real is None or ours is None or real.mid < floor or ours.mid < floor:
        return None
    return ours.mid / real.mid


def recorded_change(before: Range, after: Range, floor: float) -> float:
    """The change of the recorded medians; 0 when it does not exceed the spread or is nothing.

    Single recordings have no spread to exceed.
    """
    change = after.mid - before.mid
    if min(before.runs, after.runs) < 2 or abs(change) < floor:
        return 0.0
    return change if abs(change) > max(before.spread, after.spread) else 0.0


def sign(
    real: tuple[Range | None, Range | None], ours: tuple[Range | None, Range | None], floor: float
) -> str:
    """Verdict on a change, (before, after) each; empty where the recordings show none."""
    if real[0] is None or real[1] is None:
        return ""
    change = recorded_change(real[0], real[1], floor)
    if not change:
        return ""
    if ours[0] is None or ours[1] is None:
        return NOT_SIMULATED
    simulated = ours[1].mid - ours[0].mid
    if change * simulated <= 0:
        return WRONG_SIGN
    return OK if abs(simulated) >= floor else OK_SMALL
