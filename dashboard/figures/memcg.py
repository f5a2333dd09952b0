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
                Line("memcg.{memcg}.usage_mib", "usage", "usage"),
                Line("memcg.{memcg}.dirty_mib", "dirty", "dirty"),
                Line("memcg.{memcg}.writeback_mib", "writeback", "writeback", dash="dash"),
            ),
            label="{memcg}",
        ),
    ),
    each_memcg=True,
    height=150,
    nothing="No container in this scenario.",
)

SPECS = (MEMCG,)
