from __future__ import annotations

import os
import time

import pytest

from dashboard.services.frames import decode
from dashboard.services.recordings import LIFE_S, Recordings, TooLarge, safe_name
from dashboard.settings import Settings

SAME = {"Sec-Fetch-Site": "same-origin"}
TRACE = b"""# tracer: nop
c-4711 [000] 100.000000: mm_vmscan_direct_reclaim_begin: order=0 may_writepage=1 gfp_flags=GFP_USER
c-4711 [000] 100.020000: mm_vmscan_direct_reclaim_end: nr_reclaimed=32
c-4711 [000] 101.000000: mm_vmscan_direct_reclaim_begin: order=0 may_writepage=1 gfp_flags=GFP_USER
c-4711 [000] 101.004000: mm_vmscan_direct_reclaim_end: nr_reclaimed=32
"""


def upload(client, data=TRACE, name="trace.txt"):
    return client.post("/api/recordings", data=data, headers=SAME | {"X-File-Name": name})


@pytest.fixture
def recordings(tmp_path):
    settings = Settings(cache_dir=tmp_path / "cache", max_upload_mib=1, runners=1)
    return Recordings(settings, "sources")


def test_a_dropped_trace_is_a_run_like_any_other(app_client):
    answer = upload(app_client)
    assert answer.status_code == 201
    digest = answer.json["file"]
    body = app_client.get(f"/api/run?file={digest}&wait=15").json
    assert body["source"] == "recorded"
    assert body["key"].startswith("rec-")
    messages = decode(app_client.get(f"/api/frames/{body['key']}?from=0").data)
    assert messages[-1]["done"]
    assert messages[0]["events"]["stalls"]["n"] == 2
    assert app_client.get(f"/api/status/{body['key']}").json["state"] == "DONE"


def test_a_file_that_is_no_recording_fails_with_its_reason(app_client):
    digest = upload(app_client, b"\x00\x01 nothing of use", "junk.bin").json["file"]
    answer = app_client.get(f"/api/run?file={digest}&wait=15")
    assert answer.status_code == 500
    assert "failed" in answer.json["error"]


def test_a_missing_recording_is_asked_for_never_replaced(app_client):
    for link, what in (("file=0123456789ab", "needs file 0123456789ab"), ("rec=S9", "needs rec")):
        answer = app_client.get(f"/api/run?v=1&{link}")
        assert answer.status_code == 404
        assert what in answer.json["error"]
        assert answer.json["hint"]


def test_too_large_a_file_is_refused(app_client, recordings):
    answer = upload(app_client, bytes((1 << 20) + 1))
    assert answer.status_code == 413
    assert answer.json["limit"] == "1 MiB"
    with pytest.raises(TooLarge):
        recordings.add("x", iter([bytes(1 << 20), b"1"]))
    assert list(recordings.uploads.iterdir()) == [], "nothing is left of it"


def test_an_empty_file_is_refused(app_client):
    assert upload(app_client, b"").status_code == 400


def test_the_name_of_a_file_is_harmless(recordings):
    digest = recordings.add("../../etc/päss wd\0.txt", [b"x"])
    found = recordings.uploaded(digest)
    assert found.path.parent.parent == recordings.uploads
    assert found.path.name == "p-ss-wd-.txt"
    for name in ("", "..", ".hidden", "/", "a" * 300):
        assert 0 < len(safe_name(name)) <= 80
        assert not safe_name(name).startswith(".")


def test_uploads_are_private_and_gone_after_a_day(recordings):
    digest = recordings.add("a.txt", [b"x"])
    folder = recordings.uploaded(digest).path.parent
    assert folder.stat().st_mode & 0o077 == 0
    assert recordings.uploads.stat().st_mode & 0o077 == 0
    long_ago = time.time() - LIFE_S - 1
    os.utime(folder, (long_ago, long_ago))
    recordings.expire()
    assert recordings.uploaded(digest) is None


def test_all_uploads_together_have_a_limit(recordings):
    digests = []
    for i in range(6):
        digests.append(recordings.add("a.txt", [bytes([i]) * (900 << 10)]))
        stamp = time.time() - 100 + i
        os.utime(recordings.uploaded(digests[-1]).path.parent, (stamp, stamp))
    assert recordings.uploaded(digests[0]) is None
    assert recordings.uploaded(digests[-1]) is not None


def test_the_same_file_has_the_same_name(recordings):
    assert recordings.add("a.txt", [b"x"]) == recordings.add("b.txt", [b"x"])
    assert len(list(recordings.uploads.iterdir())) == 1


@pytest.mark.parametrize("digest", ["..", "*", "0123456789ab/..", "", "0123456789AB"])
def test_a_digest_is_twelve_hex_digits(recordings, digest):
    recordings.add("a.txt", [b"x"])
    assert recordings.uploaded(digest) is None


def test_the_list_of_recordings_is_links(app_client):
    for recording in app_client.get("/api/recordings").json:
        assert recording["link"] == f"/?v=1&rec={recording['name']}"
        assert recording["title"]


def test_a_recording_of_the_folder_is_a_run(app_client):
    listed = app_client.get("/api/recordings").json
    if not listed:
        pytest.skip("no recordings beside the tests")
    body = app_client.get(f"/api/run?rec={listed[0]['name']}&wait=15").json
    assert body["source"] == "recorded"
    assert body["title"]
