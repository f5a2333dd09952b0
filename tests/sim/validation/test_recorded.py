"""Groups, rows and the command; recordings and runs are stand-ins except where stated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim import traces
from sim.cli import USAGE, main
from sim.result import Result
from sim.scenario import Scenario
from sim.validation import recorded
from sim.validation.score import ABSENT, OK, OUTSIDE, SINGLE, WRONG_SIGN
from tests.support.results import result

NAMES = (
    "mcgmix_ext3_v0_r1", "mcgmix_ext3_v0_r2", "mcgmix_ext3_v0_r1_stk", "mcgmix_ext3_v7_r1",
    "mcgmix_ext3_v7_r2", "mcgseq_ext3_v0_r0", "mcgseq_ext3_v0_r1",
)  # fmt: skip
CUTS = Path(__file__).resolve().parents[2] / "fixtures" / "recorded"


def _folder(path: Path, names: Sequence[str] = NAMES) -> Path:
    results = path / "linux-2.6.36" / "results"
    results.mkdir(parents=True)
    for name in names:
        (results / f"{name}.json").write_text("{}")
    return path


def _run(reclaims: int, source: str, stack: int | None = None) -> Result:
    counters = {"direct_reclaims": reclaims, "memcg_reclaims": 0}
    if stack:
        counters["stack_bytes_max_memcg"] = stack
    meta = {"source": source, "scenario": {"workloads": []}}
    return result(8000, meta=meta, counters=counters)


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """Recorded: base 1000, 1100; patched 2000, 2100. Simulated: 1050, patched 900."""
    ran: list[Scenario] = []

    def read(path: Path) -> Result:
        patched, run = "_v7_" in path.name, "_r2" in path.name
        stack = 5920 if "_stk" in path.name else None
        return _run(1000 + 1000 * patched + 100 * run, "recorded", stack)

    def simulated(
        scenarios: list[Scenario], measure: Callable[[Result], Any], _workers: int
    ) -> Iterator[Any]:
        for scenario in scenarios:
            ran.append(scenario)
            yield measure(_run(900 if scenario.patches else 1050, "simulated", 5000))

    monkeypatch.setattr(traces, "read", read)
    monkeypatch.setattr(recorded, "simulated", simulated)
    return ran


def _row(rows: list[recorded.Row], workload: str, variant: str, name: str) -> recorded.Row:
    (row,) = [r for r in rows if (r.workload, r.variant, r.name) == (workload, variant, name)]
    return row


def test_groups_leave_out_stack_runs_and_run_0(tmp_path: Path) -> None:
    groups = recorded.groups(_folder(tmp_path))
    assert {key: [r.name for r in found] for key, found in groups.items()} == {
        ("mcgseq", "v0"): ["mcgseq_ext3_v0_r1"],
        ("mcgmix", "v0"): ["mcgmix_ext3_v0_r1", "mcgmix_ext3_v0_r2"],
        ("mcgmix", "v7"): ["mcgmix_ext3_v7_r1", "mcgmix_ext3_v7_r2"],
    }
    assert recorded.groups(tmp_path / "linux-2.6.36").keys() == groups.keys()


def test_missing_runs_are_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert recorded.missing(folder) == ["seq v0", "seq v7", "mcgseq v7", "spmix v0", "spmix v7"]
    assert recorded.missing(folder, "mcgmix") == []


def test_seeds_are_ours_and_parameters_go_round(tmp_path: Path) -> None:
    found = recorded.groups(_folder(tmp_path))[("mcgmix", "v0")]
    three = recorded.scenarios(found, 3)
    assert [s.seed for s in three] == [1, 2, 3]
    first, second = (traces.scenario_for(r) for r in found)
    assert first is not None
    assert second is not None
    assert [s.memory for s in three] == [first.memory, second.memory, first.memory]


def test_rows_are_scored(tmp_path: Path, stand_ins: list[Scenario]) -> None:
    rows = recorded.table(_folder(tmp_path), 3)
    base = _row(rows, "mcgmix", "v0", "reclaims d/m")
    assert (base.verdict, base.ratio, base.sign) == (OK, 1.0, "")
    patched = _row(rows, "mcgmix", "v7", "reclaims d/m")
    assert (patched.verdict, patched.sign) == (OUTSIDE, WRONG_SIGN)
    assert _row(rows, "mcgseq", "v0", "reclaims d/m").verdict == SINGLE
    assert _row(rows, "mcgmix", "v0", "scanned k").verdict == ABSENT
    assert len(stand_ins) == 9
    total = recorded.score(rows)
    assert not total.agrees
    assert (total.signs, total.signs_ok) == (1, 0)
    assert total.rows_ok == total.rows - 1


def test_stacks_come_from_the_runs_that_traced_them(
    tmp_path: Path, stand_ins: list[Scenario]
) -> None:
    rows = recorded.table(_folder(tmp_path), 1, "mcgmix")
    stack = _row(rows, "mcgmix", "v0", "deepest stack m")
    assert stack.recorded is not None
    assert (stack.recorded.mid, stack.recorded.runs, stack.verdict) == (5920, 1, SINGLE)
    assert stack.ratio == pytest.approx(5000 / 5920)
    assert {row.workload for row in rows} == {"mcgmix"}
    assert len(stand_ins) == 2


def test_nothing_scored_is_no_agreement() -> None:
    assert not recorded.score([]).agrees
    assert recorded.Score(3, 3, 0, 0).agrees
    assert not recorded.Score(3, 3, 1, 0).agrees


def test_every_parameter_has_a_source(tmp_path: Path) -> None:
    facts = recorded.parameters(_folder(tmp_path), "mcgmix")
    assert all(fact["source"] for fact in facts)
    assert any(fact["source"].startswith("unknown") for fact in facts)
    assert {fact["variant"] for fact in facts} == {"v0", "v7"}


# ---- the command


@pytest.mark.usefixtures("stand_ins")
def test_the_table_names_parameters_rows_and_the_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "--recordings", str(_folder(tmp_path)), "--seeds", "2"]) == 0
    out, err = capsys.readouterr()
    assert "vm.dirty_ratio = 20\n      README: DR80 rows 60/80" in out
    assert "vm.dirty_expire_centisecs = default\n      unknown; the kernel's default" in out
    (row,) = [line for line in out.splitlines() if "2,050 (2,000..2,100)" in line]
    assert row.endswith("900 (900..900)   0.44  outside; change: wrong sign")
    assert "0 of 1 recorded changes have their sign" in out
    assert "note: no recorded run of seq v0" in err


@pytest.mark.usefixtures("stand_ins")
def test_json_holds_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(_folder(tmp_path))
    assert main(["validate", "--recordings", folder, "--json", "--only", "mcgmix"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["missing"] == []
    assert data["score"]["signs"] == 1
    (row,) = [r for r in data["rows"] if r["variant"] == "v7" and r["name"] == "reclaims d/m"]
    assert row["recorded"] == {"low": 2000, "mid": 2050, "high": 2100, "runs": 2}
    assert (row["verdict"], row["sign"]) == (OUTSIDE, WRONG_SIGN)
    assert all({"field", "value", "source"} <= fact.keys() for fact in data["parameters"])


@pytest.mark.usefixtures("stand_ins")
def test_strict_is_an_exit_code(tmp_path: Path) -> None:
    assert main(["validate", "--recordings", str(_folder(tmp_path)), "--strict"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recordings", "nowhere"], "nowhere: no such folder"),
        (
            ["--only", "dbench"],
            "--only dbench: one of seq, mcgseq, mcgmix, spmix, linux-6.1, published",
        ),
        (["--seeds", "0"], "--seeds 0: must be 1 to 100"),
        (["--jobs", "0"], "--jobs 0: must be 1 to 100"),
    ],
)
def test_bad_words_are_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", *arguments]) == USAGE
    assert said in capsys.readouterr().err


def test_a_folder_without_runs_says_what_it_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "--recordings", str(tmp_path)]) == USAGE
    assert "no recorded run of 2.6.36" in capsys.readouterr().err
    folder = str(_folder(tmp_path, ["mcgmix_ext3_v0_r1"]))
    assert main(["validate", "--recordings", folder, "--only", "spmix"]) == USAGE
    assert "no recorded run of spmix" in capsys.readouterr().err


def test_no_folder_at_all_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RECLAIM_LAB_RECORDINGS_DIR", raising=False)
    assert main(["validate"]) == USAGE
    assert "RECLAIM_LAB_RECORDINGS_DIR" in capsys.readouterr().err


def test_a_damaged_recording_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "simulated", lambda *_: iter([{}]))
    folder = _folder(tmp_path, ["spmix_ext3_v0_r1DR80_BG60"])
    path = folder / "linux-2.6.36" / "results" / "spmix_ext3_v0_r1DR80_BG60.json"
    path.write_text("{no json")
    assert main(["validate", "--recordings", str(folder), "--seeds", "1"]) == USAGE
    assert "spmix_ext3_v0_r1DR80_BG60.json" in capsys.readouterr().err


def test_the_cuts_of_real_recordings_are_found() -> None:
    assert list(recorded.groups(CUTS)) == [("spmix", "v0")]
