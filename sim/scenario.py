"""One experiment as frozen data: machine, kernel, patches, containers, workload, interventions.

A Scenario decides nothing and computes nothing but its own digest. Every field is an int, a bool,
an enum or a name, so that equal experiments have equal canonical JSON and one digest. The sections
are in ``scenario_specs``, their choices in ``scenario_choices``; everything is imported from here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sim.scenario_choices import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    SHARING,
    WHOLE_KERNELS,
    DiskModel,
    Elevator,
    Filesystem,
    Frames,
    InterventionKind,
    Kernel,
    MemcgAnswer,
    Patch,
    StackWritepage,
    Tracepoints,
    WorkloadKind,
)
from sim.scenario_plain import enum_of, from_plain, to_plain
from sim.scenario_problem import Problem, ScenarioError
from sim.scenario_specs import (
    BlockSpec,
    CpuSpec,
    DiskSpec,
    FsSpec,
    Intervention,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    StackSpec,
    VmSysctl,
    WorkloadSpec,
    choice,
    int_range,
    whole,
)
from sim.scenario_timeline import intervention_problems

__all__ = [
    "EXCLUSIVE_ANSWERS", "EXCLUSIVE_PATCHES", "MAX_MEMCGS", "MAX_PAGE_SECONDS", "MAX_TASKS",
    "MEMCG_NAME", "SHARING", "WHOLE_KERNELS", "BlockSpec", "CpuSpec", "DiskModel", "DiskSpec",
    "Elevator", "Filesystem", "Frames", "FsSpec", "Intervention", "InterventionKind", "Kernel",
    "MemcgAnswer", "MemcgSpec", "MemorySpec", "MixSpec", "Patch", "Problem", "Scenario",
    "ScenarioError", "StackSpec", "StackWritepage", "Tracepoints", "VmSysctl", "WorkloadKind",
    "WorkloadSpec",
    "enum_of", "int_range",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that decides a run. Two equal Scenarios give the same bits."""

    seed: int = whole(1, 0, 2**32 - 1, "", "Seed of every random stream")
    duration_ms: int = whole(60_000, 100, 3_600_000, "ms", "Simulated time")
    sample_interval_ms: int = whole(
        100, 10, 10_000, "ms", "Distance of two samples of the counters"
    )
    kernel: Kernel = choice(Kernel.K2_6_35, "Base kernel")
    patches: frozenset[Patch] = frozenset()
    tracepoints: frozenset[Tracepoints] = frozenset(Tracepoints)
    memcg_answers: frozenset[MemcgAnswer] = frozenset()
    memory: MemorySpec = MemorySpec()
    cpu: CpuSpec = CpuSpec()
    vm: VmSysctl = VmSysctl()
    block: BlockSpec = BlockSpec()
    disk: DiskSpec = DiskSpec()
    fs: FsSpec = FsSpec()
    stack: StackSpec = StackSpec()
    memcgs: tuple[MemcgSpec, ...] = ()
    mix: MixSpec = MixSpec()
    workloads: tuple[WorkloadSpec, ...] = ()
    interventions: tuple[Intervention, ...] = ()

    def validate(self) -> list[Problem]:
        """Problems that forbid a run, empty when there are none."""
        return _validate(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, sets sorted."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scenario:
        """Inverse of ``to_dict``; missing fields take their default.

        Raises:
            ScenarioError: unknown field, wrong type or unknown choice, with the field's path.
        """
        scenario = from_plain(cls, data)
        assert isinstance(scenario, Scenario)
        return scenario

    def digest(self) -> str:
        """16 hex digits of the sha256 of the canonical JSON."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


MEMCG_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}")
MAX_TASKS = 256
MAX_MEMCGS = 200
MAX_PAGE_SECONDS = 64 * 1024 * 256 * 600
"""Limit of RAM pages x simulated seconds of one run: 64 GiB for ten minutes."""


def _validate(s: Scenario) -> list[Problem]:
    problems: list[Problem] = []
    kinds = " and ".join(SHARING)
    _check_ranges(s, "", problems)
    names = [g.name for g in s.memcgs]
    for i, name in enumerate(names):
        if not MEMCG_NAME.fullmatch(name) or name == "root":
            problems.append(
                Problem(f"memcgs.{i}.name", name, "must match [a-z][a-z0-9-]{0,11} and not be root")
            )
        if name in names[:i]:
            problems.append(Problem(f"memcgs.{i}.name", name, "is used twice"))
    problems += [
        Problem(f"memcgs.{i}.parent", g.parent, "no container listed before it; root is none")
        for i, g in enumerate(s.memcgs)
        if g.parent not in ("root", *names[:i])
    ]
    if len(names) > MAX_MEMCGS:
        message = f"at most {MAX_MEMCGS} containers"
        problems.append(Problem("memcgs", str(len(names)), message, str(MAX_MEMCGS)))
    placed = [(f"workloads.{i}.memcg", w.memcg) for i, w in enumerate(s.workloads)]
    problems += [
        Problem(path, memcg, "no such container; name root or one of the memcgs")
        for path, memcg in [*placed, ("mix.memcg", s.mix.memcg)]
        if memcg != "root" and memcg not in names
    ]
    problems += [
        Problem(f"workloads.{i}.shared_file", str(w.shared_file), f"is for {kinds} only", "0..0")
        for i, w in enumerate(s.workloads)
        if w.shared_file and w.kind not in SHARING
    ]
    problems += [
        Problem(f"workloads.{i}.trace", str(w.trace), "a replay needs one, other kinds have none")
        for i, w in enumerate(s.workloads)
        if bool(w.trace) != (w.kind is WorkloadKind.REPLAY)
    ]
    problems += [
        Problem(f"workloads.{i}.{name}", str(value), "a replay has the times of its trace", "0..0")
        for i, w in enumerate(s.workloads)
        for name, value in (("rate_kib_per_s", w.rate_kib_per_s), ("think_us", w.think_us))
        if value and w.kind is WorkloadKind.REPLAY
    ]
    tasks = sum(w.threads for w in s.workloads)
    if tasks > MAX_TASKS:
        message = f"at most {MAX_TASKS} tasks"
        problems.append(Problem("workloads", str(tasks), message, str(MAX_TASKS)))
    page_seconds = s.memory.ram_mib * 256 * s.duration_ms // 1000
    if page_seconds > MAX_PAGE_SECONDS:
        message = f"RAM pages x seconds is {page_seconds}, at most {MAX_PAGE_SECONDS}"
        problems.append(Problem("duration_ms", str(s.duration_ms), message, str(MAX_PAGE_SECONDS)))
    problems += _exclusions(s)
    if s.kernel in WHOLE_KERNELS:
        problems += [
            Problem(name, ".".join(sorted(chosen)), f"are of 2.6.35; {s.kernel} has its own rules")
            for name, chosen in (("patches", s.patches), ("memcg_answers", s.memcg_answers))
            if chosen
        ]
    problems += intervention_problems(s)
    return problems


def _exclusions(s: Scenario) -> list[Problem]:
    pairs: list[tuple[str, tuple[StrEnum, StrEnum, str], frozenset[Any]]] = []
    pairs += [("patches", p, s.patches) for p in EXCLUSIVE_PATCHES]
    pairs += [("memcg_answers", a, s.memcg_answers) for a in EXCLUSIVE_ANSWERS]
    return [
        Problem(name, f"{a}.{b}", f"{a} and {b} exclude each other: {why}")
        for name, (a, b, why), chosen in pairs
        if a in chosen and b in chosen
    ]


def _check_ranges(spec: Any, prefix: str, problems: list[Problem]) -> None:
    for f in dataclasses.fields(spec):
        value = getattr(spec, f.name)
        path = f"{prefix}{f.name}"
        if dataclasses.is_dataclass(value):
            _check_ranges(value, f"{path}.", problems)
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                _check_ranges(item, f"{path}.{i}.", problems)
        elif "lo" in f.metadata and not f.metadata["lo"] <= value <= f.metadata["hi"]:
            lo, hi, unit = f.metadata["lo"], f.metadata["hi"], f.metadata["unit"]
            problems.append(
                Problem(path, str(value), f"must be {lo} to {hi} {unit}".rstrip(), f"{lo}..{hi}")
            )
