from __future__ import annotations

import copy

import numpy as np
import pytest

from sim.observe.divergence import CONTEXT, first_divergence, sentence
from tests.support.synthetic_result import synthetic_result


def test_equal_runs_part_nowhere():
    assert first_divergence(synthetic_result(3, 5), synthetic_result(3, 5)) is None


def test_the_earliest_difference_of_all_families_is_told():
    a = synthetic_result(3, 5)
    b = copy.deepcopy(a)
    b.io["nr_sectors"][40] += 8
    late = int(np.argmax(b.sleeps["t_end_ns"]))
    b.sleeps["cause"][late] = 4
    parting = first_divergence(a, b)
    assert parting is not None
    assert (parting.family, parting.same) == ("io", 40)
    assert parting.t_ns == a.io["t_done_ns"][40]
    assert len(parting.a) == len(parting.b) == CONTEXT
    assert parting.a[0] != parting.b[0]
    assert parting.a[1:] == parting.b[1:]
    assert "40 equal requests" in sentence(parting)


def test_a_run_that_goes_on_parts_where_the_other_ends():
    a = synthetic_result(3, 5)
    b = copy.deepcopy(a)
    b.io = b.io[:-1]
    parting = first_divergence(a, b)
    assert parting is not None
    assert (parting.same, parting.b) == (len(b.io), [])
    assert sentence(parting).endswith("B: nothing more.")


def test_runs_without_a_common_record_are_refused():
    a, b = synthetic_result(3, 5), synthetic_result(3, 5)
    b.families.update(trace="not traced", sleeps="not traced", io="not traced")
    with pytest.raises(LookupError):
        first_divergence(a, b)
