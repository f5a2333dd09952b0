"""What no callback reads or writes is sent as HTML, not as Dash components.

Dash asks every component of a page at every change of any of them, and of our thousand four in
five never change: as HTML they cost the browser nothing after they have been drawn.
"""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Iterable, Iterator
from typing import Any

from dash import html
from dash.development.base_component import Component

_HTML = html.Div()._namespace
# React's names of attributes that HTML calls otherwise; the rest differ in case only.
_ATTRIBUTE = {"className": "class", "htmlFor": "for"}
_NOT_ATTRIBUTES = ("children", "n_clicks", "n_clicks_timestamp", "disable_n_clicks", "key")
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


class Static(Component):
    """An element that Dash draws once: ``assets/static.js``.

    Args:
        tag: the element's name.
        attributes: its attributes, by React's names.
        html: what is in it.
    """

    _children_props: list[str] = []  # noqa: RUF012
    _base_nodes: list[str] = []  # noqa: RUF012
    _namespace = "reclaim_lab"
    _type = "Static"
    _prop_names: list[str] = ["tag", "attributes", "html"]  # noqa: RUF012
    _valid_wildcard_attributes: list[str] = []  # noqa: RUF012
    available_properties = _prop_names
    available_wildcard_properties: list[str] = []  # noqa: RUF012

    def __init__(self, tag: str, attributes: dict[str, Any], html: str) -> None:
        super().__init__(tag=tag, attributes=attributes, html=html)  # type: ignore[no-untyped-call]


def settled(component: Any, live: frozenset[str]) -> Any:
    """The page with every subtree that holds no live component as one ``Static``.

    ``live``: ids that callbacks name. Ids that are dicts are live, and what is not an HTML element.
    """
    if not isinstance(component, Component):
        return component
    if not _is_live(component, live):
        return Static(tag_of(component), dict(attributes_of(component)), _inner(component))
    if component._namespace == _HTML and getattr(component, "children", None) is not None:
        children = component.children
        component.children = (
            [settled(child, live) for child in children]
            if isinstance(children, list | tuple)
            else settled(children, live)
        )
    return component


def live_ids(callbacks: dict[str, Any]) -> frozenset[str]:
    """Ids in Dash's ``callback_map``: of inputs, states and outputs."""
    named = {
        str(part["id"]) for each in callbacks.values() for part in each["inputs"] + each["state"]
    }
    outputs = {id_ for output in callbacks for id_ in re.findall(r"([\w-]+)\.[\w-]+", output)}
    return frozenset(named | outputs)


def _is_live(component: Component, live: frozenset[str]) -> bool:
    if component._namespace != _HTML:
        return True
    id_ = getattr(component, "id", None)
    if isinstance(id_, dict) or id_ in live:
        return True
    return any(_is_live(child, live) for child in _children(component))


def _children(component: Component) -> Iterable[Component]:
    return [child for child in children_of(component) if isinstance(child, Component)]


def children_of(component: Component) -> list[Any]:
    """Components and texts in it."""
    children = getattr(component, "children", None)
    return list(children) if isinstance(children, list | tuple) else [children]


def is_html(component: Component) -> bool:
    """Whether it is one of ``dash.html``."""
    return bool(component._namespace == _HTML)


def tag_of(component: Component) -> str:
    """The element's name."""
    return str(component._type).lower()


def attributes_of(component: Component) -> Iterator[tuple[str, Any]]:
    """Its attributes, by React's names."""
    described: dict[str, Any] = component.to_plotly_json()  # type: ignore[no-untyped-call]
    for name, value in described["props"].items():
        if name not in _NOT_ATTRIBUTES and value is not None:
            yield name, value


def to_html(node: Any) -> str:
    """A component of ``dash.html`` as HTML, text escaped."""
    if node is None:
        return ""
    if not isinstance(node, Component):
        return escaping.escape(str(node), quote=False)
    tag = tag_of(node)
    opening = tag + "".join(attribute(name, value) for name, value in attributes_of(node))
    return f"<{opening}>" if tag in VOID else f"<{opening}>{_inner(node)}</{tag}>"


def _inner(component: Component) -> str:
    return "".join(to_html(child) for child in children_of(component))


def attribute(name: str, value: Any) -> str:
    """One as HTML, with the space before it; ``name`` is React's."""
    name = _ATTRIBUTE.get(name, name if name.startswith(("data-", "aria-")) else name.lower())
    if isinstance(value, dict):
        value = ";".join(f"{_hyphened(key)}:{part}" for key, part in value.items())
    elif isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escaping.escape(str(value))}"'


def _hyphened(name: str) -> str:
    """CSS's name of a property that React calls ``marginTop``; ``--own`` names stay."""
    return name if name.startswith("--") else re.sub(r"([A-Z])", r"-\1", name).lower()
