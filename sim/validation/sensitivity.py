"""Which conclusions hang on what nobody stated: each unknown parameter is moved, alone, both ways.

A restated recording or table has parameters that its source does not name. Each is set to a lower
and a higher value; what is told is how many scored rows still agree, how far each row's simulated
number moves (log2), and which rows change their verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sim.scenario import Scenario
from sim.validation import published, recorded
from sim.validation.restated import Knob, Restated
from sim.validation.score import SCORED
from sim.validation.workers import WORKERS

SPLIT = "memory.dma_free_pages"
"""Free pages of both zones together are those of the first sample; how they were split is open."""
RECORDED_KNOBS = (Knob("vm.dirty_expire_centisecs", 1500, 6000), Knob(SPLIT, 2000, 3000))
"""What the recordings' README leaves open (``traces.facts_of`` names it unknown)."""
AGREES = "ok"


@dataclass(frozen=True, slots=True)
class Reading:
    """A scored row under one setting."""

    value: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class Move:
    """What one setting does to one scored row."""

    row: str
    before: float | None
    after: float | None
    log2: float | None
    """None where either is 0 or was not measured."""
    mark_before: str
    mark_after: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One unknown parameter at one value, everything else as restated."""

    of: str
    """Table, or the recordings."""
    path: str
    value: int
    stated: Any
    """What the restated run has."""
    scored: int
    agree_before: int
    agree_after: int
    moves: list[Move]

    @property
    def turned(self) -> list[Move]:
        """Rows whose verdict is another."""
        return [move for move in self.moves if move.mark_before != move.mark_after]

    @property
    def furthest(self) -> Move | None:
        """The row that moves most."""
        known = [move for move in self.moves if move.log2 is not None]
        return max(known, key=lambda move: abs(move.log2 or 0.0), default=None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def changed(scenario: Scenario, path: str, value: int) -> Scenario:
    """The scenario with one field, named as in a Problem, set to ``value``.

    What zone DMA has less of at the start, DMA32 has more.
    """
    data = scenario.to_dict()
    *parents, name = path.split(".")
    place: Any = data
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    assert name in place, path
    if path == SPLIT and place[name]:
        place["dma32_free_pages"] += place[name] - value
    place[name] = value
    return Scenario.from_dict(data)


def stated(scenario: Scenario, path: str) -> Any:
    """What the scenario has there."""
    place: Any = scenario.to_dict()
    for name in path.split("."):
        place = place[int(name)] if isinstance(place, list) else place[name]
    return place


def of_tables(
    restated: Mapping[str, Restated],
    seeds: int = 1,
    workers: int = WORKERS,
    on_setting: Callable[[str], None] | None = None,
) -> list[Setting]:
    """Every unknown parameter of these published tables."""
    found = []
    for name, one in restated.items():
        if not one.unknown:
            continue
        before = _of_rows(published.run_tables({name: one}, seeds, workers)[name])
        for knob in one.unknown:
            for value in (knob.low, knob.high):
                if on_setting is not None:
                    on_setting(f"{name} {knob.path} {value}")
                runs = {c: changed(s, knob.path, value) for c, s in one.runs.items()}
                moved = {name: replace(one, runs=runs)}
                after = _of_rows(published.run_tables(moved, seeds, workers)[name])
                has = stated(one.runs[one.base], knob.path)
                found.append(_setting(name, knob.path, value, has, before, after))
    return found


def _of_rows(rows: Iterable[published.Row]) -> dict[str, Reading]:
    return {
        f"{row.column} {row.name}": Reading(row.simulated, row.direction)
        for row in rows
        if row.direction
    }


def of_recordings(
    folder: Path,
    seeds: int = 1,
    only: str = "",
    workers: int = WORKERS,
    on_setting: Callable[[str], None] | None = None,
    knobs: Iterable[Knob] = RECORDED_KNOBS,
) -> list[Setting]:
    """Every unknown parameter of the recordings.

    Raises:
        TraceError: the folder or a recording in it cannot be read.
    """
    found = []
    before = _of_recorded(recorded.table(folder, seeds, only, None, workers))
    (first, *_) = recorded.groups(folder).values()
    has = recorded.scenarios(first, 1)[0]
    for knob in knobs:
        for value in (knob.low, knob.high):
            if on_setting is not None:
                on_setting(f"{knob.path} {value}")
            change = partial(changed, path=knob.path, value=value)
            rows = recorded.table(folder, seeds, only, None, workers, change)
            after = _of_recorded(rows)
            found.append(
                _setting("recordings", knob.path, value, stated(has, knob.path), before, after)
            )
    return found


def _of_recorded(rows: Iterable[recorded.Row]) -> dict[str, Reading]:
    return {
        f"{row.workload} {row.variant} {row.name}": Reading(
            row.simulated.mid if row.simulated else None, row.verdict
        )
        for row in rows
        if row.verdict in SCORED
    }


def _setting(
    of: str, path: str, value: int, has: Any, before: dict[str, Reading], after: dict[str, Reading]
) -> Setting:
    moves = [
        Move(row, old.value, new.value, _log2(old.value, new.value), old.mark, new.mark)
        for row, old in before.items()
        if (new := after.get(row)) is not None
    ]
    agree = [sum(reading.mark == AGREES for reading in some.values()) for some in (before, after)]
    return Setting(of, path, value, has, len(before), agree[0], agree[1], moves)


def _log2(before: float | None, after: float | None) -> float | None:
    return math.log2(after / before) if before and after else None
