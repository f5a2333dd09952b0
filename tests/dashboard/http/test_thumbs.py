from __future__ import annotations

import xml.etree.ElementTree as ET

from dashboard.figures.theme import COLORS, ISSUER_STYLES
from dashboard.figures.thumb import BINS, HIGH, STRIP, WIDE, thumb
from sim.presets import PRESETS
from sim.scenario_url import encode
from tests.support.synthetic_result import synthetic_result

SVG = "{http://www.w3.org/2000/svg}"


def test_a_preset_has_a_picture_once_it_was_run(app_client):
    before = app_client.get("/api/thumb/stack.svg")
    assert before.status_code == 200
    assert "not run here yet" in before.text
    link = encode(PRESETS["stack"].scenario)
    assert app_client.get(f"/api/run?{link}&wait=20").status_code == 200
    after = app_client.get("/api/thumb/stack.svg")
    assert after.mimetype == "image/svg+xml"
    assert ET.fromstring(after.text).findall(f"{SVG}polygon")
    again = app_client.get("/api/thumb/stack.svg", headers={"If-None-Match": after.headers["ETag"]})
    assert again.status_code == 304


def test_an_unknown_preset_is_named(app_client):
    answer = app_client.get("/api/thumb/nothing.svg")
    assert answer.status_code == 404
    assert answer.json["field"] == "preset"


def test_the_picture_has_the_issuers_of_the_run_in_their_colours():
    drawn = ET.fromstring(thumb(synthetic_result(1, 20)))
    colours = [area.get("fill") for area in drawn.findall(f"{SVG}polygon")]
    known = [style.color for style in ISSUER_STYLES.values()]
    assert colours == [c for c in known if c in colours]
    assert ISSUER_STYLES["direct"].color in colours
    patched = ET.fromstring(thumb(synthetic_result(1, 20, patched=True)))
    assert ISSUER_STYLES["direct"].color not in [
        area.get("fill") for area in patched.findall(f"{SVG}polygon")
    ]
    for area in drawn.findall(f"{SVG}polygon"):
        for point in (area.get("points") or "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDE
            assert 0 <= y <= HIGH - STRIP


def test_the_strip_marks_only_times_with_a_stall():
    result = synthetic_result(1, 20)
    result.stalls = result.stalls[:1].copy()
    result.stalls["t_begin_ns"], result.stalls["t_end_ns"] = 5_000_000_000, 5_100_000_000
    result.stalls["kind"] = 1
    (mark,) = ET.fromstring(thumb(result)).findall(f"{SVG}rect")
    assert mark.get("fill") == COLORS["memcg"]
    assert float(mark.get("x") or 0) == round(int(5 / 20 * BINS) * WIDE / BINS, 1)
    assert mark.get("opacity") == "1.00"
