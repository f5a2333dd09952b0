"""Each format by its committed cut: what is read, and what is said of the rest."""

from __future__ import annotations

import gzip
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from sim.machine.request import Issuer
from sim.machine.tracepoints import TRACEPOINTS
from sim.machine.vmstat import NAMES
from sim.observe.columns import columns
from sim.observe.metrics import metrics
from sim.result import FAMILIES, PRESENT, Result, StallKind
from sim.traces import TraceError, read

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "recorded"
LATER = FIXTURES / "linux-6.1"
OLD = FIXTURES / "linux-2.6.36"
SPMIX = "spmix_ext3_v0_r3DR80_BG60"
STACKS = "mcgmix_ext3_v0_r1_stk"

EVERYTHING = [
    *sorted(LATER.iterdir()),
    *sorted(p for p in FIXTURES.rglob("*") if p.suffix in (".xz", ".json")),
]


@pytest.fixture(params=EVERYTHING, ids=lambda p: p.relative_to(FIXTURES).as_posix())
def any_result(request) -> Result:
    return read(request.param)


def test_every_family_is_present_or_says_why(any_result):
    assert tuple(any_result.families) == FAMILIES
    for family, state in any_result.families.items():
        assert state == PRESENT or state.startswith("not recorded: "), family


def test_counters_have_the_names_of_the_machine(any_result):
    assert set(any_result.counters) <= set(NAMES)
    assert all(type(value) is int and value >= 0 for value in any_result.counters.values())


def test_an_undamaged_cut_has_no_problems(any_result):
    assert any_result.meta["problems"] == []
    assert any_result.meta["source"] == "recorded"


def test_series_have_one_length_and_a_time_that_grows(any_result):
    lengths = {len(values) for values in any_result.series.values()}
    assert len(lengths) <= 1
    if any_result.has("series"):
        assert (np.diff(any_result.series["t_ns"]) > 0).all()


def test_a_recording_survives_saving(any_result):
    again = Result.from_bytes(any_result.to_bytes())
    assert again.digest() == any_result.digest()
    assert again.meta == any_result.meta


def test_metrics_and_columns_take_a_recording(any_result):
    assert any(value is not None for value in metrics(any_result).values())
    assert "t_s" in columns(any_result)


def test_no_event_lies_before_the_start(any_result):
    for array, name in [
        (any_result.io, "t_issue_ns"), (any_result.stalls, "t_begin_ns"),
        (any_result.trace, "t_ns"),
    ]:  # fmt: skip
        assert not len(array) or array[name].min() >= 0


# ---- 6.1


def test_direct_reclaim_of_a_trace_becomes_a_stall_with_what_it_scanned():
    run = read(LATER / "S1.1")
    direct = run.stalls[run.stalls["kind"] == StallKind.DIRECT_RECLAIM]
    assert len(direct) == run.counters["direct_reclaims"] == 1
    assert direct["nr_reclaimed"][0] > 0
    assert direct["nr_scanned"][0] >= direct["nr_reclaimed"][0]
    assert 0 < direct["priority"][0] <= 12
    assert run.counters["direct_stall_ns"] == direct["t_end_ns"][0] - direct["t_begin_ns"][0]


def test_pages_scanned_by_a_call_are_those_of_its_shrink_events():
    run = read(LATER / "S4.1")
    memcg = run.stalls[run.stalls["kind"] == StallKind.MEMCG_RECLAIM]
    assert run.counters["pgscan_memcg"] == run.series["pgscan_memcg"][-1] > 0
    assert 0 < memcg["nr_scanned"].sum() <= run.counters["pgscan_memcg"]


def test_a_wait_in_reclaim_throttle_lies_inside_its_stall():
    run = read(LATER / "S4.1")
    waited = run.stalls[run.stalls["congestion_wait_ns"] > 0]
    assert waited["congestion_wait_ns"].tolist() == [228_000_000, 4_000_000]
    assert (waited["t_end_ns"] - waited["t_begin_ns"] > waited["congestion_wait_ns"]).all()
    assert run.counters["memcg_congestion_waits"] == 4
    assert run.counters["memcg_congestion_wait_ns"] == 232_000_000


def test_a_stall_in_balance_dirty_pages_has_the_sum_of_its_pauses():
    run = read(LATER / "S1.1")
    stalls = run.stalls[run.stalls["kind"] == StallKind.BALANCE_DIRTY]
    assert stalls["pause_ns"].sum() == run.counters["balance_dirty_ns"] > 0
    tick_ns = 4_000_000
    lengths = stalls["t_end_ns"] - stalls["t_begin_ns"]
    assert (lengths >= stalls["pause_ns"] - tick_ns).all()
    assert len(stalls) <= run.counters["balance_dirty_pauses"]


def test_kswapd_is_awake_from_its_first_wake_to_its_sleep():
    run = read(LATER / "S1.1")
    assert run.counters["kswapd_wakeups"] == 1
    assert run.counters["kswapd_rewakeups"] == 1
    assert 0 < run.counters["kswapd_awake_ns"] < run.duration_ns


