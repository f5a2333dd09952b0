"""Two far apart regions of the disk, each with half of the panel.

``assets/chart-bands.js`` has the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dashboard.figures.binder import Array
from dashboard.figures.downsample import nice_step

CUT = (0.47, 0.53)
"""Of the panel's height: the strip between the bands."""
_LEAST_GAP = 0.25
"""Of the whole span; less is no reason to cut an axis."""
_AROUND = 0.04
_PARTS = 5  # so that each has at least two ticks


@dataclass(frozen=True)
class Bands:
    """Lower and upper band, each from, to; the units are the values' own."""

    lower: tuple[float, float]
    upper: tuple[float, float]
    gap: float
    """What lies between the values of both."""

    def place(self, values: Array) -> Array:
        """Heights in the panel, 0 to 1."""
        (a, b), (c, d) = self.lower, self.upper
        below = (values - a) / (b - a) * CUT[0]
        above = CUT[1] + (values - c) / (d - c) * (1 - CUT[1])
        return np.where(values <= b, below, above)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values inside each band, by their heights."""
        found: list[tuple[float, str]] = []
        for low, high in (self.lower, self.upper):
            step = nice_step(high - low, _PARTS)
            digits = max(0, -math.floor(math.log10(step) + 1e-9))
            inside = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
            texts = [f"{value:,.{digits}f}" for value in inside.tolist()]
            found += zip(self.place(inside).tolist(), texts, strict=True)
        return found


def bands_of(values: Array) -> Bands | None:
    """Cut at the widest gap; None where no gap is wide enough."""
    ordered = np.sort(values)
    span = float(ordered[-1] - ordered[0])
    if span <= 0:
        return None
    gaps = np.diff(ordered)
    k = int(gaps.argmax())
    if gaps[k] < _LEAST_GAP * span:
        return None
    edges = []
    for low, high in ((ordered[0], ordered[k]), (ordered[k + 1], ordered[-1])):
        room = max(_AROUND * float(high - low), span / 1000)
        edges.append((float(low) - room, float(high) + room))
    return Bands(edges[0], edges[1], float(gaps[k]))
