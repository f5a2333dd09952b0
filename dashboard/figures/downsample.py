"""Fewer points that look the same: lowest and highest of each interval, every i-th, ranks.

Whole-number arithmetic only, so that ``assets/chart-scale.js`` picks the very same points.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def window(times: Array, begin: float, end: float) -> tuple[int, int]:
    """First and last-plus-one index to draw of sorted times: those inside and one on each side."""
    low = int(np.searchsorted(times, begin, "left"))
    high = int(np.searchsorted(times, end, "right"))
    return max(0, low - 1), min(len(times), high + 1)


def min_max(values: Array, most: int) -> Array:
    """Indices of at most ``most`` points: of each interval the lowest and the highest, in order.

    An interval without a value keeps its first point, so that a gap stays a gap.
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    buckets = most // 2
    chosen: list[int] = []
    for i in range(buckets):
        low, high = i * n // buckets, (i + 1) * n // buckets
        part = values[low:high]
        known = np.flatnonzero(~np.isnan(part))
        if len(known) == 0:
            chosen.append(low)
            continue
        least = low + int(known[np.argmin(part[known])])
        most_at = low + int(known[np.argmax(part[known])])
        chosen += sorted({least, most_at})
    return np.array(chosen)


def stride(n: int, most: int) -> int:
    """Step that leaves at most ``most`` of n."""
    return max(1, -(-n // most))


def nice_group(least: int) -> int:
    """Smallest of 1, 2, 5, 10, 20, 50, ... that is at least ``least``."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor >= least:
                return size * factor
        size *= 10


def ranks(n: int, even: int, tail: int) -> Array:
    """Ranks of n sorted values to plot: all, or ``even`` evenly spread and the last ``tail``."""
    if n <= even + tail:
        return np.arange(n)
    spread = np.arange(even) * (n - 1) // (even - 1)
    return np.union1d(spread, np.arange(n - tail, n))


def nice_step(span: float, most: int) -> float:
    """Smallest 1, 2 or 5 times a power of ten that divides ``span`` into at most ``most`` parts."""
    if span <= 0:
        return 1.0
    exponent = -9
    while True:
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent if exponent >= 0 else factor / 10.0**-exponent
            if span <= step * most:
                return step
        exponent += 1


def nice_range(low: float, high: float, parts: int = 4) -> tuple[float, float, float]:
    """(low, high, step): rounded outwards to whole steps."""
    step = nice_step(high - low, parts)
    return np.floor(low / step) * step, np.ceil(high / step) * step, step
