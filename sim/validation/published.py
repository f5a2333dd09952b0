"""Tables published with the series: numbers as printed, and the model's answer where it has one.

A published number has a machine, a length and a noise of its own (throughput of one test varies
15 %), so a row is judged by what a patch does to it: patched over base, there and here, as
direction and as log2 of the ratio of the two ratios. A row that the model cannot do says why.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from sim.observe.metrics import metrics
from sim.result import Result
from sim.scenario import CpuSpec, MemorySpec, MixSpec, Patch, Scenario, WorkloadKind, WorkloadSpec
from sim.validation.workers import WORKERS, simulated

FOLDER = Path(__file__).resolve().parent / "published"
NOISE = 1.15
"""A published change smaller than this has no direction (sysbench: up to 15 % between runs)."""


@dataclass(frozen=True, slots=True)
class Table:
    """One published table."""

    name: str
    title: str
    source: str
    message_id: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Restated:
    """What of a table the model can run."""

    scale: str
    """What is smaller here, and what is assumed."""
    base: tuple[str, Scenario]
    patched: tuple[str, Scenario]


@dataclass(frozen=True, slots=True)
class Row:
    """One published row; ``missing`` says why the model has no answer, else it is empty."""

    table: str
    name: str
    published: float | None
    """Patched over base; None where base is 0."""
    simulated: float | None
    log2: float | None
    """Of simulated over published ratio."""
    direction: str
    """``ok``, ``wrong``, or empty: no direction was published, or there is none to compare."""
    missing: str


def tables() -> dict[str, Table]:
    """Every table by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.toml"))}


def _read(path: Path) -> Table:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {name: tuple(float(value) for value in row) for name, row in data["rows"].items()}
    columns = tuple(data["columns"])
    return Table(path.stem, data["title"], data["source"], data["message_id"], columns, rows)


_DD = Scenario(
    duration_ms=60_000,
    memory=MemorySpec(ram_mib=512),
    cpu=CpuSpec(nr_cpus=4),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, threads=4, file_mib=512),),
)
_DD_PATCHED = Scenario.from_dict(_DD.to_dict() | {"patches": [Patch.P6.value]})

RESTATED: dict[str, Restated] = {
    "V2-simplewb": Restated(
        "512 of 2048 MiB, the first of five iterations (4 writers, 4 x RAM of files in all) for"
        " 60 s at most; ext3 for XFS; disk and CPU rates unknown, the model's defaults",
        ("traceonly-v2r5", _DD),
        ("nodirect-v2r5", _DD_PATCHED),
    ),
}
NO_WORKLOAD = {
    "sysbench": "an OLTP database (fsync, threads with think time) is no workload of the model",
    "highalloc": "high-order allocation and lumpy reclaim are not modelled",
    "micro": "compares kernels after 2.6.36 (wait_iff_congested), which are not modelled",
    "fsmark": "compares kernels of 2011 (3.0), whose patches are not modelled",
    "YH": "per-memcg background reclaim of 2011 is another patch than the answer of June 2010",
}
METRIC = {
    "Direct reclaims": "direct_reclaims",
    "Direct reclaim pages scanned": "direct_reclaim_pages_scanned_traced",
    "Direct reclaim write async I/O": "direct_reclaim_write_file_async",
    "Wake kswapd requests": "wake_kswapd_requests",
    "Kswapd wakeups": "kswapd_wakeups",
    "Kswapd pages scanned": "kswapd_pages_scanned_traced",
    "Kswapd reclaim write async I/O": "kswapd_write_file_async",
    "Time stalled direct reclaim (s)": "direct_reclaim_stall_ms_total",
    "Time kswapd awake (s)": "kswapd_awake_ms",
}
NO_METRIC = "the runs end at a time, not with the work, and have no user time"


def judge(table: str, name: str, published: tuple[float, float], ours: tuple[float, float]) -> Row:
    """A row of (base, patched) there and here."""
    real, simulated_ = _ratio(published), _ratio(ours)
    log2 = math.log2(simulated_ / real) if real and simulated_ else None
    there, here = _direction(published), _direction(ours)
    direction = "" if not there else "ok" if there == here else "wrong"
    return Row(table, name, real, simulated_, log2, direction, "")


def _ratio(pair: tuple[float, float]) -> float | None:
    return pair[1] / pair[0] if pair[0] else None


def _direction(pair: tuple[float, float]) -> int:
    """1 up, -1 down, 0 within the noise."""
    before, after = pair
    return int(after > before * NOISE) - int(after * NOISE < before)


def rows(seed: int = 1, workers: int = WORKERS) -> list[Row]:
    """Every row of every table; tables that can be restated are run."""
    known = tables()
    ran: dict[str, list[dict[str, float | None]]] = {}
    for name, restated in RESTATED.items():
        pair = [restated.base[1], restated.patched[1]]
        seeded = [Scenario.from_dict(s.to_dict() | {"seed": seed}) for s in pair]
        ran[name] = list(simulated(seeded, _metrics, workers))
    return [
        row
        for table in known.values()
        for row in (_restated_rows(table, ran[table.name]) if table.name in ran else _none(table))
    ]


def _metrics(result: Result) -> dict[str, float | None]:
    return dict(metrics(result))


def _none(table: Table) -> list[Row]:
    why = next(reason for word, reason in NO_WORKLOAD.items() if word in table.name)
    return [_missing(table, name, why) for name in table.rows]


def _missing(table: Table, name: str, why: str) -> Row:
    return Row(table.name, name, None, None, None, "", why)


def _restated_rows(table: Table, ran: list[dict[str, float | None]]) -> list[Row]:
    restated = RESTATED[table.name]
    here = [table.columns.index(column) for column, _ in (restated.base, restated.patched)]
    found = []
    for name, values in table.rows.items():
        metric = METRIC.get(name)
        base, patched = (None, None) if metric is None else (run.get(metric) for run in ran)
        if base is None or patched is None:
            found.append(_missing(table, name, NO_METRIC))
        else:
            pair = (values[here[0]], values[here[1]])
            found.append(judge(table.name, name, pair, (base, patched)))
    return found
