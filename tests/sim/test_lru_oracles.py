"""The LRU primitives driven as a plain LRU cache hit and miss as other implementations do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lru_replay import Machine, ordered_dict, zipf_trace


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(1, 25))
def test_one_list_is_an_ordered_dict(accesses: list[int], capacity: int) -> None:
    trace = np.array(accesses, np.int64)
    assert Machine(capacity).replay(trace).tolist() == ordered_dict(trace, capacity).tolist()


@pytest.mark.parametrize("capacity", [1, 100, 3000])
def test_long_traces_too(capacity: int) -> None:
    trace = zipf_trace(50_000, 20_000)
    hits = Machine(capacity).replay(trace)
    assert 0 < hits.sum() < len(trace)
    assert np.array_equal(hits, ordered_dict(trace, capacity))


@pytest.mark.parametrize("capacity", [1, 100, 3000])
def test_hits_are_those_of_libcachesim(capacity: int) -> None:
    peer = pytest.importorskip("libcachesim", reason="compares when libcachesim can be imported")
    trace = zipf_trace(50_000, 20_000, seed=2)
    cache, request = peer.LRU(cache_size=capacity), peer.Request()
    request.obj_size = 1
    theirs = []
    for wanted in trace.tolist():
        request.obj_id = wanted
        theirs.append(cache.get(request))
    assert Machine(capacity).replay(trace).tolist() == theirs
