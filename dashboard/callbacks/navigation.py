"""Link and controls: the only file with both directions; it compares before it writes.

A control changes the form store (in the browser, once it has settled); ``navigate`` turns the form
into a link and pushes it. A link that comes from elsewhere fills the controls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, ctx, html, no_update

from dashboard import ids
from dashboard.attributes import attributes
from dashboard.controls.link import LETTERS, PageLink
from dashboard.controls.state import Head, after_form, head, target
from dashboard.controls.widgets import item_rows
from dashboard.controls.words import (
    changed,
    differences,
    in_short,
    in_words,
    kinship,
    problem_text,
)
from dashboard.layout.share import trace_links
from dashboard.services.services import Services
from sim.scenario import Problem, Scenario

OUTPUT = {
    "search": Output(ids.URL, "search"),
    "target": Output(ids.TARGET, "data"),
    "notice": Output(ids.NOTICE, "children"),
    "title": Output(ids.TITLE, "children"),
    "question": Output(ids.QUESTION, "children"),
    "preset": Output(ids.PRESET_NAME, "children"),
    "changed": Output(ids.CHANGED, "children"),
    "memcgs": Output(ids.ROWS["memcgs"], "children"),
    "workloads": Output(ids.ROWS["workloads"], "children"),
    "interventions": Output(ids.ROWS["interventions"], "children"),
    "names": Output(ids.MEMCG_NAMES, "children"),
    "edit_hidden": Output(ids.EDIT_BOX, "hidden"),
    "words": Output(ids.IN_WORDS, "children"),
    "paired": Output(ids.BAR, "data-paired"),
    "trace": Output(ids.TRACE_LINKS, "children"),
    "link": Output(ids.LINK, "children"),
}


def register(app: dash.Dash, services: Services) -> None:
    """Both directions, and the browser's part of them."""
    in_browser: Any = app.clientside_callback

    @app.callback(
        output=OUTPUT,
        inputs={
            "search": Input(ids.URL, "search"),
            "form": Input(ids.FORM, "data"),
            "edit": Input(ids.EDIT, "value"),
            "known": State(ids.TARGET, "data"),
        },
    )
    def navigate(search: str, form: Any, edit: str, known: Any) -> dict[str, Any]:
        before = opened(services, PageLink.parse(search))
        if not form or ctx.triggered_id != ids.FORM:
            shown = page(services, before, list(before.problems), edit, None)
            return shown | still_told(before, known) | {"search": no_update}
        after, problems = after_form(search, form)
        state = page(services, after, problems, form.get("edit", "a"), form.get("seq"))
        moved = after.search_or("")[0] != before.search_or("")[0]
        return state | {"search": after.search_or(search)[0] if moved else no_update}

    values = Input({"room": "control", "path": dash.ALL}, "value")
    in_browser(
        ClientsideFunction("lab", "collect"),
        Output(ids.FORM, "data"),
        values,
        State(ids.EDIT, "value"),
    )
    in_browser(
        ClientsideFunction("lab", "apply"),
        Output(ids.SINK, "data"),
        Input(ids.TARGET, "data"),
        State(ids.LISTED, "data"),
    )
    for of in ids.ROWS:
        cells = Input({"room": f"cell-{of}", "row": dash.ALL, "field": dash.ALL}, "value")
        place = Output(ids.ROWS[of], "data-text")
        in_browser(ClientsideFunction("lab", "rows"), place, cells)


def still_told(link: PageLink, known: Any) -> dict[str, Any]:
    """Keeps the notice when a link was only rewritten into its canonical form."""
    rewritten = isinstance(known, dict) and known.get("link") == link.search_or("")[0]
    return {"notice": no_update} if rewritten and not link.problems else {}


