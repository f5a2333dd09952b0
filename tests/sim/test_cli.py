"""The command line: what it accepts, prints and leaves behind. The runner is a stand-in."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import cli
from sim.cli import FAILED, INTERRUPTED, USAGE, Progress, main
from sim.machine.vmstat import NAMES
from sim.observe.metrics import METRICS
from sim.presets import PRESETS
from sim.result import Result
from sim.scenario import Elevator, MemcgAnswer, Patch, Scenario, WorkloadKind
from sim.scenario_url import encode
from sim.warm import warm_scenarios
from tests.support.results import MS, result, trace

Run = Callable[..., Result]


def _result(scenario: Scenario) -> Result:
    counters = dict.fromkeys(NAMES, 0) | {"direct_reclaims": scenario.seed, "pgscan_direct": 4}
    return result(
        scenario.duration_ms,
        counters=counters,
        trace=trace((MS, 0, 0, [0])),
        tasks=[{"comm": "kswapd0", "pid": 5}],
        meta={"model_version": 1, "seed": scenario.seed, "scenario": scenario.to_dict()},
    )


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """Scenarios that the stand-in runner was given."""
    seen: list[Scenario] = []

    def run(scenario: Scenario, *, on_chunk: Any = None, should_stop: Any = None) -> Result:
        seen.append(scenario)
        if on_chunk is not None:
            on_chunk(result(meta={"t1_ns": scenario.duration_ms * MS // 2}))
        return _result(scenario)

    _install(monkeypatch, run)
    return seen


def _install(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    module = types.ModuleType("sim.runner")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim.runner", module)


def _err(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


# ---- what may be named


def test_a_preset_runs_by_its_name(ran: list[Scenario]) -> None:
    assert main(["run", "global-p5"]) == 0
    assert ran == [PRESETS["global-p5"].scenario]


@pytest.mark.parametrize("form", ["{}", "?{}", "https://lab.example/?{}#tab=io"])
def test_a_link_runs_in_every_form(form: str, ran: list[Scenario]) -> None:
    scenario = PRESETS["container-kswapd"].scenario
    assert main(["run", form.format(encode(scenario))]) == 0
    assert ran == [scenario]


def test_a_files_scenario_runs(tmp_path: Path, ran: list[Scenario]) -> None:
    scenario = PRESETS["recorded-spmix"].scenario
    plain = tmp_path / "a.json"
    plain.write_text(json.dumps(scenario.to_dict()))
    toml = tmp_path / "b.toml"
    toml.write_text('seed = 5\npatches = ["p5", "p6"]\n[vm]\ndirty_ratio = 40\n')
    assert main(["run", str(plain)]) == 0
    assert main(["run", str(toml)]) == 0
    assert ran[0] == scenario
    assert (ran[1].seed, ran[1].vm.dirty_ratio) == (5, 40)
    assert ran[1].patches == {Patch.P5, Patch.P6}


def test_the_output_of_run_is_a_scenario_file(
    tmp_path: Path, ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "stack", "--seed", "9", "--json"]) == 0
    report = tmp_path / "report.json"
    report.write_text(capsys.readouterr().out)
    assert main(["run", str(report)]) == 0
    assert ran[0] == ran[1]
    assert ran[1].seed == 9


def test_fields_can_be_set(ran: list[Scenario]) -> None:
    changes = ["vm.dirty_ratio=40", "patches=p5,p6", "workloads.1.threads=3", "memory.swap_mib=0",
               "tracepoints=", "memcgs=[{\"name\": \"g\"}]", "kernel=2.6.36"]  # fmt: skip
    arguments = [word for change in changes for word in ("--set", change)]
    assert main(["run", "global", *arguments, "--seed", "8"]) == 0
    (scenario,) = ran
    assert scenario.vm.dirty_ratio == 40
    assert scenario.patches == {Patch.P5, Patch.P6}
    assert scenario.workloads[1].threads == 3
    assert scenario.memory.swap_mib == 0
    assert scenario.tracepoints == frozenset()
    assert scenario.memcgs[0].name == "g"
    assert scenario.kernel == "2.6.36"
    assert scenario.seed == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "glob"], "did you mean global"),
        (["run", "zzz"], "see: python -m sim presets"),
        (["run", "missing.json"], "missing.json: No such file"),
        (["run", "file=0123456789ab"], "needs an input from outside"),
        (["run", "default", "--set", "vm.flavour=1"], "no field flavour; known: dirty_ratio"),
        (["run", "default", "--set", "seed.x=1"], "no field x"),
        (["run", "default", "--set", "seed"], "must be path=value"),
        (["run", "default", "--set", "seed=many"], "seed = many: must be a whole number"),
        (["run", "default", "--set", "patches=p9"], "must be one of p5"),
        (["run", "default", "--set", "workloads.0.threads=1"], "0 is no item; there are 0"),
        (["run", "default", "--set", "memcgs=[{"], "--set: [{"),
        (["run", "default", "--set", "vm.dirty_ratio=200"], "vm.dirty_ratio = 200: must be 5 to"),
        (["run", "default", "--set", "patches=p5,p5-recorded"], "exclude each other"),
        (["run", "default", "--save", "/no/such/folder/x.npz"], "no such folder"),
        (["trace", "default", "-o", "/no/such/folder/x.txt"], "no such folder"),
        (["show", "missing.npz"], "No such file"),
    ],
)
def test_what_cannot_run_says_why_in_one_line(
    arguments: list[str], said: str, ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    err = _err(capsys)
    assert said in err
    assert err.count("\n") == 1
    assert ran == []


@pytest.mark.parametrize("text", ["{", "[1]", '{"seed": "x"}', '{"flavour": 1}', "\xff"])
def test_a_broken_file_is_named(
    text: str, tmp_path: Path, ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="latin-1")
    assert main(["run", str(path)]) == USAGE
    assert str(path) in _err(capsys)
    assert ran == []


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run"])
    assert caught.value.code == USAGE
    assert "usage: python -m sim run" in _err(capsys)


def test_what_a_link_lost_is_noted(ran: list[Scenario], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "v=1&seed=3&dr=abc&b.p=p6", "--json"]) == 0
    err = _err(capsys)
    assert "note: vm.dirty_ratio = abc" in err
    assert "compares 2 scenarios; the first is taken" in err
    assert ran[0].seed == 3


# ---- run


def test_run_as_json_says_everything(
    ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "idle-control", "--seed", "4", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (scenario,) = ran
    assert set(report) == {
        "scenario", "link", "digest", "result_digest", "model_version", "seed", "metrics",
        "stacks", "victims",
    }  # fmt: skip
    assert report["digest"] == scenario.digest()
    assert report["result_digest"] == _result(scenario).digest()
    assert report["link"] == encode(scenario)
    assert report["seed"] == 4
    assert set(report["metrics"]) == set(METRICS)
    assert report["metrics"]["direct_reclaims"] == 4


def test_run_as_text_has_units_and_identity(
    ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "default"]) == 0
    out = capsys.readouterr().out
    assert f"scenario {ran[0].digest()}  seed 1" in out
    assert "?v=1&seed=1" in out
    assert any(line.split() == ["direct_reclaims", "1", "calls"] for line in out.splitlines())
    assert "kswapd_wakeups" not in out  # zero


def test_a_run_can_be_saved_and_shown(
    tmp_path: Path, ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.npz"
    assert main(["run", "default", "--seed", "6", "--save", str(path)]) == 0
    assert Result.load(path).digest() == _result(ran[0]).digest()
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    capsys.readouterr()
    assert main(["show", str(path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["metrics"]["direct_reclaims"] == 6
    assert shown["families"]["trace"] == "present"
    assert main(["show", str(path)]) == 0
    assert "direct_reclaims" in capsys.readouterr().out


def test_show_says_what_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"not a zip")
    assert main(["show", str(path)]) == USAGE
    assert str(path) in _err(capsys)


def test_show_reads_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = types.ModuleType("sim.traces")
    module.read = lambda path: result(  # type: ignore[attr-defined]
        meta={"title": path.name, "source": "recorded"}, families={"io": "no log in this folder"}
    )
    monkeypatch.setitem(sys.modules, "sim.traces", module)
    monkeypatch.setattr("sim.traces", module, raising=False)
    assert main(["show", str(tmp_path / "spmix")]) == 0
    out = capsys.readouterr().out
    assert "spmix, recorded" in out
    assert "no log in this folder" in out


def test_a_failed_run_names_scenario_and_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run(scenario: Scenario, **_: Any) -> Result:
        raise ArithmeticError("lists disagree")

    _install(monkeypatch, run)
    path = tmp_path / "x.npz"
    assert main(["run", "default", "--seed", "5", "--save", str(path)]) == FAILED
    err = _err(capsys)
    assert "lists disagree" in err
    assert "seed 5" in err.splitlines()[-1]
    assert not path.exists()


@pytest.mark.parametrize("command", [["run", "default", "--save"], ["trace", "default", "-o"]])
def test_ctrl_c_leaves_no_half_file(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(scenario: Scenario, **_: Any) -> Result:
        raise KeyboardInterrupt

    _install(monkeypatch, run)
    assert main([*command, str(tmp_path / "out")]) == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
    assert "interrupted" in _err(capsys)


def test_ctrl_c_while_writing_a_trace_leaves_no_half_file(
    ran: list[Scenario], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lines(_: Result) -> Any:
        yield "# tracer: nop"
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.observe.ftrace.lines", lines)
    old = tmp_path / "t.txt"
    old.write_text("the old one")
    assert main(["trace", "default", "-o", str(old)]) == INTERRUPTED
    assert old.read_text() == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["t.txt"]


# ---- trace, lists


def test_a_trace_goes_to_stdout_or_a_file(
    ran: list[Scenario], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "--format", "ftrace", "default"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-1].endswith("0.001000: mm_vmscan_kswapd_sleep: nid=0")
    path = tmp_path / "t.txt"
    assert main(["trace", "default", "-o", str(path)]) == 0
    assert path.read_text() == text


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == len(PRESETS)
    assert main(["presets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(PRESETS)
    assert Scenario.from_dict(listed["stack"]["scenario"]) == PRESETS["stack"].scenario
    assert listed["stack"]["title"].endswith("?")


def test_metrics_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(METRICS)
    assert main(["metrics", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["stall_ms_p99"]["unit"] == "ms"


def test_lists_compile_nothing() -> None:
    code = (
        "import sys; from sim.cli import main; main(['presets']); main(['metrics']);"
        "sys.exit('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- warm, progress


def test_warm_runs_everything_that_compiles(
    ran: list[Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["warm"]) == 0
    assert "kernels ready" in capsys.readouterr().out
    kinds = {w.kind for s in ran for w in s.workloads}
    assert kinds == set(WorkloadKind) - {WorkloadKind.REPLAY}  # which needs an upload
    assert {s.block.elevator for s in ran} == set(Elevator)
    assert {p for s in ran for p in s.patches} == set(Patch)
    assert {a for s in ran for a in s.memcg_answers} == set(MemcgAnswer)


def test_warm_scenarios_are_tiny_and_valid() -> None:
    for name, scenario in warm_scenarios():
        assert scenario.validate() == [], name
        assert scenario.duration_ms * scenario.memory.ram_mib <= 64 * 500, name


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_alone() -> None:
    chunk = result(meta={"t1_ns": 500 * MS})
    terminal, file = _Terminal(), io.StringIO()
    for out in (terminal, file):
        progress = Progress(2000 * MS, out)
        progress.chunk(chunk)
        progress.clear()
    assert " 25 %  0.5 of 2.0 s simulated" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""


def test_a_reader_that_left_ends_quietly(tmp_path: Path) -> None:
    code = "import sys; from sim.cli import main; sys.exit(main(['metrics']))"
    command = f'{sys.executable} -c "{code}" | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, FAILED)


def test_the_module_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim", "presets"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("default")
    assert cli.__doc__


@pytest.mark.parametrize(
    ("form", "begins"),
    [("ftrace", b"# tracer: nop"), ("blktrace", b"\x07\x74\x61\x65"), ("chrome", b"{")],
)
def test_every_trace_format_goes_to_a_file_or_a_pipe(
    form: str, begins: bytes, tmp_path: Path, ran: list[Scenario],
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert main(["trace", "global", "--format", form, "-o", str(out)]) == 0
    assert main(["trace", "global", "--format", form]) == 0
    assert out.read_bytes() == capsysbinary.readouterr().out
    assert out.read_bytes().startswith(begins)
    assert len(ran) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
