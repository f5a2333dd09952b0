"""The questions of the mail of 2010-06-09 as scenarios, and the recorded 2.6.36 runs restated.

Data only. A preset says what it asks, what to look at, where the question or the numbers come
from, and which claims (C1 to C20 of the product) it bears on. The memory and disk of the global
and container presets are those of the recorded runs in small: reclaim must really meet dirty
pages, else no patch of the series has anything to change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.preset_container import (
    CONTAINER,
    CROWD,
    FILE_SERVER,
    HIERARCHY,
    LATER_V1,
    LATER_V2,
    MANY_FILES,
    SHARED_FILE,
    SOFT_LIMIT,
)
from sim.preset_global import DIRTIERS, FSYNC, GLOBAL, IDLE, pattern
from sim.preset_highorder import HIGH_ORDER, HIGHALLOC
from sim.preset_recorded import REC_MCGMIX, REC_MCGSEQ, REC_P5_P6, REC_SEQ, REC_SPMIX
from sim.scenario import (
    BlockSpec,
    DiskModel,
    DiskSpec,
    Filesystem,
    Frames,
    FsSpec,
    Intervention,
    InterventionKind,
    MemcgAnswer,
    MemcgSpec,
    MixSpec,
    Patch,
    Scenario,
    StackSpec,
    StackWritepage,
    WorkloadKind,
    WorkloadSpec,
)
from sim.scenario_timeline import DISK


@dataclass(frozen=True, slots=True)
class Preset:
    """One experiment with its question."""

    scenario: Scenario
    title: str
    """The question, as one sentence."""
    question: str
    """What to look at, in a sentence or two."""
    source: str
    """Mail, message-id, table or recording."""
    claims: tuple[str, ...] = ()


_SEED = "Mel Gorman to KAMEZAWA Hiroyuki, 2010-06-09"
_RFC = "RFC PATCH 0/6, 2010-06-08, <1275987745-21708-1-git-send-email-mel@csn.ul.ie>"
_PATCH_5 = "PATCH 5/6, 2010-06-08, <1275987745-21708-6-git-send-email-mel@csn.ul.ie>"
_PATCH_6 = "PATCH 6/6, 2010-06-08, <1275987745-21708-7-git-send-email-mel@csn.ul.ie>"
_REPLY = "Mel Gorman to KAMEZAWA Hiroyuki, 2010-06-10, <20100610011035.GG5650@csn.ul.ie>"
_LINUX_6_1 = "Linux 6.1.176: mm/vmscan.c, mm/page-writeback.c"
_KAMEZAWA = (
    "KAMEZAWA Hiroyuki, 2010-06-10, <20100610093842.6a038ab0.kamezawa.hiroyu@jp.fujitsu.com>"
)
_CHINNER = "Dave Chinner, 2010-04-14, <20100414014041.GD2493@dastard>"
_CHINNER_DISK = "Dave Chinner, 2010-04-16, <20100415233339.GW2493@dastard>"
_THELEN = (
    "Greg Thelen, memcg: per cgroup dirty page limiting v9, 2011-08-17, "
    "<1313597705-6093-1-git-send-email-gthelen@google.com>"
)
_BERTHELS = "John Berthels and Dave Chinner, 2010-04-08, <20100408030347.GM11036@dastard>"
_STICKS = "Arnd Bergmann, Optimizing Linux with cheap flash drives, LWN 428584, 2011-02-18"
_WU_IOLESS = "Wu Fengguang, IO-less dirty throttling, <20101117035821.000579293@intel.com>"
_RECORDED = "recorded run of 2.6.36.2"

NO_MIX = MixSpec(rate_kib_per_s=0)
_P5 = frozenset({Patch.P5})
_P5_P6 = frozenset({Patch.P5, Patch.P6})
_P6 = frozenset({Patch.P6})


def _at(at_ms: int, what: InterventionKind, whose: str, value: int) -> Intervention:
    return Intervention(at_ms=at_ms, what=what, whose=whose, value=value)


PRESETS: dict[str, Preset] = {
    "default": Preset(
        Scenario(),
        "What happens when writers, readers and a memory hog share one machine?",
        "The kernel as it is: see who writes the dirty pages, how large the writes are, and "
        "which tasks stall for it.",
        _SEED,
    ),
    "container-dirty": Preset(
        CONTAINER,
        "What stalls in a container full of dirty pages, as the kernel is?",
        "Memcg reclaim writes pages itself. Look at its stalls and at the size of its writes.",
        _SEED,
        ("C17", "C20"),
    ),
    "container-dirty-p6": Preset(
        replace(CONTAINER, patches=_P6),
        "How badly does a container stall when only the flusher cleans its pages?",
        "Patch 6 as posted: memcg reclaim skips dirty pages and adds no wait of its own. Look at "
        "stalls, laps and the flusher's share of the cleaning.",
        f"{_SEED}; {_REPLY}",
        ("C5", "C13"),
    ),
    "container-dirty-wait": Preset(
        replace(CONTAINER, patches=_P6, memcg_answers=frozenset({MemcgAnswer.WAIT})),
        "Does it help when memcg reclaim waits for the flusher on purpose?",
        "As later versions of patch 6 did: kick the flusher, sleep, try the same pages again. "
        "Compare the longest stall with the form that only skips.",
        f"{_SEED}; V4, 2010-07-19, <1279545090-19169-1-git-send-email-mel@csn.ul.ie>",
        ("C13",),
    ),
    "container-6-1": Preset(
        LATER_V1,
        "What does Linux 6.1 do with the container full of dirty pages?",
        "cgroup v1: no dirty limit of its own. Reclaim wakes the flusher, sleeps in "
        "reclaim_throttle and waits for pages under writeback. Compare with the answers of 2010.",
        _LINUX_6_1,
        ("C13",),
    ),
    "container-6-1-cgroup2": Preset(
        LATER_V2,
        "And with cgroup writeback, where a container has its own dirty limit?",
        "cgroup v2 of 6.1: the writer is throttled at a fifth of the container, by sleeping. "
        "Look at what reclaim meets, and at who waits where.",
        f"{_LINUX_6_1}; lwn.net/Articles/648292",
        ("C14",),
    ),
    "container-may-write": Preset(
        replace(CONTAINER, patches=_P6, memcg_answers=frozenset({MemcgAnswer.WRITE})),
        "What if reclaim inside a container may still write?",
        "Stalls return to what they were; so do small writes and the deep stack of memcg reclaim.",
        _SEED,
        ("C11", "C17"),
    ),
    "container-kswapd": Preset(
        replace(CONTAINER, patches=_P6, memcg_answers=frozenset({MemcgAnswer.KSWAPD})),
        "Could kswapd work inside containers?",
        "kswapd serves a pending list of containers near their limit, global reclaim first. Look "
        "at who cleans and whether the tasks still reclaim for themselves.",
        _SEED,
        ("C7", "C16"),
    ),
    "container-dirty-list": Preset(
        replace(CONTAINER, patches=_P6 | {Patch.DIRTYLIST}),
        "Would a list of their own keep dirty pages out of reclaim's way?",
        "What patch 6's mail considered and left out. Compare with container-dirty-p6: scans "
        "spared (dirty_list_passed) against pages moved and counters updated (dirty_list_ms).",
        _PATCH_6,
        ("C10",),
    ),
    "container-dirty-ratio": Preset(
        replace(CONTAINER, patches=_P6, memcg_answers=frozenset({MemcgAnswer.DIRTY_RATIO})),
        "Does a dirty ratio per container spare its reclaim the dirty pages?",
        "The container's writers are throttled at 20 % of its own pages, so that reclaim finds "
        "clean ones. Look at what waits move to: from congestion_wait to balance_dirty_pages.",
        f"{_SEED}; A. Righi, memcg: per cgroup dirty limit v4, 2010-03-04",
        ("C14",),
    ),
    "container-flusher": Preset(
        replace(CONTAINER, patches=_P6, memcg_answers=frozenset({MemcgAnswer.MEMCG_FLUSHER})),
        "Should a container that is too dirty get a flusher of its own?",
        "A reclaimer that finds the container above its dirty ratio starts a thread that cleans "
        "its LRU. Look at its share of the writes and at their size, then add patch 5.",
        _SEED,
        ("C15",),
    ),
    "container-io-cgroup": Preset(
        replace(
            CONTAINER,
            patches=_P6,
            memcg_answers=frozenset({MemcgAnswer.IO_CGROUP, MemcgAnswer.DIRTY_RATIO}),
            workloads=(*CONTAINER.workloads, MANY_FILES),
        ),
        "Can the flusher find a container's inodes among everybody's, and what does it cost?",
        "Works for the container take its own inodes, but nothing leads to them: every dirty "
        "inode is looked at. See foreign inodes passed over and the CPU time of that search.",
        f"{_SEED}; {_KAMEZAWA}; {_THELEN}",
        ("C18",),
    ),
    "container-shared-file": Preset(
        SHARED_FILE,
        "Who writes a file that two containers share?",
        "A work for a container takes its own inodes, then those it shares, everybody's pages in "
        "them included. Look at flusher_shared_inodes and at both containers' dirty pages.",
        f"{_SEED}; {_THELEN}",
        ("C18",),
    ),
    "containers-crowd": Preset(
        CROWD,
        "Does one kswapd keep up with many containers?",
        "Eight containers take turns on kswapd's pending list. Look at the list's length and at "
        "the longest wait of each container.",
        f"{_SEED}; {_KAMEZAWA}",
        ("C16", "C20"),
    ),
    "container-parent": Preset(
        HIERARCHY,
        "Does a parent's limit make one child pay for the other's dirty pages?",
        "Both children are charged to the box above, whose reclaim goes round them. Look at the "
        "reader's pages taken for the writers, and at its stalls among dirty pages.",
        f"{_SEED}; mem_cgroup_hierarchical_reclaim, mm/memcontrol.c of 2.6.35",
        ("C13", "C20"),
    ),
    "global-soft-limit": Preset(
        SOFT_LIMIT,
        "Does a soft limit keep global reclaim off the other container?",
        "kswapd takes the excess first, in the container furthest over its soft limit, at priority "
        "0. Set it to 0: compare pages the modest one loses, and pages that kswapd writes.",
        f"{_SEED}; mem_cgroup_soft_limit_reclaim, mm/memcontrol.c of 2.6.35",
        ("C19",),
    ),
    "global-victims": Preset(
        replace(
            GLOBAL,
            memcgs=(MemcgSpec(name="box", limit_mib=96),),
            workloads=(
                *GLOBAL.workloads,
                WorkloadSpec(
                    kind=WorkloadKind.SEQ_READER, memcg="box", file_mib=80, rate_kib_per_s=16_384
                ),
            ),
        ),
        "Whose pages does global reclaim take, and for whom?",
        "A container within its limit reads a file that would fit; tasks outside it fill memory. "
        "Look at the pages that direct reclaim and kswapd take from it.",
        f"{_SEED}: why would a process reclaim pages of another container?",
        ("C19",),
    ),
    "global": Preset(
        GLOBAL,
        "How much does direct reclaim write, and how long do its callers stall?",
        "No patch applied: direct reclaim and kswapd write page by page off the end of the LRU.",
        _RFC,
        ("C1", "C5", "C7", "C8"),
    ),
    "global-p5": Preset(
        replace(GLOBAL, patches=_P5),
        "Do contiguous ranges give a better IO pattern, and what do they write in vain?",
        "Patch 5 alone: look at request size and seeks against the over-IO meter.",
        _PATCH_5,
        ("C2", "C3", "C4"),
    ),
    "global-p5-p6": Preset(
        replace(GLOBAL, patches=_P5_P6),
        "What if direct reclaim writes nothing at all?",
        "The series as posted: kswapd and the flusher clean; dirty pages get another lap.",
        _PATCH_6,
        ("C5", "C7", "C8", "C9"),
    ),
    "global-wait-iff": Preset(
        replace(GLOBAL, patches=frozenset({Patch.WAIT_IFF_CONGESTED})),
        "Does direct reclaim sleep although nothing is congested?",
        "wait_iff_congested sleeps only while queue and zone are; see where the time goes instead.",
        "commit 0e093d99763eb4cea09f8ca4f1d01f34e121d10b (2.6.37)",
        ("C8",),
    ),
    "global-later": Preset(
        replace(
            GLOBAL,
            patches=frozenset(
                {
                    Patch.WAIT_IFF_CONGESTED,
                    Patch.NODIRECTWB,
                    Patch.LESSKSWAPDWB,
                    Patch.THROTTLE,
                    Patch.IMMEDIATE,
                }
            ),
        ),
        "What did Linux 3.2 make of the idea that only flushers write?",
        "Direct reclaim writes no file page, kswapd only in trouble; skipped pages are freed when"
        " clean. Without the IO-less throttling of 3.2 dirtiers outrun it: see the laps.",
        "commits ee72886d8ed5, f84f6e2b0868, 92df3a723f84, 49ea7eb65e7c (3.2)",
        ("C5", "C7", "C9"),
    ),
    "io-dirtiers": Preset(
        DIRTIERS,
        "What does it cost that throttled writers write for themselves?",
        "Eight writers above the dirty limit write up to 1536 pages of whatever inode is first: "
        "look at seeks, request size and the length of their stalls.",
        _WU_IOLESS,
        ("C2",),
    ),
    "io-dirtiers-ioless": Preset(
        replace(DIRTIERS, patches=frozenset({Patch.IOLESS})),
        "What if a throttled writer only waits, for its share of the disk's bandwidth (3.2)?",
        "One flusher writes, half a second of a file at a time; writers sleep often and briefly. "
        "Compare seeks and stall lengths with the eight that write.",
        f"{_WU_IOLESS}; commit 143dfe8611a63030ce0c79419dc362f7838be557 (3.2)",
        ("C2",),
    ),
    "global-xfs": Preset(
        replace(GLOBAL, fs=FsSpec(kind=Filesystem.XFS)),
        "What if the filesystem itself refuses writeback from reclaim?",
        "XFS of 2.6.35 redirties what direct reclaim and kswapd hand it (writepage_refused): the "
        "flusher alone cleans. Compare with patch 6, which leaves kswapd to write.",
        "xfs_vm_writepage, fs/xfs/linux-2.6/xfs_aops.c of 2.6.35.6",
        ("C5", "C7"),
    ),
    "io-sequential": Preset(
        pattern(WorkloadKind.SEQ_WRITER),
        "Is reclaim's IO bad when pages were dirtied in file order?",
        "LRU order and file order agree: even page by page, requests merge.",
        _CHINNER_DISK,
        ("C2",),
    ),
    "io-random": Preset(
        pattern(WorkloadKind.RAND_WRITER),
        "Is reclaim's IO bad when pages were dirtied in random order?",
        "LRU order is the order of dirtying: every page a seek, a hundredfold less throughput.",
        _CHINNER_DISK,
        ("C2",),
    ),
    "stack": Preset(
        replace(GLOBAL, duration_ms=15_000),
        "Can direct reclaim overflow the stack?",
        "Without patch 6 reclaim enters the filesystem on the caller's stack. Look at the "
        "deepest path against 8 KiB, then switch patch 6 on.",
        _CHINNER,
        ("C11", "C12"),
    ),
    "stack-xfs": Preset(
        replace(
            GLOBAL,
            duration_ms=15_000,
            stack=StackSpec(
                frames=Frames.POSTED_2_6_34,
                writepage=StackWritepage.XFS,
                storage_bytes=1024,
            ),
        ),
        "How did a heavy write load overflow 8 KiB of stack on XFS?",
        "The frames of the posted overflow and 1 KiB of stacked storage: stack_overflows_direct "
        "counts the calls that do not fit. The stack diet saves 256 bytes; patch 6 all of it.",
        _BERTHELS,
        ("C11",),
    ),
    "stack-container": Preset(
        replace(REC_MCGMIX, duration_ms=15_000),
        "Does memcg reclaim only come from shallow paths?",
        "Compare stack_bytes_max_fault_entry with the write entry: readahead in a fault reaches "
        "reclaim deeper than write(2) does, and an indirect block's charge reclaims once more.",
        _SEED,
        ("C12",),
    ),
    "stack-sendfile": Preset(
        replace(CONTAINER, duration_ms=15_000, workloads=(*CONTAINER.workloads, FILE_SERVER)),
        "How deep is reclaim that sendfile enters in a container?",
        "Compare stack_bytes_max_sendfile_entry with the write and fault entries: the posted "
        "trace has 1.5k of stack used before the page is asked for. Then switch patch 6 on.",
        _CHINNER,
        ("C12",),
    ),
    "device-usb-stick": Preset(
        replace(
            pattern(WorkloadKind.RAND_WRITER),
            disk=DiskSpec(model=DiskModel.USB_STICK),
            block=BlockSpec(max_sectors_kb=120),
        ),
        "What do scattered writes do to a USB stick?",
        "Each erase block of 4 MiB that is left half full is copied: look at the length of a "
        "request and at erase_blocks_copied, then compare with the 7200 rpm disk.",
        _STICKS,
    ),
    "device-ssd": Preset(
        replace(pattern(WorkloadKind.RAND_WRITER), disk=DiskSpec(model=DiskModel.SSD_SATA)),
        "Does the IO pattern of reclaim matter where nothing seeks?",
        "The writer of io-random on ten flash channels. Compare with the disk: who writes, in "
        "which sizes, and how long the tasks wait.",
        f"{_CHINNER_DISK}; Intel X25-M G2 data sheet",
        ("C2",),
    ),
    "device-raid0": Preset(
        replace(pattern(WorkloadKind.RAND_WRITER), disk=DiskSpec(model=DiskModel.RAID0_4)),
        "Do four heads make up for a bad IO pattern?",
        "The writer of io-random on four disks in chunks of 64 KiB: the heads seek side by side, "
        "but each still seeks for every page.",
        _CHINNER_DISK,
        ("C2",),
    ),
    "highorder": Preset(
        HIGH_ORDER,
        "What does lumpy reclaim write and wait for, to make huge pages of dirty memory?",
        "A thread asks for 2 MiB blocks. Reclaim takes whole blocks of pages, writes the dirty "
        "ones itself and sleeps for them. Look at the success rate and the longest stall.",
        HIGHALLOC,
        ("C6",),
    ),
    "highorder-p6": Preset(
        replace(HIGH_ORDER, patches=_P6),
        "What does patch 6's bounded wait do to huge pages in a machine full of dirty pages?",
        "The second pass writes nothing: it kicks the flusher and waits up to a second for each "
        "batch. Compare success rate, time per block and lumpy_wait_ms_total.",
        f"{_PATCH_6}; {HIGHALLOC}",
        ("C6",),
    ),
    "fsync-beside-writer": Preset(
        FSYNC,
        "How long does fsync take beside a sequential writer?",
        "With data=ordered a commit writes the other file's data too. Look at the latency of "
        "fsync-0, then slow the writer down, or try deadline and an SSD.",
        "fs/ext3/fsync.c and fs/jbd/commit.c of 2.6.35",
    ),
    "change-patch-6": Preset(
        replace(GLOBAL, interventions=(_at(8000, InterventionKind.PATCH, "p6", 1),)),
        "What changes at the moment when direct reclaim may no longer write?",
        "Patch 6 goes on at 8 s. Before it, the run is that without patch 6, bit for bit.",
        _PATCH_6,
        ("C5", "C9"),
    ),
    "change-stall": Preset(
        replace(GLOBAL, interventions=(_at(8000, InterventionKind.STALL, DISK, 2000),)),
        "Where do the tasks wait when the disk stands still for two seconds?",
        "From 8 s to 10 s no request ends. Look at who goes on until memory is full of dirty "
        "pages, and at what each task then sleeps in.",
        "ours: a drive that retries a sector inside",
    ),
    "change-limit": Preset(
        replace(
            CONTAINER,
            memcgs=(MemcgSpec(name="box", limit_mib=128),),
            interventions=(_at(8000, InterventionKind.LIMIT, "box", 48),),
        ),
        "Who reclaims when a full container's limit is lowered?",
        "At 8 s somebody writes 48 MiB into memory.limit_in_bytes: that task reclaims until usage "
        "fits, among dirty pages. Look at its stalls beside the container's own.",
        "mem_cgroup_resize_limit, mm/memcontrol.c of 2.6.35",
        ("C13",),
    ),
    "idle-control": Preset(
        IDLE,
        "Do the patches change anything where nothing is reclaimed?",
        "All files fit into memory. Switch patches of reclaim and answers: nothing may change.",
        "control without pressure; expected: identical runs",
        ("C20",),
    ),
    "recorded-spmix": Preset(
        REC_SPMIX,
        "Does the model repeat the recorded mix under global reclaim?",
        "Compare with spmix DR80, base: stalls, pages written by each context, request sizes.",
        f"{_RECORDED}, spmix_ext3_v0 DR80_BG60",
        ("C5", "C7"),
    ),
    "recorded-spmix-p5-p6": Preset(
        replace(REC_SPMIX, patches=REC_P5_P6),
        "Does the model repeat what patches 5 and 6 changed in the recorded mix?",
        "Compare with spmix DR80, p5+p6, in the form that was recorded.",
        f"{_RECORDED}, spmix_ext3_v7 DR80_BG60",
        ("C2", "C5", "C7"),
    ),
    "recorded-mcgmix": Preset(
        REC_MCGMIX,
        "Does the model repeat the recorded mix in a container of 64 MiB?",
        "Compare with mcgmix, base: memcg stalls and the share of congestion_wait in them.",
        f"{_RECORDED}, mcgmix_ext3_v0",
        ("C13", "C17"),
    ),
    "recorded-mcgmix-p5-p6": Preset(
        replace(REC_MCGMIX, patches=REC_P5_P6),
        "Does the model repeat what the patches changed in the recorded container?",
        "Compare with mcgmix, p5+p6 (memcg waits): nothing written by memcg reclaim.",
        f"{_RECORDED}, mcgmix_ext3_v7",
        ("C13",),
    ),
    "recorded-mcgseq": Preset(
        REC_MCGSEQ,
        "Does the model repeat one sequential writer in a container?",
        "Compare with mcgseq, base: 4000 reclaims in 8 s, none of which writes a page.",
        f"{_RECORDED}, mcgseq_ext3_v0 run 1",
        ("C13",),
    ),
    "recorded-mcgseq-p5-p6": Preset(
        replace(REC_MCGSEQ, patches=REC_P5_P6),
        "Do the patches leave one sequential writer in a container alone?",
        "Compare with mcgseq, p5+p6: the recorded runs differ by less than their spread.",
        f"{_RECORDED}, mcgseq_ext3_v7 run 1",
        ("C13",),
    ),
    "recorded-seq": Preset(
        REC_SEQ,
        "Does the model repeat one sequential writer under global reclaim?",
        "Compare with seq, base: kswapd reclaims clean pages, the writer waits in "
        "balance_dirty_pages.",
        f"{_RECORDED}, seq_ext3_v0 run 0",
        ("C7",),
    ),
}
