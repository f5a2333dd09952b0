"""What a sample holds of the LRU lists, on a small machine that reclaims in every way."""

from __future__ import annotations

import numpy as np
import pytest

from sim.observe.columns import CONTEXTS, PAGE_MIB, columns
from sim.observe.sampler import MEMCG_LRU_FIELDS
from sim.result import Result
from sim.runner import run
from tests.support.small import SMALL

LISTS = ("nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file")


@pytest.fixture(scope="module")
def result() -> Result:
    return run(SMALL)


def test_the_lists_of_a_container_hold_its_pages_but_those_in_reclaims_hands(
    result: Result,
) -> None:
    series = result.series
    hands = series["nr_isolated_anon"] + series["nr_isolated_file"]
    assert not any(name.startswith("memcg.root.nr_inactive") for name in series)
    for name in ("g1", "g2"):
        listed = np.sum([series[f"memcg.{name}.{field}"] for field in MEMCG_LRU_FIELDS], axis=0)
        pages = series[f"memcg.{name}.nr_file"] + series[f"memcg.{name}.nr_anon"]
        assert listed.max() > 0
        assert (pages - listed >= 0).all()
        assert (pages - listed <= hands).all()
    for field in LISTS:
        of_all = series[f"memcg.g1.{field}"] + series[f"memcg.g2.{field}"]
        assert (of_all <= series[field]).all(), field


def test_pages_on_their_way_add_up(result: Result) -> None:
    lines = columns(result)
    dt_s = np.diff(result.series["t_ns"]) / 1e9
    moved = {
        name: lines[f"{name}_pages_per_s"].values * dt_s
        for name in ("came", "put_back", "activated", "deactivated", "rotated")
    }
    for name in ("put_back", "deactivated", "rotated"):
        assert moved[name].min() > -1e-6, name
        assert moved[name].sum() > 0, name
    scanned, reclaimed = (
        sum(lines[f"{what}_pages_per_s.{who}"].values * dt_s for who in CONTEXTS)
        for what in ("scan", "steal")
    )
    isolated = lines["memory_mib.isolated_anon"].values + lines["memory_mib.isolated_file"].values
    held = np.cumsum(scanned - reclaimed - moved["put_back"]) * PAGE_MIB
    assert held == pytest.approx(isolated, abs=1e-6)
    on_lists = (
        result.series["nr_unevictable"]
        + result.series["nr_dirty_list"]
        + sum(result.series[name] for name in LISTS)
    )
    grown = np.cumsum(moved["came"] - reclaimed) * PAGE_MIB - isolated
    assert grown == pytest.approx((on_lists[1:] - on_lists[0]) * PAGE_MIB, abs=1e-6)
