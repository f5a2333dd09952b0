"""Buddy allocator: splitting, merging, watermarks with an order, memory at the start."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from sim.build import Simulation, build
from sim.machine.vmstat import NR_FREE_PAGES
from sim.machine.zone import MAX_ORDER, ZONE_DMA32
from sim.mm.buddy import free_one_page, free_run, rmqueue_run, rmqueue_smallest
from sim.mm.free import zone_watermark_ok
from tests.support.checkers import check_machine
from tests.support.small import SMALL, small

IDLE = small(memcgs=(), workloads=())


@pytest.fixture
def idle() -> Simulation:
    return build(IDLE)


def by_order(simulation: Simulation) -> list[int]:
    blocks: list[int] = simulation.system.arrays.zone["nr_free_blocks"][ZONE_DMA32].tolist()
    return blocks


def test_a_fresh_zone_is_whole_blocks_from_the_end_of_the_kernel_on(idle: Simulation) -> None:
    # 64 MiB - 20 MiB of the kernel's, all above 16 MiB: 44 MiB less DMA = 28 MiB of 4 MiB blocks
    assert by_order(idle) == [0] * 10 + [7]
    check_machine(idle)


def test_a_single_page_splits_a_block_and_its_return_merges_all_of_it(idle: Simulation) -> None:
    m, vm = idle.system.m, idle.system.vm
    whole, free = by_order(idle), vm[NR_FREE_PAGES]
    pfn = rmqueue_smallest(m, ZONE_DMA32, 0)
    assert by_order(idle) == [1] * 10 + [6]
    assert vm[NR_FREE_PAGES] == free - 1
    assert rmqueue_smallest(m, ZONE_DMA32, 3) == pfn + 8  # the lower half is used first
    free_one_page(m, ZONE_DMA32, pfn + 8, 3)
    free_one_page(m, ZONE_DMA32, pfn, 0)
    assert by_order(idle) == whole
    check_machine(idle)


def test_any_order_of_taking_and_giving_back_ends_where_it_began(idle: Simulation) -> None:
    m, rng = idle.system.m, random.Random(1)
    whole = by_order(idle)
    held: dict[int, int] = {}
    pages: set[int] = set()
    for step in range(3000):
        if rng.random() < 0.55 + 0.1 * (step < 1500):
            order = rng.choice([0, 0, 0, 1, 2, 3, 6, 9])
            pfn = rmqueue_smallest(m, ZONE_DMA32, order)
            if pfn < 0:
                assert not any(by_order(idle)[order:])
                continue
            block = range(pfn, pfn + (1 << order))
            assert pages.isdisjoint(block)
            pages.update(block)
            held[pfn] = order
        elif held:
            pfn = rng.choice(list(held))
            pages.difference_update(range(pfn, pfn + (1 << held[pfn])))
            free_one_page(m, ZONE_DMA32, pfn, held.pop(pfn))
    assert held
    for pfn, order in held.items():
        free_one_page(m, ZONE_DMA32, pfn, order)
    assert by_order(idle) == whole
    check_machine(idle)


def test_runs_are_what_single_pages_one_by_one_would_be() -> None:
    one, run, rng = build(IDLE), build(IDLE), random.Random(2)
    held: list[int] = []
    for _ in range(200):
        n = rng.randint(1, 40)
        if rng.random() < 0.6:
            singles = [rmqueue_smallest(one.system.m, ZONE_DMA32, 0) for _ in range(n)]
            together: list[int] = []
            while len(together) < n:
                first, taken = rmqueue_run(run.system.m, ZONE_DMA32, n - len(together))
                together += range(first, first + taken)
            assert together == singles
            held += singles
        else:
            begin = rng.randrange(max(len(held), 1))
            for pfn in held[begin : begin + n]:
                free_one_page(one.system.m, ZONE_DMA32, pfn, 0)
            for first, end in _runs(held[begin : begin + n]):
                free_run(run.system.m, ZONE_DMA32, first, end)
            del held[begin : begin + n]
        for name in ("free_head", "free_tail", "nr_free_blocks", "nr_free"):
            assert (one.system.arrays.zone[name] == run.system.arrays.zone[name]).all(), name
    assert np.array_equal(one.system.arrays.free_order, run.system.arrays.free_order)


def _runs(pfns: list[int]) -> list[tuple[int, int]]:
    """(first, end) of each stretch of pages that follow one another."""
    out: list[tuple[int, int]] = []
    for pfn in pfns:
        if out and out[-1][1] == pfn:
            out[-1] = (out[-1][0], pfn + 1)
        else:
            out.append((pfn, pfn + 1))
    return out


def test_nothing_larger_than_what_is_free_is_to_be_had(idle: Simulation) -> None:
    m = idle.system.m
    taken = [rmqueue_smallest(m, ZONE_DMA32, 0) for _ in range(7 << 10)]
    assert rmqueue_smallest(m, ZONE_DMA32, 0) == -1
    for pfn in taken[::2]:  # every other page: nothing can merge
        free_one_page(m, ZONE_DMA32, pfn, 0)
    assert by_order(idle) == [7 << 9] + [0] * 10
    assert rmqueue_smallest(m, ZONE_DMA32, 1) == -1


@pytest.mark.parametrize(
    ("blocks", "order", "mark", "ok"),
    [
        ({0: 8, 3: 1}, 2, 9, True),  # 16 - 4 + 1 = 13 > 9, less 8 single pages 5 > 4, 5 > 2
        ({0: 8, 3: 1}, 2, 10, False),  # 5 > 5 fails
        ({0: 15}, 1, 0, False),  # single pages are no block of 2
        ({0: 100, 4: 1}, 4, 1, True),  # 101 > 1, less 100: 1 > 0
        ({0: 100, 4: 1}, 4, 2, False),
        ({0: 100}, 0, 99, True),
        ({0: 100}, 0, 100, False),
    ],
)
def test_a_watermark_halves_at_each_order_and_small_blocks_do_not_count(
    idle: Simulation, blocks: dict[int, int], order: int, mark: int, ok: bool
) -> None:
    zone = idle.system.arrays.zone[ZONE_DMA32]
    zone["nr_free_blocks"][:] = [blocks.get(o, 0) for o in range(MAX_ORDER)]
    zone["nr_free"] = sum(n << o for o, n in blocks.items())
    assert bool(zone_watermark_ok(idle.system.m, ZONE_DMA32, order, mark, ZONE_DMA32)) is ok


def test_scattered_pages_of_the_kernel_break_blocks_and_change_no_count(idle: Simulation) -> None:
    def up_for_long(seed: int) -> Simulation:
        memory = replace(SMALL.memory, kernel_scattered_mib=1)
        return build(replace(IDLE, memory=memory, seed=seed))

    long, other = up_for_long(1), up_for_long(2)
    assert long.system.vm[NR_FREE_PAGES] == idle.system.vm[NR_FREE_PAGES]
    assert by_order(long)[10] < by_order(idle)[10]
    assert sum(by_order(long)[:4]) > 200  # 256 holes
    first, second, same = (s.system.arrays.free_order for s in (long, other, up_for_long(1)))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, second)
    check_machine(long)
