"""Scenario to machine; only this, policy and workload read a Scenario below the runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from sim.advance import MAIN_LOOP
from sim.block.disk import disk_parameters
from sim.block.request_queue import queue_arrays
from sim.fs.fs_writeback import flusher
from sim.fs.journal import kjournald
from sim.fs.mkfs import filesystem_arrays, lay_out_file
from sim.interventions import Interventions, nr_writers
from sim.machine.address_space import BDI, NR_BDI_LISTS
from sim.machine.bandwidth import INIT_BW, INIT_DIRTIED_PAUSE
from sim.machine.boot import lru_array, min_free_kbytes, page_array, zone_array, zone_sizes
from sim.machine.cost import costs_ns
from sim.machine.free_area import free_areas
from sim.machine.machine import (
    JIFFY_NS,
    NR_CLOCK,
    NR_CPU_WORDS,
    NR_LATENCY,
    NR_MEMCGS,
    NR_ZONES,
    PAGE_LIST_MAX,
    RATELIMIT_PAGES,
    SEED,
    SWAP_PAGES,
    TOTAL_PAGES,
)
from sim.machine.mem_cgroup import MEMCG
from sim.machine.request import (
    ELEVATOR_CFQ,
    ELEVATOR_DEADLINE,
    ELEVATOR_NOOP,
    IO_LOG,
    ISSUER_FLUSHER,
    ISSUER_JOURNAL,
    ISSUER_KSWAPD,
    ISSUER_OTHER,
)
from sim.machine.rules import rules_array
from sim.machine.stack import stack_words
from sim.machine.stall import STALL
from sim.machine.sysctl import (
    DIRTY_BACKGROUND_RATIO,
    DIRTY_EXPIRE_NS,
    DIRTY_RATIO,
    DIRTY_WRITEBACK_NS,
    HZ,
    NR_CPUS,
    NR_SYSCTL,
    READ_AHEAD_PAGES,
    SWAPPINESS,
)
from sim.machine.system import System
from sim.machine.task import PF_MEMDIE, TASK
from sim.machine.tracepoints import TRACE
from sim.machine.victim import victim_array
from sim.machine.vmstat import MEMCG_OOM_KILLS, NR_FREE_PAGES, NR_VM, OOM_KILLS
from sim.machine.zone import ZONE_NAMES
from sim.mm.page_cache import exit_mm
from sim.mm.vmscan import kswapd
from sim.observe.sampler import Sampler, refresh_limits
from sim.policy.memcg_flusher import memcg_flusher, nr_memcg_flushers
from sim.policy.memcg_kswapd import watermarks
from sim.policy.rules import filesystem_manners, resolve, stack_rules
from sim.replay import Replay
from sim.replay_store import stored_trace
from sim.scenario import Elevator, Problem, Scenario, ScenarioError
from sim.units import NSEC_PER_SEC, SECTORS_PER_PAGE, pages_from_kib, pages_from_mib
from sim.workload.files import FilePlan, plan_files
from sim.workload.highorder import free_all_blocks
from sim.workload.plan import TaskPlan, plan_tasks
from sim.workload.tasks import Workloads

_ELEVATORS = {
    Elevator.CFQ: ELEVATOR_CFQ,
    Elevator.DEADLINE: ELEVATOR_DEADLINE,
    Elevator.NOOP: ELEVATOR_NOOP,
}
KERNEL_TASKS = (
    ("kswapd0", ISSUER_KSWAPD, 17),
    ("flush-8-0", ISSUER_FLUSHER, 38),
    ("kjournald", ISSUER_JOURNAL, 36),
)
"""Name, issuer and pid, the latter as in the traces of the recorded 2.6.36."""
FIRST_PID = 50
"""Of the first workload task, as there. ext3 begins a file at a place that depends on the pid."""
LOG_ROWS = 1 << 15
PARTITION_BLOCKS = 64 << 18
"""64 GiB: the filesystem of a test machine is a partition, not the whole disk."""


@dataclass(slots=True)
class Simulation:
    """A machine ready to run."""

    system: System
    sampler: Sampler
    meta: dict[str, Any]
    task_info: list[dict[str, Any]] = field(default_factory=list)


def build(scenario: Scenario, trace: Callable[[int], Replay] = stored_trace) -> Simulation:
    """Everything of one run in its initial state, tasks spawned, nothing executed.

    Raises:
        ScenarioError: an uploaded trace is not here, or the swap area does not fit.
    """
    plans = plan_tasks(scenario, trace)
    nr_tasks = len(KERNEL_TASKS) + len(plans) + nr_writers(scenario)
    nr_tasks += nr_memcg_flushers(scenario)
    files = plan_files(plans, len(KERNEL_TASKS), scenario.duration_ms)
    arrays = _memory(scenario) | _charges(scenario) | _tasks(scenario, plans, nr_tasks)
    arrays |= _block(scenario, nr_tasks) | files.arrays
    arrays |= _filesystem(scenario, arrays)
    _lay_out(scenario, arrays, files)
    arrays |= _words(scenario, arrays)
    system = System(
        arrays,
        MAIN_LOOP,
        nr_cpus=scenario.cpu.nr_cpus,
        quantum_ns=scenario.cpu.quantum_us * 1000,
    )
    refresh_limits(system)
    names = ["root", *(g.name for g in scenario.memcgs)]
    sampler = Sampler(
        system,
        interval_ns=scenario.sample_interval_ms * 1_000_000,
        end_ns=scenario.duration_ms * 1_000_000,
        memcg_names=names,
    )
    simulation = Simulation(system, sampler, _meta(scenario, arrays, names))
    _spawn(simulation, plans, files)
    for g in range(1, nr_memcg_flushers(scenario) + 1):
        comm = f"flush-memcg-{g}"
        system.engine.spawn(comm, partial(memcg_flusher, system, g))
        simulation.task_info.append({"name": comm, "kind": "kernel", "memcg": names[g]})
    _intervene(simulation, scenario)
    return simulation


def _intervene(simulation: Simulation, scenario: Scenario) -> None:
    def spawned(name: str, memcg: str) -> None:
        simulation.task_info.append({"name": name, "kind": "intervention", "memcg": memcg})

    timeline = Interventions(simulation.system, scenario, len(KERNEL_TASKS), spawned)
    simulation.meta["interventions"] = timeline.outcomes


def _memory(s: Scenario) -> dict[str, Any]:
    memory = s.memory
    sizes = zone_sizes(
        pages_from_mib(memory.ram_mib),
        pages_from_mib(memory.kernel_mib),
        dma_present=memory.dma_present_pages,
        dma32_present=memory.dma32_present_pages,
        dma_free=memory.dma_free_pages,
        dma32_free=memory.dma32_free_pages,
    )
    zone = zone_array(sizes, s.vm.min_free_kbytes or min_free_kbytes(sizes))
    page = page_array(zone, sizes)
    scattered_pages = pages_from_mib(memory.kernel_scattered_mib)
    return {
        "free_order": free_areas(zone, page, scattered_pages=scattered_pages, seed=s.seed),
        "zone": zone,
        "page": page,
        "lru": lru_array(len(s.memcgs) + 1),
    }


def _charges(s: Scenario) -> dict[str, Any]:
    memcg = np.zeros(len(s.memcgs) + 1, MEMCG).view(np.recarray)
    names = ["root", *(g.name for g in s.memcgs)]
    for i, spec in enumerate(s.memcgs, 1):
        limit = pages_from_mib(spec.limit_mib)
        memcg["limit"][i] = limit
        memcg["soft_limit"][i] = pages_from_mib(spec.soft_limit_mib)
        parent = names.index(spec.parent)
        memcg["parent"][i] = parent
        if parent:
            memcg["use_hierarchy"][[i, parent]] = 1
        memcg["wmark_low"][i], memcg["wmark_high"][i] = watermarks(limit)
    victim = victim_array(len(s.memcgs) + 1)
    return {"memcg": memcg, "rules": rules_array(resolve(s)), "victim": victim}


def _tasks(s: Scenario, plans: list[TaskPlan], nr_tasks: int) -> dict[str, Any]:
    task = np.zeros(nr_tasks, TASK).view(np.recarray)
    for name in ("wait_pfn", "bio_first_page", "bio_last_page", "wbc_inode", "op_pfn"):
        task[name] = -1
    task["nr_dirtied_pause"] = INIT_DIRTIED_PAUSE
    task["pid"] = FIRST_PID - len(KERNEL_TASKS) + np.arange(nr_tasks)
    for t, (_, issuer, pid) in enumerate(KERNEL_TASKS):
        task["issuer"][t], task["pid"][t] = issuer, pid
    for t, plan in enumerate(plans, len(KERNEL_TASKS)):
        task["issuer"][t] = ISSUER_OTHER
        for name, value in plan.columns.items():
            task[name][t] = value
    return {
        "task": task,
        "page_list": np.zeros((nr_tasks, PAGE_LIST_MAX), np.int32),
        "dirty_list": np.zeros((nr_tasks, PAGE_LIST_MAX), np.int32),
        "lock_since": np.zeros((nr_tasks, PAGE_LIST_MAX), np.int64),
        "latency": np.zeros((nr_tasks, NR_LATENCY), np.int64),
        "cpu": np.zeros((s.cpu.nr_cpus, NR_CPU_WORDS), np.int64),
        "wake": np.zeros(max(256, 4 * nr_tasks), np.int64),
    }


def _block(s: Scenario, nr_tasks: int) -> dict[str, Any]:
    disk = disk_parameters(
        str(s.disk.model),
        capacity_sectors=s.disk.capacity_mb * 1_000_000 // 512,
        transfer_kb_per_s=s.disk.transfer_kb_per_s,
    )
    request, queue, elevator = queue_arrays(
        disk,
        elevator=_ELEVATORS[s.block.elevator],
        nr_requests=s.block.nr_requests,
        max_sectors_kb=s.block.max_sectors_kb,
        hz=s.cpu.hz,
        nr_tasks=nr_tasks,
    )
    bdi = np.zeros(1 + len(s.memcgs), BDI).view(np.recarray)
    bdi["head"] = -1
    bdi["tail"] = -1
    for name in ("write_bandwidth", "avg_write_bandwidth", "dirty_ratelimit"):
        bdi[name] = INIT_BW
    bdi["balanced_dirty_ratelimit"] = INIT_BW
    assert bdi["head"].shape[1] == NR_BDI_LISTS
    return {
        "request": request,
        "queue": queue,
        "elevator": elevator,
        "bdi": bdi,
        "io_log": np.zeros(LOG_ROWS, IO_LOG).view(np.recarray),
        "trace": np.zeros(4 * LOG_ROWS, TRACE).view(np.recarray),
        "stall": np.zeros(LOG_ROWS, STALL).view(np.recarray),
    }


def _filesystem(s: Scenario, arrays: dict[str, Any]) -> dict[str, Any]:
    """An empty ext3 on the first PARTITION_BLOCKS of the disk, and the swap area in it."""
    swap_pages = pages_from_mib(s.memory.swap_mib)
    nr_blocks = device_sectors(arrays) // SECTORS_PER_PAGE
    try:
        made = filesystem_arrays(
            min(nr_blocks, PARTITION_BLOCKS),
            len(arrays["dirty_tag"]),
            swap_pages=swap_pages,
            commit_interval_ms=s.fs.commit_interval_ms,
            manners=filesystem_manners(s),
        )
    except ValueError as error:
        problem = Problem("memory.swap_mib", str(s.memory.swap_mib), str(error))
        raise ScenarioError(problem) from error
    made["fs"][0].counts_slab = 1
    return made | {"swap_map": np.zeros(max(swap_pages, 1), np.int32)}


def device_sectors(arrays: dict[str, Any]) -> int:
    """What the queue sees of its device: all members of an array."""
    queue = arrays["queue"]
    return int(queue["capacity_sectors"][0]) * int(queue["nr_members"][0])


def _lay_out(s: Scenario, arrays: dict[str, Any], files: FilePlan) -> None:
    """Blocks of the files that were written before the run."""
    view = SimpleNamespace(**arrays)
    for ino in files.existing:
        try:
            lay_out_file(view, ino, pages_from_kib(s.fs.extent_kib), s.seed)
        except ValueError as error:
            raise ScenarioError(Problem("workloads", "file_mib", str(error))) from error


def _words(s: Scenario, arrays: dict[str, Any]) -> dict[str, Any]:
    clock = np.zeros(NR_CLOCK, np.int64)
    total = int(arrays["zone"]["present_pages"].sum())
    clock[JIFFY_NS] = NSEC_PER_SEC // s.cpu.hz
    clock[SEED] = s.seed
    clock[RATELIMIT_PAGES] = min(max(total // (s.cpu.nr_cpus * 32), 16), 1024)
    clock[TOTAL_PAGES] = total
    clock[NR_ZONES] = int(np.flatnonzero(arrays["zone"]["present_pages"]).max()) + 1
    clock[NR_MEMCGS] = len(arrays["memcg"])
    clock[SWAP_PAGES] = len(arrays["swap_map"]) if s.memory.swap_mib else 0
    vm = np.zeros(NR_VM, np.int64)
    vm[NR_FREE_PAGES] = int(arrays["zone"]["nr_free"].sum())
    sysctl = np.zeros(NR_SYSCTL, np.int64)
    sysctl[DIRTY_RATIO] = s.vm.dirty_ratio
    sysctl[DIRTY_BACKGROUND_RATIO] = s.vm.dirty_background_ratio
    sysctl[DIRTY_EXPIRE_NS] = s.vm.dirty_expire_centisecs * 10_000_000
    sysctl[DIRTY_WRITEBACK_NS] = s.vm.dirty_writeback_centisecs * 10_000_000
    sysctl[SWAPPINESS] = s.vm.swappiness
    sysctl[READ_AHEAD_PAGES] = pages_from_kib(s.block.read_ahead_kb)
    sysctl[NR_CPUS] = s.cpu.nr_cpus
    sysctl[HZ] = s.cpu.hz
    return {
        "clock": clock,
        "vm": vm,
        "sysctl": sysctl,
        "cost": costs_ns(s.cpu.mips),
        "stack": stack_words(stack_rules(s)),
    }


def _meta(s: Scenario, arrays: dict[str, Any], memcgs: list[str]) -> dict[str, Any]:
    zone = arrays["zone"]
    queue = arrays["queue"]
    return {
        "source": "simulated",
        "title": "",
        "note": "",
        "scenario": s.to_dict(),
        "digest": s.digest(),
        "seed": s.seed,
        "memcgs": memcgs,
        "zones": {
            ZONE_NAMES[z]: {
                "present_pages": int(zone["present_pages"][z]),
                "min_pages": int(zone["watermark"][z][0]),
                "low_pages": int(zone["watermark"][z][1]),
                "high_pages": int(zone["watermark"][z][2]),
            }
            for z in range(len(zone))
            if zone["present_pages"][z]
        },
        "disk": {
            "capacity_sectors": device_sectors(arrays),
            "model": str(s.disk.model),
            "nr_requests": s.block.nr_requests,
            "congestion_on": int(queue["congestion_on"][0]),
            "congestion_off": int(queue["congestion_off"][0]),
        },
    }


def _spawn(simulation: Simulation, plans: list[TaskPlan], files: FilePlan) -> None:
    system = simulation.system
    for (name, _, _), generator in zip(KERNEL_TASKS, (kswapd, flusher, kjournald), strict=True):
        system.engine.spawn(name, partial(generator, system))
        simulation.task_info.append({"name": name, "kind": "kernel", "memcg": "root"})
    workloads = Workloads(
        system,
        partial(_oom_kill, system, files),
        partial(_exit, system, files),
    )
    for i, plan in enumerate(plans):
        # The youngest runs first, as in the recorded runs: so their first requests show.
        system.engine.spawn_compiled(plan.name, workloads.act, lead_ns=i)
        simulation.task_info.append(
            {"name": plan.name, "kind": str(plan.kind), "memcg": plan.memcg}
        )


def _oom_kill(system: System, files: FilePlan, t: int, in_memcg: bool) -> int:
    """The victim: the task with the largest anonymous area (below the memcg), else the caller."""
    over = int(system.tcol["hr_root"][t])
    parent = system.arrays.memcg["parent"].tolist()
    memcg, flags = system.tcol["memcg"], system.tcol["pf_flags"]
    cached = system.arrays.inode["nr_cached"]
    candidates = [
        (int(cached[ino]), -task)
        for task, ino in files.anon_areas.items()
        if not flags[task] & PF_MEMDIE
        and (not in_memcg or _is_under(parent, int(memcg[task]), over))
    ]
    most, chosen = max(candidates, default=(0, -t))
    victim = -chosen if most else t
    _exit(system, files, victim)
    system.vm[MEMCG_OOM_KILLS if in_memcg else OOM_KILLS] += 1
    return victim


def _is_under(parent: list[int], g: int, root: int) -> bool:
    while g and g != root:
        g = parent[g]
    return g == root


def _exit(system: System, files: FilePlan, t: int) -> None:
    """The task's anonymous memory and its blocks are free again."""
    free_all_blocks(system.m, t)
    if t in files.anon_areas:
        exit_mm(system.m, files.anon_areas[t])
