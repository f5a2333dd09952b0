"""Numbers of a run, each defined once: unit, formula, which way is better.

A metric reads the run's counters; a recording that lacks them may still have the stalls or the
request log, and then those say it. None means not recorded, or a ratio without a denominator:
never zero. ``*_pages_scanned`` is vmstat's pgscan (inactive lists only); ``*_traced`` is what the
kernel's post-processing script of 2010 counts, active lists included.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.machine.stack_chains import ENTRY_NAMES
from sim.observe.columns import CONTEXTS, ISSUERS, PAGE_MIB, SECTOR_MIB, Column, columns
from sim.observe.sources import (
    Number,
    Source,
    age_percentile_ms,
    counted,
    divided,
    duration_ns,
    logged_busy_ns,
    logged_pages,
    logged_request_kib,
    logged_requests,
    logged_sectors,
    logged_seeks,
    logged_sequential,
    percentile_ns,
    ratio,
    sleep_ms,
    stall_count,
    stall_ns,
    stall_percentile_ms,
    stall_sum,
    taken,
    taken_in_hierarchy,
)
from sim.observe.tables import (
    Latency,
    Row,
    StallCdf,
    latency_summary,
    mmtests_rows,
    stall_cdf,
    victim_rows,
)
from sim.result import Result, SleepCause, StallKind
from sim.units import NSEC_PER_MSEC, NSEC_PER_SEC, NSEC_PER_USEC, SECTOR_SIZE

__all__ = [
    "HEADLINE", "METRICS", "Column", "Headline", "Latency", "Metric", "Row", "StallCdf",
    "columns", "headline", "latency_summary", "metrics", "mmtests_rows", "percentile_ns",
    "stall_cdf", "victim_rows",
]  # fmt: skip


class Metric(NamedTuple):
    """One number of a run."""

    unit: str
    formula: str
    better: str
    """``lower``, ``higher``, or empty where neither is better."""
    compute: Source
    title: str


class Headline(NamedTuple):
    """One of the few numbers that stand above the charts."""

    name: str
    title: str
    value: Number | None
    unit: str
    better: str


METRICS: dict[str, Metric] = {}
"""Every metric, in the order of tables."""


def _add(name: str, unit: str, formula: str, better: str, compute: Source, title: str = "") -> None:
    assert name not in METRICS
    text = title or name.replace("_", " ").capitalize()
    METRICS[name] = Metric(unit, formula, better, compute, text)


def _count(
    name: str, counter: str, better: str = "", title: str = "", *,
    unit: str = "pages", otherwise: Source | None = None,
) -> None:  # fmt: skip
    _add(name, unit, counter, better, counted(counter, otherwise=otherwise), title)


def _ms(
    name: str, *counters: str, better: str = "lower", title: str = "",
    otherwise: Source | None = None,
) -> None:  # fmt: skip
    compute = divided(counted(*counters, otherwise=otherwise), NSEC_PER_MSEC)
    _add(name, "ms", f"{_plus(counters)} / 10^6", better, compute, title)


def _share(name: str, top: str, bottom: str, better: str, title: str = "") -> None:
    _add(name, "share", f"{top} / {bottom}", better, ratio(counted(top), counted(bottom)), title)


def _plus(counters: tuple[str, ...]) -> str:
    return counters[0] if len(counters) == 1 else f"({' + '.join(counters)})"


# ---- reclaim


def _direct_reclaim() -> None:
    kind = StallKind.DIRECT_RECLAIM
    _count("direct_reclaims", "direct_reclaims", "lower", unit="calls", otherwise=stall_count(kind))
    scanned, reclaimed = stall_sum("nr_scanned", kind), stall_sum("nr_reclaimed", kind)
    _count("direct_reclaim_pages_scanned", "pgscan_direct", "lower", otherwise=scanned)
    _count("direct_reclaim_pages_reclaimed", "pgsteal_direct", otherwise=reclaimed)
    _count("direct_reclaim_pages_scanned_traced", "isolated_direct", "lower")
    for write in ("file_async", "file_sync", "anon_async", "anon_sync"):
        _count(f"direct_reclaim_write_{write}", f"direct_write_{write}", "lower")
    _ms(
        "direct_reclaim_stall_ms_total", "direct_stall_ns", title="Time stalled direct reclaim",
        otherwise=stall_ns(kind),
    )  # fmt: skip


def _kswapd() -> None:
    _count("wake_kswapd_requests", "wakeup_kswapd", unit="calls")
    _count("kswapd_wakeups", "kswapd_wakeups", unit="wakeups")
    _count("kswapd_rewakeups", "kswapd_rewakeups", unit="wakeups")
    _count("kswapd_pages_scanned", "pgscan_kswapd")
    _count("kswapd_pages_reclaimed", "pgsteal_kswapd")
    _count("kswapd_pages_scanned_traced", "isolated_kswapd")
    _count("kswapd_write_file_async", "kswapd_write_file")
    _count("kswapd_write_anon_async", "kswapd_write_anon")
    _ms("kswapd_awake_ms", "kswapd_awake_ns", better="", title="Time kswapd awake")
    _ms("kswapd_run_ms", "kswapd_run_ns", title="CPU time of kswapd")


def _memcg_reclaim() -> None:
    kind = StallKind.MEMCG_RECLAIM
    _count("memcg_reclaims", "memcg_reclaims", "lower", unit="calls", otherwise=stall_count(kind))
    scanned, reclaimed = stall_sum("nr_scanned", kind), stall_sum("nr_reclaimed", kind)
    _count("memcg_pages_scanned", "pgscan_memcg", "lower", otherwise=scanned)
    _count("memcg_pages_reclaimed", "pgsteal_memcg", otherwise=reclaimed)
    _count("memcg_pages_scanned_traced", "isolated_memcg", "lower")
    _count("memcg_write_file", "memcg_write_file", title="Memcg reclaim write file")
    _count("memcg_write_anon", "memcg_write_anon", title="Memcg reclaim write anon")
    _ms(
        "memcg_stall_ms_total", "memcg_stall_ns", title="Time stalled memcg reclaim",
        otherwise=stall_ns(kind),
    )  # fmt: skip
    _count("memcg_failcnt", "memcg_failcnt", "lower", unit="failures")
    _hierarchy()
    _count("memcg_dirty_throttled", "memcg_dirty_throttled", unit="looks")
    _count("memcg_flusher_kicks", "memcg_flusher_kicks", unit="kicks")
    title = "Wake-ups of containers' own flushers"
    _count("memcg_flusher_wakeups", "memcg_flusher_wakeups", "", title, unit="wakeups")
    title = "Works for one container's inodes"
    _count("memcg_flusher_works", "memcg_flusher_works", "", title, unit="works")
    title = "Inodes of others passed over in the search"
    _count("flusher_foreign_inodes", "flusher_foreign_inodes", "lower", title, unit="inodes")
    title = "Shared inodes taken by works for one container"
    _count("flusher_shared_inodes", "flusher_shared_inodes", "", title, unit="inodes")
    _ms("flusher_search_ms", "flusher_search_ns", title="CPU time of that search")
    _count("memcg_flusher_scanned", "memcg_flusher_scanned", "lower", "Pages these looked at")


def _hierarchy() -> None:
    """Limits above the task's own memcg, and soft limits."""
    name = "memcg_reclaims_of_others"
    title = "Memcg reclaim in another container than the task's"
    _count(name, name, "lower", title, unit="calls")
    for what in ("reclaimed", "written"):
        formula = f"sum of {what} over the victims of memcg reclaim whose owner is not the task's"
        title = f"Pages of others {what} by memcg reclaim"
        compute = taken_in_hierarchy(what)
        _add(f"memcg_{what}_from_others", "pages", formula, "lower", compute, title)
    title = "Containers over their soft limit that kswapd reclaimed from"
    _count("soft_limit_reclaims", "soft_limit_reclaims", "", title, unit="calls")
    _count("soft_limit_scanned", "soft_limit_scanned", "", "Pages scanned for a soft limit")
    _count("soft_limit_reclaimed", "soft_limit_reclaimed", "", "Pages reclaimed for a soft limit")


