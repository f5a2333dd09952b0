"""A plausible run without a machine behind it: every family, for charts and frames."""

from __future__ import annotations

import numpy as np

from sim import MODEL_VERSION
from sim.machine.vmstat import NAMES
from sim.result import IO_LOG, SLEEP, STALL, VICTIM, Issuer, Result, StallKind

S, MS, PAGE_SECTORS = 1_000_000_000, 1_000_000, 8
CAPACITY_SECTORS = 312_581_808
PAGES = 262_144
WRITERS = ("writer-0", "writer-1", "writer-2", "reader-0", "hog-0")
TASKS = ("kswapd0", "flush-8:0", "kjournald", *WRITERS)


def synthetic_result(
    seed: int = 1, duration_s: int = 60, *, patched: bool = False, memcgs: int = 1
) -> Result:
    """A run of writers under memory pressure; ``patched``: reclaim writes less, flusher more."""
    rng = np.random.default_rng([seed, patched])
    duration = duration_s * S
    names = ["root", *(f"g{i + 1}" for i in range(memcgs))]
    io = _io(rng, duration, patched)
    stalls = _stalls(rng, duration, patched, len(names))
    t = np.arange(0, duration + 1, 100 * MS, dtype=np.int64)
    series = _series(rng, t, io, stalls, names, patched)
    return Result(
        meta=_meta(seed, duration, names, patched),
        series=series,
        counters={name: int(series[name][-1]) for name in NAMES},
        io=io,
        stalls=stalls,
        sleeps=_sleeps(stalls),
        tasks=[{"name": name, "comm": name, "memcg": "root", "pid": 0} for name in TASKS],
        victims=victims_of(rng, len(names)),
    )


def victims_of(rng: np.random.Generator, nr_memcgs: int) -> np.ndarray:
    """Everybody takes from everybody; the flusher only writes."""
    issuers = (Issuer.KSWAPD, Issuer.DIRECT, Issuer.MEMCG, Issuer.FLUSHER)
    cells = [
        (issuer, group, owner, 0 if issuer is Issuer.FLUSHER else taken, written)
        for issuer in issuers
        for group in range(nr_memcgs if issuer in (Issuer.DIRECT, Issuer.MEMCG) else 1)
        for owner in range(nr_memcgs)
        for taken, written in [rng.integers(0, 30_000, 2).tolist()]
        if issuer is not Issuer.MEMCG or group == owner > 0
    ]
    return np.array(cells, VICTIM)


def _meta(seed: int, duration: int, names: list[str], patched: bool) -> dict:
    return {
        "duration_ns": duration,
        "source": "simulated",
        "title": f"Synthetic, {'patched' if patched else 'plain'}",
        "scenario": {},
        "digest": "5eed" * 3 + ("beef" if patched else "cafe"),
        "model_version": MODEL_VERSION,
        "seed": seed,
        "memcgs": names,
        "zones": {
            "DMA32": {
                "present_pages": PAGES, "min_pages": 1007, "low_pages": 1258, "high_pages": 1510,
            }
        },
        "disk": {
            "capacity_sectors": CAPACITY_SECTORS, "congestion_on": 113, "congestion_off": 103,
        },
        "note": "",
    }  # fmt: skip


def _bursts(rng: np.random.Generator, duration: int, every_s: float, length_s: float, n: int):
    """n times in bursts of ``length_s`` that come every ``every_s``."""
    starts = np.arange(rng.uniform(0, every_s), duration / S, every_s)
    which = rng.integers(0, len(starts), n)
    return ((starts[which] + rng.uniform(0, length_s, n)) * S).astype(np.int64)


