"""Pages for buffer and journal heads: how many, who pays, and what GFP_NOFS may not write."""

from __future__ import annotations

from dataclasses import replace

from sim.build import build
from sim.scenario import WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import small

WRITERS = small(
    memcgs=(),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=64),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=64),
    ),
)


def slab_pages(buffers: int) -> int:
    return -(-buffers // 39) + -(-buffers // 36)


def test_pages_with_buffers_take_a_slab_page_for_39_of_them_and_one_for_36_journal_heads():
    simulation = build(WRITERS)
    simulation.system.engine.run_until(300_000_000)
    check_machine(simulation)
    fs = simulation.system.arrays.fs[0]
    begun, ended = int(fs.buffers_begun), int(fs.buffers_ended)
    assert begun - ended > 1000
    held = slab_pages(begun) - slab_pages(ended)
    assert int(fs.nr_slab - fs.nr_bio_slab) + int(fs.slab_owed) == held > 50
    assert int(fs.nr_slab) > 50


def test_slab_pages_go_with_the_pages_whose_buffers_they_hold():
    simulation = build(replace(WRITERS, duration_ms=4000))
    simulation.system.engine.run_until(4_000_000_000)
    check_machine(simulation)
    fs = simulation.system.arrays.fs[0]
    assert int(fs.buffers_ended) > 2000
    assert int(fs.nr_slab - fs.nr_bio_slab) <= slab_pages(int(fs.buffers_begun)) - slab_pages(
        int(fs.buffers_ended)
    )
