"""A run in the size of a stamp: MiB/s written by each issuer, below it when tasks stood still."""

from __future__ import annotations

import numpy as np

from dashboard.figures.data import RunData, run_data
from dashboard.figures.stalls import KINDS
from dashboard.figures.theme import COLORS, ISSUER_STYLES
from sim.result import Result

Array = np.ndarray

WIDE, HIGH, STRIP = 132, 36, 7
BINS = 44
_GREY = "#808080"


def thumb(result: Result | None) -> str:
    """An SVG without background, for both themes; None = nothing has been computed yet."""
    if result is None:
        words = (
            f'<text x="{WIDE / 2:g}" y="{HIGH / 2 + 3:g}" text-anchor="middle" font-size="10"'
            f' font-family="sans-serif" fill="{_GREY}">not run here yet</text>'
        )
        return _svg([words])
    run = run_data(result)
    return _svg([*_writes(run), *_stalls(run)])


def _svg(parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}"'
        f' viewBox="0 0 {WIDE} {HIGH}">{"".join(parts)}</svg>'
    )


def _writes(run: RunData) -> list[str]:
    """Areas stacked in the order of the legend."""
    edges = np.linspace(0, run.duration_s, BINS + 1)
    which = np.clip(np.searchsorted(edges, run.times, "left") - 1, 0, BINS - 1)
    samples = np.maximum(np.bincount(which, minlength=BINS), 1)
    stacked = [np.zeros(BINS)]
    names = [name for name in ISSUER_STYLES if f"write_mib_per_s.{name}" in run.columns]
    for name in names:
        values = np.nan_to_num(run.columns[f"write_mib_per_s.{name}"])
        stacked.append(stacked[-1] + np.bincount(which, values, BINS) / samples)
    top = float(stacked[-1].max()) or 1.0
    room = HIGH - STRIP - 2
    x = (np.arange(BINS) + 0.5) * WIDE / BINS
    areas = []
    for name, low, high in zip(names, stacked, stacked[1:], strict=False):
        if (high > low).any():
            y = [room * (1 - edge / top) for edge in (high, low)]
            points = [*zip(x, y[0], strict=True), *zip(x[::-1], y[1][::-1], strict=True)]
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
            areas.append(f'<polygon points="{path}" fill="{ISSUER_STYLES[name].color}"/>')
    return areas


def _stalls(run: RunData) -> list[str]:
    """A strip: the kind in which most time was lost, stronger where more tasks stood still."""
    if "stalls" not in run.events:
        return []
    stalls = run.events["stalls"]
    edges = np.linspace(0, run.duration_s, BINS + 1)
    spent = np.zeros((len(KINDS), BINS))
    for kind in range(len(KINDS)):
        mine = stalls["kind"] == kind
        begin, end = stalls["begin"][mine, None], stalls["t"][mine, None]
        inside = np.minimum(end, edges[1:]) - np.maximum(begin, edges[:-1])
        spent[kind] = np.clip(inside, 0, None).sum(axis=0)
    total, wide = spent.sum(axis=0), WIDE / BINS
    most = float(total.max()) or 1.0
    return [
        f'<rect x="{k * wide:.1f}" y="{HIGH - STRIP}" width="{wide:.1f}" height="{STRIP}"'
        f' fill="{COLORS[KINDS[int(spent[:, k].argmax())].color]}"'
        f' opacity="{0.25 + 0.75 * total[k] / most:.2f}"/>'
        for k in np.flatnonzero(total > 0).tolist()
    ]
