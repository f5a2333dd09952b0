"""What came of the series in V6, 2.6.37 and 3.2: each mechanism is there and does what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.presets import PRESETS
from sim.runner import run
from sim.scenario import Patch

GLOBAL = replace(PRESETS["global"].scenario, duration_ms=12_000)
_CACHE: dict[frozenset[Patch], dict[str, int]] = {}


def counters(*patches: Patch) -> dict[str, int]:
    """Counters of the global preset with the patches."""
    chosen = frozenset(patches)
    if chosen not in _CACHE:
        _CACHE[chosen] = run(replace(GLOBAL, patches=chosen)).counters
    return _CACHE[chosen]


@pytest.mark.parametrize(
    "name", ["conditional_waits", "nr_vmscan_immediate", "writeback_throttles"]
)
def test_the_base_kernel_has_none_of_it(name: str) -> None:
    assert counters()[name] == 0


def test_reclaim_that_meets_dirty_pages_wakes_the_flusher() -> None:
    before, after = counters(Patch.P6_RECORDED), counters(Patch.P6_RECORDED, Patch.FLUSHFORWARD)
    share = [c["written_flusher"] / max(c["written_kswapd"], 1) for c in (before, after)]
    assert share[1] > share[0]


def test_direct_reclaim_sleeps_in_some_of_its_calls_of_wait_iff_congested_only() -> None:
    c = counters(Patch.WAIT_IFF_CONGESTED)
    assert 0 < c["direct_congestion_waits"] < c["conditional_waits"]


def test_nodirectwb_leaves_swap_pages_to_direct_reclaim() -> None:
    c = counters(Patch.NODIRECTWB)
    assert c["direct_write_file_async"] == 0 < counters()["direct_write_file_async"]
    assert c["dirty_skipped"] > 0


def test_kswapd_leaves_file_pages_alone_until_it_is_in_trouble() -> None:
    # Direct reclaim may write here, so whatever was put back, kswapd put back.
    assert counters()["dirty_skipped"] == 0 < counters(Patch.LESSKSWAPDWB)["dirty_skipped"]


def test_batches_full_of_pages_under_writeback_are_throttled() -> None:
    c = counters(Patch.WAIT_IFF_CONGESTED, Patch.NODIRECTWB, Patch.THROTTLE)
    assert 0 < c["writeback_throttles"] <= c["conditional_waits"]


def test_skipped_dirty_pages_are_rotated_when_they_are_clean() -> None:
    before, after = counters(Patch.NODIRECTWB), counters(Patch.NODIRECTWB, Patch.IMMEDIATE)
    assert after["nr_vmscan_immediate"] == after["dirty_skipped"] > 0
    written = [c["nr_vmscan_write"] for c in (before, after)]
    # Without it only pages that reclaim itself wrote come back to the tail.
    assert before["pgrotated"] <= written[0]
    assert after["pgrotated"] > written[1]
