"""Codes of the kinds of task, in the order of ``WorkloadKind``."""

KIND_SEQ_WRITER = 0
KIND_RAND_WRITER = 1
KIND_SEQ_READER = 2
KIND_RAND_READER = 3
KIND_MMAP_DIRTIER = 4
KIND_SMALL_FILES = 5
KIND_ANON_HOG = 6
"""A hog first touches its area once in order, then random pages of it."""
KIND_COPY = 7
"""Reads a block of one file, writes it to another."""
KIND_OLTP = 8
"""Transactions: random pages of a data file, then a record of a log file, then fsync of the log."""
KIND_MAP_READER = 9
"""Loads from a mapping, page after page."""
KIND_HIGH_ORDER = 10
"""Blocks of pages for the kernel itself."""
HOLD_ALL = -1
"""``w_hold_ns`` of a pass: each block that fits is asked for once, and all are held to its end."""
KIND_SPARSE_READER = 11
"""One load from each page of a mapping of a hole, in order; then it is over."""
KIND_REPLAY = 12
"""Recorded operations, none before its time."""
REPLAY_READ, REPLAY_WRITE, REPLAY_FSYNC = 0, 1, 2
OLTP_READS, OLTP_WRITES = 14, 4
"""Of one transaction of sysbench 0.4's oltp test: 10 point selects and 4 ranges; two updates, a
delete and an insert."""
