"""The list keys of a link, ``m=``, ``w=`` and ``mix=``, both ways; grammar in ``scenario_url``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sim.scenario import (
    MAX_MEMCGS,
    MAX_TASKS,
    MEMCG_NAME,
    SHARING,
    MemcgSpec,
    MixSpec,
    WorkloadKind,
    WorkloadSpec,
    int_range,
)

# What an item leaves out, frozen with version 1 of the links.
MEMCG_DEFAULT = MemcgSpec(name="g", limit_mib=64, soft_limit_mib=0, parent="root")
WORKLOAD_DEFAULT = WorkloadSpec(
    kind=WorkloadKind.SEQ_WRITER, memcg="root", rate_kib_per_s=0, file_mib=256, threads=1,
    block_kib=64, run_pages=1, think_us=0, order=9, shared_file=0, hold_ms=0,
    trace=0,
)  # fmt: skip
MIX_DEFAULT = MixSpec(
    rate_kib_per_s=81920, memcg="root", seqw=40, randw=5, seqr=25, randr=0, mmap=5, small=5,
    anon=20,
)  # fmt: skip
MEMCG_LETTERS = {"s": "soft_limit_mib", "p-": "parent"}
WORKLOAD_LETTERS = {
    "r": "rate_kib_per_s",
    "f": "file_mib",
    "n": "threads",
    "b": "block_kib",
    "c": "run_pages",
    "t": "think_us",
    "o": "order",
    "h": "hold_ms",
    "s": "shared_file",
    "u": "trace",
}
MIX_SHARES = ("seqw", "randw", "seqr", "randr", "mmap", "small", "anon")

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_OPTION = re.compile(r"([a-z]+?)(-?[0-9]{1,18})")
_MEMCG_OPTION = re.compile(r"(s|p-)(.*)")
_REPEAT = re.compile(r"x([0-9]{1,6})")

Note = Callable[..., None]
"""``note(path, value, message, limit="")`` adds a Problem."""


def integer(text: str, spec: type, name: str, path: str, keep: int, note: Note) -> int:
    """A whole number, clamped to the field's range; ``keep`` when it is none."""
    if not _INTEGER.fullmatch(text):
        note(path, text, f"is not a whole number; {keep} is used")
        return keep
    lo, hi = int_range(spec, name)
    value = min(max(int(text), lo), hi)
    if value != int(text):
        note(path, text, f"is out of range; {value} is used", f"{lo}..{hi}")
    return value


def _options(spec: Any, default: Any, letters: dict[str, str]) -> list[str]:
    return [
        f"{letter}{getattr(spec, name)}"
        for letter, name in letters.items()
        if getattr(spec, name) != getattr(default, name)
    ]


def _read_options(
    texts: Iterable[str], spec: Any, letters: dict[str, str], path: str, note: Note
) -> Any:
    changed: dict[str, int] = {}
    for text in texts:
        match = _OPTION.fullmatch(text)
        name = letters.get(match[1]) if match else None
        if match is None or name is None:
            note(path, text, f"is no option; known: {', '.join(letters)} with a number")
            continue
        keep = getattr(spec, name)
        changed[name] = integer(match[2], type(spec), name, f"{path}.{name}", keep, note)
    return replace(spec, **changed)


def encode_mix(mix: MixSpec) -> str:
    """Rate, then memcg and the shares that differ from the frozen mix."""
    shares = _options(mix, MIX_DEFAULT, {kind: kind for kind in MIX_SHARES})
    rate = str(mix.rate_kib_per_s)
    return rate if mix.memcg == "root" and not shares else ".".join([rate, mix.memcg, *shares])


def decode_mix(text: str, keep: MixSpec, note: Note) -> MixSpec:
    """Inverse of ``encode_mix``."""
    rate, memcg, *shares = [*text.split("."), "root"] if "." not in text else text.split(".")
    mix = replace(
        MIX_DEFAULT,
        rate_kib_per_s=integer(
            rate, MixSpec, "rate_kib_per_s", "mix.rate_kib_per_s", keep.rate_kib_per_s, note
        ),
        memcg=memcg,
    )
    mix = _read_options(shares, mix, {kind: kind for kind in MIX_SHARES}, "mix", note)
    assert isinstance(mix, MixSpec)
    return mix


def _run_length(items: Sequence[Any], name: str) -> int:
    """How many items, alike but for one name, have it prefix1, prefix2, ..; 0 unless from 1."""
    first = getattr(items[0], name)
    if not first.endswith("1") or len(first) < 2:
        return 0
    n = 0
    while n < len(items) and items[n] == replace(items[0], **{name: f"{first[:-1]}{n + 1}"}):
        n += 1
    return n


def encode_memcgs(memcgs: tuple[MemcgSpec, ...]) -> str:
    """Items of ``m=``; a run g1..gN of equal ones is one item."""
    items: list[str] = []
    i = 0
    while i < len(memcgs):
        first = memcgs[i]
        n = _run_length(memcgs[i:], "name")
        fields = [f"{first.name[:-1]}.x{n}" if n > 1 else first.name, str(first.limit_mib)]
        items.append(".".join(fields + _options(first, MEMCG_DEFAULT, MEMCG_LETTERS)))
        i += max(n, 1)
    return "~".join(items)


