"""Numbers of two runs: difference, mark, verdict and texts, all by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.layout.delta import (
    MMTESTS_METRICS,
    RunNumbers,
    better_mark,
    change_text,
    difference_text,
    mmtests_lines,
    number_text,
    numbers_table,
    verdict,
)
from sim.observe.metrics import METRICS, mmtests_rows
from tests.support.synthetic_result import synthetic_result

ONES = dict.fromkeys(METRICS, 1)
A = RunNumbers.of(synthetic_result(1), "A: plain")
B = RunNumbers.of(synthetic_result(1, patched=True), "B: patched")


def pair(**changed):
    return [RunNumbers("A", ONES, seed=7), RunNumbers("B", ONES | changed, seed=7)]


def test_the_table_has_every_known_metric_and_counts_the_others():
    table = numbers_table([RunNumbers("Value", ONES | {"write_seeks": None})])
    rows = table["tables"][1]["rows"]
    assert len(rows) == len(METRICS) - 1
    assert {len(row["cells"]) for row in rows} == {1}
    assert table["note"] == "1 further metrics were not recorded in this run."
    assert table["verdict"] == ""


def test_two_equal_runs_are_said_to_be_equal():
    assert verdict(pair()) == f"No difference: A and B agree in all {len(METRICS)} numbers."
    assert verdict([A, replace(A, label="B")]).startswith("No difference")


def test_the_verdict_counts_and_names_the_largest_with_unit_and_seed():
    said = verdict(pair(write_seeks=2, stall_ms_max=0.1, disk_write_mib_per_s=3))
    assert said.startswith("B is better in 2 and worse in 1 of 9 headline numbers.")
    assert "Longest stall in reclaim 1 → 0.1 ms (−90.0 %, better); Disk writes 1 → 3 MiB/s" in said
    assert "Write seeks 1 → 2 seeks (+100.0 %, worse)" in said
    assert "one pair of runs with seed 7" in said


def test_a_number_that_falls_to_zero_is_the_largest_change():
    said = verdict(pair(write_seeks=200, direct_reclaim_write_file_async=0))
    assert "Largest: Direct reclaim write file async 1 → 0 pages" in said


def test_numbers_without_a_better_side_are_no_verdict():
    said = verdict(pair(kswapd_wakeups=2))
    assert said.startswith("No headline number is better or worse; 1 other numbers differ.")


def test_mmtests_rows_stand_first_and_are_marked_by_the_metrics_rule():
    names = {row.name for row in mmtests_rows(synthetic_result(1))}
    assert set(MMTESTS_METRICS) <= names
    assert set(MMTESTS_METRICS.values()) <= set(METRICS)
    rows = {row["title"]: row for row in numbers_table([A, B])["tables"][0]["rows"]}
    assert "Page reclaim immediate" not in rows, "this kernel has no such counter"
    assert rows["Direct pages scanned"]["marks"][-1] == "better"
    assert rows["Kswapd efficiency %"]["marks"][-1] == "better"
    assert rows["Kswapd pages scanned"]["marks"] == [""] * 4
    marks = {line.name: line.mark for line in mmtests_lines([B, A])}
    assert marks["Direct pages scanned"] == "worse"


def test_the_text_for_a_mail_fits_and_keeps_every_name():
    text = numbers_table([A, B])["plain"]
    assert max(map(len, text.splitlines())) < 78
    assert text.isascii()
    assert "A: plain\nB: patched\n" in text
    for line in mmtests_lines([A, B]):
        assert line.name in text
    assert "Direct pages scanned" in text


def test_the_markdown_has_one_table_of_equal_rows():
    text = numbers_table([A, B])["markdown"]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}
    assert "| A: plain | B: patched | change |" in rows[0]
    assert text.startswith(verdict([A, B]))
    alone = numbers_table([A])["markdown"]
    assert {line.count("|") for line in alone.splitlines()} == {4}


@pytest.mark.parametrize(
    ("a", "b", "better", "mark"),
    [
        (1, 2, "lower", "worse"), (2, 1, "lower", "better"), (1, 2, "higher", "better"),
        (1, 2, "", ""), (1, 1, "lower", ""), (None, 1, "lower", ""), (1, None, "higher", ""),
    ],
)  # fmt: skip
def test_the_mark_follows_the_metric(a, b, better, mark):
    assert better_mark(a, b, better) == mark


def test_numbers_are_written_for_people():
    assert number_text(None) == "–"
    assert number_text(1234567) == "1,234,567"
    assert number_text(0.123456) == "0.1235"
    assert difference_text(3, 1) == "−2"
    assert difference_text(None, 1) == "–"
    assert change_text(4, 5) == "+25.0 %"
    assert change_text(0, 5) == ""
    assert change_text(1, 20) == "×20"


def test_up_to_four_runs_are_compared_with_the_first():
    four = [A, B, replace(A, label="C: same"), replace(B, label="D: patched too")]
    table = numbers_table(four)
    heads, rows = table["tables"][0]["heads"], table["tables"][0]["rows"]
    assert heads[1:] == ["A: plain", "B: patched", "C: same", "D: patched too", "Unit"]
    scanned = next(row for row in rows if row["title"] == "Direct pages scanned")
    assert scanned["marks"] == ["", "better", "", "better"]
    assert scanned["cells"][1].endswith(" %)")
    assert scanned["cells"][2] == scanned["cells"][0]
    assert "No difference: A and C agree" in table["verdict"]
    assert "D is better in" in table["verdict"]
    assert table["verdict"].count("one pair of runs") == 1
    assert max(map(len, table["plain"].splitlines())) < 90
    lines = [line for line in table["markdown"].splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {13}
