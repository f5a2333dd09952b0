"""Inodes, slots and disk blocks of everything the tasks work on, before the run starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.machine.address_space import I_ANON, I_RANDOM, INODE
from sim.workload.plan import TaskPlan
from sim.workload.replay import ROW_WORDS, Share

SLOT_ALIGN = 64
MAX_SMALL_FILES = 100_000
"""Of one creator; then its directory counts as full."""
FILES_PER_SECOND = 4000
"""More than a creator that waits for nothing makes; bounds the inode table."""

EXISTING = ("randw", "seqr", "randr", "copy", "oltp", "mstream", "sendfile")
"""Kinds whose (first) file was written before the run."""
CREATORS = ("small", "fsmark")
"""Kinds that make a new file for each operation."""
OLTP_LOG_PAGES = 64 << 8
"""A log of 64 MiB, made before the run and written round."""


@dataclass(slots=True)
class FilePlan:
    """Who uses which inodes, and the arrays they live in."""

    arrays: dict[str, Any]
    anon_areas: dict[int, int] = field(default_factory=dict)
    existing: list[int] = field(default_factory=list)


def plan_files(plans: list[TaskPlan], first_task: int, duration_ms: int) -> FilePlan:
    """One inode per file, mapping or anonymous area; slots for their largest size."""
    sizes: list[int] = []
    memcgs: list[int] = []
    plan = FilePlan({})
    anon: list[int] = []
    shared: dict[int, int] = {}
    sparse: list[int] = []
    replay: list[tuple[int, ...]] = []
    for t, task in enumerate(plans, first_task):
        columns = task.columns
        number = columns.pop("shared_file")
        if task.kind in ("highalloc", "highpass"):
            continue
        if task.share is not None:
            plan.existing += _add_share(task.share, columns, len(sizes), replay)
            sizes += task.share.sizes
            memcgs += [columns["memcg"]] * len(task.share.sizes)
            continue
        if task.kind in CREATORS:
            count = _nr_small_files(columns, duration_ms)
            columns["op_inode"] = columns["dir_next"] = len(sizes)
            columns["dir_end"] = len(sizes) + count
            sizes += [columns["w_block_pages"]] * count
            memcgs += [columns["memcg"]] * count
            continue
        if number in shared:
            ino = shared[number]
            columns["op_inode"] = ino
            sizes[ino] = max(sizes[ino], columns["w_file_pages"])
            if task.kind in EXISTING and ino not in plan.existing:
                plan.existing.append(ino)
            continue
        if number:
            shared[number] = len(sizes)
        columns["op_inode"] = len(sizes)
        if task.kind == "anon":
            plan.anon_areas[t] = len(sizes)
            anon.append(len(sizes))
        elif task.kind == "sparse":
            sparse.append(len(sizes))
        elif task.kind in EXISTING:
            plan.existing.append(len(sizes))
        sizes.append(columns["w_file_pages"])
        memcgs.append(columns["memcg"])
        if task.kind in ("copy", "oltp"):
            columns["op_first"] = columns["op_inode"]
            columns["op_second"] = len(sizes)
            log = task.kind == "oltp"
            plan.existing += [len(sizes)] if log else []
            sizes.append(OLTP_LOG_PAGES if log else columns["w_file_pages"])
            memcgs.append(columns["memcg"])
    inode = _inodes(sizes, memcgs)
    inode["state"][anon] = I_ANON
    inode["state"][sparse] = I_RANDOM
    known = plan.existing + sparse
    inode["size_pages"][known] = inode["nr_pages"][known]
    inode["group"][known + anon] = 0
    nr_slots = int(inode["first_slot"][-1]) + _aligned(sizes[-1]) if sizes else SLOT_ALIGN
    plan.arrays = {
        "inode": inode,
        "replay": np.array(replay or [(0,) * ROW_WORDS], np.int64),
        "slot_pfn": np.full(nr_slots, -1, np.int32),
        "slot_block": np.full(nr_slots, -1, np.int32),
        "dirty_tag": np.zeros(nr_slots // SLOT_ALIGN + 1, np.int64),
    }
    return plan


def _add_share(
    share: Share, columns: dict[str, int], first: int, replay: list[tuple[int, ...]]
) -> list[int]:
    """A replayer's rows; its files are inodes from ``first`` on. Those that exist already."""
    columns["op_inode"] = columns["op_first"] = first
    columns["op_second"] = first + len(share.sizes)
    columns["replay_next"] = len(replay)
    replay += [(due, op, first + file, at, n) for due, op, file, at, n in share.rows]
    columns["replay_end"] = len(replay)
    return [first + i for i, old in enumerate(share.existing) if old]


def lay_out(plan: FilePlan, lay_out_file: Callable[[int], None]) -> None:
    """Give every file that exists before the run its blocks."""
    for ino in plan.existing:
        lay_out_file(ino)


def _nr_small_files(columns: dict[str, int], duration_ms: int) -> int:
    rate_pages = columns["w_rate_pages_per_s"]
    mean_pages = (columns["w_block_pages"] + 1) // 2
    per_second = rate_pages // max(mean_pages, 1) + 2 if rate_pages else FILES_PER_SECOND
    return min(MAX_SMALL_FILES, (duration_ms // 1000 + 2) * per_second * 2)


def _aligned(pages: int) -> int:
    return -(-pages // SLOT_ALIGN) * SLOT_ALIGN


def _inodes(sizes: list[int], memcgs: list[int]) -> Any:
    inode = np.zeros(max(len(sizes), 1), INODE).view(np.recarray)
    if sizes:
        lengths = -(-np.array(sizes, np.int64) // SLOT_ALIGN) * SLOT_ALIGN
        inode["first_slot"] = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        inode["nr_pages"] = sizes
        inode["memcg"] = memcgs
    for name in ("next", "prev", "goal_block", "ordered_next", "group"):
        inode[name] = -1
    return inode
