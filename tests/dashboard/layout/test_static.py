"""What is sent as HTML: all that no callback names, and it says what the components say."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from dash import dcc, html
from hypothesis import given
from hypothesis import strategies as st

from dashboard.attributes import attributes
from dashboard.layout.static import Static, live_ids, settled, to_html


class Read(HTMLParser):
    """A document as nested lists: [tag, attributes, parts]."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[list[Any]] = [["", {}, []]]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), []]
        self.open[-1][2].append(element)
        if tag not in {"br", "img", "input"}:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.open[-1][2].append(data)


def parts(text: str) -> list[Any]:
    read = Read(text)
    assert len(read.open) == 1, "an element was left open"
    return read.open[0][2]


@given(st.text(min_size=1).filter(lambda t: "\r" not in t), st.text())
def test_any_text_and_any_attribute_come_back(text, value):
    element = html.P(text, title=value, **attributes({"data-x": value, "aria-label": value}))
    assert parts(to_html(element)) == [
        ["p", {"title": value, "data-x": value, "aria-label": value}, [text]]
    ]


def test_names_and_values_are_those_of_html():
    label = html.Label(
        [html.Span(className="a b", hidden=True), html.Br(), None, "x", 7],
        htmlFor="f",
        tabIndex=0,
        style={"marginTop": "2px", "--own-Name": 1},
        hidden=False,
        n_clicks=3,
    )
    wanted = {"for": "f", "tabindex": "0", "style": "margin-top:2px;--own-Name:1"}
    inner = [["span", {"class": "a b", "hidden": None}, []], ["br", {}, []], "x7"]
    assert parts(to_html(label)) == [["label", wanted, inner]]


@pytest.mark.parametrize(
    "live",
    [html.P(id="said"), html.P(id={"room": "control", "path": "seed"}), dcc.Store(id="other")],
)
def test_only_what_is_around_a_live_component_stays_one(live):
    page = html.Div([html.P("quiet", id="q"), html.Div([html.B("loud"), live])], id="page")
    kept = settled(page, frozenset({"said"}))
    assert isinstance(kept, html.Div)
    quiet, around = kept.children
    assert isinstance(quiet, Static)
    assert (quiet.tag, quiet.attributes, quiet.html) == ("p", {"id": "q"}, "quiet")
    assert isinstance(around.children[0], Static)
    assert around.children[1] is live


def test_ids_of_callbacks_are_found_in_dashs_own_form():
    callbacks = {
        "..a.value...b-c.data-said..": {"inputs": [{"id": "d", "property": "x"}], "state": []},
        "e.children": {"inputs": [], "state": [{"id": '{"room":"f"}', "property": "x"}]},
    }
    assert live_ids(callbacks) == {"a", "b-c", "d", "e", '{"room":"f"}'}


def named_and_all(node: Any) -> Iterator[tuple[str, Any]]:
    """Every component of a page as Dash's renderer gets it, with its type."""
    if isinstance(node, list):
        for child in node:
            yield from named_and_all(child)
    elif isinstance(node, dict) and "type" in node:
        yield node["type"], node["props"].get("id")
        yield from named_and_all(node["props"].get("children"))


def test_most_of_the_page_is_html_and_every_callback_finds_its_components(app_client):
    components = [*named_and_all(app_client.get("/_dash-layout").get_json())]
    callbacks = app_client.get("/_dash-dependencies").get_json()
    parts = {
        each["output"]: {"inputs": each["inputs"], "state": each["state"]} for each in callbacks
    }
    named = {id_ for id_ in live_ids(parts) if not id_.startswith("{")}
    assert named <= {id_ for _, id_ in components if isinstance(id_, str)}
    assert len(components) < 450
