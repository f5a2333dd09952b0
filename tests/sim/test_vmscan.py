"""Watermarks, how much is scanned, batches, and when kswapd sleeps: sums done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from sim.build import Simulation, build
from sim.machine.boot import min_free_kbytes, zone_sizes
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD
from sim.machine.task import WANT_ISOLATED_WAIT
from sim.machine.vmstat import (
    KSWAPD_AWAKE,
    KSWAPD_HIGH_WMARK_HIT_QUICKLY,
    KSWAPD_LOW_WMARK_HIT_QUICKLY,
    KSWAPD_WAKEUPS,
    NR_SWAP_USED_PAGES,
    PAGEOUTRUN,
    WAKEUP_KSWAPD,
)
from sim.machine.zone import ZONE_DMA32
from sim.mm.free import zone_watermark_ok
from sim.mm.scan_control import ZONE_LISTS
from sim.mm.vmscan_kswapd import _enough, sleeping_prematurely, wakeup_kswapd
from sim.mm.vmscan_lists import (
    _shrink_lists,
    get_scan_count,
    inactive_list_is_low,
    nr_scan_try_batch,
)
from sim.presets import PRESETS
from tests.support.sleepers import NEVER
from tests.support.small import MS, small

T = 3
KSWAPD = 0
SCANS = ("inactive_anon", "active_anon", "inactive_file", "active_file")


@pytest.fixture
def simulation() -> Simulation:
    return build(small())


def sums(simulation: Simulation, nr: list[int], priority: int, **fields: Any) -> list[int]:
    """get_scan_count's four numbers for lists of these lengths, nothing saved up."""
    arrays = simulation.system.arrays
    lists = arrays.lru[ZONE_DMA32]
    lists["nr"][:4] = nr
    lists["nr_saved_scan"][:] = 0
    lists["recent_scanned"][:] = fields.get("scanned", (0, 0))
    lists["recent_rotated"][:] = fields.get("rotated", (0, 0))
    task = arrays.task[T]
    task.sc_memcg, task.sc_priority, task.sc_may_swap = 0, priority, 1
    get_scan_count(simulation.system.m, T, ZONE_DMA32)
    return [int(task[f"sc_nr_{name}"]) for name in SCANS]


def forced(simulation: Simulation, issuer: int, nr: list[int], priority: int) -> list[int]:
    """The same with the rule of 3.0."""
    simulation.system.arrays.rules["scan_small_targets"] = 1
    simulation.system.arrays.task[T].issuer = issuer
    return sums(simulation, nr, priority)


def test_kswapd_of_3_0_scans_32_pages_of_each_list_of_a_small_zone(simulation: Simulation) -> None:
    nr = [100, 100, 1000, 1000]
    assert forced(simulation, ISSUER_KSWAPD, nr, 12) == [32, 32, 32, 32]
    assert forced(simulation, ISSUER_DIRECT, nr, 12) == [0, 0, 0, 0]
    simulation.system.vm[NR_SWAP_USED_PAGES] = simulation.system.arrays.swap_map.size
    assert forced(simulation, ISSUER_KSWAPD, nr, 12) == [0, 0, 32, 32]


def test_3_0_saves_no_small_amounts_up(simulation: Simulation) -> None:
    simulation.system.vm[NR_SWAP_USED_PAGES] = simulation.system.arrays.swap_map.size
    assert forced(simulation, ISSUER_DIRECT, [0, 0, 4096 * 5, 0], 12) == [0, 0, 5, 0]
    assert forced(simulation, ISSUER_KSWAPD, [0, 0, 4096 * 40, 0], 12) == [0, 0, 40, 0]


def test_a_zone_is_left_alone_from_8_high_marks_or_the_balance_gap_on(
    simulation: Simulation,
) -> None:
    m, zone = simulation.system.m, simulation.system.arrays.zone[ZONE_DMA32]
    zone.watermark[:] = (100, 125, 150)
    zone.present_pages = 10_001
    assert _enough(m, ZONE_DMA32) == 8 * 150
    simulation.system.arrays.rules["balance_gap"] = 1
    assert _enough(m, ZONE_DMA32) == 150 + 101
    zone.present_pages = 20_000
    assert _enough(m, ZONE_DMA32) == 150 + 125


