"""The order in which noop, deadline and CFQ hand requests to the disk."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest

from sim.block.disk import DISKS
from tests.support.block import make_block

MS = 1_000_000
TICK = 4 * MS
HZ = 250


def sectors(block):
    return [int(s) for s in block.log()["sector"]]


def runs(values):
    """Lengths of equal neighbours: [(value, length)]."""
    return [(value, len(list(group))) for value, group in groupby(values)]


def queue_up(block, places, t=0, **kind):
    """Queue requests that the disk does not begin before ``unplug``."""
    block.q.unplug_thresh = 1 << 30
    for sector in places:
        block.submit(t, sector, **kind)


def test_noop_serves_in_order_of_arrival():
    block = make_block(elevator="noop")
    places = [5000, 100, 9000, 300, 7000]
    queue_up(block, places)
    block.unplug()
    block.run()
    assert sectors(block) == places


@pytest.mark.parametrize("elevator", ["deadline", "cfq"])
def test_requests_are_served_in_one_sweep(elevator):
    block = make_block(elevator=elevator)
    places = [1000 * i for i in (7, 3, 9, 1, 5, 8, 2, 6, 4)]
    queue_up(block, places)
    block.unplug()
    block.run()
    if elevator == "cfq":
        assert sectors(block) == sorted(places)
    else:
        # A batch begins with the oldest request; the next one, with what was left behind it.
        assert sectors(block) == [7000, 8000, 9000, 3000, 4000, 5000, 6000, 1000, 2000]


def test_deadline_serves_two_batches_of_reads_and_then_one_of_writes():
    block = make_block(elevator="deadline", nr_requests=256)
    queue_up(block, [1000 * i for i in range(64)], write=True)
    queue_up(block, [1_000_000 + 1000 * i for i in range(64)], write=False)
    block.unplug()
    block.run()
    kinds = ["w" if write else "r" for write in block.log()["write"]]
    assert runs(kinds) == [("r", 32), ("w", 16), ("r", 32), ("w", 48)]


def test_deadline_turns_back_for_a_read_that_is_500_ms_old():
    block = make_block(elevator="deadline")
    queue_up(block, [4_000_000, 4_000_500, 4_000_900], write=False)
    block.unplug()
    block.submit(1, 0, write=False)
    # A reader that is always ahead of the head keeps the sweep going upward.
    for i in range(300):
        block.submit(0, 4_001_000 + 1000 * i, write=False)
        block.submit(0, 4_001_000 + 1000 * i + 500, write=False)
        block.step()
        block.step()
    block.run()
    log = block.log()
    old = log[log["task"] == 1][0]
    waited = int(old["t_issue_ns"] - old["t_queue_ns"])
    longest = int((log["t_done_ns"] - log["t_issue_ns"]).max())
    assert 500 * MS - TICK <= waited <= 500 * MS + 17 * longest


def test_cfq_reads_of_metadata_go_first_and_writes_of_it_do_not():
    for write, expected in ((False, [9000, 5000, 1000]), (True, [1000, 5000, 9000])):
        block = make_block()
        queue_up(block, [5000, 1000], write=write)
        queue_up(block, [9000], write=write, meta=True)
        block.unplug()
        block.run()
        assert sectors(block) == expected


def test_cfq_goes_back_by_at_most_16_mb_and_only_when_that_is_twice_nearer():
    back_max = 16 * 1024 * 2
    for behind, ahead, first in (
        (1000, 1990, "behind is farther: ahead"),
        (1000, 2100, "behind"),
        (back_max + 8, 4 * back_max, "ahead"),
        (back_max - 8, 3 * back_max, "behind"),
    ):
        head = 1_000_000
        block = make_block()
        queue_up(block, [head - 8])
        block.unplug()
        queue_up(block, [head + ahead, head - behind])
        block.run()
        served = sectors(block)[1]
        assert served == (head - behind if first == "behind" else head + ahead)


def test_cfq_serves_an_async_request_250_ms_old_first_in_its_next_turn():
    block = make_block()
    queue_up(block, [0])
    block.unplug()
    block.run()
    queue_up(block, [5_000_000, 1_000_000])
    deadline = int(block.arrays["request"]["deadline_ns"].max())
    assert deadline == (block.now_ns // TICK + HZ // 4) * TICK


def reader(block, t, first, n, think_ns=100_000, step=8, pages=1):
    """Task t's sync reads, each submitted ``think_ns`` after the last one ended."""
    sector = first
    due = [block.now_ns]

    def go(now_ns):
        nonlocal sector, n
        if n == 0 or now_ns < due[0]:
            return False
        n -= 1
        block.submit(t, sector, 8 * pages, write=False)
        block.unplug()
        sector += step
        due[0] = 1 << 61
        return True

    def ended(now_ns):
        due[0] = now_ns + think_ns

    return go, ended, lambda: due[0] if n else 1 << 61


def play(block, readers, until_ns):
    """Let readers and the disk take turns by time; readers by task number."""
    seen = len(block.log())
    while block.now_ns < until_ns:
        due = min((nxt() for _, _, nxt in readers.values()), default=1 << 61)
        if min(due, block.next_event_ns) >= 1 << 61:
            return
        if due <= block.next_event_ns:
            block.arrays["clock"][0] = max(block.now_ns, due)
            for go, _, _ in readers.values():
                go(block.now_ns)
        else:
            block.step()
        for row in block.log()[seen:]:
            if int(row["task"]) in readers and not row["write"]:
                readers[int(row["task"])][1](block.now_ns)
        seen = len(block.log())


