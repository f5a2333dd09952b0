"""The chain of causes of a stall over HTTP."""

from __future__ import annotations

from dashboard.http.explain import flips
from sim.observe.explain import explain
from sim.observe.explain_request import explain_request
from sim.result import Result
from sim.scenario import Scenario
from tests.support import fake_run

LINK = "v=1&seed=7&dur=3000"


def finished(app_client) -> tuple[str, Result]:
    key = app_client.get(f"/api/run?{LINK}&wait=15").json["key"]
    return key, Result.from_bytes(app_client.get(f"/api/run?{LINK}&wait=15&format=npz").data)


def test_a_stall_is_told_by_its_task_and_end(app_client):
    key, result = finished(app_client)
    stall = result.stalls[5]
    us = int(stall["t_end_ns"]) // 1000
    body = app_client.get(f"/api/explain/{key}?task={int(stall['task'])}&t_us={us}").json
    told = explain(result, 5)
    assert body["title"] == told.title
    assert len(body["steps"]) == len(told.steps)
    assert [flip["text"] for flip in body["flips"]] == [
        "The same moment with patch 5 on", "The same moment with patch 6 on",
    ]  # fmt: skip
    assert body["flips"][1]["link"] == f"/?{LINK}&b.p=p6"


def test_a_request_is_told_by_its_place_and_end_with_the_way_to_its_neighbours(app_client):
    key, result = finished(app_client)
    rows = result.io[5:8]
    block, us = (rows["sector"] // 8).tolist(), (rows["t_done_ns"] // 1000).tolist()
    body = app_client.get(f"/api/explain/{key}?io={block[1]}&t_us={us[1]}").json
    assert body["title"] == explain_request(result, 6).title
    assert body["before"] == [block[0], us[0]]
    assert body["after"] == [block[2], us[2]]
    first = result.io[0]
    address = f"io={int(first['sector']) // 8}&t_us={int(first['t_done_ns']) // 1000}"
    assert app_client.get(f"/api/explain/{key}?{address}").json["before"] is None
    gone = app_client.get(f"/api/explain/{key}?io=1&t_us=1")
    assert gone.status_code == 404
    assert "no request at block 1" in gone.json["error"]


def test_what_is_not_there_is_a_404_that_says_so(app_client):
    key, _ = finished(app_client)
    answer = app_client.get(f"/api/explain/{key}?task=99&t_us=1")
    assert answer.status_code == 404
    assert "task 99 has no stall" in answer.json["error"]
    assert app_client.get("/api/explain/nonsense").status_code == 404


def test_a_recorded_form_is_flipped_as_recorded_and_a_recording_is_not():
    scenario = Scenario(patches=frozenset({"p6-recorded"}))
    result = fake_run.whole(scenario)
    assert flips(result)[1]["text"] == "The same moment with patch 6 off"
    result.meta["scenario"] = {}
    assert flips(result) == []