def test_marks_name_the_tasks_of_a_trace():
    tasks = read(LATER / "S4.1").tasks
    kinds = {task["kind"] for task in tasks}
    assert {"seqw", "kernel"} <= kinds
    assert [t["memcg"] for t in tasks if t["kind"] == "seqw"] == ["w"]


def test_trace_rows_name_events_of_the_catalogue():
    run = read(LATER / "S4.1")
    names = {TRACEPOINTS[event].name for event in run.trace["event"].tolist()}
    assert names == {
        "mm_vmscan_memcg_reclaim_begin", "mm_vmscan_memcg_reclaim_end", "mm_vmscan_memcg_isolate",
    }  # fmt: skip
    assert run.meta["events"]["mm_vmscan_lru_shrink_inactive"] == 118


def test_the_memcg_of_version_2_has_usage_limit_and_dirty_pages():
    run = read(LATER / "S5X.1")
    assert run.meta["memcgs"] == ["root", "w"]
    assert (run.series["memcg.w.limit"] == 16_384).all()
    assert (run.series["memcg.w.usage"] <= 16_384).all()
    assert run.series["memcg.w.nr_dirty"].max() > 0
    assert "psi.memory.full_us" in run.series


def test_counters_of_a_series_begin_at_zero_and_gauges_do_not():
    series = read(LATER / "S1.1" / "series.csv.xz").series
    assert series["pgscan_kswapd"][0] == series["sectors_written"][0] == 0
    assert series["nr_free_pages"][0] > 0
    assert series["t_ns"][0] == 0


def test_a_bare_trace_counts_its_series_from_events():
    run = read(LATER / "S4.1" / "trace.txt.xz")
    assert run.series["memcg_reclaims"][-1] == run.counters["memcg_reclaims"]
    assert run.series["nr_file_dirty"][-1] > 0
    assert run.meta["memcgs"] == ["root", "memcg"]


def test_requests_go_from_issue_to_completion():
    run = read(LATER / "S5X.1")
    assert len(run.io) == 12
    assert (run.io["t_done_ns"] > run.io["t_issue_ns"]).all()
    assert set(run.io["issuer"].tolist()) == {Issuer.FLUSHER}
    assert (run.io["positioned"] == -1).all()


def test_a_folder_without_series_says_so(tmp_path):
    shutil.copy(LATER / "S4.1" / "trace.txt.xz", tmp_path)
    run = read(tmp_path)
    assert run.families["series"] == "not recorded: no series.csv that can be used"
    assert run.has("stalls")


def test_a_damaged_trace_does_not_take_the_series_with_it(tmp_path):
    shutil.copy(LATER / "S4.1" / "series.csv.xz", tmp_path)
    (tmp_path / "trace.txt").write_bytes(b"\x00\x01\x02 no trace\n" * 10)
    run = read(tmp_path)
    assert run.has("series")
    assert run.families["stalls"] == "not recorded: no trace.txt that can be used"
    assert run.meta["problems"][0].startswith("trace.txt:1: not a line of an ftrace text")


# ---- 2.6.36


def test_a_run_is_found_by_its_results_file_and_by_its_name():
    by_file = read(OLD / "results" / f"{SPMIX}.json")
    by_name = read(OLD / SPMIX)
    assert by_file.digest() == by_name.digest()
    for family in ("series", "io", "trace", "counters", "tasks"):
        assert by_file.has(family), family


def test_counters_of_a_run_are_those_of_its_summary():
    counters = read(OLD / SPMIX).counters
    assert counters["direct_reclaims"] == 632
    assert counters["direct_stall_ns"] == 22_199_909_289
    assert counters["pgscan_direct"] == 3373 + 47_827
    assert counters["written_kswapd"] == 2465 + 4
    assert counters["queue_congested_keep"] == 1189
    assert counters["nr_vmscan_write"] == 4422


def test_stalls_known_as_histograms_only_are_kept_as_such():
    run = read(OLD / SPMIX)
    assert run.families["stalls"].startswith("not recorded: only histograms and totals")
    hist = run.meta["stall_hist"]["direct"]
    assert sum(hist["counts"]) == 632
    assert hist["edges_ns"][:2] == [1024, 2048]
    assert hist["counts"][6] == 260  # up to 65 us


def test_the_vmscan_trace_of_2_6_36_gives_the_stalls_it_covers():
    trace = read(OLD / "traces" / f"{SPMIX}.vmscan_trace.txt.xz")
    assert len(trace.stalls) == trace.counters["direct_reclaims"] > 0
    assert (trace.stalls["nr_scanned"] == -1).all()
    assert (trace.stalls["nr_reclaimed"] > 0).all()
    begin = trace.trace[trace.trace["event"] == 3]
    assert set(begin["a"][:, 1].tolist()) == {1}  # may_writepage


