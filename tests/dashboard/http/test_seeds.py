"""A comparison over seeds: progress, then mmtests' lines by their one definition."""

from __future__ import annotations

from dashboard.http.seeds import AT_ONCE
from sim.observe import mmtests
from sim.observe.metrics import HEADLINE, METRICS
from tests.dashboard.conftest import until

PAIR = "v=1&seed=7&dur=3000&b.p=p6"


def told(client, query: str):
    """The complete answer, and what was said before."""
    said = []

    def complete():
        answer = client.get(f"/api/seeds?{query}")
        said.append(answer)
        return answer.status_code != 202

    until(complete)
    return said[-1], said[:-1]


def test_all_runs_are_done_a_few_at_a_time(app_client, services):
    answer, before = told(app_client, f"{PAIR}&seeds=3")
    assert answer.status_code == 200, answer.text
    assert {a.json["total"] for a in before} <= {6}
    body = answer.json
    assert body["seeds"] == 3
    assert [label[:3] for label in body["labels"]] == ["A: ", "B: "]
    names = [*(METRICS[name].title for name in HEADLINE), *mmtests.row_names()]
    assert [line["name"] for line in body["lines"]] == names
    assert all(len(line["cells"]) == 2 for line in body["lines"])
    assert services.jobs.queue.limit > AT_ONCE


def test_the_numbers_are_those_of_the_runs(app_client, services):
    from dataclasses import replace

    from sim.scenario_url import decode_comparison

    body = told(app_client, f"{PAIR}&seeds=2")[0].json
    scenarios = [found for found, _ in decode_comparison(PAIR)]
    samples = [
        [
            mmtests.numbers(services.results.result(services.results.key_of(replace(s, seed=n))))
            for n in (7, 8)
        ]
        for s in scenarios
    ]
    first = mmtests.compare(samples, HEADLINE)[0]
    assert body["lines"][0]["cells"][0]["mean"] == first.cells[0].mean
    assert body["lines"][0]["cells"][1]["percent"] == first.cells[1].percent


def test_equal_runs_show_no_difference(app_client):
    body = told(app_client, "v=1&seed=7&dur=3000&b=&seeds=2")[0].json
    assert body["verdict"] == "No difference beyond seed noise in 2 seeds."


def test_a_recording_has_no_other_seeds(app_client):
    listed = app_client.get("/api/recordings").json
    answer = app_client.get(f"/api/seeds?rec={listed[0]['name']}&b=")
    assert answer.status_code == 400
    assert answer.json["field"] == "rec"
