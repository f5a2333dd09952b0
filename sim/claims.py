"""Claims C1 to C20 of the series and its mail: what shows each of them, and what would miss it.

A row has presets (``Preset.claims``), metrics, and the test that fails when its mechanism is taken
out.
"""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """One row."""

    text: str
    metrics: tuple[str, ...]
    """Names in ``METRICS``."""
    test: str
    """``file::function`` below tests/sim."""


NOT_YET: tuple[str, ...] = ()

CLAIMS: dict[str, Claim] = {
    "C1": Claim(
        "patches 1 to 4 trace reclaim",
        ("direct_reclaim_pages_scanned_traced", "kswapd_pages_scanned_traced"),
        "observe/test_ftrace.py::test_only_applied_tracepoint_patches_write",
    ),
    "C2": Claim(
        "ranges give a better IO pattern",
        ("range_pages_mean", "write_request_kib_mean", "write_seeks"),
        "test_meters_of_patch_5.py::test_patch_5_writes_ranges",
    ),
    "C3": Claim(
        "page locks while ranges are written",
        ("page_lock_us_mean", "page_locks_held_max", "page_lock_nested", "page_lock_inversions"),
        "test_meters_of_patch_5.py::test_a_batch_keeps_its_pages_locked_while_others_are_written",
    ),
    "C4": Claim(
        "ranges write what nobody asked for",
        ("range_unasked_share", "range_unasked_redirtied", "range_unasked_in_vain_share"),
        "test_meters_of_patch_5.py::test_an_unasked_page_dirtied_again_was_written_in_vain",
    ),
    "C5": Claim(
        "direct reclaim writes nothing",
        ("direct_reclaim_write_file_async", "dirty_pages_skipped"),
        "test_patches.py::test_direct_reclaim_writes_no_file_page_with_patch_6",
    ),
    "C6": Claim(
        "lumpy reclaim waits for the flusher",
        ("highorder_alloc_success_share", "lumpy_waits", "lumpy_wait_ms_total"),
        "test_lumpy.py::test_lumpy_reclaim_writes_and_waits_and_patch_6_waits_instead",
    ),
    "C7": Claim(
        "kswapd takes over the cleaning",
        ("pages_written_by_kswapd", "pages_written_by_flusher", "pages_written_by_direct"),
        "test_claims.py::test_with_patch_6_kswapd_and_the_flusher_clean_for_direct_reclaim",
    ),
    "C8": Claim(
        "kswapd stalls when the queue is full",
        ("kswapd_writepage_ms", "kswapd_congestion_wait_ms", "queue_congested_keep"),
        "test_claims.py::test_kswapd_writes_to_a_congested_queue_others_do_not",
    ),
    "C9": Claim(
        "the order of reclaim changes",
        ("reclaim_age_ms_mean", "reclaim_age_ms_p50", "reclaim_inversions"),
        "test_reclaim_age.py::test_every_reclaimed_page_has_an_age",
    ),
    "C10": Claim(
        "dirty pages could have a list of their own",
        ("dirty_pages_skipped", "dirty_list_passed", "dirty_list_counters", "dirty_list_ms"),
        "test_dirty_list.py::test_without_its_rule_the_patch_changes_nothing",
    ),
    "C11": Claim(
        "reclaim that writes goes deep",
        ("stack_bytes_max_direct", "stack_bytes_max_memcg", "stack_overflows_direct"),
        "test_claims.py::test_without_writes_direct_reclaim_is_not_deep",
    ),
    "C12": Claim(
        "entry paths of reclaim differ in depth",
        (
            "stack_bytes_max_write_entry",
            "stack_bytes_max_fault_entry",
            "stack_bytes_max_sendfile_entry",
        ),
        "test_claims.py::test_reclaim_is_deeper_from_a_fault_that_reads_ahead_than_from_write",
    ),
    "C13": Claim(
        "a container waits for the flusher",
        ("memcg_stall_ms_total", "memcg_congestion_wait_ms"),
        "test_claims.py::test_memcg_reclaim_waits_only_under_its_answer",
    ),
    "C14": Claim(
        "a dirty ratio per container",
        ("memcg_dirty_throttled", "memcg_flusher_kicks", "balance_dirty_pages_ms_total"),
        "test_memcg_dirty_ratio.py::test_without_its_rule_the_answer_changes_nothing",
    ),
    "C15": Claim(
        "a flusher-like thread per container",
        ("pages_written_by_memcg_flusher", "memcg_flusher_wakeups", "memcg_flusher_scanned"),
        "test_memcg_flusher.py::test_without_its_rule_the_answer_changes_nothing",
    ),
    "C16": Claim(
        "kswapd works inside containers",
        ("kswapd_pages_reclaimed", "memcg_pages_reclaimed"),
        "test_victims.py::test_kswapd_inside_a_container_takes_that_containers_pages",
    ),
    "C17": Claim(
        "memcg reclaim may write",
        ("memcg_write_file", "stack_bytes_max_memcg"),
        "test_patches.py"
        "::test_memcg_reclaim_writes_nothing_with_patch_6_and_again_with_the_answer_write",
    ),
    "C18": Claim(
        "IO-cgroup aware flushers",
        (
            "memcg_flusher_works",
            "flusher_foreign_inodes",
            "flusher_shared_inodes",
            "flusher_search_ms",
        ),
        "test_memcg_io_cgroup.py::test_without_its_rule_the_answer_changes_nothing",
    ),
    "C19": Claim(
        "global reclaim takes anybody's pages",
        ("global_reclaimed_from_memcgs", "global_written_from_memcgs"),
        "test_victims.py::test_memcg_reclaim_takes_its_own_and_global_reclaim_anybodys",
    ),
    "C20": Claim(
        "container scenarios with expected values",
        ("memcg_stall_ms_total", "app_write_mib_per_s"),
        "test_cli_compare.py::test_expectations_are_the_exit_code",
    ),
}
