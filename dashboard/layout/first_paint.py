"""The page as HTML, to be seen until Dash has drawn it: one or two seconds on a slow machine.

It is a picture: without the names by which scripts and people would find its parts. Assets take it
away as soon as the page itself is there (``first-paint.js``).
"""

from __future__ import annotations

import html as escaping
from typing import Any

from dash.development.base_component import Component

from dashboard import ids
from dashboard.layout.static import VOID, attribute, attributes_of, children_of, is_html, tag_of

_KEPT = frozenset({"className", "style", "src", "width", "height", "open", "colSpan", "scope"})
_NEVER_SEEN = frozenset({"dialog", "datalist"})
_LINK_DECIDES = {ids.TITLE: "title", ids.QUESTION: "question", ids.PRESET_NAME: "preset"}
_PLACE = "\x00{}\x00"


class FirstPaint:
    """The page's picture with places for what the link decides: title, question, preset."""

    def __init__(self, page: Component) -> None:
        self._parts = _html(page).split("\x00")

    def of(self, texts: dict[str, str]) -> str:
        """For one link; ``texts`` by the names of ``_LINK_DECIDES``."""
        parts = [
            escaping.escape(texts[part], quote=False) if place % 2 else part
            for place, part in enumerate(self._parts)
        ]
        return f'<div class="first-paint" aria-hidden="true" inert>{"".join(parts)}</div>'


def _html(node: Any) -> str:
    if node is None:
        return ""
    if not isinstance(node, Component):
        return escaping.escape(str(node), quote=False)
    if not is_html(node):
        return _field(node)
    tag = tag_of(node)
    properties = dict(attributes_of(node))
    name = properties.get("id")
    if properties.get("hidden") or tag in _NEVER_SEEN:
        return ""
    kept = "".join(attribute(n, v) for n, v in properties.items() if n in _KEPT)
    if tag in VOID:
        return f"<{tag}{kept}>"
    known = _LINK_DECIDES.get(name) if isinstance(name, str) else None
    inner = _PLACE.format(known) if known else "".join(_html(child) for child in children_of(node))
    return f"<{tag}{kept}>{inner}</{tag}>"


def _field(component: Component) -> str:
    """An input; stores and the like draw nothing."""
    described: dict[str, Any] = component.to_plotly_json()  # type: ignore[no-untyped-call]
    if described["type"] != "Input":
        return ""
    shown = {n: described["props"].get(n) for n in ("className", "type", "value")}
    given = "".join(attribute(n, str(v)) for n, v in shown.items() if v is not None)
    return f'<div class="dash-input-container"><input{given}></div>'
