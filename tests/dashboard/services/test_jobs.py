from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dashboard.services.frames import decode
from dashboard.services.jobs import Busy, LocalJobs, RunState
from dashboard.services.results import ResultStore, open_store
from dashboard.services.run_queue import RunQueue
from dashboard.settings import Settings
from sim.scenario import Scenario
from tests.dashboard.conftest import FAKE, ended, start_jobs, until
from tests.support import fake_run

ROOT = Path(__file__).resolve().parents[3]


def fast(seed):
    return Scenario(seed=seed, duration_ms=3000)


def slow(ms, number=0):
    """Thirty chunks of ``ms`` each; the number makes it another scenario."""
    return Scenario(seed=fake_run.SLOW + ms, duration_ms=30_000, sample_interval_ms=100 + number)


def running(jobs, key):
    until(lambda: jobs.status(key).state is RunState.RUNNING and jobs.status(key).chunks)


def runner_pids(jobs):
    return [slot.runner.process.pid for slot in jobs.slots if slot.runner is not None]


def test_a_run_goes_from_queued_to_done(jobs):
    key = jobs.submit(fast(1))
    status = ended(jobs, key)
    assert status.state is RunState.DONE
    assert (status.fraction, status.chunks, status.simulated_s) == (1.0, 3, 3.0)
    messages = decode(jobs.frames(key, 0))
    assert [m["k"] for m in messages] == [0, 1, 2]
    assert messages[-1]["done"]
    result = jobs.results.result(key)
    assert result.digest() == fake_run.whole(fast(1)).digest()


def test_the_same_scenario_runs_once(jobs):
    scenario = slow(10)
    keys = {jobs.submit(scenario) for _ in range(5)}
    assert len(keys) == 1
    (key,) = keys
    running(jobs, key)
    assert jobs.load()["running"] == 1
    assert jobs.submit(scenario) == key
    ended(jobs, key)
    began = time.monotonic()
    assert jobs.status(jobs.submit(scenario)).state is RunState.DONE
    assert time.monotonic() - began < 0.1


def test_first_frames_come_within_150_ms(jobs):
    times = []
    for seed in range(50, 55):
        began = time.monotonic()
        key = jobs.submit(fast(seed))
        until(lambda key=key: jobs.frames(key, 0))
        times.append(time.monotonic() - began)
        ended(jobs, key)
    assert min(times) < 0.15, times


def test_frames_are_served_from_any_message_on(jobs):
    key = jobs.submit(fast(2))
    ended(jobs, key)
    assert [m["k"] for m in decode(jobs.frames(key, 2))] == [2]
    assert jobs.frames(key, 3) == b""


def test_a_failing_run_says_what_and_leaves_the_runner_alive(jobs):
    before = sorted(runner_pids(jobs))
    status = ended(jobs, jobs.submit(Scenario(seed=fake_run.FAILS, duration_ms=5000)))
    assert status.state is RunState.FAILED
    assert "ArithmeticError" in status.message
    assert "asked to fail" in status.message
    assert "/" not in status.message, "no path of this machine"
    assert ended(jobs, jobs.submit(fast(3))).state is RunState.DONE
    assert sorted(runner_pids(jobs)) == before


def test_a_killed_runner_fails_its_own_run_only(jobs):
    until(lambda: jobs.load().get("runners_ready") == 2)
    neighbour = jobs.submit(slow(30))
    running(jobs, neighbour)
    victim = jobs.submit(slow(31))
    running(jobs, victim)
    (slot,) = [s for s in jobs.slots if s.runner and s.number == slot_of(jobs, victim)]
    os.kill(slot.runner.process.pid, signal.SIGKILL)
    status = ended(jobs, victim)
    assert status.state is RunState.FAILED
    assert "killed by SIGKILL" in status.message
    assert ended(jobs, neighbour).state is RunState.DONE
    until(lambda: jobs.load().get("runners_ready") == 2)
    assert ended(jobs, jobs.submit(slow(31))).state is RunState.DONE, "and it can be run again"


def slot_of(jobs, key):
    row = jobs.queue._db().execute("SELECT slot FROM runs WHERE key = ?", (key,)).fetchone()
    return row["slot"]


def test_a_run_that_kills_its_runner_is_failed(jobs):
    status = ended(jobs, jobs.submit(Scenario(seed=fake_run.DIES, duration_ms=5000)))
    assert status.state is RunState.FAILED
    assert "process computing this run" in status.message


@pytest.mark.parametrize("seed", [fake_run.SLOW + 20, fake_run.DEAF])
def test_a_cancelled_run_frees_its_slot_long_before_it_would_end(jobs, seed):
    until(lambda: jobs.load().get("runners_ready") == 2)
    key = jobs.submit(Scenario(seed=seed, duration_ms=40_000), "me")
    running(jobs, key)
    assert jobs.cancel(key, "me").state is RunState.CANCELLED
    until(lambda: jobs.load()["running"] == 0, seconds=5)


def test_a_run_stops_when_the_last_viewer_leaves(jobs):
    key = jobs.submit(slow(20, 1), "a")
    jobs.submit(slow(20, 1), "b")
    running(jobs, key)
    assert jobs.cancel(key, "a").state is RunState.RUNNING
    assert jobs.cancel(key, "b").state is RunState.CANCELLED


def test_a_cancelled_run_can_be_had_again(jobs):
    key = jobs.submit(slow(15, 2), "a")
    running(jobs, key)
    jobs.cancel(key, "a")
    assert jobs.submit(slow(15, 2), "a") == key
    assert ended(jobs, key).state is RunState.DONE


def test_asking_keeps_the_lease(jobs):
    key = jobs.submit(slow(15, 3), "a")
    jobs.status(key, "b")
    assert jobs.cancel(key, "a").state is not RunState.CANCELLED
    assert jobs.cancel(key, "b").state is RunState.CANCELLED