def _repeat(fields: list[str], most: int, path: str, note: Note) -> int:
    """Take the repetition out of an item's fields: its count, 0 when there is none."""
    for text in fields:
        match = _REPEAT.fullmatch(text)
        if match:
            fields.remove(text)
            n = min(max(int(match[1]), 1), most)
            if n != int(match[1]):
                note(path, text, f"is out of range; x{n} is used", f"1..{most}")
            return n
    return 0


def _memcg_option(
    option: str, group: MemcgSpec, before: Iterable[str], path: str, note: Note
) -> MemcgSpec:
    """The group with one more field of its item read."""
    match = _MEMCG_OPTION.fullmatch(option)
    if match is None:
        note(path, option, f"is no option; known: {', '.join(MEMCG_LETTERS)} with its value")
        return group
    letter, value = match.groups()
    if letter == "s":
        keep = group.soft_limit_mib
        mib = integer(value, MemcgSpec, "soft_limit_mib", f"{path}.soft_limit_mib", keep, note)
        return replace(group, soft_limit_mib=mib)
    if value not in ("root", *before):
        note(f"{path}.parent", value, "is no memcg listed before this one; root is used")
        return group
    return replace(group, parent=value)


def decode_memcgs(text: str, _keep: Any, note: Note) -> tuple[MemcgSpec, ...]:
    """Inverse of ``encode_memcgs``; at most ``MAX_MEMCGS``, each name once."""
    memcgs: dict[str, MemcgSpec] = {}
    for i, item in enumerate(text.split("~") if text else ()):
        path = f"memcgs.{i}"
        name, *fields = item.split(".")
        n = _repeat(fields, MAX_MEMCGS, path, note)
        limit = MEMCG_DEFAULT.limit_mib
        if fields:
            limit = integer(fields[0], MemcgSpec, "limit_mib", f"{path}.limit_mib", limit, note)
        group = replace(MEMCG_DEFAULT, limit_mib=limit)
        for option in fields[1:]:
            group = _memcg_option(option, group, memcgs, path, note)
        for each in [f"{name}{k}" for k in range(1, n + 1)] if n else [name]:
            if not MEMCG_NAME.fullmatch(each) or each == "root":
                note(f"{path}.name", each, "is no name for a memcg; ignored")
            elif each in memcgs:
                note(f"{path}.name", each, "is used twice; the first holds")
            elif len(memcgs) == MAX_MEMCGS:
                note(f"{path}.name", each, "is one memcg too many; ignored", str(MAX_MEMCGS))
            else:
                memcgs[each] = replace(group, name=each)
    return tuple(memcgs.values())


def encode_workloads(workloads: tuple[WorkloadSpec, ...]) -> str:
    """Items of ``w=``; equal groups in g1..gN, or in the root, are one item."""
    items: list[str] = []
    i = 0
    while i < len(workloads):
        w, rest = workloads[i], workloads[i:]
        n, memcg = 1, w.memcg
        if memcg == "root":
            while n < len(rest) and rest[n] == w:
                n += 1
        elif memcg != "root1":  # "root.x2" means two groups in the root
            n = max(1, _run_length(rest, "memcg"))
            memcg = memcg[:-1] if n > 1 else memcg
        fields = [str(w.kind), memcg, *([f"x{n}"] if n > 1 else [])]
        items.append(".".join(fields + _options(w, WORKLOAD_DEFAULT, WORKLOAD_LETTERS)))
        i += n
    return "~".join(items)


def decode_workloads(text: str, _keep: Any, note: Note) -> tuple[WorkloadSpec, ...]:
    """Inverse of ``encode_workloads``; at most ``MAX_TASKS`` groups."""
    workloads: list[WorkloadSpec] = []
    kinds = {str(k): k for k in WorkloadKind}
    for i, item in enumerate(text.split("~") if text else ()):
        path = f"workloads.{i}"
        kind, memcg, *fields = [*item.split("."), "root"] if "." not in item else item.split(".")
        if kind not in kinds:
            note(f"{path}.kind", kind, f"is none of {', '.join(kinds)}; the group is left out")
            continue
        n = _repeat(fields, MAX_TASKS, path, note)
        group = replace(WORKLOAD_DEFAULT, kind=kinds[kind], memcg=memcg)
        group = _read_options(fields, group, WORKLOAD_LETTERS, path, note)
        if group.shared_file and group.kind not in SHARING:
            allowed = " and ".join(SHARING)
            note(f"{path}.shared_file", str(group.shared_file), f"is for {allowed} only; ignored")
            group = replace(group, shared_file=0)
        if bool(group.trace) != (group.kind is WorkloadKind.REPLAY):
            note(f"{path}.trace", str(group.trace), "a replay needs one, other kinds have none")
            if not group.trace:
                continue
            group = replace(group, trace=0)
        if not n or memcg == "root":
            groups = [group] * max(n, 1)
        else:
            groups = [replace(group, memcg=f"{memcg}{k}") for k in range(1, n + 1)]
        if len(workloads) + len(groups) > MAX_TASKS:
            note(path, item, "is more groups than tasks are allowed; left out", str(MAX_TASKS))
            continue
        workloads += groups
    return tuple(workloads)