def _high_order() -> None:
    asked = ("highorder_alloc_success", "highorder_alloc_failed")
    _count(asked[0], asked[0], "higher", "High-order allocations", unit="blocks")
    _count(asked[1], asked[1], "lower", "High-order allocations failed", unit="blocks")
    _add(
        "highorder_alloc_success_share", "share", f"{asked[0]} / {_plus(asked)}", "higher",
        ratio(counted(asked[0]), counted(*asked)), "High-order success rate",
    )  # fmt: skip
    _add(
        "highorder_alloc_latency_ms_mean", "ms", f"highorder_alloc_ns / {_plus(asked)} / 10^6",
        "lower", ratio(counted("highorder_alloc_ns"), counted(*asked), 1 / NSEC_PER_MSEC),
        "Mean time of a high-order allocation",
    )  # fmt: skip
    _count("highorder_pages_held", "nr_highorder_pages", "", "Pages held in high-order blocks")
    _count("lumpy_waits", "lumpy_waits", "lower", unit="waits")
    _ms("lumpy_wait_ms_total", "lumpy_wait_ns", title="Time in lumpy reclaim's second pass")
    for what in ("taken", "dirty", "failed"):
        _count(f"contig_{what}", f"contig_{what}", "", f"Lumpy neighbours {what}")


