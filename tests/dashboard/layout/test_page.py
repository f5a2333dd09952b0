"""The page as components: ids, sections, names for those who cannot see it."""

from __future__ import annotations

import pytest
from dash.development.base_component import Component

from dashboard import ids
from dashboard.controls.spec import CONTROLS
from dashboard.figures.registry import FIGURES
from dashboard.layout import shell
from dashboard.layout.compare import (
    better_mark,
    change_text,
    difference_text,
    number_text,
    numbers_table,
)
from sim.observe.metrics import METRICS
from sim.presets import PRESETS


@pytest.fixture
def page(services) -> Component:
    return shell.layout(services)()


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


# ---- the table of numbers


def test_the_table_has_every_known_metric_and_counts_the_others():
    a = dict.fromkeys(METRICS, 1) | {"write_seeks": None}
    table = numbers_table(a, None, ["Value"])
    assert len(table["rows"]) == len(METRICS) - 1
    assert {len(row["cells"]) for row in table["rows"]} == {1}
    assert table["note"] == "1 further metrics were not recorded in this run."


def test_two_equal_runs_are_said_to_be_equal():
    a = dict.fromkeys(METRICS, 1)
    table = numbers_table(a, a, ["A", "B"])
    assert table["verdict"] == "A and B agree in every number: no difference."


def test_one_pair_of_runs_is_no_verdict():
    a = dict.fromkeys(METRICS, 1)
    table = numbers_table(a, a | {"write_seeks": 2}, ["A", "B"])
    assert table["verdict"].startswith("1 numbers differ in this one pair of runs")
    assert [row["mark"] for row in table["rows"] if row["mark"]] == ["worse"]


@pytest.mark.parametrize(
    ("a", "b", "better", "mark"),
    [
        (1, 2, "lower", "worse"), (2, 1, "lower", "better"), (1, 2, "higher", "better"),
        (1, 2, "", ""), (1, 1, "lower", ""), (None, 1, "lower", ""), (1, None, "higher", ""),
    ],
)  # fmt: skip
def test_the_mark_follows_the_metric(a, b, better, mark):
    assert better_mark(a, b, better) == mark


def test_numbers_are_written_for_people():
    assert number_text(None) == "–"
    assert number_text(1234567) == "1,234,567"
    assert number_text(0.123456) == "0.1235"
    assert difference_text(3, 1) == "−2"
    assert difference_text(None, 1) == "–"
    assert change_text(4, 5) == "+25.0 %"
    assert change_text(0, 5) == ""
    assert change_text(1, 20) == "×20"
