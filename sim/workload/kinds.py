"""Codes of the kinds of task, in the order of ``WorkloadKind``."""

KIND_SEQ_WRITER = 0
KIND_RAND_WRITER = 1
KIND_SEQ_READER = 2
KIND_RAND_READER = 3
KIND_MMAP_DIRTIER = 4
KIND_SMALL_FILES = 5
KIND_ANON_HOG = 6
"""A hog first touches its area once in order, then random pages of it."""
