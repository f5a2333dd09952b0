"""Readahead windows and read bios."""

from __future__ import annotations

from sim.fs.readpages import ondemand_readahead, start_read
from sim.machine.address_space import I_ANON
from sim.machine.page import PG_locked, PG_uptodate

T = 2


def cache(x, ino, pages):
    """Pages in the cache, locked, not uptodate, as the mm room adds them."""
    for index in pages:
        x.arrays.page[x.page_of(ino, index)].page_flags = PG_locked


def reader(machine, **kwargs):
    x = machine((4096,), **kwargs)
    x.arrays.inode[0].size_pages = 4096
    x.arrays.slot_block[:4096] = range(30_000, 34_096)
    return x


def window(x, index, marked=0):
    ondemand_readahead(x.m, T, 0, index, marked)
    inode = x.arrays.inode[0]
    return int(inode.ra_start), int(inode.ra_size), int(inode.ra_async_size)


def test_a_read_of_the_files_start_opens_a_small_window(machine):
    assert window(reader(machine), 0) == (0, 4, 3)


def test_windows_of_a_stream_double_up_to_the_limit(machine):
    x = reader(machine)
    start, size, background = window(x, 0)
    cache(x, 0, range(size))
    sizes = []
    for _ in range(6):
        start, size, background = window(x, start + size - background, marked=1)
        cache(x, 0, range(start, start + size))
        sizes.append(size)
    assert sizes == [8, 16, 32, 32, 32, 32]
    assert background == 32, "the whole window is ahead"


def test_a_long_read_at_the_start_takes_the_whole_window(machine):
    x = reader(machine)
    x.arrays.task[T].op_left = 16
    assert window(x, 0) == (0, 32, 16)
    x.arrays.task[T].op_left = 32
    assert window(x, 0) == (0, 64, 32), "its own marker is hit at once: two windows in one"


def test_a_lone_random_read_reads_what_was_asked_and_marks_nothing(machine):
    x = reader(machine)
    assert window(x, 700) == (700, 1, 0)
    x.arrays.task[T].op_left = 5
    assert window(x, 1700) == (1700, 5, 0)


def test_a_read_behind_cached_pages_counts_them_as_a_stream(machine):
    x = reader(machine)
    cache(x, 0, range(92, 100))
    start, size, background = window(x, 100)
    assert (start, size) == (100, 64)
    assert background == 32


def test_a_window_ends_with_the_file(machine):
    x = reader(machine)
    assert window(x, 4095) == (4095, 1, 0)
    x.arrays.inode[0].size_pages = 3
    assert window(x, 0) == (0, 3, 3)


def test_a_run_of_adjacent_blocks_is_one_request(machine):
    x = reader(machine)
    cache(x, 0, range(10, 42))
    x.finish(start_read, 0, 10, 32)
    x.drain_disk()
    assert [(int(r["sector"]), int(r["nr_sectors"])) for r in x.log()] == [(8 * 30_010, 8 * 32)]
    assert x.log()["write"].tolist() == [0]
    assert x.log()["sync"].tolist() == [1]
    assert all(x.flags(0, i) == PG_uptodate for i in range(10, 42))


def test_a_gap_between_blocks_splits_the_read(machine):
    x = reader(machine)
    x.arrays.slot_block[20:4096] += 500
    cache(x, 0, range(10, 42))
    x.finish(start_read, 0, 10, 32)
    x.drain_disk()
    assert sorted(int(r["nr_sectors"]) for r in x.log()) == [8 * 10, 8 * 22]


def test_a_hole_is_zeroed_without_io(machine):
    x = reader(machine)
    x.arrays.slot_block[12] = -1
    cache(x, 0, range(10, 15))
    x.finish(start_read, 0, 10, 5)
    assert x.flags(0, 12) == PG_uptodate
    assert x.flags(0, 11) & PG_locked
    x.drain_disk()
    assert all(x.flags(0, i) == PG_uptodate for i in range(10, 15))
    assert sum(int(r["nr_sectors"]) for r in x.log()) == 8 * 4


def test_a_swap_page_is_read_from_the_swap_area(machine):
    x = reader(machine, swap_pages=1000)
    x.arrays.inode[0].state = I_ANON
    x.arrays.slot_block[5] = 77
    cache(x, 0, [5])
    page = x.arrays.page[x.page_of(0, 5)]
    page.block = 77
    x.finish(start_read, 0, 5, 1)
    x.drain_disk()
    assert [int(r["sector"]) // 8 for r in x.log()] == [int(x.arrays.swap_block[77])]
    assert page.block == 77, "the slot, for swap_free"


def test_reads_go_on_after_a_full_queue(machine):
    x = reader(machine, nr_requests=16)
    x.arrays.slot_block[:4096] = range(30_000, 30_000 + 3 * 4096, 3)
    cache(x, 0, range(100))
    assert x.finish(start_read, 0, 0, 100) > 0
    x.drain_disk()
    assert all(x.flags(0, i) == PG_uptodate for i in range(100))
    assert x.arrays.task[T].wbc_step == 0
