"""From the scenario's mix and task list to one plan per task."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.machine.stack import FAULT_ENTRY, WRITE_PAGE_ENTRY
from sim.scenario import MixSpec, Scenario, WorkloadKind, WorkloadSpec
from sim.units import KIB_PER_PAGE, NSEC_PER_SEC, NSEC_PER_USEC, pages_from_kib, pages_from_mib

KINDS = tuple(WorkloadKind)
"""Position = code of the kind in kernels (``sim.workload.kinds``)."""

FAULTING = (WorkloadKind.MMAP_DIRTIER, WorkloadKind.ANON_HOG)
"""Kinds that ask for pages from the fault path; the others from system calls (C12)."""

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


def mix_workloads(mix: MixSpec) -> list[WorkloadSpec]:
    """The mix as workloads: its total rate shared out by the shares."""
    shares = {kind: int(getattr(mix, str(kind))) for kind in KINDS}
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


def plan_tasks(scenario: Scenario) -> list[TaskPlan]:
    """Every workload task of a scenario, in order: the mix first, then the list."""
    names = ["root", *(g.name for g in scenario.memcgs)]
    plans: list[TaskPlan] = []
    for spec in [*mix_workloads(scenario.mix), *scenario.workloads]:
        for _ in range(spec.threads):
            number = sum(1 for p in plans if p.kind is spec.kind)
            columns = _columns(spec) | {"memcg": names.index(spec.memcg)}
            plans.append(TaskPlan(f"{spec.kind}-{number}", spec.kind, spec.memcg, columns))
    return plans


def _columns(spec: WorkloadSpec) -> dict[str, int]:
    rate_kib = -(-spec.rate_kib_per_s // spec.threads) if spec.rate_kib_per_s else 0
    rate_pages = max(rate_kib // KIB_PER_PAGE, 1) if rate_kib else 0
    return {
        "kind": KINDS.index(spec.kind),
        "w_block_pages": pages_from_kib(spec.block_kib),
        "w_file_pages": pages_from_mib(spec.file_mib),
        "w_run_pages": spec.run_pages,
        "w_think_ns": spec.think_us * NSEC_PER_USEC,
        "w_rate_pages_per_s": rate_pages,
        "stack_bytes": FAULT_ENTRY if spec.kind in FAULTING else WRITE_PAGE_ENTRY,
        "op_rate_ns": NSEC_PER_SEC // rate_pages if rate_pages else 0,
    }
