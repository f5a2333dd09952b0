"""Allocations of order > 0: neighbours, the second pass, patch 6's bounded wait, retries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.build import Simulation, build
from sim.machine.lru import add_page_to_lru_list, page_lru
from sim.machine.machine import LIMIT
from sim.machine.page import (
    PG_active,
    PG_dirty,
    PG_isolated,
    PG_kernel,
    PG_referenced,
    PG_swapbacked,
    PG_writeback,
    PG_young,
)
from sim.machine.request import ISSUER_DIRECT, ISSUER_KSWAPD
from sim.machine.task import DONE, WANT_CONGESTION_WAIT, WANT_PAGE_WRITEBACK
from sim.machine.tracepoints import (
    EV_DIRECT_BEGIN,
    EV_KSWAPD_WAKE,
    EV_LRU_ISOLATE,
    EV_WAKEUP_KSWAPD,
)
from sim.machine.vmstat import (
    CONTIG_DIRTY,
    CONTIG_FAILED,
    CONTIG_TAKEN,
    LUMPY_WAITS,
    NR_HIGHORDER_PAGES,
    NR_SWAP_USED_PAGES,
)
from sim.machine.zone import ZONE_DMA32
from sim.mm.lumpy import begin_sync_pass, isolate_block, set_lumpy_reclaim_mode
from sim.mm.scan_control import ISOLATE_BOTH, ISOLATE_INACTIVE
from sim.mm.vmscan_pages import begin_page_list, shrink_page_list
from sim.runner import run
from sim.scenario import Kernel, MemorySpec, Patch, Scenario, WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import finished, small, stepped

T = 3
P6 = frozenset({Patch.P6})
BLOCK = 4096
"""A block of the kernel's own pages, free to be played with."""
DIRTIERS = (
    WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=96),
    WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=32, run_pages=8),
)


def allocator(order: int, **changes: Any) -> WorkloadSpec:
    blocks = WorkloadSpec(kind=WorkloadKind.HIGH_ORDER, order=order, file_mib=8)
    return replace(blocks, **changes)


def dirty_machine(order: int, **changes: Any) -> Scenario:
    """Full of dirty pages, with an allocator of blocks of ``order``."""
    blocks = allocator(order, rate_kib_per_s=16_384)
    return small(memcgs=(), workloads=(*DIRTIERS, blocks), **changes)


@pytest.fixture
def idle() -> Simulation:
    return build(small(memcgs=(), workloads=(DIRTIERS[0],)))


# ---- which neighbours are taken

NEIGHBOURS = (0, 0, PG_active, PG_swapbacked, PG_kernel, None, PG_dirty, PG_isolated)
"""Of a block of order 3: the tag page, then a page each; None is free."""


def isolated(simulation: Simulation, mode: int) -> tuple[list[int], tuple[int, int, int]]:
    arrays, m = simulation.system.arrays, simulation.system.m
    page, vm = arrays.page, simulation.system.vm
    arrays.task["sc_order"][T] = 3
    for pfn, flags in enumerate(NEIGHBOURS, BLOCK):
        page["page_flags"][pfn] = flags or 0
        if flags is not None and not flags & (PG_kernel | PG_isolated):
            add_page_to_lru_list(m, pfn, page_lru(flags))
    taken = isolate_block(m, T, BLOCK, mode, 0)
    pages = [int(pfn) - BLOCK for pfn in arrays.page_list[T][:taken]]
    return pages, (vm[CONTIG_TAKEN], vm[CONTIG_DIRTY], vm[CONTIG_FAILED])


def test_not_lumpy_only_neighbours_of_the_same_list_are_taken(idle: Simulation) -> None:
    assert isolated(idle, ISOLATE_INACTIVE) == ([1, 6], (2, 1, 0))


def test_lumpy_every_neighbour_on_any_list_is_taken_and_the_rest_failed(idle: Simulation) -> None:
    assert isolated(idle, ISOLATE_BOTH) == ([1, 2, 3, 6], (4, 1, 2))
    assert len(idle.system.arrays.lru[ZONE_DMA32]["nr"]) > 0
    assert idle.system.arrays.page["page_flags"][BLOCK + 2] & PG_isolated


def test_without_swap_an_anonymous_neighbour_stays(idle: Simulation) -> None:
    idle.system.vm[NR_SWAP_USED_PAGES] = idle.system.arrays.swap_map.size
    assert isolated(idle, ISOLATE_BOTH)[0] == [1, 2, 6]


# ---- one pass


def test_a_pass_asks_for_each_block_once_and_frees_them_all() -> None:
    blocks = WorkloadSpec(kind=WorkloadKind.HIGH_PASS, order=9, file_mib=8)
    result = run(small(memcgs=(), workloads=(blocks,)), until_over=WorkloadKind.HIGH_PASS)
    assert result.counters["highorder_alloc_success"] == 4
    assert result.counters["nr_highorder_pages"] == 0
    assert [task["ops"] for task in result.tasks if task["kind"] == "highpass"] == [4]


