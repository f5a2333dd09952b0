"""A thread of the kernel wants huge pages of a machine full of dirty ones (C6)."""

from __future__ import annotations

from sim.scenario import MemorySpec, MixSpec, Scenario, VmSysctl, WorkloadKind, WorkloadSpec

HIGHALLOC = (
    "stress-highalloc: Mel Gorman, V2, 2010-06-14, "
    "<1276514273-27693-1-git-send-email-mel@csn.ul.ie>, and 2010-04-23, "
    "<20100423105044.GK30306@csn.ul.ie>"
)

HIGH_ORDER = Scenario(
    duration_ms=20_000,
    memory=MemorySpec(ram_mib=256, kernel_mib=24, swap_mib=256),
    vm=VmSysctl(dirty_ratio=80, dirty_background_ratio=60),
    mix=MixSpec(rate_kib_per_s=0),
    workloads=(
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=600),
        WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, file_mib=1500),
        WorkloadSpec(
            kind=WorkloadKind.HIGH_ORDER, order=9, rate_kib_per_s=4096, file_mib=96, hold_ms=10_000
        ),
    ),
)
"""The dirtiers of the preset ``global``, and two blocks of 2 MiB asked for a second."""
