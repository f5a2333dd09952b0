"""The binary trace: its bytes by hand, and what the field's own tools read from it."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sim.observe import blktrace
from sim.result import Result
from tests.support.results import requests, result
from tests.support.synthetic_result import synthetic_result

LAYOUT = "<IIQQIIIIIHH"
READ, WRITE, SYNC = 1 << 16, 1 << 17, 1 << 19


def _small() -> Result:
    io = requests(
        {"t_queue_ns": 5, "t_issue_ns": 10, "t_done_ns": 30, "sector": 100, "nr_sectors": 8,
         "write": 1, "sync": 1, "task": 0},
        {"t_queue_ns": -1, "t_issue_ns": 30, "t_done_ns": 40, "sector": 108, "nr_sectors": 16,
         "task": -1},
    )  # fmt: skip
    return result(io=io, tasks=[{"name": "kswapd0", "pid": 33}])


def _records(data: bytes) -> list[tuple[tuple[int, ...], bytes]]:
    found, at = [], 0
    while at < len(data):
        record = struct.unpack_from(LAYOUT, data, at)
        at += 48 + record[-1]
        found.append((record, data[at - record[-1] : at]))
    return found


def test_records_are_those_of_the_header_file() -> None:
    name, *events = _records(b"".join(blktrace.chunks(_small())))
    assert name[0][5] == 1 << 26
    assert (name[0][6], name[1].rstrip(b"\0")) == (33, b"kswapd0")
    assert all(record[0] == 0x65617407 for record, _ in events)
    assert [record[1] for record, _ in events] == [1, 2, 3, 4, 5, 6, 7]
    # time, sector, bytes, action, pid
    write = WRITE | SYNC
    assert [record[2:7] for record, _ in events] == [
        (5, 100, 4096, 1 | 1 << 20 | write, 33),  # Q
        (5, 100, 4096, 4 | 1 << 20 | write, 33),  # G
        (5, 100, 4096, 12 | 1 << 20 | write, 33),  # I
        (10, 100, 4096, 7 | 1 << 22 | write, 33),  # D
        (30, 100, 4096, 8 | 1 << 23 | write, 33),  # C, before what begins at that time
        (30, 108, 8192, 7 | 1 << 22 | READ, 0),  # queue time not recorded: no Q, G, I
        (40, 108, 8192, 8 | 1 << 23 | READ, 0),
    ]


def test_a_run_without_requests_is_a_trace_without_events() -> None:
    assert b"".join(blktrace.chunks(result())) == b""


# ---- the tools themselves


@pytest.fixture
def traced(tmp_path: Path) -> tuple[Result, Path]:
    for tool in ("blkparse", "btt", "iowatcher"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt-get install blktrace")
    run = synthetic_result(duration_s=10)
    run.tasks = [task | {"pid": 30 + i} for i, task in enumerate(run.tasks)]
    # Some of its requests begin before the run, and btt tells requests apart by their place.
    io = np.sort(run.io[run.io["t_queue_ns"] >= 0], order="sector")
    apart = np.ones(len(io), bool)
    apart[1:] = io["sector"][1:] >= np.maximum.accumulate(io["sector"] + io["nr_sectors"])[:-1]
    run.io = np.sort(io[apart], order="t_done_ns")
    assert len(run.io) > 500
    with (tmp_path / "t.blktrace.0").open("wb") as out:
        out.writelines(blktrace.chunks(run))
    return run, tmp_path


def _tool(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_blkparse_counts_what_the_log_holds(traced: tuple[Result, Path]) -> None:
    run, folder = traced
    text = _tool(folder, "blkparse", "-i", "t")
    write = run.io["write"] != 0
    for direction, chosen in (("Reads", ~write), ("Writes", write)):
        for event in ("Queued", "Completed"):
            found = re.search(rf"{direction} {event}:\s+([\d,]+),\s+([\d,]+)KiB", text)
            assert found is not None, text[-1500:]
            count, kib = (int(number.replace(",", "")) for number in found.groups())
            assert count == chosen.sum()
            assert kib == run.io["nr_sectors"][chosen].astype(np.int64).sum() // 2
    assert "Skips: 0 forward" in text
    assert "[flush-8:0]" in text


def test_btt_sees_the_same_seeks_and_times(traced: tuple[Result, Path]) -> None:
    run, folder = traced
    _tool(folder, "blkparse", "-i", "t", "-d", "t.bin", "-O")
    text = _tool(folder, "btt", "-i", "t.bin", "-s", "seek")
    io = run.io[np.argsort(run.io["t_issue_ns"], kind="stable")]
    ends = np.concatenate([[0], io["sector"][:-1] + io["nr_sectors"][:-1]])
    seeks = [line.split() for line in (folder / "seek_8,0_d2d_c.dat").read_text().splitlines()]
    # btt: 0 inside or next to the last request, forward from its end, backward from its start
    starts = np.concatenate([[0], io["sector"][:-1]])
    start, end = io["sector"], io["sector"] + io["nr_sectors"]
    inside = ((starts <= start) & (start <= ends)) | ((starts <= end) & (end <= ends))
    distance = np.where(start > ends, start - ends, start - starts)
    assert [int(seek[1]) for seek in seeks] == np.where(inside, 0, distance).tolist()
    assert [seek[2] for seek in seeks] == ["w" if write else "r" for write in io["write"]]
    (d2c,) = [line.split() for line in text.splitlines() if line.startswith("D2C")]
    service = io["t_done_ns"] - io["t_issue_ns"]
    assert float(d2c[2]) == pytest.approx(service.mean() / 1e9, abs=2e-9)
    assert int(d2c[4]) == len(io)


def test_iowatcher_draws_it(traced: tuple[Result, Path]) -> None:
    _, folder = traced
    _tool(folder, "iowatcher", "-t", "t", "-o", "t.svg")
    drawn = (folder / "t.svg").read_text()
    assert drawn.startswith("<svg")
    assert "Device IO" in drawn
    assert "Throughput" in drawn