def test_a_run_nobody_asks_for_is_given_up(tmp_path, monkeypatch):
    queue = RunQueue(tmp_path / "queue.sqlite3", 4)
    queue.submit("waiting", {}, "a", lambda: True)
    queue.submit("running", {}, "a", lambda: True)
    assert queue.claim(0).key == "waiting"
    assert not queue.unwanted("waiting")
    later = time.time() + 61
    monkeypatch.setattr("dashboard.services.run_queue.time.time", lambda: later)
    assert queue.unwanted("waiting")
    queue.drop_unwanted()
    assert queue.status("running").state is RunState.CANCELLED


def test_past_the_queue_limit_the_answer_is_busy(tmp_path):
    settings = Settings(cache_dir=tmp_path, runners=2)
    idle = LocalJobs(settings, ResultStore(open_store(settings)), run=FAKE, queue_limit=2)
    keys = [idle.submit(fast(seed)) for seed in (1, 2)]
    with pytest.raises(Busy, match="busy: 2 runs are waiting"):
        idle.submit(fast(3))
    assert idle.submit(fast(1)) == keys[0], "joining is always possible"
    assert [idle.status(key).position for key in keys] == [1, 2]


def test_a_run_that_was_evicted_is_unknown(jobs):
    key = jobs.submit(fast(4))
    ended(jobs, key)
    jobs.results.drop(key)
    assert jobs.status(key) is None
    assert ended(jobs, jobs.submit(fast(4))).state is RunState.DONE


def test_a_second_web_process_uses_the_same_runners(jobs):
    """It owns no slot; its runs are computed by the first, and it sees them."""
    other = LocalJobs(jobs.settings, ResultStore(open_store(jobs.settings)), run=FAKE, warm="")
    other.start()
    try:
        key = other.submit(fast(5))
        assert ended(other, key).state is RunState.DONE
        assert all(slot.runner is None for slot in other.slots)
        key = other.submit(slow(20, 4), "x")
        running(jobs, key)
        assert other.cancel(key, "x").state is RunState.CANCELLED
        until(lambda: jobs.load()["running"] == 0, 0.3)
    finally:
        other.stop()


SERVE = """
import sys
from pathlib import Path
from tests.dashboard.conftest import start_jobs
jobs = start_jobs(Path(sys.argv[1]), runners=1)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_server(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def children(pid):
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at /proc")
def test_a_killed_server_leaves_no_process_and_its_run_to_the_next(tmp_path, other_server):
    settings = Settings(cache_dir=tmp_path, runners=1)
    asking = LocalJobs(settings, ResultStore(open_store(settings)), run=FAKE, warm="")
    key = asking.submit(slow(40))
    running(asking, key)
    (runner,) = children(other_server.pid)
    other_server.kill()
    until(lambda: not alive(runner))
    asking.start()
    try:
        assert ended(asking, key).state is RunState.DONE
    finally:
        asking.stop()


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_runner_that_cannot_start_fails_runs_with_the_reason(tmp_path):
    settings = Settings(cache_dir=tmp_path, runners=1)
    jobs = LocalJobs(
        settings, ResultStore(open_store(settings)), run="tests.support.nothing:run", warm=""
    ).start()
    try:
        status = ended(jobs, jobs.submit(fast(1)))
        assert status.state is RunState.FAILED
        assert "cannot start" in status.message
        assert "tests.support.nothing" in status.message
        assert jobs.load()["runners_broken"] == 1
    finally:
        jobs.stop()


def test_an_edited_model_is_refused_until_the_server_restarts(tmp_path):
    settings = Settings(cache_dir=tmp_path, runners=1)
    jobs = LocalJobs(
        settings, ResultStore(open_store(settings), "0" * 12), run=FAKE, warm=""
    ).start()
    try:
        status = ended(jobs, jobs.submit(fast(1)))
        assert status.state is RunState.FAILED
        assert "restart" in status.message
    finally:
        jobs.stop()


def test_a_broken_queue_file_is_made_anew(tmp_path):
    path = tmp_path / "queue.sqlite3"
    path.write_bytes(b"not a database" * 100)
    queue = RunQueue(path, 4)
    assert queue.submit("key", {"a": 1}, "", lambda: True)
    assert queue.claim(0).what == {"a": 1}


def test_a_run_that_is_interrupted_twice_is_failed(tmp_path):
    queue = RunQueue(tmp_path / "queue.sqlite3", 4)
    queue.submit("key", {}, "", lambda: True)
    for _ in range(2):
        assert queue.claim(0).key == "key"
        queue.adopt(0)
    assert queue.claim(0) is None
    assert queue.status("key").state is RunState.FAILED


def test_a_run_that_ended_since_the_caller_looked_is_not_run_again(jobs):
    key = jobs.submit(fast(777), "a")
    assert ended(jobs, key).state is RunState.DONE
    assert not jobs.queue.submit(key, {}, "b", lambda: jobs._make_room(key))
    assert jobs.status(key).state is RunState.DONE


def test_many_threads_may_ask_at_once(jobs):
    errors = []

    def ask(seed):
        try:
            key = jobs.submit(fast(seed), f"v{seed}")
            assert ended(jobs, key).state is RunState.DONE
            decode(jobs.frames(key, 0))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(200 + i % 6,)) for i in range(18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_status_is_plain_json(jobs):
    key = jobs.submit(fast(6))
    status = json.loads(json.dumps(ended(jobs, key).to_dict()))
    assert status["state"] == "DONE"


def test_nothing_is_left_after_stop(tmp_path):
    jobs = start_jobs(tmp_path, runners=1)
    (pid,) = runner_pids(jobs)
    jobs.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
