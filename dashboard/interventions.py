"""What a run's scenario changes on the way, as marks on a time axis: when, and in words."""

from __future__ import annotations

import re
from typing import Any

_PATCH = re.compile(r"p(\d)(-recorded)?")


def marks(meta: dict[str, Any]) -> list[dict[str, Any]]:
    """``[{"t": s, "text": words}]`` of a Result's ``meta``; a recording has none."""
    planned = (meta.get("scenario") or {}).get("interventions") or ()
    return [{"t": each["at_ms"] / 1000, "text": in_words(each)} for each in planned]


def in_words(each: dict[str, Any]) -> str:
    """``patch 6 on``, ``box limit 32 MiB``, ``disk stalls 2 s``."""
    whose, value = str(each["whose"]), int(each["value"])
    switched = "on" if value else "off"
    match str(each["what"]):
        case "patch":
            return f"{_patch(whose)} {switched}"
        case "answer":
            return f"answer {whose} {switched}"
        case "limit":
            return f"{whose} limit {value} MiB"
        case "stall":
            return f"{whose} stalls {value / 1000:g} s"
        case "rate":
            return f"{whose} rate {value} {'kB/s' if whose == 'disk' else 'KiB/s'}"
        case _:
            return f"{whose} {value}"


def _patch(name: str) -> str:
    found = _PATCH.fullmatch(name)
    if found is None:
        return name.replace("-", " ")
    return f"patch {found[1]}{' as recorded' if found[2] else ''}"
