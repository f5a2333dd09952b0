"""What a link says of the view of its charts: the part of time, the playhead, switched axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scale = Literal["", "linear", "log", "bands"]
"""What a switch makes of an axis."""
SCALE_KEYS: dict[str, Scale] = {"log": "log", "lin": "linear", "bands": "bands"}
"""Key of the link to what it makes of the axes of the charts it names."""


@dataclass(frozen=True)
class ViewState:
    """A view; the default is that of a page that was just opened."""

    window: tuple[float, float] | None = None
    """s: what is drawn of time; None = the whole run."""
    at: float | None = None
    """s: where the playhead stands; None = at the end of what is drawn."""
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """Charts whose switch is set, and to what."""

    def keys(self) -> dict[str, str]:
        """As a link has it: key to text, without what says nothing."""
        said = {}
        if self.window is not None:
            said["t"] = "-".join(str(_ms(t)) for t in self.window)
        if self.at is not None:
            said["at"] = str(_ms(self.at))
        for key, kind in SCALE_KEYS.items():
            said[key] = ".".join(
                sorted(name for name, set_to in self.scales.items() if set_to == kind)
            )
        return {key: text for key, text in said.items() if text}


def _ms(t_s: float) -> int:
    return round(t_s * 1000)
