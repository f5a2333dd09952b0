"""From the scenario's mix and task list to one plan per task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sim.machine.stack_chains import ENTRY_NAMES
from sim.replay import Replay
from sim.scenario import MixSpec, Scenario, WorkloadKind, WorkloadSpec
from sim.scenario_timeline import GROUP, MIX
from sim.units import (
    KIB_PER_PAGE,
    NSEC_PER_MSEC,
    NSEC_PER_SEC,
    NSEC_PER_USEC,
    pages_from_kib,
    pages_from_mib,
)
from sim.workload.kinds import (
    HOLD_ALL,
    KIND_ANON_HOG,
    KIND_COPY,
    KIND_HIGH_ORDER,
    KIND_MAP_READER,
    KIND_MMAP_DIRTIER,
    KIND_OLTP,
    KIND_RAND_READER,
    KIND_RAND_WRITER,
    KIND_REPLAY,
    KIND_SEQ_READER,
    KIND_SEQ_WRITER,
    KIND_SMALL_FILES,
    KIND_SPARSE_READER,
)
from sim.workload.replay import Share, shares

CODES: dict[WorkloadKind, int] = {
    WorkloadKind.SEQ_WRITER: KIND_SEQ_WRITER,
    WorkloadKind.RAND_WRITER: KIND_RAND_WRITER,
    WorkloadKind.SEQ_READER: KIND_SEQ_READER,
    WorkloadKind.RAND_READER: KIND_RAND_READER,
    WorkloadKind.MMAP_DIRTIER: KIND_MMAP_DIRTIER,
    WorkloadKind.SMALL_FILES: KIND_SMALL_FILES,
    WorkloadKind.ANON_HOG: KIND_ANON_HOG,
    WorkloadKind.FSYNC_WRITER: KIND_SEQ_WRITER,
    WorkloadKind.FS_MARK: KIND_SMALL_FILES,
    WorkloadKind.COPY: KIND_COPY,
    WorkloadKind.OLTP: KIND_OLTP,
    WorkloadKind.MAP_READER: KIND_MAP_READER,
    WorkloadKind.SPARSE_READER: KIND_SPARSE_READER,
    WorkloadKind.HIGH_ORDER: KIND_HIGH_ORDER,
    WorkloadKind.HIGH_PASS: KIND_HIGH_ORDER,
    WorkloadKind.SENDFILE: KIND_SEQ_READER,
    WorkloadKind.REPLAY: KIND_REPLAY,
}
"""What each kind does between two system calls, as kernels know it."""
HIGH_PASS, REPLAY = WorkloadKind.HIGH_PASS, WorkloadKind.REPLAY
SYNCING = (WorkloadKind.FSYNC_WRITER, WorkloadKind.FS_MARK, WorkloadKind.OLTP)
"""Kinds that end each operation with fsync(2)."""

ENTRY = {
    WorkloadKind.MMAP_DIRTIER: "fault",
    WorkloadKind.MAP_READER: "fault",
    WorkloadKind.SPARSE_READER: "fault",
    WorkloadKind.ANON_HOG: "anon",
    WorkloadKind.SEQ_READER: "read",
    WorkloadKind.RAND_READER: "read",
    WorkloadKind.HIGH_ORDER: "kthread",
    WorkloadKind.HIGH_PASS: "kthread",
    WorkloadKind.SENDFILE: "sendfile",
}
"""Where a kind asks for pages from, if not from write(2) (C12)."""

MIX_DEFAULTS: dict[WorkloadKind, dict[str, int]] = {
    WorkloadKind.SEQ_WRITER: {"file_mib": 4096, "block_kib": 64},
    WorkloadKind.RAND_WRITER: {"file_mib": 512, "block_kib": 4},
    WorkloadKind.SEQ_READER: {"file_mib": 2048, "block_kib": 64},
    WorkloadKind.RAND_READER: {"file_mib": 1024, "block_kib": 4},
    WorkloadKind.MMAP_DIRTIER: {"file_mib": 600, "run_pages": 1},
    WorkloadKind.SMALL_FILES: {"block_kib": 64},
    WorkloadKind.ANON_HOG: {"file_mib": 256, "block_kib": 64},
}
"""What each kind of the mix works on; the mix itself says rate and place only."""


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task: name, place, and the words of its TASK record."""

    name: str
    kind: WorkloadKind
    memcg: str
    columns: dict[str, int] = field(default_factory=dict)
    share: Share | None = None
    """What a replayer replays."""


