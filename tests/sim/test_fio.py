"""fio job files: what they mean here, and that nothing in them is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.cli import main
from sim.cli_input import InputError, scenario_of
from sim.fio import ALIASES, KNOWN, NEUTRAL, read_fio
from sim.scenario import WorkloadKind, WorkloadSpec

JOBS = """
; a server and its backup
[global]
size=1g
runtime=20s
ioengine=psync
direct=0
group_reporting

[log]
rw=write
bs=16k
fsync=1
rate=2m
numjobs=2

[db]
rw=randread
bs=8k
size=512m
thinktime=500

[map]
ioengine=mmap
rw=randwrite
bs=32k
"""


def test_each_job_is_a_group_of_its_keys() -> None:
    scenario, problems = read_fio(JOBS)
    assert problems == []
    assert scenario.duration_ms == 20_000
    assert scenario.mix.rate_kib_per_s == 0
    assert scenario.workloads == (
        WorkloadSpec(
            kind=WorkloadKind.FSYNC_WRITER, rate_kib_per_s=4096, file_mib=1024, threads=2,
            block_kib=16,
        ),
        WorkloadSpec(kind=WorkloadKind.RAND_READER, file_mib=512, block_kib=8, think_us=500),
        WorkloadSpec(kind=WorkloadKind.MMAP_DIRTIER, file_mib=1024, block_kib=32, run_pages=8),
    )  # fmt: skip
    assert scenario.validate() == []


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ("iodepth=32", "[j] iodepth"),
        ("rw=randrw", "[j] rw"),
        ("direct=1", "[j] direct"),
        ("ioengine=libaio", "[j] ioengine"),
        ("ioengine=mmap\nrw=write", "[j] rw"),
        ("fsync=32\nrw=write", "[j] fsync"),
        ("fsync=1\nrw=randwrite", "[j] fsync"),
        ("bs=4096x", "[j] bs"),
        ("bs=6k", "[j] bs"),
        ("size=50%", "[j] size"),
        ("numjobs=two", "[j] numjobs"),
        ("runtime=5d", "[j] runtime"),
        ("stonewall", "[j] stonewall"),
    ],
)
def test_what_is_not_known_is_named(keys: str, field: str) -> None:
    _, problems = read_fio(f"[j]\n{keys}\n")
    assert [p.field for p in problems] == [field]


def test_a_wrong_key_of_the_global_section_is_named_once() -> None:
    _, problems = read_fio("[global]\niodepth=4\n[a]\nrw=read\n[b]\nrw=write\n")
    assert [p.field for p in problems] == ["[a] iodepth"]
    assert problems[0].message.startswith("line 2: ")


def test_a_wrong_value_is_named_with_its_line_also_under_an_alias() -> None:
    _, problems = read_fio("; c\n[a]\nrw=read\n\n[b]\n  blocksize = 6k\n")
    assert [(p.field, p.message.partition(":")[0]) for p in problems] == [("[b] bs", "line 6")]


@pytest.mark.parametrize("text", ["", "rw=read", "[global]\nrw=read", "\0[", "[a"])
def test_no_job_is_no_scenario(text: str) -> None:
    assert read_fio(text)[1]


_KEYS = st.sampled_from([*KNOWN, *NEUTRAL, *ALIASES, "iodepth"])


@given(st.text(max_size=200) | st.dictionaries(_KEYS, st.text(max_size=8)).map(
    lambda keys: "[j]\n" + "\n".join(f"{k}={v}" for k, v in keys.items())
))  # fmt: skip
def test_no_text_raises(text: str) -> None:
    _, problems = read_fio(text)
    assert all(str(p) for p in problems)


def test_the_command_line_takes_a_job_file(tmp_path: Path, capsys) -> None:
    job = tmp_path / "job.fio"
    job.write_text(JOBS)
    assert scenario_of(str(job))[0] == read_fio(JOBS)[0]
    job.write_text("[j]\nrw=randrw\niodepth=8\n")
    with pytest.raises(InputError, match=r"iodepth(.|\n)*randrw"):
        scenario_of(str(job))
    assert main(["run", str(job)]) == 2
    assert "[j] iodepth = 8" in capsys.readouterr().err


def test_a_value_past_a_range_names_field_and_limit(tmp_path: Path, capsys) -> None:
    job = tmp_path / "job.fio"
    job.write_text("[j]\nrw=write\nbs=4m\n")
    assert main(["run", str(job)]) == 2
    assert "workloads.0.block_kib = 4096: must be 4 to 1024 KiB" in capsys.readouterr().err
