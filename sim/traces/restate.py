"""The simulated run of a recording's parameters, from its README's facts only.

``facts_of`` lists every parameter with its value and where it is from; ``scenario_for`` builds the
Scenario from that list. Nothing is fitted: what is not stated is "unknown" and keeps the model's
default. Base and patched runs differ in ``patches`` and ``memcg_answers`` alone (and, as the
recorded seeds do, in ``seed`` and in the free pages their boot had left).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.scenario import Scenario, ScenarioError
from sim.traces.catalogue import Recording
from sim.traces.facts import MIN_FREE_KBYTES_2_6_36, STARTS, ZONES_2_6_36

UNKNOWN = "unknown"
README = "README"


class Fact(NamedTuple):
    """One parameter of the restated run."""

    field: str
    """Path of the Scenario's field."""
    value: Any
    """In the field's unit; None where the Scenario keeps its default."""
    source: str
    """Where it is stated, or "unknown" and what was taken instead."""


_PATCHES = {
    0: [], 1: ["p5-recorded"], 3: ["p5-recorded", "p6-recorded"], 6: ["p6-recorded"],
    7: ["p5-recorded", "p6-recorded"],
    23: ["p5-recorded", "p6-recorded", "memcg-wait-loop"],
}  # fmt: skip
_ANSWERS = {3: ["write"]}

_SEQUENTIAL = {"kind": "seqw", "block_kib": 64}
_DIRTIER = {"kind": "mmap", "file_mib": 600}
_SMALL_FILES = {"kind": "small", "block_kib": 64}
# Every page once in order, then 64 random pages and 2 ms asleep, again and again.
_HOG = {"kind": "anon", "file_mib": 140, "block_kib": 256, "think_us": 2000}
# The shell, the sampler and others: touched once, then never again.
_IDLE = {"kind": "anon", "block_kib": 256, "think_us": 10_000_000}
_WORKLOADS: dict[str, list[dict[str, Any]]] = {
    "seq": [_SEQUENTIAL | {"file_mib": 2000}],
    "mcgseq": [_SEQUENTIAL | {"file_mib": 2000}],
    # In the order of their pids, 50 to 53 in its traces: a file's first block depends on the pid.
    "spmix": [
        _DIRTIER | {"run_pages": 1}, _HOG, _SMALL_FILES, _SEQUENTIAL | {"file_mib": 1500},
    ],
    "mcgmix": [_SEQUENTIAL | {"file_mib": 1500}, _DIRTIER | {"run_pages": 8}, _SMALL_FILES],
}  # fmt: skip
_RAM_MIB = {"256M": 256, "512M": 512, "1024M": 1024}
_FILE_MIB_6_1 = {"S1": 1024, "S4": 640, "S5X": 640}
_MEMCG_MIB = 64


def scenario_for(recording: Recording) -> Scenario | None:
    """The restated run, None when the recording's parameters are not known."""
    facts = facts_of(recording)
    if not facts:
        return None
    data: dict[str, Any] = {}
    for fact in facts:
        if fact.value is not None:
            *parents, name = fact.field.split(".")
            table = data
            for parent in parents:
                table = table.setdefault(parent, {})
            table[name] = fact.value
    try:
        scenario = Scenario.from_dict(data)
    except ScenarioError as error:
        raise AssertionError(f"facts of {recording.name}: {error}") from error
    return scenario


def facts_of(recording: Recording) -> list[Fact]:
    """Every parameter of a recording, empty when it is of neither set."""
    if recording.kernel == "2.6.36" and recording.workload in _WORKLOADS:
        return _facts_2_6_36(recording)
    if recording.kernel == "6.1" and recording.workload in _FILE_MIB_6_1:
        return _facts_6_1(recording)
    return []


def _start(recording: Recording) -> tuple[Fact, int, int]:
    """The run's length, free pages of its first sample, MiB of idle processes (0 = unknown)."""
    start = STARTS.get(recording.name)
    if start is None:
        return Fact("duration_ms", 8000, f"{README}: window of 8 s; this run's is {UNKNOWN}"), 0, 0
    idle_mib = round(start.anon_pages / 256)
    return Fact("duration_ms", start.duration_ms, "summary: window"), start.free_pages, idle_mib


def _facts_2_6_36(r: Recording) -> list[Fact]:
    in_memcg = r.workload.startswith("mcg")
    slow = r.seed == 0
    # README: 256M global, 1024M memcg; run 0 of mcgseq 512M (its summary's "mem").
    mem = "256M" if not in_memcg else "512M" if slow else "1024M"
    high_ratios = "DR80" in r.name
    duration, free, idle_mib = _start(r)
    memcg = "g1" if in_memcg else "root"
    workloads = list(_WORKLOADS[r.workload])
    if idle_mib:
        workloads.append(_IDLE | {"file_mib": idle_mib})
        free += idle_mib * 256  # they are taken again when the run begins
    return [
        Fact("seed", r.seed, f"{README}: runs differ in the seed of the draws"),
        duration,
        Fact("sample_interval_ms", 1000, f"{README}: one samp line a second"),
        Fact("kernel", "2.6.36", README),
        Fact("patches", _PATCHES.get(_variant(r), []), f"{README}: variant of the file name"),
        Fact("memcg_answers", _ANSWERS.get(_variant(r), []), f"{README}: variant of the name"),
        *_memory_2_6_36(mem, free, swap=r.workload == "spmix"),
        Fact("cpu.nr_cpus", 1, README),
        Fact("cpu.mips", 500 if slow else 1000, f"{README}: 1 GIPS, run 0 half of it"),
        Fact("cpu.hz", 250, README),
        Fact("vm.dirty_ratio", 80 if high_ratios else 20, f"{README}: DR80 rows 60/80"),
        Fact("vm.dirty_background_ratio", 60 if high_ratios else 10, f"{README}: DR80 60/80"),
        Fact("vm.dirty_expire_centisecs", None, f"{UNKNOWN}; the kernel's default"),
        Fact("vm.swappiness", 60, README),
        Fact("block.elevator", "cfq", README),
        Fact("block.nr_requests", 128, README),
        Fact("block.max_sectors_kb", 512, README),
        Fact("block.read_ahead_kb", 128, README),
        Fact("disk.model", "rec-2.6.36", f"{README}: the disk's formula"),
        Fact("fs.kind", "ext3", README),
        Fact("fs.commit_interval_ms", 5000, README),
        Fact("fs.extent_kib", None, f"{UNKNOWN}; no file is read that existed before"),
        Fact("memcgs", _memcgs("g1") if in_memcg else [], f"{README}: 64 MiB"),
        Fact("mix.rate_kib_per_s", 0, f"{README}: unthrottled loops, no mix"),
        Fact(
            "workloads",
            _placed(workloads, memcg),
            f"{README}: workloads; first samp row: anonymous pages of idle processes",
        ),
    ]


