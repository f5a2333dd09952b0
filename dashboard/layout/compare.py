"""A against B: how to get a B, what differs in words, and the place of the numbers."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.spec import Option
from dashboard.controls.widgets import toggles

Component = Any


def compare_bar() -> Component:
    """Under the title: fork, or what B is."""
    return html.Div(
        [
            html.Div(
                [
                    html.Button(
                        "Fork as B",
                        id=ids.FORK,
                        className="button",
                        title="Compare this scenario with a copy, then change the copy",
                    ),
                    html.Button(
                        "B = patches 5 and 6 flipped", id=ids.FORK_PATCHED, className="button"
                    ),
                ],
                className="when-single",
            ),
            html.Div(
                [
                    html.P(id=ids.IN_WORDS, className="in-words"),
                    toggles(ids.OVERLAY, (Option("on", "Overlay"),), "on", "Overlay", many=True),
                    html.Button("Swap A and B", id=ids.SWAP, className="button"),
                    html.Button(
                        "Add C",
                        id=ids.FORK_MORE,
                        className="button",
                        title="One more run beside these, a copy of A; up to four",
                    ),
                    html.Button("Drop B", id=ids.DROP, className="button"),
                    html.Button(
                        "Where do they part?",
                        className="button",
                        title="The first recorded event in which each differs from A",
                        **attributes({"data-parting": ""}),
                    ),
                    html.Div(id=ids.PARTING, className="parting", role="status"),
                ],
                className="when-paired",
            ),
            _other(),
            _recent(),
            html.A(
                "Report",
                href="/export/report.html?v=1&seed=1",
                id=ids.REPORT,
                className="button",
                target="_blank",
                title="All of it on one page, to print, save or send",
            ),
        ],
        id=ids.BAR,
        className="compare-bar",
        **attributes({"data-paired": "false"}),
    )


def _other() -> Component:
    """A link, or differences, to compare with."""
    return html.Details(
        [
            html.Summary("B from a link"),
            html.Div(
                [
                    html.Label(
                        "Link or differences, such as p=p5.p6",
                        htmlFor=ids.OTHER,
                        className="offscreen",
                    ),
                    dcc.Input(
                        id=ids.OTHER,
                        type="text",
                        value="",
                        debounce=True,
                        className="field wide",
                        autoComplete="off",
                        spellCheck=False,
                        placeholder="a link, or differences from A: p=p5.p6&dr=40",
                    ),
                    html.Button("Compare", id=ids.OTHER_SET, className="button"),
                ],
                className="other-row",
            ),
            html.P(id=ids.OTHER_NOTE, className="quiet", role="status"),
        ],
        className="other",
    )


def _recent() -> Component:
    """Scenarios looked at before, as this browser remembers them; recent.js fills it."""
    return html.Details(
        [
            html.Summary("Recent"),
            html.Ul(
                className="recent-list",
                **attributes({"data-recent": "", "aria-label": "Scenarios looked at before"}),
            ),
            html.P(
                [
                    html.Span("", role="status", **attributes({"data-recent-said": ""})),
                    html.Button(
                        "Clear",
                        className="tool",
                        **attributes(
                            {"data-recent-clear": "", "aria-label": "Clear the recent scenarios"}
                        ),
                    ),
                ],
                className="quiet recent-foot",
            ),
        ],
        id=ids.RECENT,
        className="other",
    )


def numbers() -> Component:
    """The panel of the table, and of the same over several seeds (seeds.js)."""
    return html.Div([_repeated(), html.Div(id=ids.NUMBERS, className="numbers")])


def _repeated() -> Component:
    return html.Section(
        [
            html.H2("Over seeds"),
            html.P(
                [
                    html.Button(
                        "Repeat with 5 seeds", className="button", **attributes({"data-seeds": "5"})
                    ),
                    html.Button(
                        "Stop", className="button", hidden=True, **attributes({"data-seeds": ""})
                    ),
                    html.Span(
                        "One pair of runs says nothing about chance.",
                        id=ids.SEEDS_SAID, className="quiet", role="status",
                    ),
                ],
                className="sweep-bar",
            ),
            html.Div(
                id=ids.SEEDS_TABLE, className="scroll-x", tabIndex=0, role="region",
                **attributes({"aria-label": "Over seeds"}),
            ),
        ],
        className="when-paired",
    )  # fmt: skip
