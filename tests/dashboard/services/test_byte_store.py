from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import pickle
import time

import pytest
from flask import Flask
from flask_caching import Cache

from dashboard.services import cache_backend
from dashboard.services.byte_store import FileBytes, RedisBytes, split_key
from dashboard.services.results import ResultStore

KIB = 1024


@pytest.fixture
def store(tmp_path):
    return FileBytes(tmp_path / "store", 64 * KIB)


def test_what_goes_in_comes_out(store):
    store.set("run:f:0", b"abc")
    assert store.get("run:f:0") == b"abc"
    assert store.get("run:f:1") is None
    assert store.delete("run:f:0")
    assert not store.delete("run:f:0")
    assert store.get("run:f:0") is None


@pytest.mark.parametrize("value", ["text", {"a": 1}, None, 7, [b"x"]])
def test_only_bytes_are_kept(store, value):
    with pytest.raises(TypeError, match="keeps bytes"):
        store.set("run:r", value)


def test_an_entry_ends_with_its_time(store):
    store.set("run:r", b"x", timeout=1)
    assert store.get("run:r") == b"x"
    path = next(store.folder.glob("groups/run/r"))
    data = path.read_bytes()
    path.write_bytes(cache_backend.FileBytes.__module__.encode()[:0] + b"\0" * 7 + b"\1" + data[8:])
    store.set("run:r", b"x", timeout=-1)
    assert store.get("run:r") == b"x", "a time of zero or less is no limit"


def test_an_expired_entry_is_gone(store, monkeypatch):
    store.set("run:r", b"x", timeout=5)
    later = time.time() + 6
    monkeypatch.setattr("dashboard.services.byte_store.time.time", lambda: later)
    assert store.get("run:r") is None
    assert not list(store.folder.glob("groups/run/r"))


@pytest.mark.parametrize("key", ["../x", "a/b", "", ":x", ".hidden", "a:../../b", "a\0", "x" * 99])
def test_a_key_never_leaves_the_folder(key):
    with pytest.raises(ValueError, match="not a cache key"):
        split_key(key)


def test_the_store_stays_within_its_size(store):
    for i in range(200):
        store.set(f"run{i}:r", bytes(KIB))
        assert store.bytes_used() <= store.max_bytes
    assert store.bytes_used() > store.max_bytes // 2


def test_what_was_used_last_is_kept(store):
    for i in range(40):
        store.set(f"run{i}:r", bytes(KIB))
    long_ago = time.time() - 1000
    for i in range(40):
        os.utime(store.folder / "groups" / f"run{i}", (long_ago + i, long_ago + i))
    assert store.get("run0:r") is not None
    store.evict(10 * KIB)
    kept = {path.name for path in store.folder.glob("groups/*")}
    assert "run0" in kept
    assert "run1" not in kept
    assert "run39" in kept


def test_a_group_is_evicted_whole(store):
    for i in range(10):
        for k in range(4):
            store.set(f"run{i}:f:{k}", bytes(KIB))
    store.evict(20 * KIB)
    sizes = {len(list(group.iterdir())) for group in store.folder.glob("groups/*")}
    assert sizes == {4}


def test_a_run_under_way_is_not_evicted(store):
    store.set("running:f:0", bytes(KIB))
    store.set("other:r", bytes(KIB))
    with store.hold("running"):
        store.evict(0)
        assert store.get("running:f:0") is not None
        assert store.get("other:r") is None
    store.evict(0)
    assert store.get("running:f:0") is None


def test_folders_are_private(store):
    for path in (store.folder, store.folder / "groups", store.folder / "locks"):
        assert path.stat().st_mode & 0o077 == 0
    store.set("run:r", b"x")
    for path in store.folder.glob("groups/**/*"):
        assert path.stat().st_mode & 0o077 == 0


def test_no_half_written_file_is_left(store, monkeypatch):
    def full(*_):
        raise OSError(5, "broken")

    monkeypatch.setattr("dashboard.services.byte_store.os.replace", full)
    with pytest.raises(OSError, match="broken"):
        store.set("run:r", b"x")
    assert list((store.folder / "groups" / "run").iterdir()) == []


