from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dashboard.figures.density import LEVELS, density_cells, picture
from dashboard.services.frames import MIME, decode
from tests.dashboard.conftest import until
from tests.support import fake_run

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def key(server):
    answer = server.test_client().get("/api/run?v=1&seed=9&dur=30000&wait=15")
    assert answer.status_code == 200
    return answer.json["key"]


def all_frames(client, key):
    messages, start = [], 0
    while True:
        answer = client.get(f"/api/frames/{key}?from={start}")
        assert answer.status_code == 200
        assert len(answer.data) <= 256_000
        messages += decode(answer.data)
        start = messages[-1]["next"]
        if messages[-1]["done"]:
            return messages


def test_frames_of_a_finished_run_are_final_and_kept_by_the_browser(app_client, key):
    answer = app_client.get(f"/api/frames/{key}?from=0")
    assert answer.mimetype == MIME
    assert answer.headers["X-Run-State"] == "DONE"
    assert "immutable" in answer.headers["Cache-Control"]
    assert [m["k"] for m in all_frames(app_client, key)] == list(range(30))


def test_after_the_last_frame_there_is_nothing(app_client, key):
    answer = app_client.get(f"/api/frames/{key}?from=30")
    assert answer.status_code == 204
    assert answer.data == b""


def test_frames_appear_while_the_run_is_computed(app_client):
    link = f"v=1&seed={fake_run.SLOW + 30}&dur=20000"
    asked = app_client.get(f"/api/run?{link}&wait=0", headers={"X-Viewer": "me"})
    key = asked.json["key"]
    states = set()

    def some():
        answer = app_client.get(f"/api/frames/{key}?from=0", headers={"X-Viewer": "me"})
        states.add(answer.headers["X-Run-State"])
        return answer.status_code == 200

    until(some)
    answer = app_client.get(f"/api/frames/{key}?from=0", headers={"X-Viewer": "me"})
    assert answer.headers["X-Run-State"] == "RUNNING"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not decode(answer.data)[-1]["done"]
    cancelled = app_client.post(f"/api/cancel/{key}", headers=SAME | {"X-Viewer": "other"})
    assert cancelled.json["state"] == "RUNNING", "the first viewer is still there"
    cancelled = app_client.post(f"/api/cancel/{key}", headers=SAME | {"X-Viewer": "me"})
    assert cancelled.json["state"] == "CANCELLED"


def test_frames_are_compressed(app_client, key):
    plain = app_client.get(f"/api/frames/{key}?from=0")
    packed = app_client.get(f"/api/frames/{key}?from=0", headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert len(packed.data) < len(plain.data) / 2


def test_a_run_with_a_lost_frame_counts_as_unknown(app_client, services):
    key = app_client.get("/api/run?v=1&seed=10&dur=3000&wait=15").json["key"]
    services.results.store.delete(f"{key}:f:1")
    assert app_client.get(f"/api/frames/{key}?from=1").status_code == 404
    assert app_client.get(f"/api/status/{key}").status_code == 404
    assert app_client.get("/api/run?v=1&seed=10&dur=3000&wait=15").status_code == 200
    assert app_client.get(f"/api/frames/{key}?from=1").status_code == 200


def test_few_events_come_as_marks(app_client, key):
    answer = app_client.get(f"/api/events/{key}?kind=io&t0=1&t1=2")
    marks = answer.json["marks"]
    assert answer.json["n"] == answer.json["shown"] == len(marks["x"]) > 0
    assert all(1 <= x <= 2 for x in marks["x"])
    assert set(marks) >= {"x", "y", "code", "index", "write", "nr_sectors"}
    assert "immutable" in answer.headers["Cache-Control"]


def test_many_events_come_as_a_picture(app_client, key):
    body = app_client.get(f"/api/events/{key}?kind=io&px=300&py=100").json
    assert body["n"] > 3000
    assert body["shown"] == 0
    kind, _, data = body["image"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (300, 100)
        assert image.convert("RGBA").getextrema()[3][1] > 150


@pytest.mark.parametrize(
    ("asked", "size"), [("px=99999&py=99999", (2400, 1200)), ("px=1&py=no", (16, 160))]
)
def test_a_picture_has_a_largest_and_a_smallest_size(app_client, key, asked, size):
    body = app_client.get(f"/api/events/{key}?kind=io&{asked}").json
    data = base64.b64decode(body["image"].partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == size


@pytest.mark.parametrize("window", ["t0=nan", "t0=-5&t1=1e99", "y0=9&y1=1", "t0=x"])
def test_any_window_is_answered(app_client, key, window):
    body = app_client.get(f"/api/events/{key}?kind=io&{window}").json
    assert body["x0"] <= body["x1"]
    assert body["y0"] <= body["y1"]


@pytest.mark.parametrize("kind", ["stalls", "sleeps"])
def test_stalls_and_sleeps_are_events_too(app_client, key, kind):
    body = app_client.get(f"/api/events/{key}?kind={kind}").json
    assert body["shown"] == body["n"] > 0


def test_unknown_events_are_refused(app_client, key):
    answer = app_client.get(f"/api/events/{key}?kind=dreams")
    assert answer.status_code == 400
    assert answer.json["limit"] == "io, stalls, sleeps"


def test_events_of_an_unfinished_run_come_later(app_client):
    link = f"v=1&seed={fake_run.SLOW + 30}&dur=21000"
    key = app_client.get(f"/api/run?{link}&wait=0").json["key"]
    assert app_client.get(f"/api/events/{key}").status_code == 202
    app_client.post(f"/api/cancel/{key}", headers=SAME)


def test_density_shows_every_event_and_who_did_most():
    x, y = np.array([0.0, 0.0, 0.0, 9.99]), np.array([0.0, 0.0, 0.0, 9.99])
    cells = density_cells(x, y, np.array([0, 1, 1, 0]), (0, 10, 0, 10), (10, 10), 2)
    assert cells[9, 0] == 1 + 1 * LEVELS + 1, "bottom left: mostly the second, 2 to 3 events"
    assert cells[0, 9] == 1, "top right: one of the first"
    assert (cells > 0).sum() == 2
    data = base64.b64decode(picture(cells, ["#ff0000", "#0000ff"]).partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert tuple(pixels[9, 0, :3]) == (0, 0, 255)
    assert tuple(pixels[0, 9]) == (255, 0, 0, 150)
    assert pixels[5, 5, 3] == 0


def test_a_large_picture_is_readable():
    cells = np.random.default_rng(1).integers(0, 16, (300, 900)).astype(np.uint8)
    data = base64.b64decode(picture(cells, ["#ff0000", "#0000ff"]).partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.size == (900, 300)
        assert (np.asarray(image) == cells).all()
