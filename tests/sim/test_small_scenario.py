"""The scenario that most tests here run really shows what they are about."""

from __future__ import annotations

from sim.runner import run
from tests.support.small import SMALL

SEEN = (
    "pgsteal_kswapd pgsteal_direct pgsteal_memcg kswapd_write_file direct_write_file_async "
    "memcg_write_file direct_write_anon_async pswpin pswpout journal_commits kswapd_wakeups "
    "pgrotated pgactivate pgdeactivate writeback_met_kswapd dirty_met_direct dirty_met_memcg"
)


def test_the_small_scenario_enters_every_kind_of_reclaim() -> None:
    counters = run(SMALL).counters
    assert [name for name in SEEN.split() if not counters[name]] == []
