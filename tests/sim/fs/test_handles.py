"""Open handles and locked transactions; metadata that is read when first needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.fs.ext3_layout import unread_bitmap
from sim.fs.handle import journal_start, journal_stop, may_start
from sim.fs.writepage import writepage
from sim.machine.filesystem import BUFFER_READING
from sim.machine.machine import LIMIT, NOW
from sim.machine.page import PG_dirty, PG_writeback
from sim.machine.task import DONE, WANT_JOURNAL, WANT_METADATA, WANT_REQUEST_ASYNC
from sim.machine.vmstat import JOURNAL_COMMITS, REQUESTS_READ
from sim.mm.filemap import write_page
from sim.result import SleepCause
from sim.runner import run
from sim.scenario import WorkloadKind, WorkloadSpec
from tests.support.bare_machine import FLUSHER, WRITER
from tests.support.small import SMALL

SECOND = 1_000_000_000


def running(machine, *args, **kwargs):
    x = machine(*args, **kwargs)
    x.start_threads()
    x.run(0.1)
    x.clock[NOW] = x.s.engine.now_ns
    x.clock[LIMIT] = 1 << 60
    return x


def test_a_commit_waits_for_open_handles_and_new_ones_for_the_commit(machine):
    x = running(machine)
    x.dirty(0, *range(10))
    journal_start(x.m, WRITER)
    x.run(6.0)
    fs = x.arrays.fs[0]
    assert fs.locked
    assert x.vm[JOURNAL_COMMITS] == 0
    assert not may_start(x.m, FLUSHER)
    assert may_start(x.m, WRITER), "who has a handle goes on"
    journal_stop(x.m, WRITER)
    x.s.drain(x.s.engine.now_ns)
    x.run(1.0)
    assert x.vm[JOURNAL_COMMITS] == 1
    assert not fs.locked
    assert may_start(x.m, FLUSHER)


def test_a_writer_waits_while_the_transaction_is_locked(machine):
    x = running(machine)
    x.page_of(0, 0)
    x.arrays.task[WRITER].op_inode = 0
    x.arrays.fs[0].locked = 1
    assert write_page(x.m, WRITER) == WANT_JOURNAL
    x.arrays.fs[0].locked = 0
    assert write_page(x.m, WRITER) == DONE
    assert x.arrays.fs[0].updates == 0


def test_writepage_has_a_handle_open_until_its_request_is_queued(machine):
    x = running(machine, nr_requests=4)
    stop = DONE
    for index in range(0, 3000, 3):  # other requests fill the queue, none beside another
        x.dirty(1, index, index + 2)
        if stop == DONE:
            stop = writepage(x.m, FLUSHER, x.page_of(1, index))
    x.dirty(0, 0, allocate=False)
    assert stop == WANT_REQUEST_ASYNC
    assert writepage(x.m, WRITER, x.page_of(0, 0)) == WANT_REQUEST_ASYNC
    assert x.arrays.fs[0].updates == 1
    x.drain_disk()
    x.finish(writepage, x.page_of(0, 0))
    assert x.arrays.fs[0].updates == 0


def test_a_page_with_a_block_is_written_without_a_handle(machine):
    x = running(machine)
    x.dirty(0, 3)
    x.arrays.fs[0].locked = 1
    assert writepage(x.m, WRITER, x.page_of(0, 3)) == DONE
    assert x.flags(0, 3) & PG_writeback


def test_a_full_transaction_lets_nobody_start(machine):
    x = running(machine)
    fs = x.arrays.fs[0]
    fs.nr_running = fs.max_transaction_blocks
    assert not may_start(x.m, WRITER)


def test_the_bitmap_is_read_once_and_by_whoever_needs_it_first(machine):
    x = running(machine, cached_bitmaps=False)
    x.dirty(0, 0, allocate=False)
    x.dirty(1, 0, allocate=False)
    bitmap = int(unread_bitmap(x.m, 0, 0))
    assert bitmap == int(x.arrays.fs[0].group_bitmap[0])
    assert writepage(x.m, WRITER, x.page_of(0, 0)) == WANT_METADATA
    assert x.arrays.block_used[bitmap] & BUFFER_READING
    assert writepage(x.m, FLUSHER, x.page_of(1, 0)) == WANT_METADATA
    assert x.flags(0, 0) & PG_dirty
    x.finish(writepage, x.page_of(0, 0))
    x.finish(writepage, x.page_of(1, 0), t=FLUSHER)
    assert x.vm[REQUESTS_READ] == 1
    assert int(unread_bitmap(x.m, 0, 0)) == -1
    assert x.arrays.fs[0].updates == 0


def test_new_files_are_made_one_after_the_other_by_who_has_the_directory():
    kinds = (WorkloadKind.SEQ_WRITER, WorkloadKind.MMAP_DIRTIER, WorkloadKind.SMALL_FILES)
    result = run(
        replace(
            SMALL,
            duration_ms=400,
            workloads=tuple(WorkloadSpec(kind=kind, file_mib=64) for kind in kinds),
        )
    )
    reads = result.io[(result.io["write"] == 0)]["sector"] // 8
    assert reads[0] == 753, "the directory's block, by who comes first"
    ours = [block for block in reads.tolist() if block in (251, 252)]
    assert ours == [252, 251], "the bitmap of inodes, then the writer's bitmap of blocks"
    assert len(np.unique(reads)) == len(reads), "nothing is read twice"
    waited = [t["sleep_ns"].get("page_read", 0) for t in result.tasks if t["kind"] != "kernel"]
    assert min(waited) > 0, "each waited for a read, or for the directory"
    assert SleepCause.PAGE_READ in result.sleeps["cause"]


def test_tasks_that_share_a_new_file_all_get_the_directory_in_turn():
    writer = WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=64, threads=3, shared_file=1)
    result = run(replace(SMALL, duration_ms=300, workloads=(writer,)))
    assert all(t["ops"] > 0 for t in result.tasks if t["kind"] != "kernel")
