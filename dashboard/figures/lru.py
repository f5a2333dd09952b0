"""The LRU lists, and the pages that move between them."""

from __future__ import annotations

from dashboard.figures.spec import FigureSpec, Line, Panel

_CONTEXTS = ("kswapd", "direct", "memcg")


def _flow(column: str, label: str, way: str) -> Line:
    return Line(f"{column}_pages_per_s", label, "muted", style="up" if way == "up" else "down")


def _by(prefix: str, label: str, *names: str) -> tuple[Line, ...]:
    """The parts of one arrow, each in the colour of who moved the pages."""
    return tuple(Line(f"{prefix}.{name}", label, name, style="down") for name in names)


_MACHINE = Panel(
    lines=(
        _flow("came", "came, net", "down"),
        Line("memory_mib.active_file", "active file", "file_active", style="list"),
        Line("memory_mib.active_anon", "active anon", "anon_active", style="list"),
        _flow("deactivated", "deactivated", "down"),
        _flow("activated", "activated", "up"),
        Line("memory_mib.inactive_file", "inactive file", "file_inactive", style="list"),
        Line("memory_mib.inactive_anon", "inactive anon", "anon_inactive", style="list"),
        Line(
            "dirty_list_put_pages_per_s", "put aside", "file_dirty_list", style="down",
            skip_zero=True,
        ),
        Line(
            "dirty_list_returned_pages_per_s", "cleaned", "file_dirty_list", style="up",
            skip_zero=True,
        ),
        Line(
            "memory_mib.dirty_list", "dirty list", "file_dirty_list", style="list", skip_zero=True
        ),
        *_by("scan_pages_per_s", "scanned", *_CONTEXTS),
        _flow("put_back", "put back", "up"),
        Line("rotated_pages_per_s", "rotated", "writeback", style="mark"),
        Line("memory_mib.isolated_file", "isolated", "file_inactive", style="list"),
        Line("memory_mib.isolated_anon", "isolated", "anon_inactive", style="list"),
        *_by("steal_pages_per_s", "reclaimed", *_CONTEXTS),
        *(
            Line(f"writeback_pages_per_s.{name}", "sent to disk", name, style="mark")
            for name in (*_CONTEXTS, "flusher", "dirtier", "other")
        ),
        Line("memory_mib.free", "free", "free", style="list"),
    ),
    label="all zones",
    range="rows",
)  # fmt: skip
_CONTAINER = Panel(
    lines=(
        *(
            Line(f"memcg.{{memcg}}.{kind}_mib", kind.replace("_", " "), color, style="list")
            for kind, color in (
                ("active_file", "file_active"), ("active_anon", "anon_active"),
                ("inactive_file", "file_inactive"), ("inactive_anon", "anon_inactive"),
            )
        ),
        Line(
            "memcg.{memcg}.dirty_list_mib", "dirty list", "file_dirty_list", style="list",
            skip_zero=True,
        ),
        Line("memcg.{memcg}.scan_pages_per_s", "scanned", "memcg", style="down"),
        Line("memcg.{memcg}.steal_pages_per_s", "reclaimed", "memcg", style="down"),
    ),
    label="{memcg}",
    range="rows",
)  # fmt: skip

LRU_LISTS = FigureSpec(
    name="lru_lists",
    title="LRU lists and pages moved, pages",
    question="Where do pages wait, and which way do they go? Bars are the lists at the playhead; "
    "arrows are pages that moved in the interval it is in, as wide as their square root. Scanned "
    "pages are isolated, then reclaimed or put back; those in use go to the active list and count "
    "as activated, too. Came, net: what lists and isolated pages grew by and what was reclaimed; "
    "pages freed otherwise (a task or file ended) count against it. Rotated: written, and moved "
    "to the old end of the inactive list. No counter tells file from anon pages, or one zone from "
    "another, among those that move; of a container only its own reclaim is counted.",
    kind="series",
    draw="lists",
    panels=(_MACHINE, _CONTAINER),
    compare="panels",
    x="none",
    moment=True,
    height=200,
)

SPECS = (LRU_LISTS,)
