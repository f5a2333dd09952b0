"""From the scenario's patches, answers and kernel to the one record that mechanism reads.

The patch table says what each patch changes; the last word on memcg reclaim is the memcg answer's.
"""

from __future__ import annotations

from typing import Any

from sim.machine.filesystem import REFUSES_DIRECT, REFUSES_RECLAIM, Manners
from sim.machine.rules import ReclaimRules
from sim.machine.stack_chains import StackRules
from sim.scenario import Filesystem, Kernel, MemcgAnswer, Patch, Scenario, Tracepoints

RFC_SWAP_CLEAN_WAIT = 10
"""MAX_SWAP_CLEAN_WAIT of the RFC's patch 6: a second of lumpy reclaim's second pass."""
MAX_SWAP_CLEAN_WAIT = 50
"""Rounds of congestion_wait(HZ/10): "up to five seconds" (V6 of the series, patch 5)."""

KERNEL_RULES: dict[Kernel, dict[str, Any]] = {
    Kernel.K2_6_35: {},
    Kernel.K2_6_36: {
        "b_more_io_for_all": 1,
        "wb_start_per_work": 1,
        "throttle_on_global": 1,
        "lumpy_stall_late": 1,
    },
    # What of the patches below was merged, as it had become by then, and what came after.
    Kernel.K6_1: {
        "b_more_io_for_all": 1,
        "wb_start_per_work": 1,
        "throttle_on_global": 1,
        "direct_may_write_file": 0,
        "memcg_may_write_file": 0,
        "immediate_reclaim": 1,
        "ioless_throttling": 1,
        "reclaim_6_1": 1,
    },
}
KERNEL_RULES[Kernel.K6_1_V2] = KERNEL_RULES[Kernel.K6_1] | {"cgroup2": 1}

PATCH_RULES: dict[Patch, dict[str, Any]] = {
    # Every context cleans by ranges, min..max span of a batch (RFC, mechanics 3.1).
    Patch.P5: {"range_write": 1, "range_in_direct": 1, "range_in_memcg": 1},
    # Direct reclaim, and so memcg reclaim, writes nothing at all, swap pages included (RFC).
    Patch.P6: {
        "direct_may_write_file": 0,
        "direct_may_write_anon": 0,
        "memcg_may_write_file": 0,
        "memcg_may_write_anon": 0,
        "clean_wait_rounds": RFC_SWAP_CLEAN_WAIT,
    },
    Patch.P5_RECORDED: {"range_write": 2, "range_in_direct": 1, "range_in_memcg": 1},
    # Anonymous pages may still be written, as in the July posting (recorded README).
    Patch.P6_RECORDED: {
        "direct_may_write_file": 0,
        "memcg_may_write_file": 0,
        "clean_wait_rounds": MAX_SWAP_CLEAN_WAIT,
    },
    Patch.MEMCG_WAIT_LOOP: {
        "memcg_may_write_file": 0,
        "memcg_clean_wait_rounds": MAX_SWAP_CLEAN_WAIT,
    },
    # V6 (2010-07-30), patch 6 of 6.
    Patch.FLUSHFORWARD: {"kick_flusher": 1},
    # Commit 0e093d99763e (2.6.37).
    Patch.WAIT_IFF_CONGESTED: {"conditional_wait": 1},
    # Commits 8afdcece4911 (2.6.39) and 246e87a93934 (3.0).
    Patch.BALANCE_GAP: {"balance_gap": 1},
    Patch.SMALL_TARGETS: {"scan_small_targets": 1},
    # Commits ee72886d8ed5, f84f6e2b0868, 92df3a723f84 and 49ea7eb65e7c (3.2).
    Patch.NODIRECTWB: {"direct_may_write_file": 0, "memcg_may_write_file": 0},
    Patch.LESSKSWAPDWB: {"kswapd_writes_in_trouble": 1},
    Patch.THROTTLE: {"throttle_on_writeback": 1},
    Patch.IMMEDIATE: {"immediate_reclaim": 1},
    # Considered in patch 6's mail, not posted: mm.dirty_list.
    Patch.DIRTYLIST: {"dirty_list": 1},
    # Commit 143dfe8611a6 and the four before it (3.2).
    Patch.IOLESS: {"ioless_throttling": 1},
}

