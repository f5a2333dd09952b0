"""The whole sets, when they are there: what is read agrees with the summaries made beside them.

The folder is RECLAIM_LAB_RECORDINGS_DIR; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

from sim.result import Result, StallKind
from sim.traces import Recording, catalogue, facts_of, read, scenario_for
from sim.traces.facts import STARTS

FOLDER = os.environ.get("RECLAIM_LAB_RECORDINGS_DIR", "")
RUNS = catalogue(FOLDER) if FOLDER else []
LATER = [run for run in RUNS if run.kernel == "6.1"]
OLD = [run for run in RUNS if run.kernel == "2.6.36"]

pytestmark = pytest.mark.skipif(not RUNS, reason="RECLAIM_LAB_RECORDINGS_DIR has no recordings")

_READ: dict[str, Result] = {}


def result_of(run: Recording) -> Result:
    if run.name not in _READ:
        _READ[run.name] = read(run.path)
    return _READ[run.name]


def summary_of(run: Recording) -> dict:
    path = run.path / "summary.json" if run.path.is_dir() else run.path
    return json.loads(path.read_text())


def ids(run: Recording) -> str:
    return run.name


@pytest.fixture(params=LATER, ids=ids)
def later(request):
    return result_of(request.param), summary_of(request.param)


@pytest.fixture(params=OLD, ids=ids)
def old(request):
    return result_of(request.param), summary_of(request.param)


def ms(ns: float) -> float:
    return ns / 1e6


# ---- 6.1 against summary.json


def test_the_catalogue_has_all_runs():
    assert len(LATER) >= 6
    assert len(OLD) >= 17


def test_nothing_of_a_trace_is_left_over(later):
    run, summary = later
    assert run.meta["problems"] == []
    assert sum(run.meta["events"].values()) == summary["quality"]["trace_lines"]
    flushes = summary["event_counts"].pop("_flush_issue", 0)
    assert run.meta["events"] == summary["event_counts"] | {"block_rq_issue": pytest.approx(
        summary["event_counts"]["block_rq_issue"], abs=flushes
    )}  # fmt: skip
    assert run.meta["unmatched"] == {}


@pytest.mark.parametrize("who", ["direct", "memcg"])
def test_reclaim_calls_agree(later, who):
    run, summary = later
    calls = [v for k, v in summary["reclaim_calls"].items() if k.startswith(f"{who}:")]
    kind = StallKind.DIRECT_RECLAIM if who == "direct" else StallKind.MEMCG_RECLAIM
    stalls = run.stalls[run.stalls["kind"] == kind]
    assert len(stalls) == sum(c["stall_ms"]["n"] for c in calls)
    assert run.counters[f"{who}_reclaims"] == len(stalls)
    assert stalls["nr_reclaimed"].sum() == sum(c["nr_reclaimed"] for c in calls)
    lengths = stalls["t_end_ns"] - stalls["t_begin_ns"]
    total_ms = sum(c["stall_ms"]["sum"] for c in calls)
    assert ms(lengths.sum()) == pytest.approx(total_ms, abs=0.01)
    assert ms(run.counters[f"{who}_stall_ns"]) == pytest.approx(total_ms, abs=0.01)
    if calls:
        assert ms(lengths.max()) == pytest.approx(max(c["stall_ms"]["max"] for c in calls))


@pytest.mark.parametrize("who", ["kswapd", "direct", "memcg"])
def test_pages_scanned_and_reclaimed_agree(later, who):
    run, summary = later
    shrink = summary["shrink_inactive"].get(who, {})
    for ours, theirs in [
        ("pgscan", "nr_scanned"), ("pgsteal", "nr_reclaimed"), ("dirty_met", "nr_dirty"),
        ("writeback_met", "nr_writeback"),
    ]:  # fmt: skip
        assert run.counters[f"{ours}_{who}"] == shrink.get(theirs, 0), ours


def test_lowest_priorities_agree(later):
    run, summary = later
    expected = {}
    for key, calls in summary["lowest_priority_of_call"].items():
        priority = int(re.search(r"prio(\d+)$", key)[1])
        expected[priority] = expected.get(priority, 0) + calls
    stalls = run.stalls[run.stalls["kind"] != StallKind.BALANCE_DIRTY]
    found, counts = np.unique(stalls["priority"], return_counts=True)
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == expected


def test_waits_in_reclaim_throttle_agree(later):
    run, summary = later
    delays = {k: v["delay_ms"] for k, v in summary["reclaim_throttle"].items()}
    waits = sum(run.counters[f"{who}_congestion_waits"] for who in ("kswapd", "direct", "memcg"))
    assert waits == sum(d["n"] for d in delays.values())
    slept = sum(run.counters[f"{who}_congestion_wait_ns"] for who in ("kswapd", "direct", "memcg"))
    assert ms(slept) == sum(d["sum"] for d in delays.values())
    throttled = sum(
        group["throttled"]["calls"]
        for group in summary["reclaim_call_classes"].values() if "throttled" in group
    )  # fmt: skip
    inside = run.stalls[run.stalls["congestion_wait_ns"] > 0]
    assert abs(len(inside) - throttled) <= 1  # a call whose every wait took 0 ms


def test_dirty_pauses_agree(later):
    run, summary = later
    pauses = summary["balance_dirty_pages"]["pause_ms"].values()
    assert run.counters["balance_dirty_pauses"] == sum(p["n"] for p in pauses)
    assert ms(run.counters["balance_dirty_ns"]) == sum(p["sum"] for p in pauses)
    stalls = run.stalls[run.stalls["kind"] == StallKind.BALANCE_DIRTY]
    assert stalls["pause_ns"].sum() == run.counters["balance_dirty_ns"]
    begins, ends = stalls["t_begin_ns"], stalls["t_end_ns"]
    if len(stalls):
        # A pause ends with a tick of 4 ms; once a run the emulated clock catches up on lost ticks.
        assert (stalls["pause_ns"] - (ends - begins) > 4_000_000).sum() <= 1
    assert (begins[1:] >= ends[:-1]).all()  # one writer: its calls do not overlap


def test_kswapd_agrees(later):
    run, summary = later
    kswapd = summary["kswapd"]
    assert run.counters["kswapd_wakeups"] + run.counters["kswapd_rewakeups"] == kswapd["wakes"]
    assert run.counters["kswapd_rewakeups"] == kswapd["rewakes"]
    assert run.counters["wakeup_kswapd"] == sum(kswapd["wakeup_calls"].values())
    awake = kswapd["awake_ms"].get("sum", 0) + kswapd["open_ms"]
    assert ms(run.counters["kswapd_awake_ns"]) == pytest.approx(awake, abs=0.05)


def test_requests_agree(later):
    run, summary = later
    block = summary["block"]
    requests = {k: v["sectors"] for k, v in block["requests"].items()}
    for name, letter in (("written", "W"), ("read", "R")):
        chosen = [v for k, v in requests.items() if letter in k]
        assert run.counters[f"requests_{name}"] == sum(v["n"] for v in chosen)
        assert run.counters[f"sectors_{name}"] == sum(v["sum"] for v in chosen)
    assert run.counters["sectors_written"] * 512 / 1e6 == pytest.approx(
        block["MB_written"], abs=0.01
    )
    latency = run.io["t_done_ns"] - run.io["t_issue_ns"]
    assert ms(latency[run.io["write"] == 1].max()) == pytest.approx(
        block["latency_ms"]["W"]["max"], abs=0.01
    )
    assert run.io["queue_depth"].max() + 1 == block["max_inflight"]
    share = run.counters["sequential_written"] / run.counters["requests_written"]
    assert share == pytest.approx(block["share_sequential_all"], abs=0.003)
    busy = run.counters["disk_busy_ns"] / 1e9 / summary["trace_span_s"]
    assert busy == pytest.approx(block["busy_share"], abs=0.005)


def test_issuers_are_those_that_a_name_tells(later):
    run, summary = later
    by_name = summary["block"]["by_issuer_requests"]
    flusher = sum(n for k, n in by_name.items() if k.startswith("kworker/u"))
    journal = sum(n for k, n in by_name.items() if k.startswith("jbd2"))
    assert (run.io["issuer"] == 3).sum() == flusher
    assert (run.io["issuer"] == 6).sum() == journal


def test_pages_written_by_the_flusher_agree(later):
    run, summary = later
    assert run.counters["written_flusher"] == summary["writeback"]["pages_from_single_inode"]


def test_series_agree_with_vmstat(later):
    run, summary = later
    delta = summary["vmstat_delta"]
    # The series ends up to 0.25 s after the summary's last look.
    assert run.series["pages_dirtied"][-1] == pytest.approx(delta["nr_dirtied"], abs=64)
    for ours, theirs in [("pgscan_kswapd", "pgscan_kswapd"), ("pswpout", "pswpout")]:
        assert run.series[ours][-1] == delta.get(theirs, 0)
    scanned = sum(run.series[f"pgscan_{who}"][-1] for who in ("kswapd", "direct", "memcg"))
    assert scanned == delta["pgscan_file"]
    assert run.series["memcg_reclaims"][-1] == run.counters["memcg_reclaims"]


def test_the_summary_alone_gives_the_same_counters(later):
    run, _ = later
    alone = read(next(r.path for r in LATER if result_of(r) is run) / "summary.json")
    for name, value in alone.counters.items():
        tolerance = 100_000 if name.endswith("_ns") else 0  # the summary rounds to us, ms
        assert run.counters[name] == pytest.approx(value, abs=tolerance), name


# ---- 2.6.36 against results/*.json


def test_a_run_of_2_6_36_is_read_without_problems(old):
    run, summary = old
    assert run.meta["problems"] == []
    assert run.duration_ns / 1e9 == pytest.approx(summary["window_s"], abs=0.1)


def test_the_request_log_agrees(old):
    run, summary = old
    total = summary["disk_w_total"]
    assert run.counters["requests_written"] == total["reqs"]
    assert run.counters["sectors_written"] / 2 == total["KB"]
    share = run.counters["sequential_written"] / total["reqs"]
    assert share == pytest.approx(total["seq_share"], abs=0.0006)
    assert run.counters["disk_busy_ns"] / 1e9 == pytest.approx(summary["disk_busy_s"], abs=0.03)
    assert len(run.io) == summary["disk_log_n"]


def test_writes_by_context_agree(old):
    run, summary = old
    names = {"kswapd": 0, "direct": 1, "memcg": 2, "flusher": 3, "other": 4, "bdp": 5}
    for name, code in names.items():
        expected = summary["disk"].get(f"{name}.w", {"reqs": 0, "KB": 0})
        writes = run.io[(run.io["issuer"] == code) & (run.io["write"] == 1)]
        assert len(writes) == expected["reqs"], name
        assert writes["nr_sectors"].sum() / 2 == expected["KB"], name


def test_the_disk_formula_explains_every_service_time(old):
    run, _ = old
    io = run.io
    gap = io["sector"][1:] - io["sector"][:-1] - io["nr_sectors"][:-1]
    own_ns = io["nr_sectors"][1:].astype(np.int64) * 6400
    extra = (io["t_done_ns"] - io["t_issue_ns"])[1:] - 100_000 - own_ns
    moved = io["positioned"][1:] == 1
    assert abs(extra[~moved] - gap[~moved] * 6400).max() <= 2000
    assert extra[moved].min() >= 797_000
    assert extra[moved].max() <= 800_000 + 7_200_000 + 8_340_000


def test_reclaim_totals_agree(old):
    run, summary = old
    stat = summary["simstat"]
    for who in ("direct", "memcg"):
        assert run.counters[f"{who}_reclaims"] == stat[f"{who}.reclaims"]
        assert run.counters[f"{who}_stall_ns"] == stat[f"{who}.stall_ns"]
        assert sum(run.meta["stall_hist"][who]["counts"]) == stat[f"{who}.reclaims"]
    assert run.counters["pgsteal_memcg"] == stat["memcg.reclaimed"]
    assert run.counters["balance_dirty_ns"] == stat["bdp.ns"]
    assert run.counters["nr_vmscan_write"] == summary["nr_vmscan_write"]


def test_samples_agree_with_vmstat(old):
    run, summary = old
    delta = summary["vmstat_delta"]
    for name in ("pgscan_kswapd", "pgscan_direct", "pgsteal_kswapd", "pgsteal_direct"):
        # The stack tracer runs end up to 50 ms after the last sample.
        assert run.series[name][-1] <= run.counters[name], name
        if not summary["stack_tracer"]:
            assert run.series[name][-1] == pytest.approx(run.counters[name], abs=1000), name
    assert run.counters["allocstall"] == delta.get("allocstall", 0)


@pytest.mark.parametrize("name", [r.name for r in OLD if "_stk" in r.name])
def test_stacks_agree(name):
    recording = next(r for r in OLD if r.name == name)
    run, summary = result_of(recording), summary_of(recording)
    deepest = [int(re.search(r"max (\d+)", s)[1]) for s in summary["stacks"] if "class" in s]
    assert run.counters["stack_bytes_max"] == max(deepest)


@pytest.mark.parametrize("name", [r.name for r in OLD if "_r3" in r.name])
def test_the_vmscan_trace_covers_the_end_of_the_window(name):
    run = result_of(next(r for r in OLD if r.name == name))
    assert run.has("trace")
    assert run.meta["trace_counters"]["direct_reclaims"] == len(run.stalls) > 300
    longest = (run.stalls["t_end_ns"] - run.stalls["t_begin_ns"]).max()
    assert longest <= run.meta["stall_max_ns"]["direct"] + 1_000_000


# ---- restating


@pytest.mark.parametrize("run", RUNS, ids=ids)
def test_the_table_of_starts_is_what_was_recorded(run):
    start = STARTS[run.name]
    recorded = result_of(run)
    assert int(recorded.series["nr_free_pages"][0]) == start.free_pages
    assert recorded.duration_ns / 1e6 == pytest.approx(start.duration_ms, abs=500)
    assert facts_of(run)
    scenario = scenario_for(run)
    assert scenario is not None
    assert scenario.validate() == []