def mix_workloads(mix: MixSpec) -> list[WorkloadSpec]:
    """The mix as workloads: its total rate shared out by the shares."""
    shares = {kind: int(getattr(mix, str(kind))) for kind in MIX_DEFAULTS}
    total = sum(shares.values())
    if not mix.rate_kib_per_s or not total:
        return []
    return [
        WorkloadSpec(
            kind=kind,
            memcg=mix.memcg,
            rate_kib_per_s=max(mix.rate_kib_per_s * share // total, 1),
            **MIX_DEFAULTS[kind],
        )
        for kind, share in shares.items()
        if share
    ]


def plan_tasks(
    scenario: Scenario, trace: Callable[[int], Replay] = lambda _: Replay()
) -> list[TaskPlan]:
    """Every workload task of a scenario, in order: the mix first, then the list.

    ``trace(number)`` is the uploaded trace of that number.
    """
    names = ["root", *(g.name for g in scenario.memcgs)]
    plans: list[TaskPlan] = []
    for _, spec in _groups(scenario):
        replayed = shares(trace(spec.trace), spec.threads) if spec.kind is REPLAY else []
        for k in range(spec.threads):
            number = sum(1 for p in plans if p.kind is spec.kind)
            columns = _columns(spec) | {"memcg": names.index(spec.memcg)}
            share = replayed[k] if replayed else None
            name = f"{spec.kind}-{number}"
            plans.append(TaskPlan(name, spec.kind, spec.memcg, columns, share))
    return plans


def _groups(scenario: Scenario) -> list[tuple[str, WorkloadSpec]]:
    """(name in interventions, group), in the order of the tasks."""
    mix = [(MIX, spec) for spec in mix_workloads(scenario.mix)]
    return mix + [(f"{GROUP}{i}", spec) for i, spec in enumerate(scenario.workloads, 1)]


def group_of_tasks(scenario: Scenario, name: str, rate: int) -> list[tuple[int, WorkloadSpec]]:
    """(task, counted from the first workload task; its group at a total rate of ``rate`` KiB/s)."""
    mix = replace(scenario.mix, rate_kib_per_s=rate)
    changed = replace(scenario, mix=mix) if name == MIX else scenario
    found: list[tuple[int, WorkloadSpec]] = []
    t = 0
    for group, spec in _groups(changed):
        for _ in range(spec.threads):
            if group == name:
                same = group == MIX
                found.append((t, spec if same else replace(spec, rate_kib_per_s=rate)))
            t += 1
    return found


def rate_columns(spec: WorkloadSpec) -> dict[str, int]:
    """The words of a TASK record that pace it."""
    rate_kib = -(-spec.rate_kib_per_s // spec.threads) if spec.rate_kib_per_s else 0
    rate_pages = max(rate_kib // KIB_PER_PAGE, 1) if rate_kib else 0
    return {
        "w_rate_pages_per_s": rate_pages,
        "op_rate_ns": NSEC_PER_SEC // rate_pages if rate_pages else 0,
    }


def _columns(spec: WorkloadSpec) -> dict[str, int]:
    return rate_columns(spec) | {
        "kind": CODES[spec.kind],
        "w_block_pages": pages_from_kib(spec.block_kib),
        "w_file_pages": pages_from_mib(spec.file_mib),
        "w_run_pages": spec.run_pages,
        "w_think_ns": spec.think_us * NSEC_PER_USEC,
        "w_fsync": int(spec.kind in SYNCING),
        "shared_file": spec.shared_file,
        "w_order": spec.order if CODES[spec.kind] == KIND_HIGH_ORDER else 0,
        "w_hold_ns": HOLD_ALL if spec.kind is HIGH_PASS else spec.hold_ms * NSEC_PER_MSEC,
        "w_splice": int(spec.kind is WorkloadKind.SENDFILE),
        "stack_entry": ENTRY_NAMES.index(ENTRY.get(spec.kind, "write")),
    }
