"""A server whose runs are fakes: no kernel is compiled for what the dashboard does around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.services.jobs import JobStatus, LocalJobs
from dashboard.services.results import ResultStore, open_store
from dashboard.services.services import Services
from dashboard.settings import Settings

FAKE = "tests.support.fake_run:run"
PATIENCE_S = 20.0


def until(true: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait for a condition; a test fails when it never comes."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.005)


def ended(jobs: LocalJobs, key: str) -> JobStatus:
    """The status at the end of a run."""
    status = jobs.wait(key, PATIENCE_S)
    assert status is not None
    assert status.state.ended, status
    return status


def start_jobs(folder: Path, *, runners: int = 2, queue_limit: int = 32) -> LocalJobs:
    """Jobs whose runners are up."""
    settings = Settings(cache_dir=folder, runners=runners)
    jobs = LocalJobs(
        settings, ResultStore(open_store(settings)), run=FAKE, warm="", queue_limit=queue_limit
    ).start()
    until(lambda: jobs.load().get("runners_ready", 0) == runners)
    return jobs


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalJobs]:
    """Two warm slots, shared by the tests of a file."""
    jobs = start_jobs(tmp_path_factory.mktemp("jobs"))
    yield jobs
    jobs.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole app on fake runs."""
    jobs = start_jobs(tmp_path_factory.mktemp("server"))
    recordings = Path(__file__).resolve().parents[1] / "fixtures"
    settings = Settings(
        cache_dir=jobs.settings.cache_dir, runners=2, max_upload_mib=1,
        recordings_dir=recordings if recordings.is_dir() else None,
    )  # fmt: skip
    app = create_app(settings, jobs)
    yield app.server
    app.server.extensions["reclaim_lab"].images.stop()
    jobs.stop()


@pytest.fixture
def app_client(server: Flask) -> FlaskClient:
    return server.test_client()


@pytest.fixture
def services(server: Flask) -> Services:
    return server.extensions["reclaim_lab"]