# ---- when reclaim is lumpy, and when it waits


@pytest.mark.parametrize(
    ("order", "priority", "lumpy"),
    [(0, 0, 0), (1, 12, 0), (3, 10, 0), (1, 9, 1), (3, 9, 1), (4, 12, 1), (9, 12, 1)],
)
def test_costly_orders_are_lumpy_at_once_small_ones_from_priority_9_on(
    idle: Simulation, order: int, priority: int, lumpy: int
) -> None:
    sc = idle.system.arrays.task[T]
    sc.sc_order, sc.sc_priority = order, priority
    set_lumpy_reclaim_mode(sc)
    assert sc.sc_lumpy == lumpy


@pytest.mark.parametrize(
    ("kernel", "order", "priority", "issuer", "freed", "waits"),
    [
        (Kernel.K2_6_35, 4, 12, ISSUER_DIRECT, 31, True),
        (Kernel.K2_6_35, 4, 12, ISSUER_DIRECT, 32, False),
        (Kernel.K2_6_35, 4, 12, ISSUER_KSWAPD, 0, False),
        (Kernel.K2_6_35, 1, 9, ISSUER_DIRECT, 31, True),
        (Kernel.K2_6_36, 1, 5, ISSUER_DIRECT, 31, False),
        (Kernel.K2_6_36, 1, 4, ISSUER_DIRECT, 31, True),
        (Kernel.K2_6_36, 4, 12, ISSUER_DIRECT, 31, True),
    ],
)
def test_direct_reclaim_waits_for_what_it_could_not_free(
    kernel: Kernel, order: int, priority: int, issuer: int, freed: int, waits: bool
) -> None:
    system = build(small(memcgs=(), workloads=(DIRTIERS[0],), kernel=kernel)).system
    sc = system.arrays.task[T]
    sc.sc_order, sc.sc_priority, sc.issuer, sc.sc_lumpy = order, priority, issuer, 1
    sc.sc_list_taken, sc.sc_list_freed = 32, freed
    assert bool(begin_sync_pass(system.m, T)) is waits
    assert sc.sc_sync == waits


# ---- the synchronous pass


def dirty_batch(patches: frozenset[Patch], *, sync: bool) -> Simulation:
    """Two dirty file pages in the hands of direct reclaim."""
    simulation = build(small(memcgs=(), workloads=(DIRTIERS[0],), patches=patches))
    arrays, m = simulation.system.arrays, simulation.system.m
    sc = arrays.task[T]
    sc.issuer, sc.sc_order, sc.sc_lumpy, sc.sc_may_writepage = ISSUER_DIRECT, 9, 1, 1
    arrays.page_list[T][:2] = BLOCK, BLOCK + 1
    arrays.page["page_flags"][BLOCK : BLOCK + 2] = PG_dirty | PG_isolated | PG_young | PG_referenced
    begin_page_list(m, T, 2)
    sc.sc_sync = int(sync)
    return simulation


def stops(simulation: Simulation) -> list[int]:
    found = [WANT_CONGESTION_WAIT]
    while found[-1] == WANT_CONGESTION_WAIT:
        simulation.system.clock[LIMIT] = 1 << 60  # a wake-up takes it back to now
        found.append(shrink_page_list(simulation.system.m, T))
    return found[1:]


def test_patch_6_waits_ten_times_for_the_flusher_and_then_gives_the_pages_up() -> None:
    simulation = dirty_batch(P6, sync=True)
    assert stops(simulation) == [WANT_CONGESTION_WAIT] * 10 + [DONE]
    assert simulation.system.vm[LUMPY_WAITS] == 10
    assert simulation.system.arrays.task["sc_list_kept"][T] == 2


def test_the_first_pass_of_patch_6_does_not_wait() -> None:
    simulation = dirty_batch(P6, sync=False)
    assert stops(simulation) == [DONE]
    assert simulation.system.vm[LUMPY_WAITS] == 0


def test_the_recorded_form_waits_up_to_five_seconds() -> None:
    simulation = dirty_batch(frozenset({Patch.P6_RECORDED}), sync=True)
    assert stops(simulation) == [WANT_CONGESTION_WAIT] * 50 + [DONE]


@pytest.mark.parametrize("sync", [True, False])
def test_only_the_synchronous_pass_sleeps_for_a_page_under_writeback(sync: bool) -> None:
    simulation = dirty_batch(P6, sync=sync)
    arrays = simulation.system.arrays
    arrays.page["page_flags"][BLOCK : BLOCK + 2] = PG_writeback | PG_isolated
    assert stops(simulation) == [WANT_PAGE_WRITEBACK if sync else DONE]
    assert arrays.task["wait_pfn"][T] == (BLOCK if sync else -1)


