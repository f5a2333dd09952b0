"""Tables published with the series: numbers as printed, and the model's answer where it has one.

A published number has a machine, a length and a noise of its own (throughput of one test varies
15 %), so a row is judged by what a patch does to it: patched over base, there and here, as
direction and as log2 of the ratio of the two ratios. A row that the model cannot do says why.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from sim.observe.metrics import metrics
from sim.result import Result
from sim.scenario import (
    CpuSpec,
    Kernel,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from sim.validation.workers import WORKERS, simulated

FOLDER = Path(__file__).resolve().parent / "published"
NOISE = 1.3
"""A published change smaller than this has no direction (sysbench: up to 15 % between runs)."""
SEEDS = 3


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
    base: str
    """The column that the others are held against."""
    runs: dict[str, Scenario]
    """Column to scenario, the base among them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One published row of one patched column; ``missing`` says why the model has no answer."""

    table: str
    column: str
    """Empty where the table is not restated."""
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


def _machine(ram_mib: int, nr_cpus: int, kernel: Kernel, *groups: WorkloadSpec) -> Scenario:
    return Scenario(
        duration_ms=60_000,
        kernel=kernel,
        memory=MemorySpec(ram_mib=ram_mib),
        cpu=CpuSpec(nr_cpus=nr_cpus),
        mix=MixSpec(rate_kib_per_s=0),
        workloads=groups,
    )


def _columns(base: Scenario, patches: dict[str, tuple[Patch, ...]]) -> dict[str, Scenario]:
    return {name: replace(base, patches=frozenset(chosen)) for name, chosen in patches.items()}


_DD = _machine(
    512, 4, Kernel.K2_6_35, WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, threads=4, file_mib=512)
)
_SYSBENCH = replace(
    _machine(
        128,
        4,
        Kernel.K2_6_35,
        WorkloadSpec(kind=WorkloadKind.OLTP, threads=8, file_mib=64),
        WorkloadSpec(kind=WorkloadKind.ANON_HOG, file_mib=96, think_us=2000),
    ),
    duration_ms=120_000,
)
_DATABASE = (
    "eight threads for 120 s instead of one to eight for hours; database and buffer pool unknown:"
    " 4 x RAM in files and 3/4 of RAM in anonymous memory, so that swap is used as it was there"
)
_STREAM = WorkloadSpec(kind=WorkloadKind.MAP_READER, threads=4, file_mib=1024)
_FSMARK = WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1500)
_UNKNOWN = "ext3 for XFS; disk and CPU rates unknown, the model's defaults"
_V3_0 = (Patch.WAIT_IFF_CONGESTED,)
_LESS = (*_V3_0, Patch.NODIRECTWB, Patch.LESSKSWAPDWB)

RESTATED: dict[str, Restated] = {
    "V2-simplewb": Restated(
        "512 of 2048 MiB, the first of five iterations (4 writers, 4 x RAM of files in all) for"
        f" 60 s at most; {_UNKNOWN}",
        "traceonly-v2r5",
        _columns(_DD, {"traceonly-v2r5": (), "nodirect-v2r5": (Patch.P6,)}),
    ),
    "V2-sysbench": Restated(
        f"128 of 2048 MiB, {_DATABASE}; {_UNKNOWN}",
        "traceonly-v2r5",
        _columns(
            _SYSBENCH,
            {"traceonly-v2r5": (), "nodirect-v2r5": (Patch.P6,)},
        ),
    ),
    "V6-sysbench-x64": Restated(
        f"128 of 3072 MiB, {_DATABASE}; {_UNKNOWN}",
        "traceonly-v6",
        _columns(
            _SYSBENCH,
            {
                "traceonly-v6": (),
                "nodirect-v6": (Patch.P6_RECORDED,),
                "flushforward-v6": (Patch.P6_RECORDED, Patch.FLUSHFORWARD),
            },
        ),
    ),
    "SEP-micro-x64": Restated(
        "768 of 3072 MiB, one stream a CPU of 1.3 x RAM each for 60 s at most; lowlumpy is not"
        f" modelled; {_UNKNOWN}",
        "traceonly-v1r5",
        _columns(
            _machine(768, 4, Kernel.K2_6_36, _STREAM),
            {
                "traceonly-v1r5": (),
                "nocongest-v1r5": (Patch.WAIT_IFF_CONGESTED,),
                "nodirect-v1r5": (Patch.WAIT_IFF_CONGESTED, Patch.P6_RECORDED),
            },
        ),
    ),
    "2011v1-fsmark-xfs": Restated(
        "512 MiB and one CPU as there, 60 s of 567; files of 10 MB written without fsync are one"
        " file here; 3.0-rc6 is 2.6.36 with wait_iff_congested, balance_dirty_pages still writes;"
        f" prioinode is not modelled; {_UNKNOWN}",
        "rc6-vanilla",
        _columns(
            _machine(512, 1, Kernel.K2_6_36, _FSMARK),
            {
                "rc6-vanilla": _V3_0,
                "nodirectwb-v1r3": (*_V3_0, Patch.NODIRECTWB),
                "lesskswapdwb-v1r3": _LESS,
                "throttle-v1r10": (*_LESS, Patch.THROTTLE),
                "immediate-v1r10": (*_LESS, Patch.THROTTLE, Patch.IMMEDIATE),
            },
        ),
    ),
}
NO_WORKLOAD = {
    "highalloc": "high-order allocation and lumpy reclaim are not modelled",
    "YH": "per-memcg background reclaim of 2011 is another patch than the answer of June 2010",
}
METRIC: dict[str, tuple[str, ...]] = {
    "Direct reclaims": ("direct_reclaims",),
    "Direct reclaim pages scanned": ("direct_reclaim_pages_scanned_traced",),
    "Direct reclaim pages reclaimed": ("direct_reclaim_pages_reclaimed",),
    "Direct reclaim write async I/O": (
        "direct_reclaim_write_file_async", "direct_reclaim_write_anon_async",
    ),
    "Direct reclaim write file async I/O": ("direct_reclaim_write_file_async",),
    "Direct reclaim write anon async I/O": ("direct_reclaim_write_anon_async",),
    "Wake kswapd requests": ("wake_kswapd_requests",),
    "Kswapd wakeups": ("kswapd_wakeups",),
    "Kswapd pages scanned": ("kswapd_pages_scanned_traced",),
    "Kswapd pages reclaimed": ("kswapd_pages_reclaimed",),
    "Kswapd reclaim write async I/O": ("kswapd_write_file_async", "kswapd_write_anon_async"),
    "Kswapd reclaim write file async I/O": ("kswapd_write_file_async",),
    "Kswapd reclaim write anon async I/O": ("kswapd_write_anon_async",),
    "Time stalled direct reclaim (s)": ("direct_reclaim_stall_ms_total",),
    "Time kswapd awake (s)": ("kswapd_awake_ms",),
    "Direct congestion_wait number": ("direct_congestion_waits",),
    "Direct congestion_wait time (ms)": ("direct_congestion_wait_ms",),
    "Direct conditional (wait_iff) number": ("wait_iff_congested_calls",),
    "Kswapd congestion_wait number": ("kswapd_congestion_waits",),
    "Kswapd congestion_wait time (ms)": ("kswapd_congestion_wait_ms",),
    "Swap Ins": ("swap_in",),
    "Swap Outs": ("swap_out",),
    "Kswapd efficiency %": ("kswapd_efficiency",),
    "Direct efficiency %": ("direct_efficiency",),
    "Page writes by reclaim": ("nr_vmscan_write",),
    "Page writes skipped": ("dirty_pages_skipped",),
    "Page reclaim throttled": ("writeback_throttles",),
}  # fmt: skip
"""Row to the metrics whose sum it is."""
NO_METRIC = "the runs end at a time, not with the work, and have no user time"


def judge(
    table: str, column: str, name: str, published: tuple[float, float], ours: tuple[float, float]
) -> Row:
    """A row of (base, patched) there and here."""
    real, simulated_ = _ratio(published), _ratio(ours)
    log2 = math.log2(simulated_ / real) if real and simulated_ else None
    there, here = _direction(published, NOISE), _direction(ours, 1.0)
    direction = "" if not there else "ok" if there == here else "wrong"
    return Row(table, column, name, real, simulated_, log2, direction, "")


def _ratio(pair: tuple[float, float]) -> float | None:
    return pair[1] / pair[0] if pair[0] else None


def _direction(pair: tuple[float, float], noise: float) -> int:
    """1 up, -1 down, 0 within the noise."""
    before, after = pair
    return int(after > before * noise) - int(after * noise < before)


def score(found: list[Row]) -> tuple[int, int, float | None]:
    """Rows with a published direction, those of them with the same here, and median |log2|."""
    directed = [row for row in found if row.direction]
    distances = [abs(row.log2) for row in found if row.log2 is not None]
    right = sum(row.direction == "ok" for row in directed)
    return len(directed), right, median(distances) if distances else None


def rows(seeds: int = SEEDS, workers: int = WORKERS) -> list[Row]:
    """Every row of every table; those that can be restated are run: the median of the seeds."""
    wanted = [
        (name, column, replace(scenario, seed=seed))
        for name, restated in RESTATED.items()
        for column, scenario in restated.runs.items()
        for seed in range(1, seeds + 1)
    ]
    measured = simulated([scenario for _, _, scenario in wanted], _metrics, workers)
    seeded: dict[tuple[str, str], list[dict[str, float | None]]] = {}
    for (name, column, _), numbers in zip(wanted, measured, strict=True):
        seeded.setdefault((name, column), []).append(numbers)
    ran: dict[str, dict[str, dict[str, float | None]]] = {}
    for (name, column), several in seeded.items():
        ran.setdefault(name, {})[column] = _medians(several)
    return [
        row
        for table in tables().values()
        for row in (_restated_rows(table, ran[table.name]) if table.name in ran else _none(table))
    ]


def _medians(several: list[dict[str, float | None]]) -> dict[str, float | None]:
    known = {
        metric: [v for numbers in several if (v := numbers[metric]) is not None]
        for metric in several[0]
    }
    return {metric: median(values) if values else None for metric, values in known.items()}


def _metrics(result: Result) -> dict[str, float | None]:
    return dict(metrics(result))


def _none(table: Table) -> list[Row]:
    why = next(reason for word, reason in NO_WORKLOAD.items() if word in table.name)
    return [_missing(table, "", name, why) for name in table.rows]


def _missing(table: Table, column: str, name: str, why: str) -> Row:
    return Row(table.name, column, name, None, None, None, "", why)


def _restated_rows(table: Table, ran: dict[str, dict[str, float | None]]) -> list[Row]:
    base = RESTATED[table.name].base
    return [
        _restated_row(table, base, column, name, ran)
        for column in ran
        if column != base
        for name in table.rows
    ]


def _restated_row(
    table: Table, base: str, column: str, name: str, ran: dict[str, dict[str, float | None]]
) -> Row:
    pair = [[ran[which].get(metric) for metric in METRIC.get(name, ())] for which in (base, column)]
    before, after = ([v for v in values if v is not None] for values in pair)
    if not before or len(before) != len(METRIC[name]) or len(after) != len(before):
        return _missing(table, column, name, NO_METRIC)
    there = [table.rows[name][table.columns.index(which)] for which in (base, column)]
    return judge(
        table.name, column, name, (there[0], there[1]), (float(sum(before)), float(sum(after)))
    )