def test_too_many_isolated_stops_no_reclaimer_that_has_nothing_to_scan_there(
    simulation: Simulation,
) -> None:
    m, arrays = simulation.system.m, simulation.system.arrays
    task = arrays.task[T]
    task.sc_memcg, task.sc_priority, task.issuer = 0, 12, ISSUER_DIRECT
    task.sc_zone_step, task.sc_lru_next = ZONE_LISTS, 0
    arrays.zone["nr_isolated"][ZONE_DMA32] = (32, 0)
    # Some active file pages to look at, no anonymous page: kswapd has isolated the last of those.
    task.sc_nr_active_file = 32
    assert _shrink_lists(m, T, ZONE_DMA32) != WANT_ISOLATED_WAIT
    task.sc_lru_next, task.sc_nr_inactive_anon = 0, 32
    assert _shrink_lists(m, T, ZONE_DMA32) == WANT_ISOLATED_WAIT


# ---- watermarks


@pytest.mark.parametrize(
    ("preset", "dma", "dma32"),
    [
        ("recorded-spmix", (25, 31, 37), (479, 598, 718)),
        ("recorded-mcgmix", (12, 15, 18), (1002, 1252, 1503)),
    ],
)
def test_watermarks_are_those_of_the_recorded_machines(
    preset: str, dma: tuple[int, ...], dma32: tuple[int, ...]
) -> None:
    zones = build(PRESETS[preset].scenario).meta["zones"]
    marks = {n: (z["min_pages"], z["low_pages"], z["high_pages"]) for n, z in zones.items()}
    assert marks == {"DMA": dma, "DMA32": dma32}


@pytest.mark.parametrize(
    ("ram_mib", "kib"), [(64, 1024), (256, 2048), (1024, 4096), (4096, 8192), (16384, 16384)]
)
def test_min_free_kbytes_is_the_table_of_page_alloc(ram_mib: int, kib: int) -> None:
    computed = min_free_kbytes(zone_sizes(ram_mib * 256, 0))
    assert kib * 99 // 100 <= computed <= kib


def test_a_zone_at_its_mark_and_reserve_is_not_ok_one_page_more_is(simulation: Simulation) -> None:
    m, zone = simulation.system.m, simulation.system.arrays.zone[0]
    reserve = int(zone["lowmem_reserve"][ZONE_DMA32])
    assert reserve > 0
    zone["nr_free"] = 100 + reserve
    assert not zone_watermark_ok(m, 0, 0, 100, ZONE_DMA32)
    zone["nr_free"] += 1
    assert zone_watermark_ok(m, 0, 0, 100, ZONE_DMA32)
    assert zone_watermark_ok(m, 0, 0, 100 + reserve, 0)


# ---- how much is scanned


def test_without_swap_only_file_lists_are_scanned_by_size_and_priority(
    simulation: Simulation,
) -> None:
    used = simulation.system.arrays.swap_map.size
    simulation.system.vm[NR_SWAP_USED_PAGES] = used
    assert sums(simulation, [999, 999, 1000, 500], 2) == [0, 0, 250, 125]
    assert sums(simulation, [999, 999, 1000, 500], 0) == [0, 0, 1000, 500]


def test_swappiness_60_weighs_anon_61_to_file_141(simulation: Simulation) -> None:
    # 3200 >> 4 = 200 pages; 200 * 61 / 203 and 200 * 141 / 203
    assert sums(simulation, [3200, 3200, 3200, 3200], 4) == [60, 60, 138, 138]


def test_at_priority_0_lists_are_scanned_whole(simulation: Simulation) -> None:
    assert sums(simulation, [40, 50, 60, 70], 0) == [40, 50, 60, 70]