def _what_reclaim_met() -> None:
    steal = tuple(f"pgsteal_{who}" for who in CONTEXTS)
    scan = tuple(f"pgscan_{who}" for who in CONTEXTS)
    _add(
        "reclaim_efficiency", "share", f"{_plus(steal)} / {_plus(scan)}", "higher",
        ratio(counted(*steal), counted(*scan)),
    )  # fmt: skip
    for who in CONTEXTS:
        _share(f"{who}_efficiency", f"pgsteal_{who}", f"pgscan_{who}", "higher")
    for who in CONTEXTS:
        _count(f"dirty_met_{who}", f"dirty_met_{who}", "lower", f"Dirty pages met by {who}")
        title = f"Pages under writeback met by {who}"
        _count(f"writeback_met_{who}", f"writeback_met_{who}", "lower", title)
    _count("dirty_pages_skipped", "dirty_skipped", title="Dirty pages put back on the LRU")
    _dirty_list()
    _count("queue_congested_keep", "queue_congested_keep", title="Kept because queue congested")
    for what in ("reclaimed", "written"):
        formula = f"sum of {what} over the victims of direct reclaim and kswapd whose owner is not "
        formula += "their group"
        title = f"Pages of others {what} by global reclaim"
        _add(f"global_{what}_from_memcgs", "pages", formula, "lower", taken(what), title)
    _page_locks()
    _reclaim_age()
    title = "->writepage of reclaim that left the page dirty"
    _count("writepage_refused", "writepage_refused", "lower", title)
    _count(
        "wait_iff_congested_calls", "conditional_waits",
        unit="calls", title="wait_iff_congested (2.6.37), asleep or not",
    )  # fmt: skip
    _count(
        "nr_vmscan_immediate", "nr_vmscan_immediate",
        title="Dirty pages left to be freed once clean (3.2)",
    )  # fmt: skip
    _count(
        "writeback_throttles", "writeback_throttles", "lower",
        unit="batches", title="Batches with too much under writeback (3.2)",
    )  # fmt: skip
    for why in ("writeback", "isolated", "noprogress", "congested"):
        title = f"Sleeps in reclaim_throttle, {why} (6.1)"
        _count(f"throttled_{why}", f"throttled_{why}", "lower", title, unit="sleeps")
    _ms("reclaim_throttle_ms_total", "reclaim_throttle_ns", title="Time in reclaim_throttle (6.1)")
    _count("pgrotated", "pgrotated", title="Pages rotated to the inactive tail")
    _count("oom_kills", "oom_kills", "lower", "OOM kills, global", unit="kills")
    _count("memcg_oom_kills", "memcg_oom_kills", "lower", "OOM kills, memcg", unit="kills")