def page(
    services: Services, link: PageLink, problems: list[Problem], edit: str, seq: int | None
) -> dict[str, Any]:
    """Every text and value that a link decides, but for ``search``."""
    edit = edit if edit in LETTERS[: len(link.scenarios)] else "a"
    scenario = link.edited(edit)
    above = heading(services, link)
    return {
        "target": target(link, edit, seq) | {"title": above.title} | in_a_list(services, link),
        "notice": notice(problems),
        "title": above.title,
        "question": above.question,
        "preset": head(scenario).preset,
        "changed": changed_list(scenario),
        "memcgs": item_rows("memcgs", scenario),
        "workloads": item_rows("workloads", scenario),
        "interventions": item_rows("interventions", scenario),
        "names": [html.Option(value=n) for n in ("root", *(g.name for g in scenario.memcgs))],
        "edit_hidden": link.b is None or bool(link.input_key),
        "words": words(link),
        "paired": "true" if link.b is not None else "false",
        "trace": trace_links(link),
        "link": link.search_or("too long for a link")[0],
    }


def opened(services: Services, link: PageLink) -> PageLink:
    """A recording whose link says nothing of its parameters has those it was made with."""
    if link.input_key != "rec" or any(scenario != Scenario() for scenario in link.scenarios):
        return link
    known = services.recordings.parameters(link.input_name)
    return link if known is None else replace(link, scenarios=(known,) * len(link.scenarios))


def heading(services: Services, link: PageLink) -> Head:
    """What stands above the charts: of run A, or of the recording in its place."""
    above = head(link.a)
    if not link.input_key:
        return above
    return replace(above, title=recording_title(services, link), question=_ABOUT_RECORDING)


_ABOUT_RECORDING = (
    "A recording of a real machine. The controls hold the parameters it was made with, as far as "
    "they are known; compare it with the simulated run of the same."
)


def recording_title(services: Services, link: PageLink) -> str:
    """The name of the recording that the link opens; empty for a simulated run."""
    if not link.input_key:
        return ""
    find = services.recordings.named if link.input_key == "rec" else services.recordings.uploaded
    found = find(link.input_name)
    return found.title if found else f"Needs the {link.input_key} {link.input_name}"


def words(link: PageLink) -> str:
    """What B is."""
    if link.b is None:
        return ""
    if link.input_key and link.a == link.b:
        return "A is the recording, B the simulated run of the same parameters."
    if link.input_key:
        known = in_words(link.a, link.b).removeprefix("B differs from A: ")
        return f"A is the recording, B is simulated with {known}"
    others = zip("BCD", link.scenarios[1:], strict=False)
    return " ".join(in_words(link.a, other, letter) for letter, other in others)


def in_a_list(services: Services, link: PageLink) -> dict[str, str]:
    """One line among other links: a name, and what was changed or asked; what B to D are."""
    kin = kinship(link.a)
    parts = [in_short(kin.differences if kin else changed(link.a)) or heading(services, link).title]
    if link.input_key:
        parts = ["a recording"]
    for letter, other in zip("BCD", link.scenarios[1:], strict=False):
        same = "simulated" if link.input_key else "the same"
        parts.append(f"{letter}: {in_short(differences(link.a, other)) or same}")
    name = recording_title(services, link) or (kin.name if kin else "own scenario")
    return {"name": name, "changes": "; ".join(parts)}


def notice(problems: list[Problem]) -> Any:
    """One notice that names each key; None when there is nothing to say."""
    if not problems:
        return None
    many = f"{len(problems)} values were" if len(problems) > 1 else "One value was"
    return html.Div(
        [
            html.P(f"{many} not taken as given:", className="notice-title"),
            html.Ul([html.Li(problem_text(problem)) for problem in problems]),
        ],
        className="notice",
    )


def changed_list(scenario: Scenario) -> Any:
    """What differs from the defaults, on top of the controls; a press goes to the control."""
    found = changed(scenario)
    if not found:
        return html.P("Everything at its default.", className="quiet")
    return [
        html.Div(
            [
                html.Span(f"{len(found)} changed", className="quiet"),
                html.A("all back to the defaults", href="/", className="reset"),
            ],
            className="changed-head",
        ),
        html.Ul(
            [
                html.Li(
                    html.Button(
                        [html.Span(d.control.label), html.Span(d.b, className="changed-value")],
                        className="changed-item",
                        title=f"default: {d.a}",
                        **attributes({"data-goto": d.control.path}),
                    )
                )
                for d in found
            ]
        ),
    ]