def flood(block, n=100):
    """Async writes all over the disk."""
    for i in range(n):
        block.submit(7, (i * 7_919_000) % 7_000_000 // 8 * 8)


def test_cfq_keeps_the_disk_for_a_near_reader_through_its_slice():
    block = make_block()
    flood(block)
    readers = {0: reader(block, 0, 3_000_000, 1000)}
    play(block, readers, 1_000 * MS)
    lengths = [n for kind, n in runs(block.log()["write"].tolist()) if kind == 0]
    assert np.mean(lengths[:-1]) > 50


def test_deadline_does_not_wait_for_a_near_reader():
    block = make_block(elevator="deadline")
    flood(block)
    readers = {0: reader(block, 0, 3_000_000, 1000)}
    play(block, readers, 1_000 * MS)
    lengths = [n for kind, n in runs(block.log()["write"].tolist()) if kind == 0]
    assert max(lengths[:-1]) <= 2


def test_cfq_idles_two_ticks_for_a_reader_that_has_stopped():
    block = make_block()
    block.submit(0, 3_000_000, write=False)
    block.unplug()
    flood(block, 10)
    block.run()
    log = block.log()
    gap = int(log["t_issue_ns"][1] - log["t_done_ns"][0])
    assert TICK < gap <= 2 * TICK


def test_cfq_stops_idling_for_a_reader_that_seeks():
    block = make_block()
    flood(block)
    readers = {0: reader(block, 0, 1_000_000, 12, step=300_000)}
    play(block, readers, 3_000 * MS)
    assert block.arrays["elevator"]["idle_window"][1] == 0
    near = make_block()
    play(near, {0: reader(near, 0, 1_000_000, 12)}, 3_000 * MS)
    assert near.arrays["elevator"]["idle_window"][1] == 1


def test_cfq_stops_idling_for_a_reader_that_thinks_longer():
    block = make_block()
    play(block, {0: reader(block, 0, 1_000_000, 20, think_ns=30 * MS)}, 3_000 * MS)
    assert block.arrays["elevator"]["idle_window"][1] == 0


def test_cfq_gives_two_near_readers_slices_of_100_ms():
    block = make_block()
    readers = {t: reader(block, t, 1_000_000 * (1 + 5 * t), 100_000, pages=32, step=256)
               for t in (0, 1)}  # fmt: skip
    play(block, readers, 2_000 * MS)
    log = block.log()
    turns = []
    begin = 0
    for _, n in runs(log["task"].tolist()):
        turns.append(int(log["t_done_ns"][begin + n - 1] - log["t_issue_ns"][begin]))
        begin += n
    assert 95 * MS <= np.median(turns) <= 115 * MS


@pytest.mark.parametrize(
    ("cross_preempt", "least_ns", "most_ns"), [(False, 50 * MS, 160 * MS), (True, 0, 0)]
)
def test_a_read_waits_for_the_end_of_asyncs_turn_until_2_6_38(cross_preempt, least_ns, most_ns):
    """Async's share alone is 300 ms * 40 / 100; its queue's own slice may still run then."""
    block = make_block(cross_preempt=cross_preempt)
    flood(block)
    while block.q.workload_expires_ns - block.now_ns < 50 * MS:
        assert block.step()
    block.submit(0, 3_000_000, write=False)
    block.unplug()
    submitted = block.now_ns
    while not np.any(block.log()["task"] == 0):
        block.step()
    row = block.log()[block.log()["task"] == 0][0]
    waited = int(row["t_issue_ns"]) - submitted
    longest = int((block.log()["t_done_ns"] - block.log()["t_issue_ns"]).max())
    assert least_ns <= waited <= most_ns + longest


def test_async_writes_are_not_starved_by_two_readers():
    block = make_block()
    flood(block)
    readers = {t: reader(block, t, 1_000_000 * (1 + 3 * t), 100_000) for t in (0, 1)}
    play(block, readers, 3_000 * MS)
    log = block.log()
    busy = log["t_done_ns"] - log["t_issue_ns"]
    share = busy[log["write"] == 1].sum() / busy.sum()
    assert 0.05 < share < 0.5


def test_a_disk_with_tags_takes_the_nearest_of_16_and_none_older_than_500_ms_waits():
    block = make_block(elevator="noop", disk=DISKS["rec-6.1"])
    places = [1_000_000 * (i % 8) + 1000 * i for i in range(32)]
    queue_up(block, places)
    block.unplug()
    block.run()
    log = block.log()
    assert sorted(sectors(block)) == sorted(places)
    assert sectors(block) != places
    moves = np.abs(np.diff(np.array(sectors(block))))
    assert moves.mean() < 0.5 * np.abs(np.diff(np.array(places))).mean()
    assert (log["t_issue_ns"] == log["t_issue_ns"][0]).all()


def test_a_request_too_old_at_the_disk_goes_first():
    block = make_block(elevator="noop", disk=DISKS["rec-6.1"], nr_requests=1024)
    block.submit(0, 0)
    block.unplug()
    block.submit(1, 8_000_000)
    for i in range(200):
        block.submit(0, 1000 * i)
        block.step()
    block.run()
    log = block.log()
    far = log[log["task"] == 1][0]
    assert 500 * MS <= far["t_done_ns"] - far["t_issue_ns"] <= 530 * MS