def _dirty_list() -> None:
    """C10: laps spared, and what the list of dirty pages costs."""
    _count("dirty_list_put", "dirty_list_put", title="Dirty pages put on the list of dirty pages")
    title = "Scans of dirty pages spared by their list"
    _count("dirty_list_passed", "dirty_list_passed", "higher", title)
    title = "Pages moved back from the list of dirty pages"
    _count("dirty_list_returned", "dirty_list_returned", "lower", title)
    title = "Updates of list counters for that"
    _count("dirty_list_counters", "dirty_list_counters", "lower", title, unit="updates")
    _ms("dirty_list_ms", "dirty_list_ns", title="CPU time for that")


def _page_locks() -> None:
    """C3: locks that reclaim holds on pages it writes."""
    us = 1 / NSEC_PER_USEC
    _add(
        "page_lock_us_mean", "us", "page_lock_ns / page_locks / 10^3", "lower",
        ratio(counted("page_lock_ns"), counted("page_locks"), us),
        "Page lock held by reclaim, mean",
    )  # fmt: skip
    _ms("page_lock_ms_max", "page_lock_ns_max", title="Page lock held by reclaim, longest")
    title = "Most page locks held at once by a reclaimer"
    _count("page_locks_held_max", "page_locks_held_max", "lower", title, unit="locks")
    title = "Calls of ->writepage[s] with locks on other pages"
    _count("page_lock_nested", "page_lock_nested", "lower", title, unit="calls")
    title = "Locks of a batch that writeback would have slept for"
    _count("page_lock_contended", "page_lock_contended", "lower", title, unit="locks")
    title = "Of these, with locks of its own: may deadlock"
    _count("page_lock_inversions", "page_lock_inversions", "lower", title, unit="locks")


def _reclaim_age() -> None:
    """C9: time from joining the LRU to being reclaimed, and its order."""
    reclaimed = counted(*(f"pgsteal_{who}" for who in CONTEXTS))
    formula = "reclaim_age_ms / (pgsteal_kswapd + pgsteal_direct + pgsteal_memcg)"
    age = ratio(counted("reclaim_age_ms"), reclaimed)
    _add("reclaim_age_ms_mean", "ms", formula, "", age, "Age of reclaimed pages, mean")
    for percent in (50, 99):
        formula = f"upper edge of the bucket of reclaim_age_* that holds the {percent}th percentile"
        title = f"Age of reclaimed pages, p{percent}, at most"
        _add(f"reclaim_age_ms_p{percent}", "ms", formula, "", age_percentile_ms(percent), title)
    title = "Pages reclaimed right after a younger one"
    _count("reclaim_inversions", "reclaim_inversions", "lower", title)


# ---- stalls and sleeps


