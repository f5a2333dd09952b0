"""``data-*`` and ``aria-*`` attributes, whose names are no Python names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attributes(named: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes for ``**``: ``html.Div(**attributes({"data-x": "1"}))``."""
    return dict(named)
