"""Forms of ftrace text that the recorded sets do not have, but tracers write."""

from __future__ import annotations

from sim.machine.request import Issuer
from sim.machine.tracepoints import TRACEPOINTS
from sim.result import SleepCause, StallKind
from sim.traces import read
from sim.traces.gfp import gfp_bits

OLD = b"           wl-52    [000]    11.0%05d: %s\n"
NEW = b"           wl-52    [001] d..1.    11.0%05d: %s\n"
TGID = b"           wl-52      (     52) [001] .....    11.0%05d: %s\n"


def trace(tmp_path, form, *events):
    path = tmp_path / "trace.txt"
    lines = [form % (100 * i, event) for i, event in enumerate(events)]
    path.write_bytes(b"# tracer: nop\n#\n" + b"".join(lines))
    return read(path)


BEGIN = b"mm_vmscan_direct_reclaim_begin: order=2 may_writepage=1 gfp_flags=GFP_NOFS|GFP_NOWARN"
LATER_BEGIN = b"mm_vmscan_direct_reclaim_begin: order=2 gfp_flags=GFP_NOFS|__GFP_NOWARN"
END = b"mm_vmscan_direct_reclaim_end: nr_reclaimed=46"


def test_the_column_of_irq_flags_may_be_there_or_not(tmp_path):
    for form, begin, may_writepage in [(OLD, BEGIN, 1), (NEW, LATER_BEGIN, -1), (TGID, BEGIN, 1)]:
        run = trace(tmp_path, form, begin, END)
        assert run.stalls["t_end_ns"].tolist() == [100_000]
        assert run.stalls["order"].tolist() == [2]
        assert run.trace["a"][0, :3].tolist() == [2, may_writepage, 0x250]
        assert run.trace["cpu"][0] == (0 if form is OLD else 1)
        assert run.tasks[0]["pid"] == 52


def test_gfp_names_become_the_bits_of_2_6_35():
    assert gfp_bits(b"GFP_HIGHUSER_MOVABLE") == 0x200DA
    assert gfp_bits(b"GFP_NOWAIT") == gfp_bits(b"none") == 0
    assert gfp_bits(b"GFP_KERNEL|__GFP_WRITE") == 0xD0
    assert gfp_bits(b"0x50") == 0x50


def test_writepage_of_2_6_36_and_write_folio_are_one_event(tmp_path):
    flags = b"RECLAIM_WB_FILE|RECLAIM_WB_ASYNC"
    old = trace(
        tmp_path, OLD, BEGIN, b"mm_vmscan_writepage: page=ffffea00 pfn=4711 flags=" + flags, END
    )
    new = trace(
        tmp_path, NEW, LATER_BEGIN, b"mm_vmscan_write_folio: page=00 pfn=0x1267 flags=" + flags, END
    )
    for run in (old, new):
        row = run.trace[1]
        assert TRACEPOINTS[row["event"]].name == "mm_vmscan_writepage"
        assert row["a"][:2].tolist() == [4711, 2 | 8]
        assert run.counters["direct_write_file_async"] == run.counters["written_direct"] == 1
        assert run.stalls["nr_written"].tolist() == [1]


def test_isolation_of_2_6_36_has_its_lumpy_fields(tmp_path):
    isolate = (
        b"mm_vmscan_lru_isolate: isolate_mode=1 order=3 nr_requested=32 nr_scanned=33"
        b" nr_taken=31 contig_taken=4 contig_dirty=2 contig_failed=1"
    )
    run = trace(tmp_path, OLD, BEGIN, isolate, END)
    assert run.trace["a"][1].tolist() == [1, 3, 32, 33, 31, 4, 2, 1]
    assert run.counters["isolated_direct"] == 33


def test_an_event_that_was_off_leaves_unknown_and_no_zero(tmp_path):
    run = trace(tmp_path, OLD, BEGIN, END)
    for field in ("nr_scanned", "nr_dirty", "nr_written", "congestion_wait_ns", "priority"):
        assert run.stalls[field].tolist() == [-1], field
    assert "pgscan_direct" not in run.counters
    assert "kswapd_wakeups" not in run.counters
    assert run.families["io"] == "not recorded: no request of a disk in the trace"


