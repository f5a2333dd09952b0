"""ftrace text: every character as 2.6.36 and its script expect; totals by the script's rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machine.tracepoints import (
    EV_DIRECT_BEGIN,
    EV_DIRECT_END,
    EV_KSWAPD_SLEEP,
    EV_KSWAPD_WAKE,
    EV_LRU_ISOLATE,
    EV_MEMCG_BEGIN,
    EV_MEMCG_END,
    EV_MEMCG_ISOLATE,
    EV_WAKEUP_KSWAPD,
    EV_WRITEPAGE,
    RECLAIM_WB_ANON,
    RECLAIM_WB_ASYNC,
    RECLAIM_WB_FILE,
    RECLAIM_WB_SYNC,
    TRACEPOINTS,
)
from sim.observe.ftrace import comm, lines, records, summary
from sim.result import Result
from tests.support.results import MS, result, trace

US = 1000
GFP_HIGHUSER_MOVABLE = 0x200DA
TASKS: list[dict[str, Any]] = [
    {"comm": "kswapd0", "pid": 30},
    {"comm": "flush-8:0", "pid": 31},
    {"comm": "seqw", "pid": 100},
    {"comm": "mmap", "pid": 101},
]
FILE_ASYNC = RECLAIM_WB_FILE | RECLAIM_WB_ASYNC
ONE_OF_EACH = trace(
    (1 * MS, EV_WAKEUP_KSWAPD, 2, [0, 1, 0]),
    (2 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
    (3 * MS, EV_DIRECT_BEGIN, 2, [0, 1, GFP_HIGHUSER_MOVABLE]),
    (4 * MS, EV_LRU_ISOLATE, 2, [0, 0, 32, 40, 32, 0, 0, 0]),
    (4 * MS + 750 * US, EV_WRITEPAGE, 2, [4097, FILE_ASYNC]),
    (5 * MS, EV_WRITEPAGE, 0, [9, RECLAIM_WB_ANON | RECLAIM_WB_SYNC]),
    (6 * MS, EV_DIRECT_END, 2, [31]),
    (7 * MS, EV_MEMCG_BEGIN, 3, [0, 0, 0x50]),
    (8 * MS, EV_MEMCG_ISOLATE, 3, [0, 0, 32, 32, 30, 0, 0, 0]),
    (9 * MS, EV_MEMCG_END, 3, [30]),
    (10 * MS, EV_KSWAPD_SLEEP, 0, [0]),
)


def _run(records_: np.ndarray, **meta: Any) -> Result:
    return result(meta=meta, trace=records_, tasks=TASKS)


def _events(run: Result) -> list[str]:
    return [line for line in lines(run) if not line.startswith("#")]


def test_lines_are_those_of_2_6_36() -> None:
    assert _events(_run(ONE_OF_EACH)) == [
        "            seqw-100   [000]     0.001000: mm_vmscan_wakeup_kswapd: nid=0 zid=1 order=0",
        "         kswapd0-30    [000]     0.002000: mm_vmscan_kswapd_wake: nid=0 order=0",
        "            seqw-100   [000]     0.003000: mm_vmscan_direct_reclaim_begin: "
        "order=0 may_writepage=1 gfp_flags=GFP_HIGHUSER_MOVABLE",
        "            seqw-100   [000]     0.004000: mm_vmscan_lru_isolate: isolate_mode=0 order=0 "
        "nr_requested=32 nr_scanned=40 nr_taken=32 contig_taken=0 contig_dirty=0 contig_failed=0",
        "            seqw-100   [000]     0.004750: mm_vmscan_writepage: "
        "page=ffffea0000038038 pfn=4097 flags=RECLAIM_WB_FILE|RECLAIM_WB_ASYNC",
        "         kswapd0-30    [000]     0.005000: mm_vmscan_writepage: "
        "page=ffffea00000001f8 pfn=9 flags=RECLAIM_WB_ANON|RECLAIM_WB_SYNC",
        "            seqw-100   [000]     0.006000: mm_vmscan_direct_reclaim_end: nr_reclaimed=31",
        "            mmap-101   [000]     0.007000: mm_vmscan_memcg_reclaim_begin: "
        "order=0 may_writepage=0 gfp_flags=GFP_NOFS",
        "            mmap-101   [000]     0.008000: mm_vmscan_memcg_isolate: "
        "isolate_mode=0 order=0 nr_requested=32 nr_scanned=32 nr_taken=30 "
        "contig_taken=0 contig_dirty=0 contig_failed=0",
        "            mmap-101   [000]     0.009000: mm_vmscan_memcg_reclaim_end: nr_reclaimed=30",
        "         kswapd0-30    [000]     0.010000: mm_vmscan_kswapd_sleep: nid=0",
    ]


LINE = re.compile(r"\s*([a-zA-Z0-9-]*)\s*(\[[0-9]*\])\s*([0-9]+\.[0-9]{6}):\s*([a-zA-Z_]*):\s*(.*)")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**13),
            st.integers(0, len(TRACEPOINTS) - 1),
            st.integers(0, 5),
            st.lists(st.integers(0, 2**20), min_size=8, max_size=8),
        ),
        max_size=30,
    )
)
def test_no_line_is_lost_on_the_kernels_script(events: list[Any]) -> None:
    run = _run(trace(*events))
    written = _events(run)
    assert len(written) == len(events)
    times = []
    for line in written:
        match = LINE.fullmatch(line)
        assert match, line
        times.append(float(match[3]))
        assert re.fullmatch(r"(\w+=[A-Za-z0-9_|]+ ?)+", match[5]), line
    assert times == sorted(times)


def test_time_does_not_wrap_within_an_hour() -> None:
    (line,) = _events(_run(trace((3_600_000_000_123_456, EV_KSWAPD_SLEEP, 0, [0]))))
    assert "3600000.000123:" in line


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("flush-8:0", "flush-8-0"),
        ("kworker/0:1", "kworker-0-1"),
        ("x" * 20, "x" * 15),
        ("", "task"),
    ],
)
def test_names_are_what_the_script_reads(name: str, written: str) -> None:
    assert comm(name) == written


def test_a_task_without_a_name_still_has_a_line() -> None:
    (line,) = _events(_run(trace((0, EV_KSWAPD_SLEEP, 77, [0]))))
    assert "task77-77" in line


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (0, "GFP_NOWAIT"),
        (0x200DA, "GFP_HIGHUSER_MOVABLE"),
        (0x50, "GFP_NOFS"),
        (0x1250, "GFP_NOFS|GFP_NOWARN|GFP_NORETRY"),
        (0x2000000, "0x2000000"),
    ],
)
def test_gfp_flags_have_the_kernels_names(flags: int, text: str) -> None:
    (line,) = _events(_run(trace((0, EV_DIRECT_BEGIN, 2, [0, 0, flags]))))
    assert line.endswith(f"gfp_flags={text}")


@pytest.mark.parametrize(
    ("patches", "events"),
    [(["p1"], 7), (["p2"], 2), (["p3"], 2), (["p4"], 0), ([], 0), (["p1", "p2", "p3", "p4"], 11)],
)
def test_only_applied_tracepoint_patches_write(patches: list[str], events: int) -> None:
    run = _run(ONE_OF_EACH, scenario={"tracepoints": patches})
    assert len(_events(run)) == events


def test_a_recording_without_a_scenario_writes_all_it_has() -> None:
    assert len(_events(_run(ONE_OF_EACH, scenario={}))) == len(ONE_OF_EACH)


def test_records_are_in_order_of_time() -> None:
    mixed = ONE_OF_EACH[[3, 1, 0, 2]]
    assert records(_run(mixed))["t_ns"].tolist() == sorted(mixed["t_ns"].tolist())


def test_the_header_says_what_ran() -> None:
    head = [line for line in lines(_run(ONE_OF_EACH, digest="abc", seed=7)) if line[0] == "#"]
    assert head[0] == "# tracer: nop"
    assert "# digest: abc" in head
    assert "# seed: 7" in head
    assert not any(LINE.fullmatch(line) for line in head)


# ---- totals


def test_the_summary_counts_by_the_scripts_rules() -> None:
    assert summary(ONE_OF_EACH) == {
        "direct_reclaims": 1,
        "direct_reclaim_pages_scanned_traced": 40,
        "direct_reclaim_write_file_sync": 0,
        "direct_reclaim_write_anon_sync": 0,
        "direct_reclaim_write_file_async": 1,
        "direct_reclaim_write_anon_async": 0,
        "wake_kswapd_requests": 1,
        "direct_reclaim_stall_ms_total": 3.0,
        "kswapd_wakeups": 1,
        "kswapd_rewakeups": 0,
        "kswapd_pages_scanned_traced": 0,
        "kswapd_write_file_sync": 0,
        "kswapd_write_anon_sync": 1,
        "kswapd_write_file_async": 0,
        "kswapd_write_anon_async": 0,
        "kswapd_awake_ms": 8.0,
    }


def test_a_wake_while_awake_is_a_rewakeup() -> None:
    totals = summary(
        trace(
            (1 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
            (2 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
            (5 * MS, EV_KSWAPD_SLEEP, 0, [0]),
            (7 * MS, EV_KSWAPD_WAKE, 0, [0, 0]),
        )
    )
    assert totals["kswapd_wakeups"] == 2
    assert totals["kswapd_rewakeups"] == 1
    assert totals["kswapd_awake_ms"] == 4.0


def test_requests_of_tasks_that_never_reclaimed_are_not_counted() -> None:
    totals = summary(trace((1, EV_WAKEUP_KSWAPD, 2, [0, 0, 0])))
    assert totals["wake_kswapd_requests"] == 0


def test_a_trace_that_begins_inside_a_reclaim_loses_that_tasks_latencies() -> None:
    begin = [0, 1, GFP_HIGHUSER_MOVABLE]
    totals = summary(
        trace(
            (1 * MS, EV_DIRECT_END, 2, [1]),
            (2 * MS, EV_DIRECT_BEGIN, 2, begin),
            (3 * MS, EV_DIRECT_END, 2, [1]),
            (4 * MS, EV_DIRECT_BEGIN, 3, begin),
            (6 * MS, EV_DIRECT_END, 3, [1]),
        )
    )
    assert totals["direct_reclaims"] == 2
    assert totals["direct_reclaim_stall_ms_total"] == 2.0


def _random_trace(n: int) -> np.ndarray:
    """Reclaims, wakes and writes of three tasks in a legal order."""
    rng = np.random.default_rng(n)
    events: list[tuple[int, int, int, list[int]]] = []
    t = 1 * MS
    inside = {2: False, 3: False}
    for _ in range(n):
        t += int(rng.integers(1, 5 * MS))
        task = int(rng.integers(2, 4))
        what = int(rng.integers(0, 5))
        if what == 0:
            begin = [0, 1, GFP_HIGHUSER_MOVABLE]
            event = EV_DIRECT_END if inside[task] else EV_DIRECT_BEGIN
            events.append((t, event, task, [5] if inside[task] else begin))
            inside[task] = not inside[task]
        elif what == 1:
            events.append((t, EV_WAKEUP_KSWAPD, task, [0, 1, 0]))
        elif what == 2:
            events.append((t, EV_KSWAPD_WAKE, 0, [0, 0]))
        elif what == 3:
            who = int(rng.choice([0, task]))
            events.append((t, EV_LRU_ISOLATE, who, [1, 0, 32, int(rng.integers(33)), 5, 0, 0, 0]))
        else:
            kind = int(rng.choice([FILE_ASYNC, RECLAIM_WB_ANON | RECLAIM_WB_ASYNC]))
            events.append((t, EV_WRITEPAGE, int(rng.choice([0, task])), [7, kind]))
    events.append((t + MS, EV_KSWAPD_SLEEP, 0, [0]))
    return trace(*events)


SCRIPT = os.environ.get("RECLAIM_LAB_VMSCAN_SCRIPT", "")
_ROWS = {
    "Direct reclaims": "direct_reclaims",
    "Direct reclaim pages scanned": "direct_reclaim_pages_scanned_traced",
    "Direct reclaim write file async I/O": "direct_reclaim_write_file_async",
    "Direct reclaim write anon async I/O": "direct_reclaim_write_anon_async",
    "Wake kswapd requests": "wake_kswapd_requests",
    "Kswapd wakeups": "kswapd_wakeups",
    "Kswapd pages scanned": "kswapd_pages_scanned_traced",
    "Kswapd reclaim write file async I/O": "kswapd_write_file_async",
    "Kswapd reclaim write anon async I/O": "kswapd_write_anon_async",
}


@pytest.mark.skipif(not SCRIPT, reason="RECLAIM_LAB_VMSCAN_SCRIPT names no 2.6.36 script")
@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl")
@pytest.mark.parametrize("n", [20, 500, 3000])
def test_the_kernels_own_script_counts_the_same(n: int, tmp_path: Path) -> None:
    events = _random_trace(n)
    text = tmp_path / "trace.txt"
    text.write_text("".join(f"{line}\n" for line in lines(_run(events))))
    with text.open() as stdin:
        done = subprocess.run(
            ["perl", SCRIPT], stdin=stdin, capture_output=True, text=True, check=True
        )
    told = dict(re.findall(r"^([A-Z][^:\n]*):\s+([0-9.]*)", done.stdout, re.MULTILINE))
    totals = summary(events)
    assert {row: int(told[row] or 0) for row in _ROWS} == {
        row: totals[name] for row, name in _ROWS.items()
    }
    assert float(told["Time stalled direct reclaim"]) == pytest.approx(
        totals["direct_reclaim_stall_ms_total"] / 1000, abs=0.0051
    )
    assert float(told["Time kswapd awake"]) == pytest.approx(
        totals["kswapd_awake_ms"] / 1000, abs=0.0051
    )