def _io(rng: np.random.Generator, duration: int, patched: bool) -> np.ndarray:
    seconds = duration // S
    share = {Issuer.KSWAPD: 8 if patched else 60, Issuer.DIRECT: 0 if patched else 25}
    plan = [
        # issuer, number, sectors of a request, base GiB, sequential
        (Issuer.FLUSHER, seconds * (60 if patched else 30), 1024, (12.0, 30.0, 41.0), True),
        (Issuer.KSWAPD, seconds * share[Issuer.KSWAPD], 8, (12.0, 30.0), False),
        (Issuer.DIRECT, seconds * share[Issuer.DIRECT], 8, (12.0, 30.0), False),
        (Issuer.DIRTIER, seconds * 8, 256, (41.0,), True),
        (Issuer.JOURNAL, seconds * 2, 64, (2.1,), True),
        (Issuer.OTHER, seconds * 20, 256, (55.0,), True),
    ]
    parts = []
    for issuer, n, sectors, places, sequential in plan:
        part = np.zeros(n, IO_LOG)
        every, length = (5.0, 2.2) if issuer != Issuer.OTHER else (1.0, 1.0)
        part["t_done_ns"] = np.sort(_bursts(rng, duration, every, length, n)) % duration
        part["t_done_ns"].sort()
        base = np.array(places)[rng.integers(0, len(places), n)] * 2**21
        walk = part["t_done_ns"] / duration * 5 * 2**21 if sequential else 0
        scatter = 0 if sequential else rng.integers(0, 6 * 2**21, n)
        part["sector"] = (base + walk + scatter).astype(np.int64) // 8 * 8
        part["nr_sectors"] = np.maximum(8, sectors - rng.integers(0, sectors, n) // 8 * 8)
        part["issuer"] = issuer
        part["write"] = issuer != Issuer.OTHER
        part["positioned"] = rng.random(n) < (0.15 if sequential else 0.9)
        parts.append(part)
    io = np.concatenate(parts)
    io = io[np.argsort(io["t_done_ns"], kind="stable")]
    n = len(io)
    io["t_issue_ns"] = io["t_done_ns"] - rng.integers(MS, 12 * MS, n)
    io["t_queue_ns"] = io["t_issue_ns"] - rng.integers(0, 400 * MS, n)
    io["task"] = rng.integers(0, len(TASKS), n)
    io["queue_depth"] = rng.integers(1, 128, n)
    return io


def _stalls(rng: np.random.Generator, duration: int, patched: bool, nr_memcgs: int) -> np.ndarray:
    n = int(duration / S * (4 if patched else 9))
    stalls = np.zeros(n, STALL)
    begin = np.sort(_bursts(rng, duration, 5.0, 2.5, n))
    median = 1.5 if patched else 12.0
    length = np.exp(rng.normal(np.log(median), 1.9, n)) * MS
    stalls["t_begin_ns"] = np.minimum(begin, duration - 2)
    stalls["t_end_ns"] = np.minimum(begin + length.astype(np.int64) + 1000, duration)
    kinds = [StallKind.DIRECT_RECLAIM, StallKind.MEMCG_RECLAIM, StallKind.BALANCE_DIRTY]
    stalls["kind"] = rng.choice(kinds, n, p=[0.5, 0.2, 0.3])
    stalls["task"] = 3 + rng.integers(0, len(WRITERS), n)
    stalls["priority"] = rng.integers(2, 13, n)
    stalls["memcg"] = rng.integers(0, nr_memcgs, n)
    stalls["nr_scanned"] = rng.integers(32, 4096, n)
    stalls["nr_reclaimed"] = rng.integers(0, 64, n)
    spent = stalls["t_end_ns"] - stalls["t_begin_ns"]
    stalls["congestion_wait_ns"] = spent * 7 // 10
    stalls["writepage_ns"] = spent // 10
    # A task is in one stall at a time.
    for task in np.unique(stalls["task"]):
        mine = np.flatnonzero(stalls["task"] == task)
        ends = np.maximum.accumulate(stalls["t_end_ns"][mine])
        stalls["t_begin_ns"][mine[1:]] = np.maximum(stalls["t_begin_ns"][mine[1:]], ends[:-1])
    stalls = stalls[stalls["t_end_ns"] > stalls["t_begin_ns"]]
    return stalls[np.argsort(stalls["t_end_ns"], kind="stable")]


def _sleeps(stalls: np.ndarray) -> np.ndarray:
    sleeps = np.zeros(len(stalls), SLEEP)
    for name in ("t_begin_ns", "t_end_ns", "task"):
        sleeps[name] = stalls[name]
    sleeps["cause"] = 2
    return sleeps


def _wave(rng: np.random.Generator, t: np.ndarray, low: float, high: float, period_s: float):
    """Pages going up and down, with noise."""
    phase = rng.uniform(0, 2 * np.pi)
    wave = (np.sin(t / S * 2 * np.pi / period_s + phase) + 1) / 2
    noise = np.convolve(rng.normal(0, 0.06, len(t)), np.ones(5) / 5, "same")
    return np.clip((low + (high - low) * np.clip(wave + noise, 0, 1)), 0, None).astype(np.int64)


def _per_sample(t: np.ndarray, at: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Cumulative counter at the samples."""
    interval = np.clip(np.searchsorted(t, at, "left"), 0, len(t) - 1)
    counted = np.bincount(interval, weight, len(t))
    return np.cumsum(counted).astype(np.int64)


def _series(rng, t, io, stalls, names, patched) -> dict[str, np.ndarray]:
    zero = np.zeros(len(t), np.int64)
    series: dict[str, np.ndarray] = {"t_ns": t, **dict.fromkeys(NAMES, zero)}
    ramp = np.clip(t / (8 * S), 0, 1)
    free = (2200 + (PAGES - 60_000) * (1 - ramp)).astype(np.int64) + _wave(rng, t, 0, 900, 3)
    anon = _wave(rng, t, 30_000, 34_000, 20)
    file_pages = PAGES - 8000 - free - anon
    series |= {
        "nr_free_pages": free,
        "nr_inactive_anon": anon // 3,
        "nr_active_anon": anon - anon // 3,
        "nr_inactive_file": file_pages * 3 // 4,
        "nr_active_file": file_pages - file_pages * 3 // 4,
        "nr_file_dirty": (_wave(rng, t, 15_000, 42_000, 5) * ramp).astype(np.int64),
        "nr_writeback": (_wave(rng, t, 200, 9000, 5) * ramp).astype(np.int64),
        "dirty_thresh_pages": (file_pages + free) // 5,
        "background_thresh_pages": (file_pages + free) // 10,
        "nr_requests_async": _wave(rng, t, 2, 128, 5),
        "nr_requests_sync": _wave(rng, t, 0, 24, 1.7),
    }
    for order in range(11):
        series[f"zone.DMA32.free_blocks_order{order}"] = free // 11 >> order
    series["bdi_async_congested"] = (series["nr_requests_async"] > 112).astype(np.int64)
    writes = io[io["write"] == 1]
    reads = io[io["write"] == 0]
    for done, part in (("written", writes), ("read", reads)):
        at = part["t_done_ns"]
        series[f"requests_{done}"] = _per_sample(t, at)
        series[f"sectors_{done}"] = _per_sample(t, at, part["nr_sectors"].astype(float))
        series[f"seeks_{done}"] = _per_sample(t, at, part["positioned"].astype(float))
    for who, scan, steal in (("kswapd", 900, 700), ("direct", 200, 90), ("memcg", 150, 60)):
        busy = _wave(rng, t, 0, scan, 5) * (t > 8 * S)
        series[f"pgscan_{who}"] = np.cumsum(busy * (1 if patched else 2))
        series[f"pgsteal_{who}"] = np.cumsum(busy * steal // scan)
    series |= {
        "nr_isolated_file": _wave(rng, t, 0, 96, 3),
        "nr_isolated_anon": _wave(rng, t, 0, 32, 4),
        "pgactivate": np.cumsum(_wave(rng, t, 0, 60, 4)),
        "pgdeactivate": np.cumsum(_wave(rng, t, 0, 400, 6)),
        "pgrotated": np.cumsum(_wave(rng, t, 0, 200, 5)),
        "written_kswapd": np.cumsum(_wave(rng, t, 0, 120, 5)),
        "written_flusher": np.cumsum(_wave(rng, t, 0, 900, 5)),
    }
    for kind, who in ((0, "direct"), (1, "memcg"), (2, "balance_dirty")):
        mine = stalls[stalls["kind"] == kind]
        spent = (mine["t_end_ns"] - mine["t_begin_ns"]).astype(float)
        name = f"{who}_ns" if who == "balance_dirty" else f"{who}_stall_ns"
        series[name] = _per_sample(t, mine["t_end_ns"], spent)
    for i, name in enumerate(names):
        limit = 16_384 * (i or 16)
        usage = np.minimum(limit, (limit * ramp * 1.1).astype(np.int64))
        dirty = (_wave(rng, t, limit // 8, limit // 2, 5) * ramp).astype(np.int64)
        memcg = {
            "limit": zero + limit,
            "soft_limit": zero + limit * 3 // 4 * (i > 0),
            "usage": usage,
            "nr_dirty": dirty,
            "nr_writeback": dirty // 5,
            "nr_inactive_file": usage // 2,
            "nr_active_file": usage // 4,
            "nr_inactive_anon": usage // 8,
            "nr_active_anon": usage // 16,
            "nr_dirty_list": dirty // 3 * (i == 1),
            "pgscan": series["pgscan_memcg"] // len(names) * (i > 0),
            "pgsteal": series["pgsteal_memcg"] // len(names) * (i > 0),
        }
        series |= {f"memcg.{name}.{field}": values for field, values in memcg.items()}
    return series
