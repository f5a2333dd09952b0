"""Main counters of every preset, cut short; they change with MODEL_VERSION only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim import MODEL_VERSION
from sim.presets import PRESETS
from sim.runner import run

FILE = Path(__file__).resolve().parents[1] / "golden" / "presets.json"
DURATION_MS = 4000
CONTAINER_MS = 12_000
"""Containers fill at the pace of the disk; their answers differ from about 8 s on."""
LONGER = ("container", "change")
COUNTERS = [
    "pgscan_kswapd",
    "pgscan_direct",
    "pgscan_memcg",
    "pgsteal_kswapd",
    "pgsteal_direct",
    "pgsteal_memcg",
    "pgactivate",
    "pgdeactivate",
    "pgrotated",
    "pgfault",
    "pgmajfault",
    "pswpin",
    "pswpout",
    "allocstall",
    "pageoutrun",
    "nr_vmscan_write",
    "kswapd_write_file",
    "direct_write_file_async",
    "memcg_write_file",
    "oom_kills",
    "memcg_oom_kills",
    "direct_stall_ns",
    "memcg_stall_ns",
    "balance_dirty_ns",
    "kswapd_run_ns",
    "written_kswapd",
    "written_direct",
    "written_memcg",
    "written_flusher",
    "written_dirtier",
    "written_journal",
    "requests_read",
    "requests_written",
    "sectors_read",
    "sectors_written",
    "seeks_written",
    "disk_busy_ns",
    "app_pages_written",
    "app_pages_read",
    "app_pages_touched",
    "app_files_created",
    "pages_dirtied",
    "journal_commits",
    "fsyncs",
    "erase_blocks_copied",
    "sectors_copied",
    "highorder_alloc_success",
    "highorder_alloc_failed",
    "lumpy_waits",
    "contig_taken",
]


def measured(name: str) -> dict[str, int]:
    """Counters that are not 0."""
    duration_ms = CONTAINER_MS if name.startswith(LONGER) else DURATION_MS
    counters = run(replace(PRESETS[name].scenario, duration_ms=duration_ms)).counters
    return {key: counters[key] for key in COUNTERS if counters[key]}


@pytest.mark.parametrize("name", PRESETS)
def test_counters_of_the_preset_are_as_recorded_for_this_model_version(
    name: str, update_golden: bool
) -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    counters = measured(name)
    if update_golden:
        presets = {**golden.get("presets", {}), name: counters}
        golden = {
            "model_version": MODEL_VERSION,
            "presets": {k: presets[k] for k in sorted(presets)},
        }
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    expected = golden["presets"].get(name)
    changed = {
        key: f"{(expected or {}).get(key, 0)} -> {counters.get(key, 0)}"
        for key in COUNTERS
        if (expected or {}).get(key, 0) != counters.get(key, 0)
    }
    assert not changed, (
        f"{name}: {changed}. If this is meant: bump MODEL_VERSION in sim/__init__.py, say why in "
        "CHANGELOG.md, then pytest tests/sim/test_golden.py --update-golden"
    )


def test_the_golden_file_is_of_this_model_version_and_of_these_presets() -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert golden["model_version"] == MODEL_VERSION, "pytest --update-golden after a bump"
    assert sorted(golden["presets"]) == sorted(PRESETS)


def test_the_answers_for_containers_do_not_all_give_the_same_numbers() -> None:
    presets = json.loads(FILE.read_text(encoding="utf-8"))["presets"]
    answers = ("container-dirty", "container-dirty-p6", "container-dirty-wait", "container-kswapd")
    assert len({json.dumps(presets[name]) for name in answers}) == len(answers)
    assert presets["container-may-write"] == presets["container-dirty"]
    assert "memcg_write_file" in presets["container-dirty"]
    assert "memcg_write_file" not in presets["container-dirty-p6"]
