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
    listed, empty = _list(services)
    return html.Div(
        [
            html.P(
                "A recording of a real machine is drawn with the same charts. What it does not "
                "hold is shown as “not recorded”, never as zero.",
                className="quiet",
            ),
            _upload(services.settings.max_upload_mib),
            dcc.Store(id=ids.LISTED, data=listed),
            html.Div(
                html.P(empty, className="empty") if empty else None,
                id=ids.RECORDINGS,
                className="scroll-x",
                tabIndex=0,
                role="region",
                **attributes({"aria-label": "Recordings"}),
            ),
        ]
    )


def _upload(limit_mib: int) -> Component:
    return html.Div(
        [
            html.P(
                f"Drop an ftrace text, a samp.txt, a series.csv or a results.json here: plain, "
                f".gz or .xz, at most {limit_mib} MiB. It stays on this server for a day. A "
                "fio job file (.fio) becomes a scenario, which its link then holds; a CSV of "
                "time,op,file,offset,length is replayed."
            ),
            html.Span(
                className="upload-place",
                **attributes(
                    {"data-input": "file", "data-input-label": "Choose a recording or a fio job"}
                ),
            ),
            html.P("", id=ids.UPLOAD_NOTE, className="quiet", role="status"),
        ],
        id=ids.UPLOAD,
        className="upload",
    )


def _list(services: Services) -> tuple[list[dict[str, str]], str]:
    """What numbers.js makes the table of, or why there is nothing to list."""
    try:
        listed = list(services.recordings.catalogue().values())
    except TraceError as error:
        return [], f"The recordings of this server cannot be read: {error.message}"
    empty = (
        "This server offers no recordings of its own; RECLAIM_LAB_RECORDINGS_DIR names their "
        "folder."
    )
    return [_row(recording) for recording in listed], "" if listed else empty


def _row(recording: Recording) -> dict[str, str]:
    known = scenario_for(recording) is not None
    return {
        "title": recording.title,
        "name": recording.name,
        "kernel": recording.kernel,
        "variant": recording.variant,
        "open": f"/{_search(recording, beside=False)}",
        "beside": f"/{_search(recording, beside=True)}" if known else "",
    }


def _search(recording: Recording, *, beside: bool) -> str:
    scenario = scenario_for(recording)
    link = PageLink(input_key="rec", input_name=recording.name)
    if scenario is not None:
        others = (scenario,) if beside else ()
        link = PageLink((scenario, *others), (), "rec", recording.name)
    return link.search