def _variant(r: Recording) -> int:
    return int(r.variant.removeprefix("v")) if r.variant[:1] == "v" else 0


def _memory_2_6_36(mem: str, free: int, *, swap: bool) -> list[Fact]:
    zones = ZONES_2_6_36.get(mem)
    facts = [
        Fact("memory.ram_mib", _RAM_MIB[mem], f"{README}: mem={mem}"),
        Fact(
            "memory.swap_mib",
            256 if swap else 0,
            f"{README}: 256 MiB file, none in mcg* runs; none in seq, whose first sample has"
            " 1420 KiB written since boot",
        ),
    ]
    if zones is None:
        return [*facts, Fact("memory.dma32_present_pages", None, f"{UNKNOWN} for {mem}")]
    dma, dma32 = zones["DMA"], zones["DMA32"]
    dma32_free = free - dma["free_pages"] if free else dma32["free_pages"]
    return [
        *facts,
        Fact("memory.dma_present_pages", dma["present_pages"], README),
        Fact("memory.dma32_present_pages", dma32["present_pages"], README),
        Fact("memory.dma_free_pages", dma["free_pages"], f"{README}: free at boot"),
        Fact(
            "memory.dma32_free_pages", dma32_free,
            "first samp row less DMA's at boot; the split at the start is unknown",
        ),
        Fact("vm.min_free_kbytes", MIN_FREE_KBYTES_2_6_36[mem], README),
    ]  # fmt: skip


def _facts_6_1(r: Recording) -> list[Fact]:
    duration, free, _ = _start(r)
    in_memcg = r.workload != "S1"
    writer = _SEQUENTIAL | {"file_mib": _FILE_MIB_6_1[r.workload]}
    return [
        Fact("seed", r.seed, f"{README}: fresh boots, nothing is drawn"),
        duration,
        Fact("sample_interval_ms", 250, README),
        Fact("kernel", "6.1-v2" if r.workload == "S5X" else "6.1", README),
        Fact("memory.ram_mib", 512, README),
        Fact("memory.swap_mib", 0, README),
        Fact("memory.dma_present_pages", 3840, f"{README}: managed pages, as watermarks use them"),
        Fact("memory.dma32_present_pages", 113_199, f"{README}: managed pages"),
        Fact("memory.dma_free_pages", 3808, "config: free at the start"),
        Fact(
            "memory.dma32_free_pages", (free or 99_900) - 3808,
            f"first sample less DMA's ({README}: about 99 900 in all)",
        ),
        Fact("cpu.nr_cpus", 2, README),
        Fact(
            "cpu.mips", 200,
            f"{UNKNOWN}; write() of 64 KiB takes 0.8 ms there and 160 us at 1000 MIPS on 2.6.36",
        ),
        Fact("cpu.hz", 250, README),
        Fact("vm.dirty_ratio", 20, README),
        Fact("vm.dirty_background_ratio", 10, README),
        Fact("vm.dirty_expire_centisecs", 3000, README),
        Fact("vm.dirty_writeback_centisecs", 500, README),
        Fact("vm.swappiness", 60, README),
        Fact("vm.min_free_kbytes", 2706, README),
        Fact("block.elevator", "deadline", f"{README}: mq-deadline"),
        Fact("block.nr_requests", 64, "config"),
        Fact("block.max_sectors_kb", 1280, README),
        Fact("block.read_ahead_kb", 128, README),
        Fact("disk.model", "rec-6.1", f"{README}: the disk's formula"),
        Fact("fs.kind", "ext4", README),
        Fact("fs.commit_interval_ms", 5000, f"{README}: a commit every 5 s"),
        Fact(
            "memcgs", _memcgs("w") if in_memcg else [],
            f"{README}: 64 MiB",
        ),
        Fact("mix.rate_kib_per_s", 0, f"{README}: one writer, no mix"),
        Fact("workloads", _placed([writer], "w" if in_memcg else "root"), README),
    ]  # fmt: skip


def _memcgs(name: str) -> list[dict[str, Any]]:
    return [{"name": name, "limit_mib": _MEMCG_MIB}]


def _placed(workloads: list[dict[str, Any]], memcg: str) -> list[dict[str, Any]]:
    return [spec | {"memcg": memcg} for spec in workloads]
