"""What a Scenario's fields may be chosen from, and which choices exclude each other."""

from __future__ import annotations

from enum import StrEnum


class Kernel(StrEnum):
    """Base kernel whose rules hold where they differ (mechanics 2.15)."""

    K2_6_35 = "2.6.35"
    K2_6_36 = "2.6.36"
    K6_1 = "6.1"  # containers of cgroup v1
    K6_1_V2 = "6.1-v2"  # of cgroup v2


WHOLE_KERNELS = frozenset({Kernel.K6_1, Kernel.K6_1_V2})
"""Kernels that no patch or answer of 2010 applies to: what came of them is in."""


class Patch(StrEnum):
    """Patches 5 and 6 of June 2010, their forms recorded on 2.6.36, and what came of them later."""

    P5 = "p5"
    P6 = "p6"
    P5_RECORDED = "p5-recorded"
    P6_RECORDED = "p6-recorded"
    MEMCG_WAIT_LOOP = "memcg-wait-loop"
    FLUSHFORWARD = "flushforward"
    WAIT_IFF_CONGESTED = "wait-iff-congested"
    BALANCE_GAP = "gap"
    SMALL_TARGETS = "force"
    NODIRECTWB = "nodirectwb"
    LESSKSWAPDWB = "lesskswapdwb"
    THROTTLE = "throttle"
    IMMEDIATE = "immediate"
    IOLESS = "ioless"
    STACKREDUCE = "stackreduce"
    DIRTYLIST = "dirtylist"


class Tracepoints(StrEnum):
    """Patches 1 to 4: each adds one family of trace events."""

    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


class MemcgAnswer(StrEnum):
    """Who cleans a container's dirty pages: the answers of the mail of 2010-06-09."""

    WAIT = "wait"
    WRITE = "write"
    KSWAPD = "kswapd"
    DIRTY_RATIO = "dirty-ratio"
    MEMCG_FLUSHER = "memcg-flusher"
    IO_CGROUP = "io-cgroup"


class Elevator(StrEnum):
    """IO schedulers of 2.6.35."""

    CFQ = "cfq"
    DEADLINE = "deadline"
    NOOP = "noop"


class DiskModel(StrEnum):
    """Named disks; the numbers are in ``sim.block.disk.DISKS``."""

    HDD_7200 = "hdd-7200"
    HDD_5400 = "hdd-5400"
    RAID0_4 = "raid0-4"
    USB_STICK = "usb-stick"
    SSD_SATA = "ssd-sata"
    NVME = "nvme"
    RECORDED_2_6_36 = "rec-2.6.36"
    RECORDED_6_1 = "rec-6.1"


class Frames(StrEnum):
    """Whose stack frames."""

    RECORDED_2_6_36 = "2.6.36"
    POSTED_2_6_34 = "2.6.34"


class StackWritepage(StrEnum):
    """Whose ->writepage is on the stack."""

    EXT3 = "ext3"
    XFS = "xfs"


class Filesystem(StrEnum):
    """Filesystems whose writeback manners are modelled."""

    EXT3 = "ext3"
    EXT4 = "ext4"
    XFS = "xfs"
    XFS_2_6_34 = "xfs-2.6.34"
    BTRFS = "btrfs"


class WorkloadKind(StrEnum):
    """What a task does."""

    SEQ_WRITER = "seqw"
    RAND_WRITER = "randw"
    SEQ_READER = "seqr"
    RAND_READER = "randr"
    MMAP_DIRTIER = "mmap"
    SMALL_FILES = "small"
    ANON_HOG = "anon"
    FSYNC_WRITER = "fsync"
    FS_MARK = "fsmark"
    COPY = "copy"
    OLTP = "oltp"
    MAP_READER = "mstream"
    SPARSE_READER = "sparse"
    HIGH_ORDER = "highalloc"
    HIGH_PASS = "highpass"
    SENDFILE = "sendfile"
    REPLAY = "replay"


SHARING = (WorkloadKind.SEQ_WRITER, WorkloadKind.RAND_WRITER)
"""Kinds whose tasks may write one file together: they read none of its pages."""


class InterventionKind(StrEnum):
    """What may change at a simulated time."""

    PATCH = "patch"
    ANSWER = "answer"
    VM = "vm"
    LIMIT = "limit"
    RATE = "rate"
    STALL = "stall"


EXCLUSIVE_ANSWERS: tuple[tuple[MemcgAnswer, MemcgAnswer, str], ...] = (
    (
        MemcgAnswer.WAIT,
        MemcgAnswer.WRITE,
        "a reclaimer that waits for the flusher does not write the page itself",
    ),
    (
        MemcgAnswer.MEMCG_FLUSHER,
        MemcgAnswer.IO_CGROUP,
        "a container is cleaned by a thread of its own or by the flusher that picks its inodes",
    ),
)
EXCLUSIVE_PATCHES: tuple[tuple[Patch, Patch, str], ...] = (
    (Patch.P5, Patch.P5_RECORDED, "two forms of the same patch"),
    (Patch.P6, Patch.P6_RECORDED, "two forms of the same patch"),
    (Patch.P6, Patch.NODIRECTWB, "two forms of the same patch"),
    (Patch.P6_RECORDED, Patch.NODIRECTWB, "two forms of the same patch"),
)
