from __future__ import annotations

import json

import pytest

from sim import MODEL_VERSION
from sim.validation import scoreboard


def test_each_part_is_kept_beside_the_other(tmp_path):
    path = tmp_path / "score.json"
    assert scoreboard.read(path) == {}
    scoreboard.keep(path, "published", "second", 2, {"rows": [2]})
    scoreboard.keep(path, "recorded", "first", 1, {"rows": [1]})
    scoreboard.keep(path, "published", "third", 3, {"rows": [3]})
    found = scoreboard.read(path)
    assert [(part, found[part]["rows"]) for part in found] == [
        ("recorded", [1]),
        ("published", [3]),
    ]
    assert found["published"]["command"] == "third"
    assert found["recorded"]["model_version"] == MODEL_VERSION


def test_the_same_numbers_give_the_same_file(tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        scoreboard.keep(path, "recorded", "command", 1, {"rows": [1.5]})
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("text", ['{"other": 1}', "[]", "no json"])
def test_another_file_is_never_written_over(tmp_path, text):
    path = tmp_path / "score.json"
    path.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011
        scoreboard.keep(path, "recorded", "command", 1, {})
    assert path.read_text() == text


def test_what_json_cannot_say_leaves_no_half_file(tmp_path):
    path = tmp_path / "score.json"
    with pytest.raises(ValueError, match="JSON"):
        scoreboard.keep(path, "recorded", "command", 1, {"rows": [float("nan")]})
    assert list(tmp_path.iterdir()) == []


def test_the_kept_scores_are_those_of_their_rows():
    kept = scoreboard.read()
    for part in ("recorded", "linux-6.1"):
        right = sum(row["verdict"] == "ok" for row in kept[part]["rows"])
        assert kept[part]["score"]["rows_ok"] == right
    published = kept["published"]
    right = sum(row["direction"] == "ok" for row in published["rows"])
    assert published["score"]["directions_ok"] == right
    assert {row["table"] for row in published["rows"]} <= set(published["tables"])
    assert all(part["command"].startswith("python -m sim validate") for part in kept.values())
    assert "/" not in json.dumps([part["command"] for part in kept.values()])
