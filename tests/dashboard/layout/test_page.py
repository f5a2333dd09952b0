"""The page as components: ids, sections, names for those who cannot see it."""

from __future__ import annotations

import pytest
from dash.development.base_component import Component

from dashboard import ids
from dashboard.controls.spec import CONTROLS
from dashboard.figures.registry import FIGURES
from dashboard.layout import shell
from sim.presets import PRESETS


@pytest.fixture
def page(services) -> Component:
    return shell.page(services)


def everything(component: Component) -> list[Component]:
    return [component, *component._traverse()]


def attribute(component: object, name: str) -> object:
    return getattr(component, name, None)


def texts(part: object) -> str:
    """Every word that the page shows."""
    if isinstance(part, str):
        return part
    if isinstance(part, list | tuple):
        return " ".join(texts(child) for child in part)
    return texts(getattr(part, "children", None) or [])


def test_no_id_is_used_twice(page):
    found = [ids.dom(c.id) for c in everything(page) if attribute(c, "id")]
    assert len(found) == len(set(found))


def test_every_control_is_on_the_page_with_its_help(page):
    found = {ids.dom(c.id) for c in everything(page) if attribute(c, "id")}
    for control in CONTROLS:
        assert ids.dom(ids.control(control.path)) in found, control.path
        assert ids.help_of(control.path) in found, control.path


def test_every_figure_has_its_section_in_the_registrys_order(page):
    names = [attribute(c, "data-figure") for c in everything(page)]
    assert [name for name in names if name] == list(FIGURES)


def test_every_preset_is_a_link(page):
    shown = texts(page)
    assert [name for name, preset in PRESETS.items() if preset.title not in shown] == []


def test_every_button_has_a_name(page):
    for component in everything(page):
        if type(component).__name__ == "Button":
            label = attribute(component, "aria-label")
            children = attribute(component, "children")
            assert label or isinstance(children, str | list), component


def test_every_label_points_at_something(page):
    found = {ids.dom(c.id) for c in everything(page) if attribute(c, "id")}
    targets = [attribute(c, "htmlFor") for c in everything(page)]
    assert {target for target in targets if target} <= found


def test_there_is_one_main_and_one_title(page):
    names = [type(component).__name__ for component in everything(page)]
    assert names.count("Main") == names.count("H1") == 1


def test_charts_are_not_dashs(page):
    assert "Graph" not in {type(component).__name__ for component in everything(page)}
