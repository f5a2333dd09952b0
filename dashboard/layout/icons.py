"""Signs on buttons: shapes of assets/img in the colour of the text."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.attributes import attributes

Component = Any


def icon(name: str) -> Component:
    """The shape ``assets/img/<name>.svg``."""
    shape = {"--shape": f'url("/assets/img/{name}.svg")'}
    return html.Span(className="icon", style=shape, **attributes({"aria-hidden": "true"}))


def icon_button(sign: str, label: str, id_: str, **more: Any) -> Component:
    """A button that shows only a sign."""
    return html.Button(
        icon(sign),
        id=id_,
        className="button icon-button",
        title=label,
        **attributes({"aria-label": label, **more}),
    )
