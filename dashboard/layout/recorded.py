"""Recorded runs of real kernels: the server's list, and a place to drop a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import dcc, html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.link import PageLink
from dashboard.services.services import Services
from sim.traces import TraceError, scenario_for

if TYPE_CHECKING:
    from sim.traces import Recording

Component = Any


def recorded(services: Services) -> Component:
    """The panel."""
    return html.Div(
        [
            html.P(
                "A recording of a real machine is drawn with the same charts. What it does not "
                "hold is shown as “not recorded”, never as zero.",
                className="quiet",
            ),
            _upload(services.settings.max_upload_mib),
            html.Div(_list(services), id=ids.RECORDINGS),
        ]
    )


def _upload(limit_mib: int) -> Component:
    return html.Div(
        [
            html.P(
                f"Drop an ftrace text, a samp.txt, a series.csv or a results.json here: plain, "
                f".gz or .xz, at most {limit_mib} MiB. It stays on this server for a day."
            ),
            html.Span(
                className="upload-place",
                **attributes(
                    {"data-input": "file", "data-input-label": "Choose a recording to open"}
                ),
            ),
            html.P("", id=ids.UPLOAD_NOTE, className="quiet", role="status"),
        ],
        id=ids.UPLOAD,
        className="upload",
    )


def _list(services: Services) -> Component:
    try:
        listed = list(services.recordings.catalogue().values())
    except TraceError as error:
        return html.P(
            f"The recordings of this server cannot be read: {error.message}", className="empty"
        )
    if not listed:
        return html.P(
            "This server offers no recordings of its own; RECLAIM_LAB_RECORDINGS_DIR names their "
            "folder.",
            className="empty",
        )
    heads = ("Recording", "Kernel", "Variant", "Open")
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([_row(recording) for recording in listed]),
            ],
            className="table",
        ),
        className="scroll-x",
        tabIndex=0,
        role="region",
        **attributes({"aria-label": "Recordings"}),
    )


def _row(recording: Recording) -> Component:
    links = [
        dcc.Link(
            "open",
            href=f"/{_search(recording, beside=False)}",
            **attributes({"title": f"Open {recording.name}"}),
        )
    ]
    if scenario_for(recording) is not None:
        links.append(dcc.Link("beside the simulation", href=f"/{_search(recording, beside=True)}"))
    return html.Tr(
        [
            html.Th([recording.title, html.Code(recording.name)], scope="row"),
            html.Td(recording.kernel),
            html.Td(recording.variant),
            html.Td(links, className="links"),
        ]
    )


def _search(recording: Recording, *, beside: bool) -> str:
    scenario = scenario_for(recording)
    link = PageLink(input_key="rec", input_name=recording.name)
    if scenario is not None:
        others = (scenario,) if beside else ()
        link = PageLink((scenario, *others), (), "rec", recording.name)
    return link.search