def _stalls_and_sleeps() -> None:
    groups = {
        "": (None, "reclaim"),
        "direct_": (StallKind.DIRECT_RECLAIM, "direct reclaim"),
        "memcg_": (StallKind.MEMCG_RECLAIM, "memcg reclaim"),
        "balance_dirty_": (StallKind.BALANCE_DIRTY, "balance_dirty_pages"),
    }
    for prefix, (kind, where) in groups.items():
        for name, percent in (("p50", 50), ("p99", 99), ("max", 100)):
            formula = f"{name} of one stall in {where}, nearest rank; 0 without stalls"
            title = f"{'Longest' if name == 'max' else name} stall in {where}"
            compute = stall_percentile_ms(percent, kind)
            _add(f"{prefix}stall_ms_{name}", "ms", formula, "lower", compute, title)
    _ms(
        "balance_dirty_pages_ms_total", "balance_dirty_ns", title="Time in balance_dirty_pages",
        otherwise=stall_ns(StallKind.BALANCE_DIRTY),
    )  # fmt: skip
    _count("balance_dirty_pauses", "balance_dirty_pauses", "lower", unit="pauses")
    for what in ("congestion_wait", "writepage"):
        ns = [f"{who}_{what}_ns" for who in CONTEXTS]
        _ms(f"{what}_ms_total", *ns, title=f"Time in {what}, all reclaim")
        for who, counter in zip(CONTEXTS, ns, strict=True):
            _ms(f"{who}_{what}_ms", counter, title=f"Time in {what}, {who}")
    for who in CONTEXTS:
        _count(f"{who}_congestion_waits", f"{who}_congestion_waits", "lower", unit="waits")
    for cause in SleepCause:
        if cause not in (SleepCause.IDLE, SleepCause.THINK):
            name = cause.name.lower()
            formula = f"sum over the sleeps of all tasks for {name}"
            _add(f"sleep_ms_{name}", "ms", formula, "lower", sleep_ms(cause), f"Asleep in {name}")


# ---- writeback and the disk


def _writeback() -> None:
    for name, code in ISSUERS.items():
        _count(
            f"pages_written_by_{name}", f"written_{name}", title=f"Pages written by {name}",
            otherwise=logged_pages(code),
        )  # fmt: skip
    for name in ("flusher", "dirtier"):
        pages = logged_pages(ISSUERS[name])
        _count(f"{name}_pages_written", f"written_{name}", otherwise=pages)
    for name, code in ISSUERS.items():
        formula = f"logged write requests of {name}"
        compute = logged_requests(1, code)
        _add(f"write_requests_by_{name}", "requests", formula, "", compute)
    for name, code in ISSUERS.items():
        formula = f"sectors / 2 / requests of the logged writes of {name}"
        compute = logged_request_kib(code)
        _add(f"write_request_kib_mean_by_{name}", "KiB", formula, "higher", compute)
    _count("nr_vmscan_write", "nr_vmscan_write", "lower", "Page writes by reclaim")
    _count("range_calls", "range_calls", unit="calls", title="Ranges written by reclaim")
    _count("range_pages", "range_pages", title="Pages written in ranges")
    _count("range_pages_unasked", "range_pages_unasked", "lower", "Of these, not asked for")
    _add(
        "range_pages_mean", "pages", "range_pages / range_calls", "higher",
        ratio(counted("range_pages"), counted("range_calls")), "Mean range",
    )  # fmt: skip
    _share("range_unasked_share", "range_pages_unasked", "range_pages", "lower", "Over-IO")
    title = "Of these, dirtied again before they would have expired"
    _count("range_unasked_redirtied", "range_unasked_redirtied", "lower", title)
    top, bottom = "range_unasked_redirtied", "range_pages_unasked"
    _share("range_unasked_in_vain_share", top, bottom, "lower", "Over-IO written in vain")
    _count("pages_dirtied", "pages_dirtied")
    _count("pages_redirtied", "pages_redirtied", "lower")
    _count("journal_commits", "journal_commits", unit="commits")
    _count("flusher_wakeups", "flusher_wakeups", unit="wakeups")
    _ms("flusher_run_ms", "flusher_run_ns", better="", title="CPU time of the flusher")


