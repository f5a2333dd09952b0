"""Charts of the disk: where requests go, how much, how far, how large, how many wait."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel
from dashboard.figures.theme import ISSUER_STYLES

IO_OFFSET = FigureSpec(
    name="io_offset",
    title="IO offset, GiB",
    question="Where on the disk does each request go, and who sent it? Filled marks are writes, "
    "open ones reads. Lines are streams, clouds are seeks.",
    kind="events",
    draw="offsets",
    family="io",
    panels=(Panel(range="fit"),),
    scale="linear",
    compare="panels",
    height=160,
    nothing="No request reached the disk.",
)

THROUGHPUT = FigureSpec(
    name="throughput",
    title="Disk throughput, MiB/s",
    question="Who cleans: MiB/s written by each submitter, and MiB/s read.",
    kind="series",
    scale="linear",
    panels=(
        Panel(
            lines=(
                *(
                    Line(
                        f"write_mib_per_s.{name}", style.label, name, style="rate",
                        dash=style.dash, skip_zero=True,
                    )
                    for name, style in ISSUER_STYLES.items()
                ),
                Line("write_mib_per_s", "writes", "ink", style="rate", otherwise=True),
                Line(
                    "read_mib_per_s", "reads", "muted", style="rate", width=1, skip_zero=True
                ),
            )
        ),
    ),
)  # fmt: skip

SEEKS = FigureSpec(
    name="seeks",
    title="Seeks per second",
    question="How often must the disk move its head: the price of small scattered writes.",
    kind="series",
    scale="linear",
    panels=(
        Panel(
            lines=(
                Line("seeks_per_s.write", "before writes", "ink", style="rate"),
                Line(
                    "seeks_per_s.read", "before reads", "muted", style="rate", dash="dash", width=1
                ),
                Line("seeks_per_s", "all", "ink", style="rate", otherwise=True),
            )
        ),
    ),
    height=100,
)

REQUEST_SIZE = FigureSpec(
    name="request_size",
    title="Mean request size, KiB",
    question="Are pages written one by one (4 KiB) or in long ranges? Gaps: nothing was done.",
    kind="series",
    scale="linear",
    panels=(
        Panel(
            lines=(
                Line("write_request_kib_mean", "writes", "ink", style="steps"),
                Line("read_request_kib_mean", "reads", "muted", style="steps", width=1),
            )
        ),
    ),
    height=100,
)

QUEUE_DEPTH = FigureSpec(
    name="queue_depth",
    title="Requests in the queue",
    question="Is the queue congested? Above the upper line writers of this queue go to sleep; "
    "below the lower line they are woken.",
    kind="series",
    scale="linear",
    panels=(
        Panel(
            lines=(
                Line("queue_depth.async", "async (writes)", "ink"),
                Line("queue_depth.sync", "sync (reads)", "muted", dash="dash", width=1),
                Line(
                    "congested.async", "async congested", "dirty", style="flag", width=3,
                    level="disk.congestion_on", skip_zero=True,
                ),
                Line(
                    "disk.congestion_on", "congested above", "muted", style="level", dash="dot",
                    width=1,
                ),
                Line(
                    "disk.congestion_off", "uncongested below", "muted", style="level",
                    dash="dash", width=1,
                ),
            )
        ),
    ),
    height=110,
)  # fmt: skip

REQUEST_LATENCY = FigureSpec(
    name="request_latency",
    title="Request latency, queued to done",
    question="How long does a request wait in the queue and on the disk? A reader waits this long; "
    "writeback only when the queue is full. Stronger is more.",
    kind="events",
    draw="heat",
    family="io",
    panels=(Panel(),),
    compare="panels",
    scale="log",
    lengths=(0.1, 10_000.0),
    height=130,
    nothing="No request reached the disk.",
)

SPECS = (IO_OFFSET, THROUGHPUT, SEEKS, REQUEST_SIZE, QUEUE_DEPTH, REQUEST_LATENCY)
