"""What memory holds."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel

MEMORY_COMPOSITION = FigureSpec(
    name="memory_composition",
    title="Memory, MiB",
    question="What fills memory, how much of it is dirty, and how near are the watermarks that "
    "wake kswapd (low) and stop it (high)?",
    kind="series",
    panels=(
        Panel(
            lines=(
                Line("memory_mib.free", "free", "free", style="area"),
                Line("memory_mib.inactive_file", "file inactive", "file_inactive", style="area"),
                Line("memory_mib.active_file", "file active", "file_active", style="area"),
                Line("memory_mib.inactive_anon", "anon inactive", "anon_inactive", style="area"),
                Line("memory_mib.active_anon", "anon active", "anon_active", style="area"),
                Line(
                    "memory_mib.dirty_list", "file dirty list", "file_dirty_list", style="area",
                    skip_zero=True,
                ),
                Line(
                    "memory_mib.unevictable", "unevictable", "unevictable", style="area",
                    skip_zero=True,
                ),
                Line("memory_mib.dirty", "dirty", "dirty", width=1.6),
                Line("memory_mib.writeback", "writeback", "writeback", dash="dash", width=1.6),
                Line("dirty_thresh_mib", "dirty limit", "dirty", dash="dot", width=1),
                Line(
                    "background_thresh_mib", "background limit", "dirty", dash="dashdot", width=1
                ),
                Line("wmark_mib.high", "high watermark", "ink", dash="dash", width=0.8),
                Line("wmark_mib.low", "low watermark", "ink", dash="dashdot", width=0.8),
                Line("wmark_mib.min", "min watermark", "ink", dash="dot", width=0.8),
            )
        ),
    ),
    compare="panels",
    height=190,
)  # fmt: skip

FREE_BLOCKS = FigureSpec(
    name="free_blocks",
    title="Free memory by order of block, MiB",
    question="Is free memory in whole blocks or in crumbs? An allocation of an order needs one "
    "block of it: free memory of lower orders does not help (/proc/buddyinfo, all zones).",
    kind="series",
    panels=(
        Panel(
            lines=(
                Line("buddy_mib.order_9_10", "order 9 and 10", "order_9_10", style="area"),
                Line("buddy_mib.order_4_8", "order 4 to 8", "order_4_8", style="area"),
                Line("buddy_mib.order_1_3", "order 1 to 3", "order_1_3", style="area"),
                Line("buddy_mib.order_0", "order 0", "order_0", style="area"),
            )
        ),
    ),
    compare="panels",
    height=120,
)

SPECS = (MEMORY_COMPOSITION, FREE_BLOCKS)
