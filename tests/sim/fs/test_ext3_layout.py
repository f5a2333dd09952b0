"""Block allocation: no block twice, indirect blocks, windows, groups; files made before the run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fs.ext3_groups import directory_group, top_directory_group
from sim.fs.ext3_layout import (
    double_indirect_word,
    ext3_create,
    ext3_get_block,
    ext3_release_file,
    group_bitmap_block,
    indirect_word,
    map_block,
    triple_indirect_word,
)
from sim.fs.journal import journal_disk_block
from sim.fs.mkfs import filesystem_arrays, lay_out_file
from sim.machine.filesystem import BLOCK_USED, BLOCKS_PER_GROUP


def blocks_of(x, ino):
    """Data and indirect blocks of an inode."""
    first, n = int(x.arrays.inode["first_slot"][ino]), int(x.arrays.inode["nr_pages"][ino])
    data = x.arrays.slot_block[first : first + n]
    words = x.arrays.indirect[first >> 6 : (first + n + 63) >> 6]
    return [*data[data >= 0].tolist(), *words[words > 0].tolist()]


def free_blocks(x):
    return int(np.count_nonzero(x.arrays.block_used & BLOCK_USED == 0))


def test_a_file_written_in_order_is_contiguous_but_for_its_indirect_blocks(machine):
    x = machine((4096,))
    blocks = [ext3_get_block(x.m, 0, i) for i in range(4096)]
    gaps = [i for i in range(1, 4096) if blocks[i] != blocks[i - 1] + 1]
    assert gaps == [12, 12 + 1024, 12 + 2048, 12 + 3072]
    assert [blocks[i] - blocks[i - 1] for i in gaps] == [2, 3, 2, 2], "the second is double"


def test_indirect_blocks_lie_in_the_gaps_and_are_remembered(machine):
    x = machine((4096,))
    blocks = [ext3_get_block(x.m, 0, i) for i in range(4096)]
    indirect = x.arrays.indirect
    assert indirect[indirect_word(0, 0)] == blocks[12] - 1
    assert indirect[double_indirect_word(0, 0)] == blocks[12 + 1024] - 2
    assert indirect[indirect_word(0, 1)] == blocks[12 + 1024] - 1
    assert np.count_nonzero(indirect) == 5


@given(order=st.permutations(range(0, 300, 3)), others=st.integers(1, 3))
def test_no_block_is_given_twice_and_the_free_count_is_right(machine_once, order, others):
    x = machine_once((300,) * (others + 1))
    before = free_blocks(x)
    for index in order:
        for ino in range(others + 1):
            map_block(x.m, ino, index)
    taken = [b for ino in range(others + 1) for b in blocks_of(x, ino)]
    assert len(taken) == len(set(taken)) == before - free_blocks(x)
    fs = x.arrays.fs[0]
    assert fs.nr_free == free_blocks(x) == fs.group_free.sum()


@pytest.fixture(scope="module")
def machine_once():
    """For Hypothesis, which wants no fixture of function scope: a machine for each example."""
    from importlib import util
    from pathlib import Path

    spec = util.spec_from_file_location("fs_machine", Path(__file__).with_name("conftest.py"))
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda sizes: module.make(sizes, nr_blocks=1 << 16)


def test_files_growing_at_once_keep_apart_in_runs_that_double(machine):
    x = machine((4096, 4096))
    for i in range(4000):
        map_block(x.m, 0, i)
        map_block(x.m, 1, i)
    blocks = np.array([x.block(0, i) for i in range(4000)])
    runs = 1 + int(np.count_nonzero(np.diff(blocks) > 3))
    assert runs < 20, "windows of 8 blocks only would make 500"


def test_a_closed_file_leaves_no_gap_for_the_next_one(machine):
    x = machine((64,) * 40)
    for ino in range(40):
        for index in range(3):
            map_block(x.m, ino, index)
        ext3_release_file(x.m, ino)
    blocks = sorted(b for ino in range(40) for b in blocks_of(x, ino))
    assert blocks == list(range(blocks[0], blocks[0] + 120))


def test_more_growing_files_than_windows_still_get_blocks(machine):
    x = machine((64,) * 300)
    for index in range(2):
        for ino in range(300):
            assert map_block(x.m, ino, index) >= 0
    taken = [b for ino in range(300) for b in blocks_of(x, ino)]
    assert len(set(taken)) == 600


def test_a_large_file_jumps_over_the_metadata_of_the_next_group(machine):
    x = machine((50_000,), nr_blocks=1 << 17, journal_blocks=16384)
    blocks = np.array([map_block(x.m, 0, i) for i in range(50_000)])
    assert set((blocks // BLOCKS_PER_GROUP).tolist()) == {0, 1, 2}
    for group in (1, 2):
        inside = blocks[blocks // BLOCKS_PER_GROUP == group]
        assert inside.min() >= group_bitmap_block(group) + 502


def test_the_recorded_disk_has_its_journal_and_bitmaps_where_they_were_recorded():
    made = filesystem_arrays(1_024_000, 1)
    fs = made["fs"][0]
    assert fs.nr_groups == 32
    assert (fs.journal_start, journal_disk_block(759, 16383)) == (759, 17159)
    assert [int(journal_disk_block(759, i)) for i in (1, 11, 12)] == [760, 770, 772]
    places = {0: 251, 1: 33019, 2: 65536, 3: 98555, 4: 131072, 5: 164091, 6: 196608, 9: 295163}
    assert {g: int(fs.group_bitmap[g]) for g in places} == places
    assert made["block_used"][17160] == 0
    assert made["block_used"][:17160].all()


def test_the_swap_file_lies_behind_the_journal_with_its_indirect_blocks(machine):
    x = machine((64,), swap_pages=40_000)
    blocks = x.arrays.swap_block
    first = int(journal_disk_block(759, 1023)) + 1
    assert blocks[:12].tolist() == list(range(first, first + 12))
    assert blocks[12] == first + 13, "an indirect block lies before the pages it names"
    assert blocks[12 + 1024] == first + 12 + 1 + 1024 + 2
    assert (np.diff(blocks) > 0).all()
    assert x.arrays.block_used[blocks].all()
    assert x.arrays.fs[0].group_free[0] == 0


def test_a_disk_without_room_for_swap_is_refused():
    with pytest.raises(ValueError, match="no room"):
        filesystem_arrays(1 << 17, 1, swap_pages=1 << 17)


def test_a_new_directory_stays_with_its_parent_until_the_group_is_fuller_than_most(machine):
    x = machine((64,), nr_blocks=1 << 18)
    fs = x.arrays.fs[0]
    assert directory_group(x.m, 3) == 3
    fs.nr_free -= fs.group_free[3] - 1000
    fs.group_free[3] = 1000
    assert directory_group(x.m, 3) == 4


def test_top_directories_are_spread_over_groups_with_room(machine):
    x = machine((64,), nr_blocks=1 << 18)
    groups = {int(top_directory_group(x.m, n)) for n in range(50)}
    assert len(groups) > 3
    assert 0 not in groups, "the journal fills it more than the mean"


def test_a_new_files_blocks_are_in_its_directorys_group(machine):
    x = machine((64,), nr_blocks=1 << 18)
    ext3_create(x.m, 0, 5)
    assert map_block(x.m, 0, 0) // BLOCKS_PER_GROUP == 5


@pytest.mark.parametrize(("pid", "colour"), [(53, 5), (52, 4), (38, 6)])
def test_a_file_begins_at_the_colour_of_its_writers_pid_as_recorded(machine, pid, colour):
    x = machine((64,), nr_blocks=1 << 18)
    x.arrays.task["pid"][0] = pid
    ext3_create(x.m, 0, 3)
    assert map_block(x.m, 0, 0) == 3 * BLOCKS_PER_GROUP + colour * 2048


@given(nr_pages=st.integers(1, 5000), mean=st.integers(1, 500), seed=st.integers(0, 99))
def test_an_old_file_has_every_block_once_in_runs_of_the_mean_length(nr_pages, mean, seed):
    x = _old_file(nr_pages, mean, seed)
    data = x.slot_block[:nr_pages]
    indirect = x.indirect[x.indirect > 0]
    taken = np.concatenate((data, indirect))
    assert len(np.unique(taken)) == len(taken)
    assert x.block_used[taken].all()
    assert int(np.count_nonzero(x.block_used == 0)) == x.fs[0].nr_free == x.fs[0].group_free.sum()
    chunks = -(-max(nr_pages - 12, 0) // 1024)
    assert len(indirect) == chunks + (chunks > 1)
    runs = 1 + int(np.count_nonzero(np.diff(data) != 1))
    assert runs <= 6 * (len(taken) // mean + 1) + chunks + 40


def _old_file(nr_pages, mean, seed):
    from types import SimpleNamespace

    from sim.machine.address_space import INODE

    inode = np.zeros(1, INODE).view(np.recarray)
    inode["nr_pages"] = nr_pages
    words = -(-nr_pages // 64) + 1
    arrays = filesystem_arrays(1 << 16, words, journal_blocks=1024)
    arrays |= {"inode": inode, "slot_block": np.full(words * 64, -1, np.int32)}
    made = SimpleNamespace(**arrays)
    lay_out_file(made, 0, mean, seed)
    return made


def test_an_old_file_is_the_same_for_the_same_seed_only():
    a, b, c = (_old_file(2000, 50, seed).slot_block.tolist() for seed in (1, 1, 2))
    assert a == b != c


def test_an_old_file_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="no room"):
        _old_file(70_000, 100, 1)


def test_words_of_indirect_blocks_belong_to_their_file_alone():
    nr_pages = 12 + 1024 * 1030
    words = [int(indirect_word(640, c)) for c in range(1030)]
    words += [int(double_indirect_word(640, n)) for n in range(2)]
    words.append(int(triple_indirect_word(640)))
    assert len(set(words)) == len(words)
    assert min(words) >= 640 >> 6
    assert max(words) < (640 + nr_pages + 63) >> 6
