"""Replay of a recorded trace: the text, the store, and no call before its time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import replay_store
from sim.cli import main
from sim.cli_input import InputError, scenario_of
from sim.replay import MAX_PROBLEMS, Operation, Replay, Row, number_of, read_replay
from sim.replay_store import is_stored, replay_of, store_trace, stored_trace
from sim.runner import run
from sim.scenario import (
    FsSpec,
    Intervention,
    InterventionKind,
    MemorySpec,
    MixSpec,
    Scenario,
    ScenarioError,
    WorkloadKind,
    WorkloadSpec,
)
from sim.scenario_url import decode, encode
from sim.workload.replay import shares

HEAD = "time,op,file,offset,length\n"
TRACE = (
    HEAD + "100.5,read,/a,0,8192\n100.6,write,b,4095,2\n\n100.7,fsync,b,,\n101.0,write,b,0,40960\n"
)
SCENARIO = Scenario(
    duration_ms=1000,
    memory=MemorySpec(ram_mib=64, kernel_mib=20, swap_mib=0),
    fs=FsSpec(commit_interval_ms=60_000),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(WorkloadSpec(kind=WorkloadKind.REPLAY, trace=1),),
)


def test_calls_are_widened_to_pages_and_counted_from_the_first() -> None:
    replay, problems = read_replay(TRACE)
    assert problems == []
    assert replay == Replay(
        ("/a", "b"),
        (
            Row(0, Operation.READ, 0, 0, 2),
            Row(100_000_000, Operation.WRITE, 1, 0, 2),
            Row(200_000_000, Operation.FSYNC, 1, 0, 0),
            Row(500_000_000, Operation.WRITE, 1, 0, 10),
        ),
    )


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("", "trace", "has no operation"),
        (HEAD, "line 1", "has no operation"),
        ("time,op,file\n", "line 1", "must be time,op,file,offset,length"),
        (HEAD + "0,read,a,0\n", "line 2", "must have 5 fields"),
        (HEAD + "-1,read,a,0,1\n", "line 2", "time is no number"),
        (HEAD + "2,read,a,0,1\n1,read,a,0,1\n", "line 3", "time goes back"),
        (HEAD + "0,read,a,0,1\n3601,read,a,0,1\n", "line 3", "is not within 3600 s"),
        (HEAD + "0,mmap,a,0,1\n", "line 2", "op is none of read, write, fsync"),
        (HEAD + "0,read,,0,1\n", "line 2", "file has no name"),
        (HEAD + "0,read,a,x,1\n", "line 2", "offset is no number of bytes"),
        (HEAD + "0,read,a,0,0\n", "line 2", "read of no bytes"),
        (HEAD + "0,fsync,a,0,5\n", "line 2", "fsync has no length"),
        (HEAD + f"0,write,a,{16 << 30},1\n", "line 2", "all files together"),
    ],
)
def test_what_refuses_a_trace_is_named_with_its_line(text: str, field: str, message: str) -> None:
    (problem,) = read_replay(text)[1]
    assert problem.field == field
    assert message in problem.message


@given(st.text(max_size=300) | st.text("0123456789.,readwfsync\n-", max_size=99).map(HEAD.__add__))
def test_no_text_raises(text: str) -> None:
    replay, problems = read_replay(text)
    assert len(problems) <= MAX_PROBLEMS
    assert problems or replay.rows


def test_files_are_dealt_out_to_the_tasks_of_the_group() -> None:
    replay, _ = read_replay(TRACE)
    one, two = shares(replay, 2)
    assert (one.sizes, one.existing, len(one.rows)) == ((2,), (True,), 1)
    assert (two.sizes, two.existing, len(two.rows)) == ((10,), (False,), 3)
    assert len(shares(replay, 1)[0].rows) == 4
    assert shares(replay, 3)[2].rows == ()


def test_a_stored_trace_is_found_by_its_number_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, problems = replay_of(TRACE.encode(), tmp_path)
    assert problems == []
    assert scenario.duration_ms == 1000
    assert scenario.validate() == []
    (group,) = scenario.workloads
    assert group.trace == number_of(TRACE.encode())
    assert stored_trace(group.trace, tmp_path) == read_replay(TRACE)[0]
    assert decode(encode(scenario)) == (scenario, [])
    monkeypatch.setattr(replay_store, "MAX_KEPT_BYTES", 0)
    store_trace(b"x", tmp_path)
    assert not is_stored(group.trace, tmp_path)
    with pytest.raises(ScenarioError, match=f"needs the upload {group.trace:012x}"):
        stored_trace(group.trace, tmp_path)


def test_a_replay_without_trace_and_a_trace_without_replay_are_refused() -> None:
    for kind, trace in ((WorkloadKind.REPLAY, 0), (WorkloadKind.SEQ_WRITER, 7)):
        wrong = replace(SCENARIO, workloads=(WorkloadSpec(kind=kind, trace=trace),))
        assert [p.field for p in wrong.validate()] == ["workloads.0.trace"]
        read, notes = decode(f"v=1&mix=0&w={kind}.root.u{trace}")
        assert read.validate() == []
        assert [n.field for n in notes] == ["workloads.0.trace"]


@pytest.mark.parametrize("field", ["rate_kib_per_s", "think_us"])
def test_a_replay_has_the_times_of_its_trace(field: str) -> None:
    (group,) = SCENARIO.workloads
    wrong = replace(SCENARIO, workloads=(replace(group, **{field: 1}),))
    assert [p.field for p in wrong.validate()] == [f"workloads.0.{field}"]
    late = Intervention(at_ms=500, what=InterventionKind.RATE, whose="w1", value=64)
    assert [p.field for p in replace(SCENARIO, interventions=(late,)).validate()] == [
        "interventions.0.whose"
    ]


def test_the_command_line_takes_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(replay_store, "trace_folder", lambda: tmp_path)
    path = tmp_path / "trace.csv"
    path.write_text(TRACE)
    scenario, _ = scenario_of(str(path))
    assert is_stored(scenario.workloads[0].trace, tmp_path)
    path.write_text(HEAD + "0,read,a,0,1\n0,trim,a,0,1\n")
    with pytest.raises(InputError, match="line 3 = trim: op is none of"):
        scenario_of(str(path))
    assert main(["run", "?v=1&seed=1&mix=0&w=replay.root.u1"]) == 2
    assert "needs the upload 000000000001" in capsys.readouterr().err


def test_no_call_begins_before_its_time_and_every_page_is_done() -> None:
    replay, _ = read_replay(
        HEAD + "5,read,a,0,65536\n5.3,write,b,0,40960\n5.6,write,b,0,4096\n5.9,read,a,0,4096\n"
    )
    result = run(SCENARIO, trace=lambda _: replay)
    (task,) = [task for task in result.tasks if task["kind"] == "replay"]
    assert (task["ops"], task["finished"]) == (4, True)
    t_ms = result.series["t_ns"] // 1_000_000
    for name, steps in (
        ("app_pages_written", ((200, 0), (400, 10), (700, 11))),
        ("app_pages_read", ((800, 16), (1000, 17))),
    ):
        seen = {ms: int(result.series[name][t_ms == ms][0]) for ms, _ in steps}
        assert seen == dict(steps)


def test_fsync_is_replayed_and_reads_come_from_the_disk() -> None:
    calls = "0,write,b,0,40960\n0.1,fsync,b,,\n0.2,read,a,0,4096\n"
    unsynced = calls.replace("fsync,b,,", "read,a,0,1")
    synced = run(SCENARIO, trace=lambda _: read_replay(HEAD + calls)[0])
    left = run(SCENARIO, trace=lambda _: read_replay(HEAD + unsynced)[0])
    assert synced.counters["sectors_written"] >= 80 > left.counters["sectors_written"] == 0
    assert synced.counters["sectors_read"] >= 8
    assert synced.tasks[3]["kind"] == "replay"


def test_two_tasks_replay_a_late_trace_faster_than_one() -> None:
    calls = "".join(f"0,read,{file},{n << 21},4096\n" for n in range(20) for file in "abcd")
    replay, _ = read_replay(HEAD + calls)
    (group,) = SCENARIO.workloads
    done = []
    for threads in (1, 4):
        groups = (replace(group, threads=threads),)
        scenario = replace(SCENARIO, duration_ms=400, workloads=groups)
        done.append(run(scenario, trace=lambda _: replay).counters["app_pages_read"])
    assert done[0] < done[1]
