"""A dropped job file or trace: a link, or everything that is in its way."""

from __future__ import annotations

import re

import pytest

from dashboard.controls.link import PageLink
from sim.fio import read_fio

SAME = {"Sec-Fetch-Site": "same-origin"}
JOB = "[log]\nrw=write\nbs=16k\nrate=2m\nruntime=5s\n[db]\nrw=randread\nsize=64m\n"


def drop(client, text: str | bytes):
    return client.post("/api/jobfiles", data=text, headers=SAME)


def test_its_link_is_the_scenario_of_the_command_line(app_client) -> None:
    answer = drop(app_client, JOB)
    assert answer.status_code == 200
    link = PageLink.parse(answer.json["link"].removeprefix("/"))
    assert link.problems == ()
    assert link.scenarios == (read_fio(JOB)[0],)


def test_every_key_in_its_way_is_named_with_its_line(app_client) -> None:
    answer = drop(app_client, "[a]\nrw=randrw\nbs=4k\niodepth=8\n")
    assert answer.status_code == 400
    assert [text.partition(",")[0] for text in answer.json["problems"]] == [
        "[a] iodepth = 8: line 4: is not a key that is known; known: rw",
        "[a] rw = randrw: line 2: is none of read",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no job"),
        (b"\xff\xfe", "is no text"),
        ("[a]\nrw=write\nbs=4m\n", "workloads.0.block_kib = 4096: must be 4 to 1024 KiB"),
        ("[a]\nrw=read\nruntime=59m\n", "this server simulates at most"),
    ],
)
def test_a_file_that_cannot_run_says_why(app_client, text: str | bytes, said: str) -> None:
    answer = drop(app_client, text)
    assert answer.status_code == 400
    assert said in answer.json["error"]


def test_too_large_a_file_and_another_site_are_refused(app_client) -> None:
    assert drop(app_client, b"#" * (257 << 10)).status_code == 413
    assert app_client.post("/api/jobfiles", data=JOB).status_code == 403


TRACE = "time,op,file,offset,length\n0,read,a,0,8192\n0.5,write,b,0,4096\n"


def test_a_trace_is_kept_and_its_link_runs(app_client) -> None:
    answer = app_client.post("/api/traces", data=TRACE, headers=SAME)
    assert answer.status_code == 200
    link = answer.json["link"]
    assert re.search(r"w=replay\.root\.u[0-9]+$", link)
    body = app_client.get(f"/api/run{link[1:]}&wait=15").json
    assert body["source"] == "simulated"


def test_a_trace_that_is_not_here_is_asked_for(app_client) -> None:
    answer = app_client.get("/api/run?v=1&seed=1&mix=0&w=replay.root.u5")
    assert answer.status_code == 400
    assert answer.json["field"] == "workloads.0.trace"
    assert "needs the upload 000000000005" in answer.json["error"]


def test_a_trace_that_is_refused_says_its_line(app_client) -> None:
    bad = TRACE.replace("write", "trim")
    answer = app_client.post("/api/traces", data=bad, headers=SAME)
    assert answer.status_code == 400
    assert answer.json["error"].startswith("line 3 = trim: op is none of read, write, fsync")
    assert app_client.post("/api/traces", data=TRACE).status_code == 403
