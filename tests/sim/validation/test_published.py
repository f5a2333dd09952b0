"""Published tables are whole and typed; a row is judged by what the patch does to it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim.cli import main
from sim.result import Result
from sim.scenario import Patch, Scenario, WorkloadKind
from sim.validation import published
from sim.validation.published_rows import FORMULAS, unknown_metrics, value
from sim.validation.restated import RESTATED, Report, Restated
from tests.support.results import result

NUMBERS = {
    "2011v1-fsmark-xfs": (33, 6), "APR-highalloc": (3, 2), "SEP-micro-x64": (20, 4),
    "V2-highalloc": (15, 3), "V2-simplewb": (11, 3), "V2-sysbench": (20, 3),
    "V6-highalloc-x64": (18, 3), "V6-sysbench-x64": (17, 3), "YH-Jan11-read": (9, 2),
    "YH-Jan11-write": (11, 2),
}  # fmt: skip
"""Rows and columns of each table as published."""


def test_every_number_is_there_and_is_a_number() -> None:
    tables = published.tables()
    assert {n: (len(t.rows), len(t.columns)) for n, t in tables.items()} == NUMBERS
    for table in tables.values():
        data = tomllib.loads((published.FOLDER / f"{table.name}.toml").read_text())
        assert re.fullmatch(r"<[^<>@ ]+@[^<>@ ]+>", table.message_id)
        assert table.title
        for name, row in data["rows"].items():
            assert len(row) == len(table.columns), (table.name, name)
            assert all(type(value) in (int, float) and value >= 0 for value in row)


def test_some_numbers_as_printed() -> None:
    tables = published.tables()
    assert tables["V2-sysbench"].rows["Direct reclaims"] == (9843, 13398, 51651)
    assert tables["V2-simplewb"].rows["Kswapd pages scanned"] == (10999585, 10982748, 10851473)
    assert tables["YH-Jan11-write"].rows["allocstall"] == (158009, 1)


def test_restated_runs_differ_in_their_patches_alone() -> None:
    for name, restated in RESTATED.items():
        assert {restated.base} < set(restated.runs) <= set(published.tables()[name].columns)
        base = restated.runs[restated.base]
        for column, scenario in restated.runs.items():
            assert scenario.validate() == []
            changed = {k for k, v in base.to_dict().items() if scenario.to_dict()[k] != v}
            assert changed == (set() if column == restated.base else {"patches"})
        kinds = {spec.kind for spec in base.workloads}
        assert restated.work is None or restated.work in kinds
    assert unknown_metrics() == set()


@pytest.mark.parametrize(
    ("there", "here", "log2", "direction"),
    [
        ((100, 200), (10, 20), 0, "ok"),
        ((100, 200), (10, 80), 2, "ok"),
        ((100, 200), (10, 5), -2, "wrong"),
        ((100, 200), (10, 10), -1, "wrong"),
        ((100, 110), (10, 20), None, ""),  # within the noise
        ((100, 50), (10, 5), 0, "ok"),
        ((0, 0), (0, 5), None, ""),
        ((0, 50), (0, 5), None, "ok"),
        ((50, 0), (5, 0), None, "ok"),
    ],
)
def test_judgement(
    there: tuple[float, float], here: tuple[float, float], log2: float | None, direction: str
) -> None:
    row = published.judge("t", "c", "r", there, here)
    assert row.direction == direction
    if log2 is not None:
        assert row.log2 == pytest.approx(log2)
    assert (row.log2 is None) == (0 in (*there, *here))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def simulated(
        scenarios: list[Scenario],
        measure: Callable[[Result], Any],
        _workers: int,
        until_over: list[WorkloadKind | None],
    ) -> Iterator[Any]:
        for scenario, _ in zip(scenarios, until_over, strict=True):
            calls = 5 if Patch.P6 in scenario.patches else 10
            tasks = [
                {"kind": str(spec.kind), "ops": 100, "finished": False}
                for spec in scenario.workloads
            ]
            yield measure(result(counters={"direct_reclaims": calls}, tasks=tasks))

    monkeypatch.setattr(published, "simulated", simulated)


@pytest.mark.usefixtures("runs")
def test_what_the_model_cannot_do_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--only", "published", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    columns = {name: len(restated.runs) - 1 for name, restated in RESTATED.items()}
    wanted = sum(count * columns.get(name, 1) for name, (count, _) in NUMBERS.items())
    assert len(rows) == wanted
    for row in rows:
        if row["table"] not in RESTATED or row["name"] not in FORMULAS:
            assert row["missing"]
        if row["missing"]:
            assert (row["simulated"], row["log2"], row["direction"]) == (None, None, "")
    judged = [r for r in rows if r["simulated"] is not None]
    timed = {"Direct reclaims", "Total elapsed time (s)", "Files/s mean"}
    assert {r["name"] for r in judged} == timed
    assert sum(r["name"] == "Direct reclaims" for r in judged) == sum(
        count for name, count in columns.items() if name != "APR-highalloc"
    )
    calls = [r for r in judged if r["name"] == "Direct reclaims"]
    assert [r["direction"] for r in calls if r["table"] == "V2-simplewb"] == ["wrong"]


@pytest.mark.usefixtures("runs")
def test_the_text_names_scale_source_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--only", "published", "--strict"]) == 1
    out = capsys.readouterr().out
    assert "<1276514273-27693-1-git-send-email-mel@csn.ul.ie>" in out
    assert "scale: 512 of 2048 MiB" in out
    assert re.search(r"Direct reclaims +1\.40 +0\.50 +-1\.48 +wrong", out)


def _restated(report: Report, work: WorkloadKind | None) -> Restated:
    scenario = Scenario()
    return Restated("", "base", {"base": scenario}, work, report)


NUMBERS_OF_A_RUN = {
    "direct_reclaim_pages_scanned": 30.0, "direct_reclaim_pages_scanned_traced": 50.0,
    "kswapd_pages_scanned": 70.0, "kswapd_pages_scanned_traced": 90.0,
    "wake_kswapd_requests": 1000.0, "kswapd woken": 8.0, "kswapd_awake_ms": 600.0,
    "elapsed_ms": 2000.0, "work seqw": 4.0, "elapsed_ms seqw": 1500.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("report", "work", "row", "number"),
    [
        (Report.JUNE_2010, "seqw", "Direct reclaim pages scanned", 50 / 4),
        (Report.SEPTEMBER_2010, "seqw", "Direct reclaim pages scanned", 30 / 4),
        (Report.SEPTEMBER_2010, "seqw", "Wake kswapd requests", 1000 / 4),
        (Report.JULY_2011, "seqw", "Wake kswapd requests", 8 / 4),
        (Report.JULY_2011, None, "Kswapd pages scanned", 70 / 2000),
        (Report.JULY_2011, "seqw", "Files/s mean", 4 / 1500),
        (Report.JULY_2011, "seqw", "% time kswapd awake", 600 / 1500),
        (Report.JULY_2011, "seqw", "Percentage direct scans", 0.3),
        (Report.JULY_2011, "seqw", "Swap Ins", None),
        (Report.JULY_2011, "seqw", "Overhead mean", None),
        (Report.JULY_2011, "oltp", "Kswapd pages scanned", None),
    ],
)
def test_rows_are_per_work_as_the_script_of_their_time_counted(
    report: Report, work: str | None, row: str, number: float | None
) -> None:
    restated = _restated(report, WorkloadKind(work) if work else None)
    found = value(row, restated, dict(NUMBERS_OF_A_RUN))
    assert found == (None if number is None else pytest.approx(number))
