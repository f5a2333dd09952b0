"""Hypothesis strategies: any valid Scenario, built from the ranges that the fields declare."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from sim.scenario import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    MAX_PAGE_SECONDS,
    MAX_TASKS,
    SHARING,
    WHOLE_KERNELS,
    BlockSpec,
    CpuSpec,
    DiskSpec,
    FsSpec,
    Intervention,
    InterventionKind,
    Kernel,
    MemcgAnswer,
    MemcgSpec,
    MemorySpec,
    MixSpec,
    Patch,
    Scenario,
    Tracepoints,
    VmSysctl,
    WorkloadKind,
    WorkloadSpec,
    enum_of,
)
from sim.scenario_timeline import intervention_problems, targets


def _fields(spec: type) -> dict[str, st.SearchStrategy[Any]]:
    """A strategy for every int and enum field; the default comes up often."""
    out: dict[str, st.SearchStrategy[Any]] = {}
    for f in dataclasses.fields(spec):
        kind = enum_of(spec, f.name)
        if kind is not None:
            out[f.name] = st.sampled_from(list(kind))
        elif "lo" in f.metadata:
            anything = st.integers(f.metadata["lo"], f.metadata["hi"])
            out[f.name] = st.just(f.default) | anything
    return out


def _section(spec: type) -> st.SearchStrategy[Any]:
    return st.builds(spec, **_fields(spec))


def _subset(kind: Any, exclusive: Any) -> st.SearchStrategy[frozenset[Any]]:
    def allowed(chosen: frozenset[Any]) -> bool:
        return not any(a in chosen and b in chosen for a, b, _ in exclusive)

    return st.frozensets(st.sampled_from(list(kind))).filter(allowed)


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True).filter(lambda n: n != "root")


@st.composite
def _memcgs(draw: st.DrawFn) -> tuple[MemcgSpec, ...]:
    """Some groups of any name, and some times a numbered run of equal ones."""
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    prefix = draw(st.sampled_from(["g", "root", "box-", "a1"]))
    names += [f"{prefix}{i + 1}" for i in range(draw(st.integers(0, 12)))]
    names = list(dict.fromkeys(names))
    limits = st.sampled_from([64, 128]) | st.integers(4, 65536)
    soft = st.sampled_from([0, 0, 16]) | st.integers(0, 65536)
    return tuple(
        MemcgSpec(
            name=name,
            limit_mib=draw(limits),
            soft_limit_mib=draw(soft),
            parent=draw(st.sampled_from(["root", "root", *names[:i]])),
        )
        for i, name in enumerate(names)
    )


@st.composite
def _workloads(draw: st.DrawFn, memcgs: tuple[MemcgSpec, ...]) -> tuple[WorkloadSpec, ...]:
    places = ["root", *(g.name for g in memcgs)]
    groups = draw(
        st.lists(
            st.builds(
                WorkloadSpec,
                kind=st.sampled_from(list(WorkloadKind)),
                memcg=st.sampled_from(places),
                **{k: v for k, v in _fields(WorkloadSpec).items() if k != "kind"},
            ),
            max_size=5,
        )
    )
    if draw(st.booleans()):
        # One group in each memcg, or several alike in the root: what repetition is for.
        spread = places[1:] or ["root"] * 3
        groups += [WorkloadSpec(kind=WorkloadKind.SEQ_WRITER, memcg=place) for place in spread]
    groups = [
        dataclasses.replace(g, trace=max(g.trace, 1), rate_kib_per_s=0, think_us=0)
        if g.kind is WorkloadKind.REPLAY
        else dataclasses.replace(g, trace=0)
        for g in groups
    ]
    groups = [g if g.kind in SHARING else dataclasses.replace(g, shared_file=0) for g in groups]
    while sum(w.threads for w in groups) > MAX_TASKS:
        groups.pop(0)
    return tuple(groups)


@st.composite
def timeline(draw: st.DrawFn, scenario: Scenario) -> tuple[Intervention, ...]:
    """Interventions in order of time that nothing forbids."""
    last = scenario.duration_ms - 1
    for at_ms in sorted(draw(st.lists(st.integers(0, last), max_size=4))):
        what = draw(st.sampled_from(list(InterventionKind)))
        known = targets(scenario, what)
        if not known:
            continue
        whose = draw(st.sampled_from(sorted(known)))
        value = draw(st.integers(known[whose].lo, known[whose].hi))
        each = Intervention(at_ms=at_ms, what=what, whose=whose, value=value)
        tried = dataclasses.replace(scenario, interventions=(*scenario.interventions, each))
        if not intervention_problems(tried):
            scenario = tried
    return scenario.interventions


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A Scenario for which ``validate()`` finds nothing."""
    memcgs = draw(_memcgs())
    memory = draw(_section(MemorySpec))
    top = {k: v for k, v in _fields(Scenario).items() if k not in ("duration_ms", "kernel")}
    longest = max(100, min(3_600_000, MAX_PAGE_SECONDS * 1000 // (memory.ram_mib * 256)))
    mix = draw(_section(MixSpec))
    place = draw(st.sampled_from(["root", *(g.name for g in memcgs)]))
    kernel = draw(st.sampled_from(list(Kernel)))
    whole = kernel in WHOLE_KERNELS
    scenario = Scenario(
        **{name: draw(strategy) for name, strategy in top.items()},
        duration_ms=draw(st.just(min(60_000, longest)) | st.integers(100, longest)),
        kernel=kernel,
        patches=frozenset() if whole else draw(_subset(Patch, EXCLUSIVE_PATCHES)),
        tracepoints=draw(_subset(Tracepoints, ())),
        memcg_answers=frozenset() if whole else draw(_subset(MemcgAnswer, EXCLUSIVE_ANSWERS)),
        memory=memory,
        cpu=draw(_section(CpuSpec)),
        vm=draw(_section(VmSysctl)),
        block=draw(_section(BlockSpec)),
        disk=draw(_section(DiskSpec)),
        fs=draw(_section(FsSpec)),
        memcgs=memcgs,
        mix=dataclasses.replace(mix, memcg=place),
        workloads=draw(_workloads(memcgs)),
    )
    return dataclasses.replace(scenario, interventions=draw(timeline(scenario)))
