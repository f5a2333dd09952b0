"""Containers."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel

MEMCG = FigureSpec(
    name="memcg",
    title="Containers: memory, MiB",
    question="How near is each container to its limit, and how much of it is dirty and so cannot "
    "be freed at once?",
    kind="series",
    panels=(
        Panel(
            lines=(
                Line("memcg.{memcg}.limit_mib", "limit", "limit", dash="dot", width=1),
                Line(
                    "memcg.{memcg}.soft_limit_mib",
                    "soft limit",
                    "limit",
                    dash="dashdot",
                    width=1,
                    skip_zero=True,
                ),
                Line("memcg.{memcg}.usage_mib", "usage", "usage"),
                Line("memcg.{memcg}.dirty_mib", "dirty", "dirty"),
                Line("memcg.{memcg}.writeback_mib", "writeback", "writeback", dash="dash"),
            ),
            label="{memcg}",
        ),
    ),
    each_memcg=True,
    of_memcgs=True,
    height=150,
)

VICTIMS = FigureSpec(
    name="victims",
    title="Whose pages: reclaimed, written, pages",
    question="Who took pages from whom? A row is a context that reclaimed or wrote and, in "
    "brackets, the container it worked for; a column is the owner of the pages.",
    kind="table",
    draw="matrix",
    family="victims",
    panels=(
        Panel(lines=(Line("reclaimed", "reclaimed", "ink"),), label="reclaimed", range="rows"),
        Panel(lines=(Line("written", "written", "ink"),), label="written", range="rows"),
    ),
    of_memcgs=True,
    compare="panels",
    x="none",
    height=150,
    nothing="No page was reclaimed or written.",
)

SPECS = (MEMCG, VICTIMS)
