"""Charts of stalls: when each task stood still, and for how long."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel

KINDS: tuple[Line, ...] = (
    Line("0", "direct reclaim", "direct"),
    Line("1", "memcg reclaim", "memcg", dash="dash"),
    Line("2", "balance_dirty_pages", "balance_dirty", dash="dashdot"),
    Line("3", "unknown", "unknown", dash="dot"),
)
"""``column`` is the code of ``sim.result.StallKind``."""

STALL_TIMELINE = FigureSpec(
    name="stall_timeline",
    title="Stalls of each task",
    question="Which task stood still, when, and in what? A bar reaches from entering reclaim or "
    "balance_dirty_pages to leaving it.",
    kind="events",
    draw="timeline",
    family="stalls",
    panels=(Panel(lines=KINDS, range="rows"),),
    compare="panels",
    height=160,
    nothing="No task stalled.",
)

STALL_HEAT = FigureSpec(
    name="stall_heat",
    title="Stall latency",
    question="Do stalls come in bands: the 100 ms of congestion_wait, or seconds behind a full "
    "queue? Stronger is more; the colour is the most frequent kind of the cell.",
    kind="events",
    draw="heat",
    family="stalls",
    panels=(Panel(lines=KINDS),),
    compare="panels",
    scale="log",
    lengths=(0.1, 10_000.0),
    height=140,
    nothing="No task stalled.",
)

STALL_CDF = FigureSpec(
    name="stall_cdf",
    title="Stall length, share of stalls no longer than x",
    question="How long is a typical stall, and how long the worst? A curve further left is better.",
    kind="table",
    draw="cdf",
    family="stalls",
    panels=(Panel(lines=KINDS, range="share"),),
    x="ms",
    scale="log",
    lengths=(0.01, 100_000.0),
    height=150,
    nothing="No task stalled.",
)

SPECS = (STALL_TIMELINE, STALL_HEAT, STALL_CDF)
