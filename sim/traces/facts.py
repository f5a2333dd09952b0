"""What the sets' README files state about the two machines, as data. Pages of 4 KiB."""

from __future__ import annotations

from typing import NamedTuple

Zones = dict[str, dict[str, int]]


def _zone(present: int, low_mark: tuple[int, int, int], free: int) -> dict[str, int]:
    lowest, low, high = low_mark
    return {
        "present_pages": present, "min_pages": lowest, "low_pages": low, "high_pages": high,
        "free_pages": free,
    }  # fmt: skip


ZONES_2_6_36: dict[str, Zones] = {
    "256M": {
        "DMA": _zone(3198, (25, 31, 37), 3996),
        "DMA32": _zone(60600, (479, 598, 718), 54922),
    },
    "1024M": {
        "DMA": _zone(3192, (12, 15, 18), 3996),
        "DMA32": _zone(254_520, (1002, 1252, 1503), 245_436),
    },
}
"""By ``mem=``; free pages at boot. For 512M, which run 0 of mcgseq had, nothing is stated."""
MIN_FREE_KBYTES_2_6_36 = {"256M": 2020, "1024M": 4061}
DISK_2_6_36 = {"capacity_sectors": 4_000_000_000 // 512}

VARIANTS = {
    0: "base", 1: "p5", 3: "p5+p6, memcg may write", 6: "p6 only", 7: "p5+p6 (memcg waits)",
    23: "p5+p6, memcg explicit wait loop",
}  # fmt: skip

WORKLOADS_2_6_36 = {
    "seq": "one sequential writer",
    "mcgseq": "one sequential writer in a 64 MiB memcg",
    "spmix": "mapping dirtier, sequential writer, anonymous hog and small files",
    "mcgmix": "sequential writer, mapping dirtier and small files in a 64 MiB memcg",
}
SCENARIOS_6_1 = {
    "S1": "one sequential writer, 1 GiB, no limit",
    "S4": "one sequential writer in a 64 MiB cgroup v1",
    "S5X": "one sequential writer in a 64 MiB cgroup v2",
}


class Start(NamedTuple):
    """How one recorded run began and how long its window was."""

    free_pages: int
    """nr_free_pages of the first sample."""
    duration_ms: int
    """The window, to a tenth of a second."""
    anon_pages: int = 0
    """Anonymous pages of the first sample, where there is swap: processes that lie idle."""


STARTS: dict[str, Start] = {
    "mcgmix_ext3_v0_r1": Start(247946, 8100),
    "mcgmix_ext3_v0_r1_stk": Start(247952, 5000),
    "mcgmix_ext3_v0_r2": Start(247946, 8000),
    "mcgmix_ext3_v7_r1": Start(247946, 8200),
    "mcgmix_ext3_v7_r2": Start(247946, 8100),
    "mcgseq_ext3_v0_r0": Start(120997, 12000),
    "mcgseq_ext3_v0_r1": Start(248030, 8000),
    "mcgseq_ext3_v7_r1": Start(248030, 8000),
    "seq_ext3_v0_r0": Start(57558, 12000),
    "spmix_ext3_v0_r1DR80_BG60": Start(56213, 8200, 1221),
    "spmix_ext3_v0_r1_stkDR80_BG60": Start(55389, 6400),
    "spmix_ext3_v0_r2DR80_BG60": Start(56023, 8200, 1418),
    "spmix_ext3_v0_r3DR80_BG60": Start(55056, 8400, 2236),
    "spmix_ext3_v7_r1DR80_BG60": Start(55110, 8300, 2321),
    "spmix_ext3_v7_r1_stkDR80_BG60": Start(56386, 6400),
    "spmix_ext3_v7_r2DR80_BG60": Start(56025, 8100, 1411),
    "spmix_ext3_v7_r3DR80_BG60": Start(55047, 8300, 2257),
    "S1.1": Start(99892, 51700),
    "S1.2": Start(99932, 53200),
    "S4.1": Start(99852, 38900),
    "S4.2": Start(99949, 33200),
    "S5X.1": Start(100059, 44900),
    "S5X.2": Start(99908, 46900),
}
