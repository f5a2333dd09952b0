"""What a link leaves out of the page (``hide=``): a teacher shows the two controls of the lesson.

Names of parts of the page, of groups of controls, and of single controls by their key in links.
Nothing is protected by it: who takes the key out of the link has everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.controls.spec import CONTROLS, Group
from sim.scenario import Problem

PARTS = {
    "controls": "all controls",
    "presets": "presets",
    "compare": "comparison",
    "headline": "headline numbers",
    "tabs": "tabs",
    "head": "title and question",
}
GROUPS = {group.name.lower(): group for group in Group}
_KEYS = frozenset(control.key for control in CONTROLS)
SEPARATOR = "."


def parse_hidden(text: str) -> tuple[tuple[str, ...], list[Problem]]:
    """Known names of ``hide=``, sorted, and one problem for each that is none."""
    names = {name for name in text.split(SEPARATOR) if name}
    known = sorted(name for name in names if name in PARTS or name in GROUPS or name in _KEYS)
    return tuple(known), [
        Problem("hide", name[:80], "is no part of the page and no control; ignored")
        for name in sorted(names.difference(known))
    ]


def hidden_paths(names: Iterable[str]) -> list[str]:
    """Paths of the controls that are left out."""
    found = set(names)
    return [c.path for c in CONTROLS if c.key in found or c.group.name.lower() in found]


def hidden_parts(names: Iterable[str]) -> list[str]:
    """Names in ``PARTS``."""
    return [name for name in names if name in PARTS]
