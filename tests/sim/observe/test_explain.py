"""A stall explained: a hand-made one, whose chain is known."""

from __future__ import annotations

import numpy as np
import pytest

from sim.machine.stall import StallKind
from sim.machine.tracepoints import EV_LRU_ISOLATE, EV_WRITEPAGE
from sim.observe.explain import MAX_STEPS, explain, find_stall
from sim.result import IO_LOG, SLEEP, STALL, TRACE, Issuer, Result, SleepCause

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
