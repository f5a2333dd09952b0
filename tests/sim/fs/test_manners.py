"""What filesystems do with the pages that reclaim hands them, and when they allocate blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.machine.page import PG_dirty
from sim.machine.vmstat import NAMES, PSWPOUT, WRITTEN_DIRECT, WRITTEN_KSWAPD
from sim.scenario import (
    DiskSpec,
    Filesystem,
    FsSpec,
    Kernel,
    MemorySpec,
    Patch,
    Scenario,
    WorkloadKind,
    WorkloadSpec,
)
from tests.support.checkers import check_machine
from tests.support.small import finished, small

SCENARIO = small(
    duration_ms=1500,
    memory=MemorySpec(ram_mib=64, kernel_mib=24),
    disk=DiskSpec(),
    memcgs=(),
    workloads=tuple(
        WorkloadSpec(kind=kind, file_mib=48, block_kib=4)
        for kind in (WorkloadKind.SEQ_WRITER, WorkloadKind.MMAP_DIRTIER, WorkloadKind.ANON_HOG)
    ),
)
KINDS = list(Filesystem)


def on(kind: Filesystem, **changes: object) -> Scenario:
    return replace(SCENARIO, fs=FsSpec(kind=kind), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def counters() -> dict[Filesystem, dict[str, int]]:
    found = {}
    for kind in KINDS:
        simulation = finished(on(kind))
        check_machine(simulation)
        vm = simulation.system.arrays.vm
        found[kind] = dict(zip(NAMES, vm.tolist(), strict=False))
    return found


def test_who_writes_what_reclaim_hands_it(counters: dict[Filesystem, dict[str, int]]) -> None:
    refused = {kind: counters[kind]["writepage_refused"] for kind in KINDS}
    assert refused[Filesystem.EXT3] == refused[Filesystem.XFS_2_6_34] == 0
    assert min(refused[kind] for kind in (Filesystem.EXT4, Filesystem.XFS, Filesystem.BTRFS)) > 0


def test_one_writepage_of_xfs_writes_the_dirty_pages_behind_too(
    counters: dict[Filesystem, dict[str, int]],
) -> None:
    for kind in (Filesystem.XFS_2_6_34, Filesystem.EXT3):
        c = counters[kind]
        calls = c["kswapd_write_file"] + c["direct_write_file_async"]
        written = c["written_kswapd"] + c["written_direct"] - c["pswpout"]
        assert calls > 0
        assert (written > calls) == (kind is Filesystem.XFS_2_6_34)


@pytest.mark.parametrize("kind", [Filesystem.XFS, Filesystem.BTRFS])
def test_no_reclaimer_has_a_file_page_written(
    kind: Filesystem, counters: dict[Filesystem, dict[str, int]]
) -> None:
    c = counters[kind]
    swap = c["pswpout"]
    assert c["written_kswapd"] + c["written_direct"] == swap


def test_xfs_of_2_6_36_lets_kswapd_write() -> None:
    vm = finished(on(Filesystem.XFS, kernel=Kernel.K2_6_36)).system.arrays.vm
    assert vm[WRITTEN_KSWAPD] + vm[WRITTEN_DIRECT] > vm[PSWPOUT]


def test_btrfs_writes_ranges_for_reclaim_and_xfs_does_not() -> None:
    written = {}
    for kind in (Filesystem.BTRFS, Filesystem.XFS):
        vm = finished(on(kind, patches=frozenset({Patch.P5}))).system.arrays.vm
        written[kind] = int(vm[WRITTEN_KSWAPD] + vm[WRITTEN_DIRECT] - vm[PSWPOUT])
    assert written[Filesystem.BTRFS] > 0 == written[Filesystem.XFS]


@pytest.mark.parametrize("kind", [Filesystem.EXT3, Filesystem.EXT4])
def test_delayed_allocation_leaves_dirty_pages_without_blocks(kind: Filesystem) -> None:
    writer = WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=48, rate_kib_per_s=4096)
    m = finished(replace(on(kind), duration_ms=500, workloads=(writer,))).system.arrays
    pages = np.flatnonzero(m.page["page_flags"] & PG_dirty)
    slots = m.inode["first_slot"][m.page["mapping"][pages]] + m.page["index"][pages]
    assert len(pages) > 0
    assert (m.slot_block[slots] < 0).all() == (kind is Filesystem.EXT4)
