"""What can be taken away: the link, the trace, the numbers, the command that repeats the run."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.hiding import GROUPS, PARTS
from dashboard.controls.link import PageLink
from dashboard.figures.registry import FIGURES
from sim.scenario_url import encode

Component = Any


def link_box() -> Component:
    """The address bar is the link; this copies it with title and view."""
    return html.Div(
        [
            html.Code(
                "",
                id=ids.LINK,
                className="link-text",
                tabIndex=0,
                **attributes({"aria-label": "Link of this scenario"}),
            ),
            html.Button("Copy link", id=ids.COPY, className="button"),
            html.Span("", id=ids.COPIED, className="copied", role="status"),
        ],
        className="link-box",
        role="group",
        **attributes({"aria-label": "Share"}),
    )


def trace() -> Component:
    """The panel; ``trace_links`` fills its first part for each scenario, share.js the rest."""
    return html.Div([html.Div(id=ids.TRACE_LINKS), *_elsewhere()])


def _elsewhere() -> list[Component]:
    """The page within another, and the page with less on it."""
    kinds = PARTS | {name: group.value for name, group in GROUPS.items()}
    return [
        html.H2("In a page of your own"),
        html.P(
            "Title, headline numbers, player and charts, with a link to the whole page. The view "
            "goes with it: zoom, selection, and only the charts that are named.",
            className="quiet",
        ),
        html.Div(
            [
                html.Label("Charts", htmlFor=ids.EMBED_CHARTS),
                html.Select(
                    [
                        html.Option("all", value=""),
                        *(html.Option(f.title, value=name) for name, f in FIGURES.items()),
                    ],
                    id=ids.EMBED_CHARTS,
                    className="select",
                ),
                html.Button("Copy", className="button", **attributes({"data-copy": ids.EMBED})),
            ],
            className="share-row",
        ),
        html.Pre("", id=ids.EMBED, tabIndex=0, **attributes({"aria-label": "HTML to embed"})),
        html.H2("For a class"),
        html.P(
            "A link that leaves out what is not the lesson. Single controls can be left out too, "
            "by the key that their help names: hide=disk.dr.mix",
            className="quiet",
        ),
        html.Div(
            [
                html.Button(
                    label,
                    className="toggle",
                    **attributes({"data-hide": name, "aria-pressed": "false"}),
                )
                for name, label in kinds.items()
            ],
            className="share-hide",
            role="group",
            **attributes({"aria-label": "Left out of the page"}),
        ),
        html.Div(
            [
                html.Code("", id=ids.LESSON, tabIndex=0, **attributes({"aria-label": "The link"})),
                html.Button("Copy", className="button", **attributes({"data-copy": ids.LESSON})),
            ],
            className="share-row",
        ),
    ]


def embed_open() -> Component:
    """Seen only where the page is embedded."""
    return html.A(
        "Open in Reclaim Lab", id=ids.EMBED_OPEN, href="/", target="_blank", className="embed-open"
    )


def trace_links(link: PageLink) -> Component:
    """Downloads of A, and of B where there is one."""
    if link.input_key:
        own = _downloads("A, a recording", f"{link.input_key}={link.input_name}", trace=False)
    else:
        own = _downloads("A" if link.b else "This run", encode(link.a))
    other = [_downloads("B", encode(link.b))] if link.b else []
    cli = encode(link.b if link.input_key and link.b else link.a)
    return [
        own,
        *other,
        html.H2("Report"),
        _report(link),
        html.H2("Repeat it without the page"),
        html.P("The same engine, the same seed, the same bits:", className="quiet"),
        html.Pre(f"python -m sim run '{cli}'", id=ids.CLI, tabIndex=0),
    ]


def _report(link: PageLink) -> Component:
    """One document in three forms."""
    query = link.search_or("")[0].removeprefix("?")
    forms = (
        ("html", "a page", "to print or to save"),
        ("pdf", "PDF", "the same page, printed by the server"),
        ("md", "Markdown", "for a bug report or a wiki; its charts are links to this server"),
        ("txt", "plain text", "72 columns, for a mail to a list"),
    )
    return html.Ul(
        [
            html.Li(
                [
                    html.A(name, href=f"/export/report.{kind}?{query}", target="_blank"),
                    html.Span(f" {what}", className="quiet"),
                ]
            )
            for kind, name, what in forms
        ],
        className="downloads",
    )


def _downloads(title: str, query: str, *, trace: bool = True) -> Component:
    items = [
        ("metrics and columns, JSON", f"/api/run?{query}&format=json", "for programs"),
        (
            "columns, CSV",
            f"/api/run?{query}&format=csv",
            "one row for each sample, units in the header",
        ),
        (
            "the whole run, NumPy .npz",
            f"/api/run?{query}&format=npz",
            "series, IO log, stalls, trace",
        ),
    ]
    if trace:
        items.insert(
            0,
            (
                "ftrace text",
                f"/api/trace?{query}",
                "the events of patches 1 to 4, line for line as the kernel prints them; "
                "trace-vmscan-postprocess.pl of 2.6.36 reads it",
            ),
        )
    return html.Div(
        [
            html.H2(title),
            html.Ul(
                [
                    html.Li(
                        [
                            html.A(name, href=href, download=""),
                            html.Span(f" {what}", className="quiet"),
                        ]
                    )
                    for name, href, what in items
                ],
                className="downloads",
            ),
        ]
    )