def test_stack_tracer_runs_give_the_deepest_stack_of_each_context():
    counters = read(OLD / STACKS).counters
    assert counters["stack_bytes_max"] == counters["stack_bytes_max_memcg"] == 5920
    assert counters["stack_bytes_max_flusher"] == 3288
    assert "stack_bytes_max_direct" not in counters


def test_a_run_without_a_request_log_says_so():
    run = read(OLD / STACKS)
    assert run.families["io"] == "not recorded: no blklog file that can be used"
    assert run.meta["memcgs"] == ["root", "g1"]
    assert (run.series["memcg.g1.limit"] == 16_384).all()
    assert run.series["memcg.g1.usage"].max() <= 16_384


def test_a_contiguous_request_costs_its_transfer_and_nothing_for_the_head():
    io = read(OLD / "traces" / f"{SPMIX}.blklog.csv.xz").io
    gap = io["sector"][1:] - io["sector"][:-1] - io["nr_sectors"][:-1]
    transfer_ns = (io["nr_sectors"][1:] + np.maximum(gap, 0)) * 512 * 1000 // 80
    positioning = io["t_done_ns"][1:] - io["t_issue_ns"][1:] - 100_000 - transfer_ns
    stayed = io["positioned"][1:] == 0
    assert stayed.sum() > 50
    assert abs(positioning[stayed]).max() <= 2000  # the log has whole us
    own_ns = io["nr_sectors"][1:].astype(np.int64) * 512 * 1000 // 80
    moved = (io["t_done_ns"] - io["t_issue_ns"])[1:] - 100_000 - own_ns
    assert moved[~stayed].min() >= 799_000


# ---- files as such


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress, bytes])
def test_compression_is_told_by_content(tmp_path, pack):
    plain = lzma.decompress((OLD / "traces" / f"{SPMIX}.samp.txt.xz").read_bytes())
    path = tmp_path / "upload"
    path.write_bytes(pack(plain))
    assert len(read(path).series["t_ns"]) == len(plain.splitlines()) - 1


def test_a_cut_file_keeps_what_came_before_and_says_so(tmp_path):
    whole = (LATER / "S4.1" / "trace.txt.xz").read_bytes()
    plain = lzma.decompress(whole)
    stream = lzma.compress(plain * 20)
    path = tmp_path / "trace.txt.xz"
    path.write_bytes(stream[: len(stream) * 2 // 3])
    run = read(path)
    assert len(run.trace) > 0
    assert "end early or are damaged" in run.meta["problems"][-1]


def test_a_limit_keeps_what_came_before_and_says_so():
    run = read(LATER / "S4.1" / "trace.txt.xz", max_bytes=20_000)
    assert 0 < len(run.trace) < 200
    assert "larger than 20000 bytes" in run.meta["problems"][-1]


def test_a_bad_line_is_left_out_and_named_with_its_number(tmp_path):
    lines = lzma.decompress((OLD / "traces" / f"{SPMIX}.samp.txt.xz").read_bytes()).splitlines()
    lines[3] = lines[3].replace(b" ", b" x", 1)
    path = tmp_path / "samp.txt"
    path.write_bytes(b"\n".join(lines))
    run = read(path)
    assert len(run.series["t_ns"]) == len(lines) - 2
    assert run.meta["problems"][0].startswith("samp.txt:4: 'x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x7fELF\x00\x01\x02" * 100, "not a line of an ftrace text"),
        (b"x" * 200_000, "longer than 65536 bytes"),
        (b"hello\nworld\n", "not a line of an ftrace text"),
        (b'{"a": 1}', "JSON of neither set"),
        (b'{"simstat": {}}', "no results of a 2.6.36 run"),
        (b'{"reclaim_calls": {}}', "no summary of a 6.1 run"),
        (b'{"a": ', "no JSON"),
        (b"[" * 100_000, "longer than 65536 bytes"),
        (b"t_us,sector,nsect\n1,2,3\n", "no column write"),
        (b"t_us,nr_free_pages\n", "holds no row of numbers"),
        (b"t_us,nr_free_pages,nr_free_pages\n1,2,3\n", "two columns have one name"),
        (b"t_us,nr_free_pages\n1,2,3\n", "3 columns, the header has 2"),
        (b"\xfd7zXZ\x00\x00\x04broken", "damaged"),
        (b"\x1f\x8bbroken", "damaged"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "upload.txt"
    path.write_bytes(content)
    with pytest.raises(TraceError, match="upload") as refused:
        read(path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(TraceError, match="No such file"):
        read(tmp_path / "nothing")
    with pytest.raises(TraceError, match=r"holds neither trace\.txt nor series\.csv"):
        read(tmp_path)


def test_an_error_carries_path_line_and_message(tmp_path):
    path = tmp_path / "series.csv"
    path.write_bytes(b"t_us,nr_free_pages\n5,x\n")
    with pytest.raises(TraceError) as refused:
        read(path)
    assert refused.value.path == path
    assert refused.value.line == 2
    assert refused.value.message == "'x' is no number"
