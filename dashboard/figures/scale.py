"""Axes that can be logarithmic: their ends and ticks. ``assets/chart-axes.js`` has the same."""

from __future__ import annotations

import math

from dashboard.figures.downsample import nice_range

Ticks = list[tuple[float, str]]

DECADES = 4
"""At most on a panel of 100 px; what is less is drawn at the lower edge."""
_PARTS = 5
_FACTORS = (1, 2, 5)
_LOWEST = -9  # 1e-9: no column has so small a value
_LENGTHS = (
    (0.01, "10 µs"), (0.1, "0.1 ms"), (1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"),
    (1000.0, "1 s"), (10_000.0, "10 s"), (100_000.0, "100 s"),
)  # fmt: skip


def log_values(least: float, top: float) -> tuple[float, float, Ticks]:
    """Ends at 1, 2 or 5 times a power of ten around values above 0, and ticks, at least two."""
    last = 3 * _LOWEST
    while _nice(last) < top:
        last += 1
    first = last - 1
    while _nice(first) > least and first > last - 3 * DECADES:
        first -= 1
    inside = range(first, last + 1)
    decades = [k for k in inside if k % 3 == 0]
    ticks = decades if len(decades) > 1 else list(inside)
    return _nice(first), _nice(last), [(_nice(k), _number(_nice(k))) for k in ticks]


def _nice(k: int) -> float:
    """1, 2, 5, 10, 20, 50, ...; 1 for k = 0."""
    exponent = k // 3
    factor = _FACTORS[k % 3]
    return factor * 10.0**exponent if exponent >= 0 else factor / 10.0**-exponent


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.9f}".rstrip("0")


def log_lengths(low: float, high: float) -> Ticks:
    """Powers of ten from ``low`` to ``high`` ms."""
    return [(ms, text) for ms, text in _LENGTHS if low <= ms <= high]


def linear_lengths(longest: float) -> tuple[float, Ticks]:
    """The upper end in ms of an axis that begins at 0, and its ticks."""
    _, top, step = nice_range(0.0, longest, _PARTS)
    top = max(top, step)
    return top, [(k * step, _length(k * step)) for k in range(math.floor(top / step + 0.5) + 1)]


def _length(ms: float) -> str:
    if ms >= 1000:
        return f"{ms / 1000:g} s"
    return f"{ms:g} ms" if ms >= 0.1 or ms == 0 else f"{ms * 1000:g} µs"
