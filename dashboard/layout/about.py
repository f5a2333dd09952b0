"""What the lab claims and what it does not, and the sheet of keys."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from sim import MODEL_VERSION

Component = Any

_CLAIMS = (
    "Every 4 KiB page has its flags, file, container and place on the LRU lists; reclaim, "
    "writeback, throttling, the request queue and the disk act on these pages as 2.6.35 does.",
    "Time is integer nanoseconds. The same link gives the same bits, on any machine.",
    "Every number on the page is a counter, or a difference of counters, with its unit and formula "
    "(point at its name).",
)
_LIMITS = (
    "It is a model. The disk is a curve for seeks, rotation and transfer, the CPU a count of "
    "instructions, the filesystem the writeback manners of ext3.",
    "One pair of runs is one pair of seeds. A difference that matters shows again with others.",
    "sim/MODEL.md in the repository lists sources and liberties taken; the tab Validation how "
    "far real runs agree.",
)
_KEYS = (
    ("Ctrl K  /", "find a preset, control, chart or command"),
    ("Space", "play or pause"),
    ("← →", "one sample back or on; with Shift ten"),
    ("Home End", "start or end of the run"),
    ("[ ]", "slower or faster"),
    ("+ − 0", "zoom in, out, whole run"),
    ("H", "after a change in playback: from here on instead"),
    ("E", "explain the request before the playhead: who, why, who waited"),
    ("M", "mark the playhead: two marks select an interval"),
    ("Z Esc", "zoom to the selected interval, clear it"),
    ("1 … 7", "tabs"),
    ("S", "controls on or off"),
    ("O", "overlay B to D on or off"),
    ("C", "copy the link"),
    ("T", "dark or light"),
    ("?", "this sheet"),
)


def about() -> Component:
    """The panel."""
    return html.Div(
        [
            html.H2("What this is"),
            html.P(
                "A virtual Linux 2.6.35 machine for the questions of June 2010: should direct "
                "reclaim write dirty pages, in what order, and who cleans up inside a container? "
                "Flip a patch, turn the workload, and see the disk and the stalls."
            ),
            html.H2("What it claims"),
            html.Ul([html.Li(claim) for claim in _CLAIMS]),
            html.H2("Its limits"),
            html.Ul([html.Li(limit) for limit in _LIMITS]),
            html.P(f"Model version {MODEL_VERSION}.", className="quiet"),
        ],
        className="prose",
    )


def keys_sheet() -> Component:
    """Opened by ``?``."""
    return html.Dialog(
        [
            html.H2("Keyboard", id="keys-title"),
            html.Dl(
                [html.Div([html.Dt(keys), html.Dd(what)]) for keys, what in _KEYS],
                className="keys",
            ),
            html.Div(
                [
                    html.Button(
                        "Close", className="button", **attributes({"data-close": ids.KEYS})
                    ),
                    html.Button(
                        "Take the tour", className="button", **attributes({"data-tour": "start"})
                    ),
                ],
                className="sheet-row",
            ),
        ],
        id=ids.KEYS,
        className="sheet",
        **attributes({"aria-labelledby": "keys-title"}),
    )
