"""The frame of the page: header, sidebar, main column, tabs, the stores between them."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.layout.about import about, keys_sheet
from dashboard.layout.charts import charts, explanation, legend, marks, selection
from dashboard.layout.compare import compare_bar, numbers
from dashboard.layout.guide import palette, palette_open, tour, tour_start
from dashboard.layout.icons import icon_button
from dashboard.layout.recorded import recorded
from dashboard.layout.run import headline, here_offer, run_card, run_line, transport
from dashboard.layout.share import embed_open, link_box, trace
from dashboard.layout.sidebar import sidebar
from dashboard.layout.sweep import sweep
from dashboard.layout.validation import validation
from dashboard.services.services import Services

Component = Any

TAB_NAMES = {
    "charts": "Charts",
    "numbers": "Numbers",
    "stalls": "Stalls",
    "recorded": "Recorded runs",
    "trace": "Trace and data",
    "sweep": "Sweep",
    "validation": "Validation",
    "about": "About",
}


def page(services: Services) -> Component:
    """Everything below ``<body>``, made anew for each visit: recordings come and go."""
    return html.Div(
        [
            *_stores(),
            html.A("Skip to the charts", href=f"#{ids.MAIN}", className="skip"),
            _header(),
            html.Div(
                [sidebar(), _main(services)],
                className="frame",
            ),
            keys_sheet(),
            palette(),
            tour(),
        ],
        className="lab",
    )


def _stores() -> list[Component]:
    names = (ids.FORM, ids.TARGET, ids.FINISHED, ids.SINK, ids.TABLE)
    return [
        dcc.Location(id=ids.URL, refresh="callback-nav"),
        *(dcc.Store(id=name, storage_type="memory") for name in names),
    ]


def _header() -> Component:
    return html.Header(
        [
            icon_button(
                "menu", "Controls", ids.SIDEBAR_TOGGLE, **attributes({"aria-expanded": "true"})
            ),
            html.A("Reclaim Lab", href="/", className="brand"),
            link_box(),
            palette_open(),
            tour_start(),
            icon_button("keys", "Keyboard shortcuts", ids.KEYS_TOGGLE),
            icon_button("theme", "Dark or light", ids.THEME),
        ],
        className="top",
    )


def _main(services: Services) -> Component:
    return html.Main(
        [
            html.Div(
                [
                    html.H1(id=ids.TITLE, className="title"),
                    html.P(id=ids.QUESTION, className="question"),
                    compare_bar(),
                    html.Div(id=ids.NOTICE, className="notice-place", role="status"),
                ],
                className="head",
            ),
            run_line(),
            run_card(),
            headline(),
            html.P(
                id=ids.LIVE,
                className="offscreen",
                role="status",
                **attributes({"aria-live": "polite"}),
            ),
            html.Div(
                [
                    html.Button(
                        label,
                        id=ids.tab(name),
                        className="view-tab",
                        role="tab",
                        **attributes(
                            {
                                "data-tab": name,
                                "aria-controls": ids.panel(name),
                                "aria-selected": "true" if name == "charts" else "false",
                            }
                        ),
                    )
                    for name, label in TAB_NAMES.items()
                ],
                className="tabs",
                role="tablist",
                **attributes({"aria-label": "Views of the run"}),
            ),
            _panel(
                "charts",
                [
                    html.Div([transport(), legend(), selection(), marks()], className="sticky"),
                    charts(),
                ],
            ),
            _panel("numbers", numbers()),
            _panel("stalls", html.Div(id=ids.STALLS)),
            _panel("recorded", recorded(services)),
            _panel("trace", trace()),
            _panel("sweep", sweep()),
            _panel("validation", validation()),
            _panel("about", about()),
            here_offer(),
            explanation(),
            embed_open(),
        ],
        id=ids.MAIN,
        className="main",
        tabIndex=-1,
    )


def _panel(name: str, children: Component) -> Component:
    more = {} if name == "charts" else {"hidden": True}
    return html.Section(
        children,
        id=ids.panel(name),
        className=f"panel panel-{name}",
        role="tabpanel",
        **attributes({"aria-labelledby": ids.tab(name), **more}),
    )
