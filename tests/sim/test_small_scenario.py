"""The scenario that most tests here run really shows what they are about."""

from __future__ import annotations

from sim.runner import run
from tests.support.small import SMALL, small

SEEN = (
    "pgsteal_kswapd pgsteal_direct pgsteal_memcg kswapd_write_file direct_write_file_async "
    "direct_write_anon_async pswpin pswpout journal_commits kswapd_wakeups "
    "pgrotated pgactivate pgdeactivate writeback_met_kswapd dirty_met_direct"
)


def test_the_small_scenario_enters_every_kind_of_reclaim_with_one_seed_or_another() -> None:
    runs = [run(small(seed=seed)).counters for seed in range(1, 7)]
    assert [name for name in SEEN.split() if not any(c[name] for c in runs)] == []


def test_the_small_scenario_meets_dirty_pages_in_global_and_memcg_reclaim() -> None:
    counters = run(SMALL).counters
    for name in ("pgsteal_kswapd", "pgsteal_direct", "pgsteal_memcg", "direct_write_file_async"):
        assert counters[name] > 0, name