ANSWER_RULES: dict[MemcgAnswer, dict[str, Any]] = {
    MemcgAnswer.WAIT: {
        "memcg_may_write_file": 0,
        "memcg_clean_wait_rounds": MAX_SWAP_CLEAN_WAIT,
    },
    MemcgAnswer.WRITE: {"memcg_may_write_file": 1, "memcg_may_write_anon": 1},
    MemcgAnswer.KSWAPD: {"memcg_kswapd": 1},
    MemcgAnswer.DIRTY_RATIO: {"memcg_dirty_limit": 1},
    MemcgAnswer.MEMCG_FLUSHER: {"memcg_flusher": 1},
    MemcgAnswer.IO_CGROUP: {"memcg_writeback": 1},
}


MANNERS: dict[Filesystem, Manners] = {
    Filesystem.EXT3: Manners(),
    # ext4_writepage redirties what has no block yet, whoever asks (fs/ext4/inode.c).
    Filesystem.EXT4: Manners(delalloc=1, extents=1, refuses_unmapped=1, page_mkwrite=1),
    # xfs_vm_writepage of 2.6.35 refuses every PF_MEMALLOC task, that of 2.6.36 all but kswapd.
    Filesystem.XFS: Manners(
        delalloc=1,
        extents=1,
        ordered=0,
        refuses_memalloc=REFUSES_RECLAIM,
        refuses_in_ranges=1,
        clusters=1,
        jbd=0,
        page_mkwrite=1,
    ),
    # As XFS was before 2.6.35: it writes what reclaim hands it.
    Filesystem.XFS_2_6_34: Manners(
        delalloc=1, extents=1, ordered=0, clusters=1, jbd=0, page_mkwrite=1
    ),
    # btrfs_writepage refuses every PF_MEMALLOC task, btrfs_writepages nobody.
    Filesystem.BTRFS: Manners(
        delalloc=1, extents=1, ordered=0, refuses_memalloc=REFUSES_RECLAIM, jbd=0, page_mkwrite=1
    ),
}


def resolve(scenario: Scenario) -> ReclaimRules:
    """The rules of one run. Later tables override earlier ones, in their own order."""
    rules = ReclaimRules()._replace(**KERNEL_RULES[scenario.kernel])
    for patch, changes in PATCH_RULES.items():
        if patch in scenario.patches:
            rules = rules._replace(**changes)
    for answer, changes in ANSWER_RULES.items():
        if answer in scenario.memcg_answers:
            rules = rules._replace(**changes)
    mask = sum(1 << i for i, family in enumerate(Tracepoints) if family in scenario.tracepoints)
    return rules._replace(trace_mask=mask)


def stack_rules(scenario: Scenario) -> StackRules:
    """Whose frames are on the stack of one run."""
    spec = scenario.stack
    return StackRules(
        frames=str(spec.frames),
        writepage=str(spec.writepage),
        storage_bytes=spec.storage_bytes,
        stackreduce=Patch.STACKREDUCE in scenario.patches,
        thread_size_kib=spec.thread_size_kib,
    )


def filesystem_manners(scenario: Scenario) -> Manners:
    """The manners of the filesystem of one run, on its kernel."""
    manners = MANNERS[scenario.fs.kind]
    if scenario.fs.kind is Filesystem.XFS and scenario.kernel is not Kernel.K2_6_35:
        return manners._replace(refuses_memalloc=REFUSES_DIRECT)
    if KERNEL_RULES[scenario.kernel].get("reclaim_6_1"):
        return manners._replace(page_mkwrite=1)  # ext3 is a form of ext4 there
    return manners