def test_rotated_pages_make_their_kind_dearer(simulation: Simulation) -> None:
    # file: 6400 pages, 1000 scanned of them 499 rotated: 141 * 1001 / 500 = 282; anon 61 * 1 / 1
    found = sums(simulation, [3200] * 4, 4, scanned=(0, 1000), rotated=(0, 499))
    assert found == [200 * 61 // 344, 200 * 61 // 344, 200 * 282 // 344, 200 * 282 // 344]


def test_what_was_scanned_long_ago_counts_half(simulation: Simulation) -> None:
    sums(simulation, [0, 0, 1000, 1000], 4, scanned=(0, 501), rotated=(0, 100))
    lists = simulation.system.arrays.lru[ZONE_DMA32]
    assert (int(lists["recent_scanned"][1]), int(lists["recent_rotated"][1])) == (250, 50)
    sums(simulation, [0, 0, 1000, 1000], 4, scanned=(0, 500), rotated=(0, 100))
    assert int(lists["recent_scanned"][1]) == 500


def test_a_zone_with_hardly_any_file_pages_scans_anon_only(simulation: Simulation) -> None:
    zone = simulation.system.arrays.zone[ZONE_DMA32]
    zone["nr_free"] = int(zone["watermark"][2]) - 20
    assert sums(simulation, [640, 640, 10, 10], 3) == [80, 80, 0, 0]
    assert sums(simulation, [640, 640, 10, 11], 3)[0] < 80


def test_small_amounts_are_saved_up_to_a_batch_of_32(simulation: Simulation) -> None:
    lists = simulation.system.arrays.lru[ZONE_DMA32]
    assert [nr_scan_try_batch(lists, 2, 15) for _ in range(4)] == [0, 0, 45, 0]
    assert int(lists["nr_saved_scan"][2]) == 15
    assert int(lists["nr_saved_scan"][3]) == 0


@pytest.mark.parametrize(("inactive", "active", "low"), [(100, 100, False), (100, 101, True)])
def test_a_list_is_low_when_the_active_one_is_longer(
    simulation: Simulation, inactive: int, active: int, low: bool
) -> None:
    lists = simulation.system.arrays.lru[ZONE_DMA32]
    lists["nr"][:4] = [inactive, active, inactive, active]
    for file in (0, 1):
        assert bool(inactive_list_is_low(simulation.system.m, 0, ZONE_DMA32, file)) is low


# ---- kswapd


@pytest.fixture
def idle() -> Simulation:
    return build(small(memcgs=(), workloads=()))


def below_high(simulation: Simulation) -> None:
    zone = simulation.system.arrays.zone[ZONE_DMA32]
    zone["nr_free"] = zone["watermark"][2]


def run_to(simulation: Simulation, now_ms: int) -> Any:
    simulation.system.engine.run_until(now_ms * MS)
    return simulation.system.engine.tasks[KSWAPD]


def test_kswapd_naps_a_tenth_of_a_second_before_it_sleeps_for_good(idle: Simulation) -> None:
    task = run_to(idle, 50)
    assert task.until_ns == 100 * MS
    task = run_to(idle, 110)
    assert task.until_ns >= NEVER
    assert idle.system.vm[KSWAPD_LOW_WMARK_HIT_QUICKLY] == 0
    assert idle.system.vm[KSWAPD_HIGH_WMARK_HIT_QUICKLY] == 0


def test_kswapd_woken_from_its_nap_counts_the_low_watermark_hit(idle: Simulation) -> None:
    run_to(idle, 50)
    idle.system.kswapd_wait.wake_up_all(50 * MS)
    run_to(idle, 60)
    assert idle.system.vm[KSWAPD_LOW_WMARK_HIT_QUICKLY] == 1
    assert idle.system.vm[KSWAPD_HIGH_WMARK_HIT_QUICKLY] == 0


def test_a_zone_below_high_after_the_nap_keeps_kswapd_up(idle: Simulation) -> None:
    run_to(idle, 50)
    runs = idle.system.vm[PAGEOUTRUN]
    below_high(idle)
    assert sleeping_prematurely(idle.system.m, 0)
    run_to(idle, 101)
    assert idle.system.vm[KSWAPD_HIGH_WMARK_HIT_QUICKLY] == 1
    assert idle.system.vm[PAGEOUTRUN] > runs


def test_a_zone_that_cannot_be_helped_lets_kswapd_sleep(idle: Simulation) -> None:
    below_high(idle)
    idle.system.arrays.zone["all_unreclaimable"] = 1
    assert not sleeping_prematurely(idle.system.m, 0)


def test_wakeup_kswapd_asks_for_a_zone_below_low_only(idle: Simulation) -> None:
    run_to(idle, 200)
    system = idle.system
    zone = system.arrays.zone[ZONE_DMA32]
    wakeups = system.vm[KSWAPD_WAKEUPS]
    zone["nr_free"] = int(zone["watermark"][1]) + 1
    wakeup_kswapd(system.m, T, ZONE_DMA32, 0)
    assert system.vm[WAKEUP_KSWAPD] == 0
    zone["nr_free"] -= 1
    wakeup_kswapd(system.m, T, ZONE_DMA32, 0)
    assert system.vm[WAKEUP_KSWAPD] == 1
    assert system.vm[KSWAPD_AWAKE] == 0
    system.drain(200 * MS)
    run_to(idle, 201)
    assert system.vm[KSWAPD_WAKEUPS] == wakeups + 1