def test_a_wait_for_isolated_pages_is_a_sleep_of_its_own_cause(tmp_path):
    waited = (
        b"mm_vmscan_throttled: nid=0 usec_timeout=20000 usect_delayed=50"
        b" reason=VMSCAN_THROTTLE_ISOLATED"
    )
    run = trace(tmp_path, NEW, LATER_BEGIN, waited, END)
    assert run.sleeps["cause"].tolist() == [SleepCause.TOO_MANY_ISOLATED]
    assert (run.sleeps["t_end_ns"] - run.sleeps["t_begin_ns"]).tolist() == [50_000]


def test_pauses_of_one_call_are_one_stall_and_a_new_call_another(tmp_path):
    pause = (
        b"balance_dirty_pages: bdi 254:0: limit=9 setpoint=8 dirty=7 bdi_setpoint=0 bdi_dirty=6"
        b" dirty_ratelimit=5 task_ratelimit=4 dirtied=3 dirtied_pause=2 paused=%d pause=%d"
        b" period=9 think=0 cgroup_ino=1"
    )
    # Lines are 0.1 ms apart here; what tells calls apart is the clock in ``paused``.
    run = trace(tmp_path, NEW, pause % (0, 20), pause % (24, 12), pause % (0, 8), pause % (0, -4))
    assert run.stalls["kind"].tolist() == [StallKind.BALANCE_DIRTY] * 2
    assert run.stalls["pause_ns"].tolist() == [32_000_000, 8_000_000]
    assert run.counters["balance_dirty_pauses"] == 3


def test_reclaim_whose_end_is_not_in_the_trace_is_counted_not_kept(tmp_path):
    run = trace(tmp_path, OLD, END, BEGIN, END, BEGIN)
    assert len(run.stalls) == 1
    assert run.meta["unmatched"] == {
        "end of a reclaim that began before the trace": 1,
        "reclaim still running at the end": 1,
    }


def test_a_request_in_reclaim_is_issued_by_reclaim(tmp_path):
    run = trace(
        tmp_path, NEW, LATER_BEGIN,
        b"block_rq_insert: 8,0 W 4096 () 64 + 8 [wl]",
        b"block_rq_issue: 8,0 W 4096 () 64 + 8 [wl]",
        b"block_rq_complete: 8,0 W () 64 + 8 [0]",
        END,
        b"block_rq_issue: 8,0 RA 8192 () 128 + 16 [wl]",
        b"block_rq_issue: 8,0 FF 0 () 0 + 0 [wl]",
        b"block_rq_complete: 8,0 RA () 128 + 16 [0]",
        b"block_rq_complete: 8,0 FF () 18446744073709551615 + 0 [0]",
    )  # fmt: skip
    assert run.io["issuer"].tolist() == [Issuer.DIRECT, Issuer.OTHER]
    assert run.io["write"].tolist() == [1, 0]
    assert run.io["t_queue_ns"].tolist() == [100_000, -1]
    assert run.io["nr_sectors"].tolist() == [8, 16]
    assert run.counters["requests_read"] == run.counters["requests_written"] == 1


def test_lost_events_are_counted(tmp_path):
    path = tmp_path / "trace.txt"
    lines = [OLD % (0, BEGIN), b"CPU:1 [LOST 1234 EVENTS]\n", OLD % (500, END)]
    path.write_bytes(b"".join(lines))
    run = read(path)
    assert run.meta["lost_events"] == 1234
    assert run.meta["problems"] == []


def test_a_line_whose_time_jumps_is_left_out(tmp_path):
    path = tmp_path / "trace.txt"
    lines = [OLD % (0, BEGIN), OLD % (100, END), b"  wl-52  [000]  99999.000000: x: y=1\n"]
    path.write_bytes(b"".join(lines))
    run = read(path)
    assert run.duration_ns == 100_000
    assert run.meta["problems"] == ["trace.txt:3: the time jumps by 99988 s"]
