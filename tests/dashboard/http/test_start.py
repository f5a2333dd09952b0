from __future__ import annotations

import pytest

from dashboard.controls.form import scenario_to_form
from dashboard.controls.link import PageLink
from dashboard.http.start import MAX_BYTES, labelled, recorded, simulated
from dashboard.services.jobs import Busy
from sim.scenario import Patch, Scenario

SAME = {"Sec-Fetch-Site": "same-origin"}


def start(client, body):
    return client.post("/api/start", json=body, headers=SAME)


def test_a_link_is_run_and_told_in_its_canonical_form(app_client, services):
    told = start(app_client, {"search": "?dur=1000&seed=3"}).json
    assert told["search"] == "?v=1&seed=3&dur=1000"
    scenario = Scenario(seed=3, duration_ms=1000)
    assert [run["key"] for run in told["runs"]] == [services.results.key_of(scenario)]
    assert told["rec"] is False


def test_what_the_controls_say_is_run_before_it_is_a_link(app_client, services):
    scenario = Scenario(seed=3, duration_ms=1000, patches=frozenset({Patch.P6}))
    form = {"values": scenario_to_form(scenario), "edit": "a", "seq": 1}
    told = start(app_client, {"search": "?v=1&seed=3&dur=1000", "form": form}).json
    assert told["search"] == "?v=1&seed=3&p=p6&dur=1000"
    assert told["runs"][0]["key"] == services.results.key_of(scenario)


def test_a_comparison_runs_both(app_client):
    told = start(app_client, {"search": "?v=1&seed=3&dur=1000&b.p=p6"}).json
    assert [run["label"][:3] for run in told["runs"]] == ["A: ", "B: "]


def test_another_site_starts_nothing(app_client):
    other = {"Sec-Fetch-Site": "cross-site"}
    assert app_client.post("/api/start", json={}, headers=other).status_code == 403


@pytest.mark.parametrize(
    "body",
    [[], "x", None, {"form": 3}, {"form": {"values": 5}}, {"form": {"at_ms": "x", "base": 1}}],
)
def test_what_the_page_never_sends_is_refused(app_client, body):
    answer = start(app_client, body)
    assert answer.status_code == 400
    assert answer.json["field"] in {"body", "form"}


def test_a_form_has_a_limit(app_client):
    answer = start(app_client, {"search": "?" + "x" * MAX_BYTES})
    assert answer.status_code == 413
    assert str(MAX_BYTES) in answer.json["limit"]


def test_a_scenario_becomes_a_run(services):
    run = simulated(services, Scenario(duration_ms=1000), "me")
    assert run["key"] == services.results.key_of(Scenario(duration_ms=1000))
    assert run["search"] == "?v=1&seed=1&dur=1000"


def test_a_scenario_past_a_limit_is_refused_with_what_helps(services):
    run = simulated(services, Scenario(duration_ms=3_600_000), "me")
    assert run["refused"] == "LIMIT"
    assert "python -m sim run" in run["hint"]
    assert "key" not in run


def test_a_full_queue_is_said_to_be_busy(services, monkeypatch):
    def full(*_args):
        raise Busy(32)

    monkeypatch.setattr(services.jobs, "submit", full)
    assert simulated(services, Scenario(), "me")["refused"] == "BUSY"


def test_a_recording_that_is_not_here_is_never_a_default_run(services):
    run = recorded(services, PageLink.parse("?v=1&file=0123456789ab"), "me")
    assert run["refused"] == "MISSING"
    assert "key" not in run


def test_a_replay_without_its_upload_asks_for_it(services):
    link = PageLink.parse("?v=1&seed=1&mix=0&w=replay.root.u5")
    run = simulated(services, link.a, "me")
    assert run["refused"] == "MISSING"
    assert "needs the upload 000000000005" in run["message"]
    assert "drop the trace again" in run["hint"]
    assert "key" not in run


def test_two_runs_are_called_a_and_b():
    assert [r["label"] for r in labelled([{"label": "x"}, {"label": "y"}])] == ["A: x", "B: y"]
    assert labelled([{"label": "x"}]) == [{"label": "x"}]