def _disk() -> None:
    requests = {
        "write": counted("requests_written", otherwise=logged_requests(1)),
        "read": counted("requests_read", otherwise=logged_requests(0)),
    }
    sectors = {
        "write": counted("sectors_written", otherwise=logged_sectors(1)),
        "read": counted("sectors_read", otherwise=logged_sectors(0)),
    }
    for do, done in (("write", "written"), ("read", "read")):
        _add(f"{do}_requests", "requests", f"requests_{done}", "", requests[do])
        _add(
            f"{do}_request_kib_mean", "KiB", f"sectors_{done} / 2 / requests_{done}", "higher",
            ratio(sectors[do], requests[do], SECTOR_SIZE / 1024), f"Mean {do} request",
        )  # fmt: skip
        seeks = logged_seeks(int(do == "write"))
        _count(f"{do}_seeks", f"seeks_{done}", "lower", unit="seeks", otherwise=seeks)
        formula = f"sectors_{done} * 512 / 2^20"
        name = f"disk_{do}_mib_per_s"
        _per_second(name, f"Disk {do}s", formula, sectors[do], SECTOR_MIB)
    _add(
        "write_sequential_share", "share", "sequential_written / requests_written", "higher",
        ratio(counted("sequential_written", otherwise=logged_sequential), requests["write"]),
        "Writes that begin where the last request ended",
    )  # fmt: skip
    _add(
        "disk_busy_share", "share", "disk_busy_ns / duration_ns", "",
        ratio(counted("disk_busy_ns", otherwise=logged_busy_ns), duration_ns), "Disk busy",
    )  # fmt: skip
    _count("get_request_sleeps", "get_request_sleeps", "lower", unit="sleeps")


def _per_second(name: str, title: str, formula: str, source: Source, factor: float) -> None:
    compute = ratio(source, duration_ns, factor * NSEC_PER_SEC)
    _add(name, "MiB/s", f"{formula} / duration_s", "higher", compute, title)


# ---- the tasks' own progress, swap, stacks


def _tasks() -> None:
    for do, done in (("write", "written"), ("read", "read")):
        formula = f"app_pages_{done} * 4096 / 2^20"
        pages = counted(f"app_pages_{done}")
        title = f"{done.capitalize()} by the tasks"
        _per_second(f"app_{do}_mib_per_s", title, formula, pages, PAGE_MIB)
    _count("app_pages_touched", "app_pages_touched", "higher")
    _count("app_files_created", "app_files_created", "higher", unit="files")
    _count("major_faults", "pgmajfault", "lower", unit="faults")
    _count("swap_in", "pswpin", "lower", "Swap ins")
    _count("swap_out", "pswpout", "lower", "Swap outs")
    _count("stack_bytes_max", "stack_bytes_max", "lower", "Deepest stack", unit="B")
    for who in ("direct", "memcg", "kswapd", "flusher"):
        name = f"stack_bytes_max_{who}"
        _count(name, name, "lower", f"Deepest stack, {who}", unit="B")
    for entry in ENTRY_NAMES:
        name = f"stack_bytes_max_{entry}_entry"
        _count(name, name, "lower", f"Deepest stack of reclaim from {entry}", unit="B")
    for who in ("direct", "memcg", "kswapd", "other"):
        name = f"stack_overflows_{who}"
        _count(name, name, "lower", f"Deeper than THREAD_SIZE, {who}", unit="calls")


for _section in (
    _direct_reclaim, _kswapd, _memcg_reclaim, _high_order, _what_reclaim_met,
    _stalls_and_sleeps, _writeback, _disk, _tasks,
):  # fmt: skip
    _section()

HEADLINE = (
    "direct_reclaim_stall_ms_total",
    "memcg_stall_ms_total",
    "stall_ms_p99",
    "stall_ms_max",
    "direct_reclaim_write_file_async",
    "write_request_kib_mean",
    "write_seeks",
    "disk_write_mib_per_s",
    "app_write_mib_per_s",
)


def metrics(result: Result) -> dict[str, Number | None]:
    """Every metric of a run by name; None where it was not recorded."""
    return {name: metric.compute(result) for name, metric in METRICS.items()}


def headline(result: Result) -> list[Headline]:
    """The few numbers that say most about a run."""
    return [
        Headline(name, m.title, m.compute(result), m.unit, m.better)
        for name, m in ((name, METRICS[name]) for name in HEADLINE)
    ]
