"""Every component id of the page, ``<room>-<thing>[-<part>]``; no other file makes one."""

from __future__ import annotations

import json

Id = str | dict[str, str | int]

# ---- state
URL = "state-url"
FORM = "state-form"
"""``{values, edit, seq}``: what the controls say; written by the browser only."""
TARGET = "state-target"
"""``{values, edit, seq, link}``: what the controls shall say."""
FINISHED = "state-finished"
"""``{a, b}``: run keys of the page that are DONE."""
SINK = "state-sink"
TABLE = "state-table"
"""Numbers of the finished runs, as ``layout.delta.numbers_table`` makes them."""
LISTED = "state-listed"
"""Recordings of this server."""

# ---- frame of the page
SIDEBAR = "shell-sidebar"
SIDEBAR_TOGGLE = "shell-sidebar-toggle"
MAIN = "shell-main"
THEME = "shell-theme"
KEYS = "shell-keys"
KEYS_TOGGLE = "shell-keys-toggle"
PALETTE = "shell-palette"
PALETTE_TOGGLE = "shell-palette-toggle"
TOUR = "shell-tour"
LIVE = "shell-live"
NOTICE = "shell-notice"

# ---- head
TITLE = "head-title"
QUESTION = "head-question"
LINK = "share-link"
COPY = "share-copy"
COPIED = "share-copied"
CLI = "share-cli"
REPORT = "share-report"
SEEDS_SAID = "seeds-said"
SEEDS_TABLE = "seeds-table"
EMBED = "share-embed"
EMBED_CHARTS = "share-embed-charts"
EMBED_OPEN = "share-embed-open"
LESSON = "share-lesson"

# ---- sidebar
PRESETS = "sidebar-presets"
PRESET_NAME = "sidebar-preset-name"
EDIT = "sidebar-edit"
EDIT_BOX = "sidebar-edit-box"
CHANGED = "sidebar-changed"

# ---- run
RUN_LINE = "run-line"
RUN_RETRY = "run-retry"
RUN_CARD = "run-card"
HEADLINE = "run-headline"

# ---- transport
TRANSPORT = "transport-bar"
PLAY = "transport-play"
STEP_BACK = "transport-step-back"
STEP = "transport-step"
START = "transport-start"
END = "transport-end"
SPEED = "transport-speed"
SCRUB = "transport-scrub"
CLOCK = "transport-clock"
ZOOM_RESET = "transport-zoom-reset"

HERE = "transport-here"

# ---- charts
LEGEND = "charts-legend"
CHARTS = "charts-stack"
EXPLAIN = "charts-explain"
SELECTION = "charts-selection"

# ---- compare
FORK = "compare-fork"
FORK_PATCHED = "compare-fork-patched"
FORK_MORE = "compare-fork-more"
BAR = "compare-bar"
SWAP = "compare-swap"
DROP = "compare-drop"
OTHER = "compare-other"
OTHER_SET = "compare-other-set"
OVERLAY = "compare-overlay"
IN_WORDS = "compare-words"
NUMBERS = "compare-numbers"
OTHER_NOTE = "compare-other-note"
PAIRED = "compare-paired"
RECENT = "compare-recent"
PARTING = "compare-parting"
"""Where A and B part, in words."""

# ---- stalls
STALLS = "stalls-list"

# ---- recorded, trace
RECORDINGS = "recorded-list"
UPLOAD = "recorded-upload"
UPLOAD_NOTE = "recorded-upload-note"
TRACE_LINKS = "trace-links"

# ---- editors of the lists
MEMCG_NAMES = "rows-memcg-names"
"""The datalist of container names."""
ROWS = {
    "memcgs": "rows-memcgs",
    "workloads": "rows-workloads",
    "interventions": "rows-interventions",
}

TABS = ("charts", "numbers", "stalls", "recorded", "trace", "validation", "about")


def control(path: str) -> dict[str, str | int]:
    """The widget of one Scenario field."""
    return {"room": "control", "path": path}


def cell(of: str, row: int, field: str) -> dict[str, str | int]:
    """One field of one row of the memcg or task list."""
    return {"room": f"cell-{of}", "row": row, "field": field}


def add_row(of: str) -> str:
    """The button that adds a row to a list."""
    return f"rows-{of}-add"


def tab(name: str) -> str:
    """A tab's button."""
    return f"tab-{name}"


def sweep(part: str) -> str:
    """A field of the sweep's form, or where it is shown."""
    return f"sweep-{part}"


def panel(name: str) -> str:
    """A tab's panel."""
    return f"panel-{name}"


def figure(name: str) -> str:
    """The section of one chart."""
    return f"chart-{name}"


def help_of(path: str) -> str:
    """The help line of a control."""
    return "help-" + path.replace(".", "-")


def dom(id_: Id) -> str:
    """How an id stands in the document, for ``for=`` and for tests."""
    return id_ if isinstance(id_, str) else json.dumps(id_, sort_keys=True, separators=(",", ":"))
