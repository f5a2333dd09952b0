"""The map from blocks of the disk to files, against the requests of a small machine."""

from __future__ import annotations

import numpy as np
import pytest

from sim.observe.files import SWAP, extents_of
from sim.result import Issuer, Result
from sim.runner import run
from sim.units import SECTORS_PER_PAGE
from tests.support.small import SMALL

RECLAIM = (Issuer.KSWAPD, Issuer.DIRECT, Issuer.MEMCG)


@pytest.fixture(scope="module")
def result() -> Result:
    return run(SMALL)


def test_no_block_belongs_to_two(result: Result) -> None:
    found = result.extents
    assert len(found) > 10
    assert (found["nr"] > 0).all()
    assert (found["block"][1:] >= found["block"][:-1] + found["nr"][:-1]).all()
    assert {0, 1, 2} <= set(found["memcg"].tolist())


def test_what_reclaim_wrote_is_of_files_and_of_the_swap_area(result: Result) -> None:
    """Others write indirect blocks and checkpoints, too, which no file has."""
    io = result.io
    pages = {SWAP: 0, 0: 0}
    for request in io[(io["write"] == 1) & np.isin(io["issuer"], RECLAIM)]:
        block, nr = (int(request[name]) // SECTORS_PER_PAGE for name in ("sector", "nr_sectors"))
        parts = extents_of(result.extents, block, nr)
        assert parts["nr"].sum() == nr
        assert parts["block"].min() == block
        for part in parts:
            pages[SWAP if part["inode"] == SWAP else 0] += int(part["nr"])
    assert 0 < pages[SWAP] <= result.counters["pswpout"]
    assert pages[0] > 100


def test_the_map_stays_with_a_saved_run_and_is_not_in_its_digest(result: Result) -> None:
    again = Result.from_bytes(result.to_bytes())
    assert np.array_equal(again.extents, result.extents)
    before = again.digest()
    again.extents = again.extents[:0]
    assert again.digest() == before
