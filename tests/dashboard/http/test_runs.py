from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim import MODEL_VERSION
from sim.presets import PRESETS
from sim.result import Result
from sim.scenario_url import decode as scenario_of
from tests.dashboard.conftest import ended
from tests.support import fake_run

ROOT = Path(__file__).resolve().parents[3]
LINK = "v=1&seed=7&dur=3000"
SAME = {"Sec-Fetch-Site": "same-origin"}


def done(client, link=LINK, **query):
    answer = client.get(f"/api/run?{link}&wait=15", query_string=None)
    assert answer.status_code == 200, answer.json
    return answer


def test_the_web_process_never_imports_numba(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from dashboard.app import create_app\nfrom dashboard.settings import Settings\n"
        "from tests.dashboard.conftest import start_jobs\n"
        f"jobs = start_jobs(Path({str(tmp_path)!r}))\n"
        "client = create_app(jobs.settings, jobs).server.test_client()\n"
        "for path in ('/', '/healthz', '/api/presets', '/api/recordings',\n"
        "             '/api/run?v=1&seed=1&dur=1000&wait=10'):\n"
        "    assert client.get(path).status_code == 200, path\n"
        "jobs.stop()\n"
        "sys.exit('numba' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_healthz_says_what_the_server_has(app_client):
    health = app_client.get("/healthz").json
    assert health["status"] == "ok"
    assert health["version"] == MODEL_VERSION
    assert health["runners"]["ready"] >= 1
    assert health["queue"] == {"queued": 0, "running": 0}
    assert health["cache_bytes"] >= 0


def test_every_preset_has_a_link_to_itself(app_client):
    listed = app_client.get("/api/presets").json
    assert [preset["name"] for preset in listed] == list(PRESETS)
    for preset in listed:
        scenario, problems = scenario_of(preset["link"])
        assert problems == []
        assert scenario == PRESETS[preset["name"]].scenario
        assert preset["title"]
        assert preset["source"]


def test_a_run_as_json(app_client):
    body = done(app_client).json
    assert body["seed"] == 7
    assert body["link"] == "/?v=1&seed=7&dur=3000"
    assert body["result_digest"] == fake_run.whole(scenario_of(LINK)[0]).digest()
    assert body["problems"] == []
    assert body["metrics"]["write_request_kib_mean"]["unit"] == "KiB"
    assert len(body["columns"]["t_s"]["values"]) == 30


def test_a_run_as_csv(app_client):
    answer = app_client.get(f"/api/run?{LINK}&wait=15&format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][0] == "t_s [s]"
    assert len(rows) == 31
    assert {len(row) for row in rows} == {len(rows[0])}
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_run_as_npz(app_client):
    answer = app_client.get(f"/api/run?{LINK}&wait=15&format=npz")
    result = Result.from_bytes(answer.data)
    np.testing.assert_array_equal(result.series["t_ns"], np.arange(31) * 100_000_000)


def test_an_unchanged_run_is_not_sent_again(app_client):
    answer = done(app_client)
    again = app_client.get(
        f"/api/run?{LINK}&wait=15", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_a_long_run_is_answered_202_with_its_key(app_client, services):
    link = f"v=1&seed={fake_run.SLOW + 60}&dur=10000"
    answer = app_client.get(f"/api/run?{link}&wait=0")
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    key = answer.json["key"]
    status = app_client.get(f"/api/status/{key}")
    assert status.json["state"] in ("QUEUED", "RUNNING")
    cancelled = app_client.post(f"/api/cancel/{key}", headers=SAME)
    assert cancelled.json["state"] == "CANCELLED"
    assert app_client.get(f"/api/run?{link}&wait=0").status_code == 202
    app_client.post(f"/api/cancel/{key}", headers=SAME)
    ended(services.jobs, key)


def test_a_failed_run_says_why_and_is_no_zeros(app_client):
    answer = app_client.get(f"/api/run?v=1&seed={fake_run.FAILS}&dur=5000&wait=15")
    assert answer.status_code == 500
    assert "asked to fail" in answer.json["error"]
    assert "columns" not in answer.json


@pytest.mark.parametrize(
    ("link", "field", "limit"),
    [
        ("v=1&seed=1&ram=65536", "memory.ram_mib", "16384"),
        ("v=1&seed=1&dur=3600000", "duration_ms", "600000"),
    ],
)
def test_a_scenario_past_a_limit_is_refused_by_name(app_client, link, field, limit):
    answer = app_client.get(f"/api/run?{link}")
    assert answer.status_code == 400
    assert (answer.json["field"], answer.json["limit"]) == (field, limit)
    assert "python -m sim run" in answer.json["hint"]


def test_what_a_link_says_wrongly_is_named_and_still_run(app_client):
    body = done(app_client, LINK + "&dr=abc&nonsense=1").json
    assert {problem["field"] for problem in body["problems"]} >= {"vm.dirty_ratio"} or body[
        "problems"
    ]
    assert len(body["problems"]) == 2


def test_the_endpoints_own_keys_are_no_problem(app_client):
    body = done(app_client, LINK + "&viewer=abc&format=json&view.tab=io").json
    assert body["problems"] == []


def test_an_unknown_format_is_refused(app_client):
    answer = app_client.get(f"/api/run?{LINK}&format=xml")
    assert answer.status_code == 400
    assert answer.json["limit"] == "json, csv, npz"


@pytest.mark.parametrize(
    "path",
    ["/api/status/nope", "/api/frames/..%2f..%2fetc", "/api/events/x", "/api/nothing", "/api/",
     "/api/status/0123456789abcdef.1.0123456789ab", "/vendor/x.js"],
)  # fmt: skip
def test_what_is_not_there_is_404_in_json(app_client, path):
    answer = app_client.get(path)
    assert answer.status_code == 404
    assert set(answer.json) == {"error", "field", "limit", "hint"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
     {"Origin": "http://evil.example"}, {"Origin": "null"}],
)  # fmt: skip
def test_another_site_cannot_cancel_or_upload(app_client, headers):
    for path in ("/api/cancel/0123456789abcdef.1.0123456789ab", "/api/recordings"):
        assert app_client.post(path, headers=headers, data=b"x").status_code == 403


def test_the_own_origin_may_cancel(app_client):
    answer = app_client.post(
        "/api/cancel/0123456789abcdef.1.0123456789ab", headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 404, "past the check: the run is unknown"


def test_reading_never_changes_anything(app_client):
    assert app_client.get("/api/cancel/0123456789abcdef.1.0123456789ab").status_code in (404, 405)
    assert app_client.delete(f"/api/run?{LINK}").status_code == 405


@given(query=st.text(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_gives_an_answer(app_client, query):
    for path in ("/api/run", "/api/recordings"):
        answer = app_client.get(path, query_string="wait=0&seed=7&dur=3000&" + query)
        assert answer.status_code in (200, 202, 304, 400, 404, 503), answer.data
        assert b"Traceback" not in answer.data


@given(query=st.binary(max_size=200))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_in_a_query_give_an_answer(app_client, query):
    raw = query.decode("latin-1")
    for path in ("/api/frames/0123456789abcdef.1.0123456789ab", "/"):
        answer = app_client.get(path, environ_overrides={"QUERY_STRING": f"from=1&{raw}"})
        assert answer.status_code in (200, 404)


@pytest.mark.parametrize("key", ["t0", "t1", "y0", "y1", "px", "py", "from", "wait"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "x", "", "-5", "9" * 50])
def test_any_number_gives_an_answer(app_client, key, value):
    run = done(app_client).json["key"]
    for path in (f"/api/events/{run}", f"/api/frames/{run}", "/healthz"):
        assert app_client.get(f"{path}?{key}={value}").status_code in (200, 204)
