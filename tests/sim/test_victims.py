"""C19: who reclaimed and wrote whose pages."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sim.machine.request import Issuer
from sim.machine.victim import victim_array, victims
from sim.observe.metrics import metrics, victim_rows
from sim.result import Result
from sim.runner import run
from sim.scenario import MemcgAnswer
from tests.support.small import SMALL, small


@pytest.fixture(scope="module")
def result() -> Result:
    return run(SMALL)


def test_every_page_reclaimed_or_written_is_in_one_cell(result: Result) -> None:
    reclaimed: Counter[str] = Counter()
    written: Counter[str] = Counter()
    for row in victim_rows(result):
        reclaimed[row.issuer] += row.reclaimed
        written[row.issuer] += row.written
    for who in ("kswapd", "direct", "memcg"):
        assert reclaimed[who] == result.counters[f"pgsteal_{who}"] > 0
    for issuer in Issuer:
        name = issuer.name.lower()
        assert written[name] == (0 if name == "journal" else result.counters[f"written_{name}"])


def test_memcg_reclaim_takes_its_own_and_global_reclaim_anybodys(result: Result) -> None:
    rows = victim_rows(result)
    own = {(row.group, row.owner) for row in rows if row.issuer == "memcg" and row.reclaimed}
    assert own == {("g1", "g1"), ("g2", "g2")}
    from_memcgs = [r for r in rows if r.issuer in ("kswapd", "direct") and r.owner != "root"]
    lost = sum(r.reclaimed for r in from_memcgs if r.owner != r.group)
    assert metrics(result)["global_reclaimed_from_memcgs"] == lost > 0


def test_kswapd_inside_a_container_takes_that_containers_pages() -> None:
    rows = victim_rows(run(small(memcg_answers=frozenset({MemcgAnswer.KSWAPD}))))
    inside = {(r.group, r.owner) for r in rows if r.issuer == "kswapd" and r.group != "root"}
    assert inside
    assert all(group == owner for group, owner in inside)


def test_the_matrix_survives_a_file_and_counts_in_the_digest(result: Result) -> None:
    copy = Result.from_bytes(result.to_bytes())
    np.testing.assert_array_equal(copy.victims, result.victims)
    copy.victims["reclaimed"][0] += 1
    assert copy.digest() != result.digest()


def test_a_recording_does_not_know_it() -> None:
    gaps = Result(meta={"duration_ns": 1}, families={"counters": "present"})
    assert metrics(gaps)["global_reclaimed_from_memcgs"] is None


def test_cells_become_rows_in_order() -> None:
    counts = victim_array(2)
    counts[Issuer.DIRECT * 2 + 1, 2 * 0 + 1] = 7  # written
    counts[Issuer.DIRECT * 2 + 0, 2 * 1 + 0] = 5  # reclaimed
    assert victims(counts).tolist() == [(Issuer.DIRECT, 0, 1, 5, 0), (Issuer.DIRECT, 1, 0, 0, 7)]
