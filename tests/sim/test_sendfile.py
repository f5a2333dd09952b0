"""sendfile(2): readahead through splice, pages that nobody marks accessed, a deep entry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.machine.stack_chains import ENTRIES, FRAMES_2_6_34
from sim.runner import run
from sim.scenario import WorkloadKind, WorkloadSpec
from tests.support.small import SMALL

READER = WorkloadSpec(kind=WorkloadKind.SENDFILE, file_mib=8)


@pytest.mark.parametrize("kind", [WorkloadKind.SENDFILE, WorkloadKind.SEQ_READER])
def test_what_sendfile_reads_twice_stays_inactive(kind: WorkloadKind) -> None:
    found = run(
        replace(SMALL, duration_ms=600, memcgs=(), workloads=(replace(READER, kind=kind),))
    ).counters
    assert found["app_pages_read"] > 2 * 8 * 256
    assert (found["pgactivate"] > 0) == (kind is WorkloadKind.SEQ_READER)


def test_reclaim_from_sendfile_is_measured_by_its_own_entry() -> None:
    servers = tuple(replace(READER, file_mib=48, memcg=memcg) for memcg in ("root", "g2"))
    found = run(replace(SMALL, workloads=(*SMALL.workloads, *servers))).counters
    assert found["stack_bytes_max_sendfile_entry"] > 0
    assert found["stack_bytes_max_read_entry"] == 0


def test_the_chain_has_the_posted_bytes_before_reclaim() -> None:
    """<20100414014041.GD2493@dastard>: 1.5k when the page is asked for."""
    chain = ENTRIES["sendfile"]
    above = chain[: chain.index("__do_page_cache_readahead") + 1]
    used = sum(FRAMES_2_6_34[name] for name in (*above, "__alloc_pages_nodemask"))
    assert 1500 <= used < 1600
