"""A stall explained: a hand-made one, whose chain is known."""

from __future__ import annotations

import numpy as np
import pytest

from sim.machine.stall import StallKind
from sim.machine.tracepoints import EV_LRU_ISOLATE, EV_WRITEPAGE
from sim.observe.explain import MAX_STEPS, explain, find_stall
from sim.observe.explain_request import explain_request, find_request, neighbours
from sim.observe.files import SWAP
from sim.observe.stacks import ENTRY_OF_KIND
from sim.result import EXTENT, IO_LOG, SLEEP, STALL, TRACE, Issuer, Result, SleepCause
from sim.scenario import Scenario
from sim.workload.plan import ENTRY

MS = 1_000_000
BEGIN = 5_000 * MS


def made(nr_isolate: int = 2) -> Result:
    stalls = np.zeros(2, STALL)
    stalls["task"] = 1
    stalls["t_begin_ns"] = BEGIN, BEGIN + 500 * MS
    stalls["t_end_ns"] = BEGIN + 120 * MS, BEGIN + 501 * MS
    stalls["kind"] = StallKind.DIRECT_RECLAIM
    stalls["priority"] = 9
    stalls["nr_scanned"], stalls["nr_reclaimed"], stalls["nr_dirty"] = 96, 32, 7
    sleeps = np.zeros(3, SLEEP)
    sleeps["task"] = 1, 0, 1
    sleeps["cause"] = SleepCause.GET_REQUEST, SleepCause.IDLE, SleepCause.CONGESTION_WAIT
    sleeps["t_begin_ns"] = BEGIN + MS, BEGIN + MS, BEGIN + 19 * MS
    sleeps["t_end_ns"] = BEGIN + 11 * MS, BEGIN + 11 * MS, BEGIN + 119 * MS
    io = np.zeros(1, IO_LOG)
    io["t_queue_ns"], io["t_done_ns"] = BEGIN - 9 * MS, BEGIN + 11 * MS
    io["write"], io["nr_sectors"], io["sector"], io["issuer"] = 1, 256, 4096, Issuer.FLUSHER
    trace = np.zeros(nr_isolate + 2, TRACE)
    trace["task"] = 1
    trace["event"] = EV_LRU_ISOLATE
    trace["a"][:, 3], trace["a"][:, 4] = 40, 32
    trace["t_ns"] = BEGIN + np.arange(nr_isolate + 2)
    trace["t_ns"][-2:] = BEGIN + 12 * MS, BEGIN + 13 * MS
    trace["event"][-1] = EV_WRITEPAGE
    tasks = [{"name": "flush-8:0"}, {"name": "writer"}]
    return Result(
        meta={"duration_ns": 10_000 * MS, "memcgs": ["root", "box"]}, io=io, stalls=stalls,
        sleeps=sleeps, trace=trace, tasks=tasks,
    )  # fmt: skip


def test_the_chain_is_in_order_and_names_the_request_that_ended_the_wait():
    told = explain(made(), 0)
    assert told.title == "writer: 120.000 ms from 5.000000 s"
    assert "try_to_free_pages" in told.context
    assert [step.text.split(":")[0].split(",")[0] for step in told.steps] == [
        "2 times isolated pages",
        "slept for ->writepage asleep for a free request (get_request_wait)",
        "1 times isolated pages",
        "slept for congestion_wait; no request ended at the moment it woke",
    ]
    woken = told.steps[1]
    assert (woken.begin_ms, woken.length_ms) == (1, 10)
    assert "until a write of 128 KiB at sector 4096, issued by flusher (flush-8:0)" in woken.text
    assert "queued 20.000 ms before" in woken.text
    assert told.steps[2].text.endswith("40 scanned, 32 taken; 1 pages given to ->writepage")
    assert told.outcome == (
        "priority 12 down to 9, 96 pages scanned, 7 pages met dirty, 0 pages written, "
        "32 pages freed"
    )
    assert told.missing == ()


def test_what_belongs_to_others_or_to_later_is_not_in_it():
    assert explain(made(), 1).steps == ()


def test_what_was_not_recorded_is_said():
    result = made()
    result.families["trace"] = "no trace on this kernel"
    told = explain(result, 0)
    assert told.missing == ("the scans between the sleeps: no trace on this kernel",)
    assert len(told.steps) == 2


def test_a_memcg_stall_names_its_container():
    result = made()
    result.stalls["kind"], result.stalls["memcg"] = StallKind.MEMCG_RECLAIM, 1
    assert "charged to box" in explain(result, 0).context


def test_a_long_chain_is_cut_and_counted():
    result = made()
    sleeps = np.repeat(result.sleeps[:1], MAX_STEPS + 5)
    sleeps["t_begin_ns"] = BEGIN + 20 * MS + np.arange(len(sleeps)) * 1000
    sleeps["t_end_ns"] = sleeps["t_begin_ns"] + 500
    result.sleeps = sleeps
    told = explain(result, 0)
    assert len(told.steps) == MAX_STEPS
    assert told.left_out > 0


