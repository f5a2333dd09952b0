"""Chrome trace JSON: structure, units and that nothing of the run is lost."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from sim.machine.tracepoints import EV_KSWAPD_SLEEP, EV_KSWAPD_WAKE
from sim.observe import perfetto
from sim.result import Result, SleepCause, StallKind
from tests.support.results import MS, requests, result, sleeps, stalls, trace
from tests.support.synthetic_result import synthetic_result


def _run() -> Result:
    run = synthetic_result(duration_s=10)
    run.io = run.io[run.io["t_queue_ns"] >= 0]  # some of its requests begin before the run
    return run


def _read(run: Result) -> list[dict[str, Any]]:
    data = json.loads(b"".join(perfetto.chunks(run)))
    events: list[dict[str, Any]] = data["traceEvents"]
    return events


def _tracks(events: list[dict[str, Any]]) -> dict[tuple[int, int], str]:
    return {
        (e["pid"], e["tid"]): e["args"]["name"]
        for e in events
        if e["ph"] == "M" and e["name"] == "thread_name"
    }


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return _read(_run())


def test_names_come_first_and_times_never_go_back(events: list[dict[str, Any]]) -> None:
    phases = [e["ph"] for e in events]
    assert phases.index("M") == 0
    assert "M" not in phases[phases.count("M") :]
    times = [e["ts"] for e in events if e["ph"] != "M"]
    assert times == sorted(times)
    assert min(times) >= 0
    assert max(times) <= 10_000_000


def test_every_track_has_a_name_and_every_span_a_length(events: list[dict[str, Any]]) -> None:
    tracks = _tracks(events)
    for event in events:
        if event["ph"] == "X":
            assert (event["pid"], event["tid"]) in tracks
            assert event["dur"] >= 0


def test_spans_of_one_track_do_not_overlap(events: list[dict[str, Any]]) -> None:
    last: dict[tuple[int, int], float] = {}
    for event in events:
        if event["ph"] == "X":
            track = (event["pid"], event["tid"])
            assert event["ts"] >= last.get(track, 0) - 1e-3
            last[track] = event["ts"] + event["dur"]


def test_requests_come_in_pairs(events: list[dict[str, Any]]) -> None:
    run = _run()
    begins = {e["id"]: e for e in events if e["ph"] == "b"}
    ends = {e["id"]: e for e in events if e["ph"] == "e"}
    assert begins.keys() == ends.keys() == set(range(len(run.io)))
    for number, begin in begins.items():
        assert begin["ts"] < ends[number]["ts"]
        assert (begin["name"], begin["cat"]) == (ends[number]["name"], ends[number]["cat"])
    kinds = Counter(e["ph"] for e in events)
    assert kinds["X"] == len(run.stalls) + len(run.sleeps)
    assert kinds["C"] == 5 * len(run.series["t_ns"])


def test_times_are_microseconds() -> None:
    run = result(
        20,
        tasks=[{"name": "kswapd0"}, {"comm": "writer-0"}],
        stalls=stalls(
            {"t_begin_ns": 1_500, "t_end_ns": 2 * MS, "task": 1, "kind": StallKind.MEMCG_RECLAIM,
             "nr_scanned": 64},
        ),
        sleeps=sleeps(
            {"t_begin_ns": MS, "t_end_ns": 2 * MS, "task": 1, "cause": SleepCause.GET_REQUEST},
        ),
        io=requests({"t_queue_ns": 0, "t_issue_ns": MS, "t_done_ns": 9 * MS, "write": 1}),
        trace=trace(
            (3 * MS, EV_KSWAPD_WAKE, 0, [0, 0]), (4 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
            (5 * MS, EV_KSWAPD_SLEEP, 0, [0]), (19 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
        ),
    )  # fmt: skip
    found = _read(run)
    tracks = _tracks(found)
    spans = {
        (tracks[e["pid"], e["tid"]], e["name"], e["ts"], e["dur"]) for e in found if e["ph"] == "X"
    }
    assert spans == {
        ("Memcg Reclaim: writer-0", "Memcg Reclaim", 1.5, 1998.5),
        ("writer-0", "get_request", 1000, 1000),
        ("kswapd0", "awake", 3000, 2000),
        ("kswapd0", "awake", 19_000, 1000),
    }
    (begin,) = [e for e in found if e["ph"] == "b"]
    assert (begin["ts"], begin["args"]["queued_ns"]) == (1000, MS)


def test_an_empty_run_is_still_a_trace() -> None:
    assert {e["ph"] for e in _read(result())} == {"M"}
