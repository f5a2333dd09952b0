"""C9: how old reclaimed pages are, and how often reclaim leaves the order of the LRU."""

from __future__ import annotations

import pytest

from sim.machine.machine import NOW
from sim.machine.reclaim_age import note_reclaim_age
from sim.machine.vmstat import (
    FIRST_AGE_MS,
    NR_AGES,
    RECLAIM_AGE_0,
    RECLAIM_AGE_MS,
    RECLAIM_INVERSIONS,
)
from sim.observe.metrics import columns, metrics
from sim.result import Result
from sim.runner import run
from tests.support.bare_machine import Machine, make
from tests.support.small import MS, SMALL


@pytest.fixture(scope="module")
def result() -> Result:
    return run(SMALL)


def test_every_reclaimed_page_has_an_age(result: Result) -> None:
    ages = sum(result.counters[f"reclaim_age_{i}"] for i in range(NR_AGES))
    assert ages == sum(result.counters[f"pgsteal_{who}"] for who in ("kswapd", "direct", "memcg"))
    values = metrics(result)
    mean, p50, p99 = (values[f"reclaim_age_ms_{what}"] for what in ("mean", "p50", "p99"))
    assert mean is not None
    assert p50 is not None
    assert p99 is not None
    assert 0 < mean < SMALL.duration_ms
    assert FIRST_AGE_MS <= p50 <= p99 <= 2 * SMALL.duration_ms
    assert result.counters["reclaim_inversions"] > 0


def test_the_mean_age_is_a_line_over_time(result: Result) -> None:
    line = columns(result)["reclaim_age_ms_mean"]
    assert line.unit == "ms"
    assert (line.values[line.values == line.values] >= 0).all()


def test_ages_double_from_bucket_to_bucket() -> None:
    x = make((64,))
    x.clock[NOW] = 1_000_000 * MS
    for age_ms in (0, 7, 8, 16, 31, 999_999):
        reclaim(x, 0, 1_000_000 - age_ms)
    buckets = x.vm[RECLAIM_AGE_0 : RECLAIM_AGE_0 + NR_AGES].tolist()
    assert buckets == [2, 1, 2] + [0] * 12 + [1]
    assert x.vm[RECLAIM_AGE_MS] == 7 + 8 + 16 + 31 + 999_999


def test_a_page_older_than_the_one_before_it_is_out_of_order() -> None:
    x = make((64,))
    x.clock[NOW] = 100 * MS
    for lru_ms in (10, 20, 15, 16, 16, 5):
        reclaim(x, 0, lru_ms)
    assert x.vm[RECLAIM_INVERSIONS] == 2


def reclaim(x: Machine, index: int, lru_ms: int) -> None:
    pfn = x.page_of(0, index)
    x.arrays.page["lru_ms"][pfn] = lru_ms
    note_reclaim_age(x.m, pfn)