def test_a_full_disk_evicts_once_and_tries_again(store, monkeypatch):
    store.set("old:r", bytes(10 * KIB))
    replace = os.replace
    failures = [OSError(28, "No space left on device")]

    def full(a, b):
        if failures:
            raise failures.pop()
        replace(a, b)

    monkeypatch.setattr("dashboard.services.byte_store.os.replace", full)
    store.set("new:r", b"x")
    assert store.get("new:r") == b"x"
    assert store.get("old:r") is None


def planted(marker):
    class Payload:
        def __reduce__(self):
            return (os.system, (f"touch {marker}",))

    return pickle.dumps(Payload())


def test_a_planted_pickle_is_only_bytes(tmp_path):
    """flask-caching's own file backend would run it."""
    app = Flask("x")
    cache = Cache(
        app,
        config={
            "CACHE_TYPE": cache_backend.FILES, "CACHE_DIR": str(tmp_path / "c"),
            "CACHE_THRESHOLD": 1 << 20, "CACHE_DEFAULT_TIMEOUT": 0,
        },
    )  # fmt: skip
    assert isinstance(cache.cache, cache_backend.FileBytesCache)
    marker = tmp_path / "ran"
    cache.cache.set("run:r", b"x")
    path = next((tmp_path / "c").glob("groups/run/r"))
    path.write_bytes(bytes(8) + planted(marker))
    assert cache.get("run:r") == planted(marker)
    assert ResultStore(cache.cache, "s").result("run") is None
    assert not marker.exists()


def compute_slowly(folder, log, barrier):
    store = ResultStore(FileBytes(folder, 1 << 20), "s")

    def compute():
        with open(log, "a") as file:
            file.write("x")
        time.sleep(0.2)
        return b"answer"

    barrier.wait()
    assert store.single_flight("figure:png", compute) == b"answer"


def test_many_processes_compute_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(4)
    log = tmp_path / "log"
    processes = [
        spawn.Process(target=compute_slowly, args=(tmp_path / "s", log, barrier)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert log.read_text() == "x"
    assert not list((tmp_path / "s" / "locks").glob("sf-*")), "lock files are removed"


def test_a_failed_computation_releases_the_lock(store):
    results = ResultStore(store, "s")
    with pytest.raises(ZeroDivisionError):
        results.single_flight("a:b", lambda: bytes(1 // 0))
    assert results.single_flight("a:b", lambda: b"x") == b"x"


def test_a_taken_hold_is_seen_by_others(store):
    with store.hold("run"):
        handle = store._flock("hold-run", fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert handle is None


class FakeRedis:
    """As much of redis-py as the store uses."""

    def __init__(self):
        self.data = {}

    def set(self, name, value, ex=None):
        assert isinstance(value, bytes)
        self.data[name] = value
        return True

    def get(self, name):
        return self.data.get(name)

    def ttl(self, _name):
        return 1

    def exists(self, name):
        return int(name in self.data)

    def delete(self, name):
        return int(self.data.pop(name, None) is not None)

    def scan_iter(self, match):
        return [name for name in self.data if name.startswith(match.rstrip("*"))]


def test_redis_keeps_raw_bytes_only():
    store = RedisBytes(FakeRedis())
    with pytest.raises(TypeError):
        store.set("run:r", {"a": 1})
    store.set("run:f:0", b"0")
    store.set("run:r", b"r")
    store.set("runs:r", b"other")
    assert store.get("run:r") == b"r"
    assert set(store.client.data.values()) == {b"0", b"r", b"other"}
    store.drop("run")
    assert store.get("run:f:0") is None
    assert store.get("runs:r") == b"other"


def test_a_run_is_complete_only_with_its_note(store):
    results = ResultStore(store, "s")
    results.put_frame("run", 0, b"frame")
    store.set("run:r", b"not yet")
    assert results.note("run") is None
    assert results.result_bytes("run") is None
    results.finish("run", b"result", {"chunks": 1})
    assert results.note("run") == {"chunks": 1}
    store.set("run:m", json.dumps([1]).encode())
    assert results.note("run") is None
