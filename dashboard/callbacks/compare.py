"""A against B: buttons that change the link, and the table of both runs' numbers."""

from __future__ import annotations

from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, ctx, no_update, set_props

from dashboard import ids
from dashboard.controls.link import LETTERS, PageLink
from dashboard.controls.state import other_of, patches_flipped
from dashboard.controls.words import problem_text
from dashboard.figures.theme import RUN_NAMES
from dashboard.layout.delta import RunNumbers, numbers_table
from dashboard.services.services import Services

_BUTTONS = (ids.FORK, ids.FORK_PATCHED, ids.FORK_MORE, ids.SWAP, ids.DROP)
_FORKS = (ids.FORK, ids.FORK_PATCHED, ids.FORK_MORE)


def register(app: dash.Dash, services: Services) -> None:
    """Fork, swap, drop, another link; numbers."""

    @app.callback(
        Output(ids.EDIT, "value"),
        inputs={
            "clicks": [Input(button, "n_clicks") for button in _BUTTONS],
            "search": State(ids.URL, "search"),
        },
        prevent_initial_call=True,
    )
    def rearrange(clicks: list[int | None], search: str) -> Any:
        link = rearranged(PageLink.parse(search), str(ctx.triggered_id))
        set_props(ids.URL, {"search": link.search_or(search)[0]})
        return LETTERS[len(link.scenarios) - 1] if ctx.triggered_id in _FORKS else "a"

    @app.callback(
        Output(ids.OTHER_NOTE, "children"),
        Input(ids.OTHER_SET, "n_clicks"),
        Input(ids.OTHER, "n_submit"),
        State(ids.OTHER, "value"),
        State(ids.URL, "search"),
        prevent_initial_call=True,
    )
    def compare_with(_clicks: int, _submits: int, text: str | None, search: str) -> Any:
        link = PageLink.parse(search)
        scenario, problems = other_of(link, text or "")
        after, too_long = link.with_b(scenario).search_or("")
        if after:
            set_props(ids.URL, {"search": after})
        return "; ".join(problem_text(p) for p in [*problems, *too_long])

    @app.callback(Output(ids.TABLE, "data"), Input(ids.FINISHED, "data"), prevent_initial_call=True)
    def numbers(finished: dict[str, Any]) -> Any:
        results = [services.results.result(key) for key in finished.get("keys", [])]
        if not results or any(result is None for result in results):
            return no_update
        names = finished.get("labels") or RUN_NAMES
        found = zip(results, names, strict=False)
        return numbers_table([RunNumbers.of(r, str(name)) for r, name in found if r is not None])

    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("lab", "table"),
        Output(ids.NUMBERS, "data-shown"),
        Input(ids.TABLE, "data"),
    )


def rearranged(link: PageLink, button: str) -> PageLink:
    """The comparison after one of its buttons."""
    if button == ids.FORK:
        return link.with_b(link.a)
    if button == ids.FORK_PATCHED:
        return link.with_b(patches_flipped(link.a))
    if button == ids.FORK_MORE:
        return link.with_another(link.a)
    if button == ids.SWAP:
        return link.swapped()
    return link.without_last()
