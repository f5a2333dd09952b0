"""The Jobs contract over Celery, in this process: what LocalJobs promises holds there too."""

from __future__ import annotations

import pytest

from dashboard.services.byte_store import FileBytes
from dashboard.services.frames import decode
from dashboard.services.jobs import RunState
from dashboard.services.results import ResultStore
from sim.scenario import Scenario
from tests.dashboard.conftest import FAKE, ended
from tests.support import fake_run

pytest.importorskip("celery", reason="the extra `scale` is not installed")


@pytest.fixture
def celery_jobs(tmp_path, monkeypatch, jobs):
    from dashboard.services import worker

    store = FileBytes(tmp_path / "shared", 1 << 26)
    monkeypatch.setattr(worker, "open_store", lambda _settings: store)
    monkeypatch.setitem(worker.app.conf, "task_always_eager", True)
    monkeypatch.setattr(worker.CeleryJobs, "_waiting", lambda _self: 0)
    return worker.CeleryJobs(ResultStore(store), jobs, run=FAKE)


def test_a_run_goes_to_done(celery_jobs):
    scenario = Scenario(seed=1, duration_ms=3000)
    key = celery_jobs.submit(scenario)
    status = ended(celery_jobs, key)
    assert status.state is RunState.DONE
    assert decode(celery_jobs.frames(key, 0))[-1]["done"]
    assert celery_jobs.results.result(key).digest() == fake_run.whole(scenario).digest()
    assert celery_jobs.submit(scenario) == key


def test_a_failing_run_says_why(celery_jobs):
    key = celery_jobs.submit(Scenario(seed=fake_run.FAILS, duration_ms=3000))
    status = ended(celery_jobs, key)
    assert status.state is RunState.FAILED
    assert "asked to fail" in status.message


def test_an_unknown_run_is_unknown(celery_jobs):
    assert celery_jobs.status("0123456789abcdef.1.0123456789ab") is None
    assert celery_jobs.cancel("0123456789abcdef.1.0123456789ab") is None
