"""Requests on the disk: a mark each, or a picture of density where there are very many."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.bands import CUT, bands_of
from dashboard.figures.binder import Array, Binder, Drawn, shape, trace_of
from dashboard.figures.density import CELL_PX, density_cells, picture
from dashboard.figures.downsample import nice_range
from dashboard.figures.theme import ISSUER_STYLES, MARKS_MAX

MARK_PX = 3.2
"""Side of a request's mark."""
ONE_BAND_NOTE = "one band: no gap is a quarter of the axis"


def offsets(binder: Binder, group: list[int]) -> list[Drawn]:
    """Time against place on the disk; a panel for each run."""
    return [_offset_panel(binder, i) for i in group]


def _offset_panel(binder: Binder, i: int) -> Drawn:
    run, view = binder.runs[i], binder.view
    io = run.events["io"]
    inside = np.flatnonzero((io["t"] >= view.begin) & (io["t"] <= view.end))
    drawn = Drawn(run.label if binder.many else "")
    y = _axis(binder, drawn, i)
    if len(inside) > MARKS_MAX:
        _density(binder, drawn, i, inside, y)
    else:
        _marks(binder, drawn, i, inside, y)
    return drawn


def _axis(binder: Binder, drawn: Drawn, i: int) -> Array:
    """Range and ticks of a panel; the height of every request in its units."""
    run, theme, view = binder.runs[i], binder.theme, binder.view
    offset: Array = run.events["io"]["offset"]
    bands = bands_of(offset) if binder.spec.scale == "bands" else None
    if bands is None:
        low, high, drawn.step = nice_range(float(offset.min()), float(offset.max()))
        drawn.range = (low, high if high > low else low + drawn.step)
        if binder.spec.scale == "bands":
            binder.notes.append(binder.name(run, ONE_BAND_NOTE))
        return offset
    drawn.ticks = bands.ticks()
    drawn.boxes.append(
        {
            "x0": view.begin, "x1": view.end, "y0": CUT[0], "y1": CUT[1],
            "fillcolor": theme.grid, "line": {"width": 0},
        }
    )  # fmt: skip
    text = f"{bands.gap:,.1f} GiB between the bands are left out"
    binder.notes.append(binder.name(run, text))
    return bands.place(offset)


def _marks(binder: Binder, drawn: Drawn, i: int, kept: Array, height: Array) -> None:
    io, view = binder.runs[i].events["io"], binder.view
    dx = MARK_PX / 2 * (view.end - view.begin) / view.width
    dy = MARK_PX / 2 * (drawn.range[1] - drawn.range[0]) / (view.height / binder.panels)
    for write, line_width in ((0, 0.9), (1, MARK_PX)):
        for name, style in ISSUER_STYLES.items():
            mine = kept[(io["issuer"][kept] == style.code) & (io["write"][kept] == write)]
            if not len(mine):
                continue
            color = binder.theme.color(name)
            x, y = _squares(io["t"][mine], height[mine], dx, 0 if write else dy)
            line = {"color": color, "width": line_width, "dash": "solid"}
            drawn.traces.append(shape(trace_of(style.label, i, x, y, line)))
    names = {str(trace["name"]) for trace in drawn.traces}
    _into_legend(binder, names)
    if (io["write"][kept] == 0).any():
        binder.enter("open: read", binder.theme.color("muted"), "open", "solid")


def _density(binder: Binder, drawn: Drawn, i: int, inside: Array, height: Array) -> None:
    """A picture instead of marks; reads, whoever asked for them, have a colour of their own."""
    run, view = binder.runs[i], binder.view
    io = run.events["io"]
    styles = list(ISSUER_STYLES.values())
    place = np.array([next(k for k, s in enumerate(styles) if s.code == c) for c in range(8)])
    write = io["write"][inside] == 1
    code = np.where(write, place[io["issuer"][inside]], len(styles))
    low, high = drawn.range
    shape_of = (
        max(1, math.floor(view.width / CELL_PX)),
        max(1, math.floor(view.height / binder.panels / CELL_PX)),
    )
    cells = density_cells(
        io["t"][inside], height[inside], code, (view.begin, view.end, low, high), shape_of,
        len(styles) + 1,
    )  # fmt: skip
    reads = binder.theme.color("muted")
    drawn.picture = {
        "source": picture(cells, [*(style.color for style in styles), reads]),
        "x": view.begin, "y": high, "sizex": view.end - view.begin, "sizey": high - low,
    }  # fmt: skip
    _into_legend(binder, {styles[k].label for k in np.unique(code[write])})
    if not write.all():
        binder.enter("reads", reads, "mark", "solid")
    text = f"density of {len(inside):,} requests, not single ones: zoom in for those"
    binder.notes.append(binder.name(run, text))


def _into_legend(binder: Binder, labels: set[str]) -> None:
    for name, style in ISSUER_STYLES.items():
        if style.label in labels:
            binder.enter(style.label, binder.theme.color(name), "mark", "solid")


def _squares(x: Array, y: Array, dx: float, dy: float) -> tuple[Array, Array]:
    """One path around all marks: a thick dash each, or the outline of a square when dy > 0."""
    nan = np.full(len(x), np.nan)
    if dy <= 0:
        xs, ys = [x - dx, x + dx, nan], [y, y, nan]
    else:
        xs = [x - dx, x + dx, x + dx, x - dx, x - dx, nan]
        ys = [y - dy, y - dy, y + dy, y + dy, y - dy, nan]
    return np.ravel(np.column_stack(xs)), np.ravel(np.column_stack(ys))