def test_a_stall_is_found_by_its_task_and_end():
    assert find_stall(made(), 1, (BEGIN + 120 * MS) // 1000) == 0
    assert find_stall(made(), 0, (BEGIN + 120 * MS) // 1000) is None
    with pytest.raises(IndexError):
        explain(made(), 2)


# ---- requests


def queued() -> Result:
    """A request of direct reclaim, 8 ms in the queue, and one before it on the disk."""
    result = made()
    io = np.zeros(3, IO_LOG)
    io["t_queue_ns"] = BEGIN - 30 * MS, BEGIN + 2 * MS, BEGIN + 3 * MS
    io["t_issue_ns"] = BEGIN - 20 * MS, BEGIN + 10 * MS, BEGIN + 30 * MS
    io["t_done_ns"] = BEGIN + 9 * MS, BEGIN + 11 * MS, BEGIN + 40 * MS
    io["sector"], io["nr_sectors"] = (800, 4096, 8000), (8, 256, 8)
    io["write"], io["positioned"], io["task"] = 1, (0, 1, 0), (0, 1, 0)
    io["issuer"] = Issuer.FLUSHER, Issuer.DIRECT, Issuer.FLUSHER
    result.io = io
    result.sleeps["t_end_ns"][0] += 30_000  # the softirq ends 32 pages first
    result.meta["disk"] = {"model": "hdd-7200"}
    return result


def test_a_request_is_told_from_queue_to_those_who_waited():
    told = explain_request(queued(), 1)
    assert told.title == "write of 128 KiB at 0.002 GiB, writer"
    assert "try_to_free_pages" in told.context
    assert "in its stall of 120.000 ms, which got down to priority 9" in told.context
    texts = [step.text for step in told.steps]
    assert texts[0].startswith("queued; 32 pages, each a bio of its own: 31 were merged into it")
    assert "the disk ended 1 other requests (1 of flusher)" in texts[0]
    assert texts[1] == "given to the disk; the head had to move, 1.605 MiB forward"
    assert [(step.begin_ms, step.length_ms) for step in told.steps[:3]] == [(0, 8), (8, 1), (9, 0)]
    assert texts[3] == (
        "woke writer, which had slept 10.030 ms for ->writepage asleep for a free request "
        "(get_request_wait)"
    )
    assert told.outcome == "8.000 ms queued, 1.000 ms at the disk, 1 task waited for it"
    assert told.stall == (1, (BEGIN + 120 * MS) // 1000)
    assert "its file, inode" in told.missing[0]


def test_a_request_names_the_files_that_its_blocks_belong_to():
    result = queued()
    result.meta["memcgs"] = ["root", "box"]
    result.extents = np.array(
        [(505, 8, 3, 20, 0), (513, 2, 7, 0, 1), (515, 1, 9, 5, 0), (516, 40, SWAP, 100, -1)],
        EXTENT,
    )
    told = explain_request(result, 1)  # blocks 512 to 543
    assert told.context.endswith(
        "; page 27 of inode 3; pages 0 to 1 of inode 7, a file of a task of box; "
        "page 5 of inode 9; 1 other parts"
    )
    assert told.missing[0] == "whom each of its pages is charged to"
    result.extents = result.extents[3:]
    assert explain_request(result, 1).context.endswith(
        "; slots 100 to 127 of the swap area; 4 blocks of the file system itself"
    )
    assert explain_request(result, 0).context.endswith("; 1 block of the file system itself")
    result.io["meta"] = 1
    told = explain_request(result, 1)
    assert "swap" not in told.context
    assert not any("pages" in text and "charged" in text for text in told.missing)


def test_the_stall_names_that_request_too_and_a_timer_that_ran_out():
    result = queued()
    assert "until a write of 128 KiB" in explain(result, 0).steps[1].text
    result.meta["scenario"] = Scenario().to_dict()
    texts = [step.text for step in explain(result, 0).steps]
    assert "slept for congestion_wait, until its timer ran out" in texts


def test_a_request_is_found_by_its_place_and_end_and_knows_its_neighbours():
    result = queued()
    assert find_request(result, 512, (BEGIN + 11 * MS) // 1000 + 1) == 1
    assert find_request(result, 512, (BEGIN + 11 * MS) // 1000 + 2) is None
    assert neighbours(result, 0) == (None, 1)
    assert neighbours(result, 1) == (0, 2)


def test_what_the_log_of_a_request_lacks_is_said():
    result = queued()
    result.io["t_queue_ns"] = result.io["t_issue_ns"] = -1
    result.families["sleeps"] = "no scheduler events"
    told = explain_request(result, 0)
    assert [step.text for step in told.steps] == ["done"]
    assert told.outcome == ""
    assert "which work the flusher was at: background, periodic or asked for" in told.missing
    assert "who waited for it: no scheduler events" in told.missing


def test_the_stack_of_a_request_is_that_of_its_context_and_entry():
    result = queued()
    scenario = Scenario().to_dict()
    result.meta["scenario"] = scenario
    result.tasks[1]["kind"] = "mmap"
    stack = explain_request(result, 1).stack
    assert stack.frames[0][0] == "page_fault"
    assert "pageout" in dict(stack.frames)
    assert stack.used_bytes == sum(size for _, size in stack.frames) < stack.limit_bytes
    scenario["interventions"] = [{"at_ms": 5000, "what": "patch", "whose": "p5", "value": 1}]
    assert "clean_page_list" in dict(explain_request(result, 1).stack.frames)
    assert explain_request(result, 0).stack.frames[-1] == stack.frames[-1]


def test_the_entries_of_tasks_are_those_that_they_run_with():
    assert {kind.value: entry for kind, entry in ENTRY.items()} == ENTRY_OF_KIND
