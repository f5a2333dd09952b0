"""fsync(2), and the workloads that live on it; file copy and loads through a mapping."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.machine.page import PG_dirty, PG_writeback
from sim.presets import PRESETS
from sim.result import Result, SleepCause
from sim.runner import run
from sim.scenario import DiskModel, DiskSpec, FsSpec, Scenario, WorkloadKind, WorkloadSpec
from tests.support.checkers import check_machine
from tests.support.small import SMALL, stepped

FIRST = 3
"""The first workload task."""


def alone(kind: WorkloadKind, **changes: object) -> Scenario:
    fields = {"file_mib": 16, "block_kib": 16} | changes
    return replace(
        SMALL,
        memcgs=(),
        disk=DiskSpec(),
        fs=FsSpec(),
        workloads=(WorkloadSpec(kind=kind, **fields),),
    )  # type: ignore[arg-type]


def ops(result: Result) -> int:
    return int(result.tasks[FIRST]["ops"])


def test_each_fsync_ends_with_a_commit_after_its_data() -> None:
    result = run(alone(WorkloadKind.FSYNC_WRITER))
    counters = result.counters
    assert counters["fsyncs"] == ops(result) > 10
    assert counters["fsyncs"] <= counters["journal_commits"] <= counters["fsyncs"] + 2
    sleeps = result.sleeps[result.sleeps["task"] == FIRST]
    waits = set(sleeps["cause"].tolist())
    assert waits >= {SleepCause.PAGE_WRITEBACK, SleepCause.JOURNAL}
    first_write_ns = result.io["t_queue_ns"][result.io["write"] != 0].min()
    later = sleeps[sleeps["t_begin_ns"] > first_write_ns]["cause"].tolist()
    assert set(later) == {SleepCause.PAGE_WRITEBACK, SleepCause.JOURNAL}, "no read but for bitmaps"
    data = result.io[(result.io["task"] == FIRST) & (result.io["write"] == 1)]
    assert data["sync"].all()
    assert data["nr_sectors"].sum() // 32 in (ops(result), ops(result) + 1)


def test_when_fsync_returns_no_page_of_the_file_is_dirty_or_under_io() -> None:
    *_, simulation = stepped(alone(WorkloadKind.FSYNC_WRITER, think_us=10_000_000), 100)
    arrays = simulation.system.arrays
    assert simulation.system.vm[0] > 0
    ino = int(arrays.task["op_inode"][FIRST])
    mine = arrays.page["mapping"] == ino
    assert mine.sum() >= 4
    assert not (arrays.page["page_flags"][mine] & (PG_dirty | PG_writeback)).any()


def test_a_writer_without_fsync_asks_for_no_commit() -> None:
    counters = run(alone(WorkloadKind.SEQ_WRITER)).counters
    assert counters["fsyncs"] == counters["fsync_ns"] == 0


@pytest.mark.parametrize("kind", [WorkloadKind.FSYNC_WRITER, WorkloadKind.OLTP])
def test_fsync_is_as_fast_as_the_disk_is(kind: WorkloadKind) -> None:
    rates = [
        ops(run(replace(alone(kind), disk=DiskSpec(model=model))))
        for model in (DiskModel.HDD_5400, DiskModel.HDD_7200, DiskModel.SSD_SATA, DiskModel.NVME)
    ]
    assert rates == sorted(rates)
    assert rates[3] > 5 * rates[1]


def test_fs_mark_makes_a_file_and_syncs_it_each_time() -> None:
    counters = run(alone(WorkloadKind.FS_MARK)).counters
    assert counters["app_files_created"] == counters["fsyncs"] > 10


def test_two_writers_share_a_commit() -> None:
    one = run(alone(WorkloadKind.FSYNC_WRITER)).counters
    four = run(alone(WorkloadKind.FSYNC_WRITER, threads=4)).counters
    assert four["fsyncs"] > 1.5 * one["fsyncs"]
    assert four["journal_commits"] < four["fsyncs"]


def test_a_transaction_reads_writes_and_logs() -> None:
    result = run(alone(WorkloadKind.OLTP, block_kib=4, file_mib=8))
    n = ops(result)
    assert n > 10
    assert result.counters["fsyncs"] == n
    assert 14 * n <= result.counters["app_pages_read"] <= 14 * (n + 1)
    assert 5 * n <= result.counters["app_pages_written"] <= 5 * (n + 1)


def test_a_copy_writes_what_it_has_read() -> None:
    result = run(alone(WorkloadKind.COPY, file_mib=8))
    read, written = result.counters["app_pages_read"], result.counters["app_pages_written"]
    assert written > 1000
    assert 0 <= read - written <= 4
    assert result.counters["sectors_read"] >= 8 * 2048


def test_the_copy_has_blocks_where_the_source_has_and_no_others() -> None:
    *_, simulation = stepped(alone(WorkloadKind.COPY, file_mib=1, rate_kib_per_s=1200))
    arrays = simulation.system.arrays
    task = arrays.task[FIRST]
    source, copy = int(task["op_first"]), int(task["op_second"])
    done = int(arrays.inode["size_pages"][copy])
    assert 100 < done <= 256
    for ino, pages in ((source, 256), (copy, done)):
        first = int(arrays.inode["first_slot"][ino])
        assert (arrays.slot_block[first : first + pages] > 0).all()


def test_a_sparse_file_is_read_page_by_page_without_a_request_and_only_once() -> None:
    scenario = alone(WorkloadKind.SPARSE_READER, file_mib=8)
    result = run(scenario, until_over=WorkloadKind.SPARSE_READER)
    counters = result.counters
    assert counters["app_pages_read"] == counters["pgmajfault"] == 8 * 256
    assert counters["requests_read"] == 0
    (reader,) = [task for task in result.tasks if task["kind"] == "sparse"]
    assert reader["finished"]
    assert result.duration_ns < scenario.duration_ms * 1_000_000


def test_a_mapped_stream_reads_and_dirties_nothing() -> None:
    counters = run(alone(WorkloadKind.MAP_READER)).counters
    assert counters["app_pages_read"] > 1000
    assert counters["pgfault"] >= 4096
    assert counters["pages_dirtied"] == 0


@pytest.mark.parametrize(
    "kind",
    [
        WorkloadKind.FSYNC_WRITER,
        WorkloadKind.FS_MARK,
        WorkloadKind.COPY,
        WorkloadKind.OLTP,
        WorkloadKind.MAP_READER,
        WorkloadKind.SPARSE_READER,
        WorkloadKind.HIGH_PASS,
    ],
)
def test_a_machine_under_pressure_stays_sound(kind: WorkloadKind) -> None:
    groups = tuple(
        WorkloadSpec(kind=kind, memcg=memcg, file_mib=48) for memcg in ("root", "g1", "g2")
    )
    hog = SMALL.workloads[-1]
    for simulation in stepped(replace(SMALL, workloads=(*groups, hog))):
        check_machine(simulation)


def test_the_default_mix_has_none_of_them() -> None:
    result = run(replace(PRESETS["default"].scenario, duration_ms=300))
    assert {t["kind"] for t in result.tasks} <= {
        "kernel", "seqw", "randw", "seqr", "randr", "mmap", "small", "anon",
    }  # fmt: skip
