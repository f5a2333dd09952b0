"""``python -m sim validate --sensitivity``: what hangs on parameters that nobody stated."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.validation.sensitivity import Setting

MOST_NAMED = 8


def print_settings(settings: Iterable[Setting], *, as_json: bool) -> None:
    """A line for each setting, then the rows whose verdict it turns."""
    settings = list(settings)
    if as_json:
        print(json.dumps([s.to_dict() for s in settings], indent=2, allow_nan=False))
        return
    shown = ""
    for setting in settings:
        if setting.of != shown:
            shown = setting.of
            print(f"\n{shown}: {setting.scored} scored rows, {setting.agree_before} agree")
            print(f"  {'parameter':<34} {'stated':>9} {'set to':>9} {'agree':>6}  furthest row")
        furthest = setting.furthest
        far = "-"
        if furthest is not None and furthest.log2 is not None:
            far = f"{furthest.row} (log2 {furthest.log2:+.2f})"
        has = "default" if setting.stated in (None, 0) else str(setting.stated)
        print(f"  {setting.path:<34} {has:>9} {setting.value:>9} {setting.agree_after:>6}  {far}")
        turned = setting.turned
        for move in turned[:MOST_NAMED]:
            print(f"      {move.row}: {move.mark_before or '-'} -> {move.mark_after or '-'}")
        if len(turned) > MOST_NAMED:
            print(f"      and {len(turned) - MOST_NAMED} more")
