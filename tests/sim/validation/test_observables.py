"""Each observable on a run small enough to add up by hand."""

from __future__ import annotations

from typing import Any

import pytest

from sim.result import Issuer, Result, StallKind
from sim.validation.observables import OBSERVABLES, STACKS, measured
from tests.support.results import MS, requests, result, stalls


def write(issuer: Issuer, sector: int, nr: int, done_ms: int, *, write: int = 1) -> dict[str, Any]:
    return {
        "issuer": issuer, "sector": sector, "nr_sectors": nr, "write": write,
        "t_done_ns": done_ms * MS, "t_issue_ns": (done_ms - 1) * MS,
    }  # fmt: skip


IO = requests(
    write(Issuer.KSWAPD, 1000, 8, 10),
    write(Issuer.DIRECT, 1008, 16, 20),  # follows
    write(Issuer.MEMCG, 5000, 32, 30),
    write(Issuer.FLUSHER, 5032, 1024, 40),  # follows
    write(Issuer.JOURNAL, 9000, 8, 60),
    write(Issuer.OTHER, 9008, 8, 50),  # served before the journal's, follows nothing
    write(Issuer.OTHER, 9016, 8, 55, write=0),  # a read that follows
)
COUNTERS = {
    "direct_reclaims": 3, "memcg_reclaims": 4, "pgscan_direct": 100, "pgscan_memcg": 7,
    "pgscan_kswapd": 50, "pgsteal_direct": 20, "pgsteal_memcg": 5, "pgsteal_kswapd": 30,
    "direct_stall_ns": 1500 * MS, "memcg_stall_ns": 500 * MS, "balance_dirty_ns": 250 * MS,
    "disk_busy_ns": 400 * MS, "app_pages_written": 1000, "pswpout": 6,
    "stack_bytes_max_direct": 4464,
}  # fmt: skip


def run(**meta: Any) -> Result:
    meta = {"source": "simulated", "scenario": {"workloads": []}} | meta
    return result(
        2000,
        meta=meta,
        counters=COUNTERS,
        io=IO,
        stalls=stalls(
            {"kind": StallKind.MEMCG_RECLAIM, "nr_scanned": 40},
            {"kind": StallKind.MEMCG_RECLAIM, "nr_scanned": 2},
            {"kind": StallKind.DIRECT_RECLAIM, "nr_scanned": 999},
        ),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reclaims d/m", 7), ("scanned d/m", 142), ("scanned k", 50), ("freed d/m", 25),
        ("freed k", 30), ("stall", 2.0), ("bdp", 0.25), ("busy", 0.4), ("swapped out", 6),
        ("write requests", 6), ("read requests", 1), ("written other", 2),
        ("average write, all", (8 + 16 + 32 + 1024 + 8 + 8) / 6 / 2),
        ("average write, d/m", 12), ("average write, k", 4), ("average write, fl", 512),
        ("sequential share", 2 / 6), ("disk", 1096 * 512 / 1e6 / 2),
        ("app", 1000 * 4096 / 1e6 / 2), ("deepest stack d", 4464),
    ],
)  # fmt: skip
def test_a_known_run_has_known_numbers(name: str, value: float) -> None:
    assert measured(run())[name] == pytest.approx(value)


def test_what_was_not_counted_is_none() -> None:
    values = measured(run())
    assert values["written direct"] is None
    assert values["in writepage k"] is None
    assert values["deepest stack k"] is None


def test_a_context_that_wrote_nothing_has_no_average_size() -> None:
    quiet = result(1000, meta={"source": "recorded"})
    values = measured(quiet)
    assert values["average write, all"] is None
    assert values["sequential share"] is None
    assert values["write requests"] == 0


def test_recorded_memcg_scans_are_the_counter() -> None:
    assert measured(run(source="recorded"))["scanned d/m"] == 107


def test_a_recorded_dirtiers_operation_is_one_store() -> None:
    latency = {"1:mmapd": {"ops": 500}, "2:seqw": {"ops": 9}}
    recorded = run(source="recorded", operation_latency=latency)
    assert measured(recorded)["app"] == pytest.approx(1500 * 4096 / 1e6 / 2)
    assert measured(run(source="recorded"))["app"] is None


def test_a_simulated_dirtiers_operation_is_a_run_of_pages() -> None:
    dirtier = run(scenario={"workloads": [{"kind": "mmap", "run_pages": 8}]})
    dirtier.tasks = [{"kind": "mmap", "ops": 10}, {"kind": "seqw", "ops": 99}]
    assert measured(dirtier)["app"] == pytest.approx(1080 * 4096 / 1e6 / 2)


def test_names_are_unique_and_floors_positive() -> None:
    observables = OBSERVABLES + STACKS
    assert len({o.name for o in observables}) == len(observables)
    assert all(o.floor > 0 for o in observables)