# ---- whole runs


@pytest.fixture(scope="module")
def runs() -> dict[str, Simulation]:
    return {
        "order 0": finished(dirty_machine(0)),
        "order 5": finished(dirty_machine(5)),
        "patch 6": finished(dirty_machine(5, patches=P6)),
    }


def counters(simulation: Simulation) -> dict[str, int]:
    from sim.machine.vmstat import NAMES

    return dict(zip(NAMES, simulation.system.vm, strict=True))


def test_lumpy_reclaim_writes_and_waits_and_patch_6_waits_instead(
    runs: dict[str, Simulation],
) -> None:
    plain, p6 = counters(runs["order 5"]), counters(runs["patch 6"])
    assert plain["direct_write_file_sync"] > 0
    assert p6["direct_write_file_sync"] == p6["direct_write_file_async"] == 0
    assert plain["lumpy_waits"] > 0
    assert p6["lumpy_waits"] > 0
    for run_ in (plain, p6):
        assert run_["contig_taken"] > run_["contig_dirty"] > 0
        assert run_["highorder_alloc_success"] > 0
        assert run_["lumpy_wait_ns"] > 0


def test_order_0_knows_nothing_of_all_that(runs: dict[str, Simulation]) -> None:
    single = counters(runs["order 0"])
    assert single["highorder_alloc_success"] > 0
    for name in ("lumpy_waits", "lumpy_wait_ns", "contig_taken", "contig_failed"):
        assert single[name] == 0
    assert single["direct_write_file_sync"] == 0


def test_the_order_goes_with_every_event(runs: dict[str, Simulation]) -> None:
    trace = np.concatenate(runs["order 5"].sampler.logs["trace"])

    def field(event: int, number: int) -> set[int]:
        return set(trace["a"][trace["event"] == event, number].tolist())

    assert field(EV_WAKEUP_KSWAPD, 2) == {0, 5}
    assert field(EV_KSWAPD_WAKE, 1) == {0, 5}
    assert field(EV_DIRECT_BEGIN, 0) == {0, 5}
    isolate = trace["a"][trace["event"] == EV_LRU_ISOLATE]
    assert set(isolate[:, 1].tolist()) == {0, 5}
    assert isolate[isolate[:, 1] == 0, 5:].sum() == 0
    found = counters(runs["order 5"])
    names = ("contig_taken", "contig_dirty", "contig_failed")
    assert isolate[:, 5:].sum(axis=0).tolist() == [found[name] for name in names]
    stalls = np.concatenate(runs["order 5"].sampler.logs["stalls"])
    assert set(stalls["order"].tolist()) == {0, 5}


@pytest.mark.parametrize("patches", [frozenset(), P6, frozenset({Patch.P5, Patch.P6})])
def test_nothing_is_lost_while_blocks_are_taken(patches: frozenset[Patch]) -> None:
    for simulation in stepped(dirty_machine(5, patches=patches, duration_ms=800)):
        check_machine(simulation)


def test_a_costly_order_may_fail_a_small_one_is_tried_until_it_is_there() -> None:
    def asked(order: int) -> dict[str, int]:
        memory = MemorySpec(ram_mib=64, kernel_mib=24, kernel_scattered_mib=8, swap_mib=32)
        blocks = allocator(order, rate_kib_per_s=16_384)
        return run(small(memcgs=(), memory=memory, workloads=(*DIRTIERS, blocks))).counters

    costly, small_order = asked(10), asked(2)
    assert costly["highorder_alloc_success"] <= 3  # zone DMA is whole
    assert costly["highorder_alloc_failed"] > 0
    assert small_order["highorder_alloc_success"] > 0
    assert small_order["highorder_alloc_failed"] == 0


# ---- the allocator


@pytest.mark.parametrize(
    ("changes", "pages"),
    [
        ({"file_mib": 1}, {256}),  # as many as it may hold
        ({"hold_ms": 100}, {36, 40, 44}),  # 100 blocks of 4 pages a second, 0.1 s each
        ({}, {596, 600, 604}),  # 1.5 s, nothing given back
    ],
)
def test_blocks_are_held_for_their_time_and_up_to_their_number(
    changes: dict[str, int], pages: set[int]
) -> None:
    blocks = allocator(2, rate_kib_per_s=1600, **changes)
    simulation = finished(small(memcgs=(), workloads=(blocks,)))
    assert simulation.system.vm[NR_HIGHORDER_PAGES] in pages
    check_machine(simulation)


def test_buddyinfo_is_sampled() -> None:
    result = run(dirty_machine(5, duration_ms=300))
    by_order = [result.series[f"zone.DMA32.free_blocks_order{o}"] << o for o in range(11)]
    assert (sum(by_order) == result.series["zone.DMA32.nr_free"]).all()
    assert by_order[10][0] > by_order[10][-1]
