"""The page and the server draw the same: chart-*.js on frames against fill.py on the Result."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dashboard.figures.fill import fill
from dashboard.figures.registry import FIGURES, spec_json
from dashboard.figures.theme import THEMES
from dashboard.services.frames import encode_result
from tests.support.synthetic_result import synthetic_result

NODE = shutil.which("node")
ASSETS = Path(__file__).resolve().parents[3] / "assets"
NUMBER = re.compile(r"-?\d+\.\d+")
SIZE = {"width": 900, "height": 420}
URL = "https://lab.example/?v=1&seed=1&p=p5.p6"

pytestmark = pytest.mark.skipif(
    NODE is None and not os.environ.get("CI"), reason="needs node, which is not installed"
)


def quiet():
    result = synthetic_result(4, 20)
    result.io, result.stalls = result.io[:0], result.stalls[:0]
    result.meta["memcgs"] = ["root"]
    return result


def untimed():
    result = synthetic_result(6, 20)
    result.io["t_queue_ns"] = -1
    result.families["stalls"] = "not recorded: totals only"
    return result


def with_gaps():
    result = synthetic_result(5, 20)
    result.families |= {"io": "no request log <on this kernel>", "stalls": "not traced"}
    result.io, result.stalls = result.io[:0], result.stalls[:0]
    result.series = {k: v for k, v in result.series.items() if not k.startswith("pg")}
    return result


def with_marks(seed, *items):
    result = synthetic_result(seed, 20)
    result.meta["scenario"] = {
        "interventions": [
            {"at_ms": at, "what": what, "whose": whose, "value": value}
            for at, what, whose, value in items
        ]
    }
    return result


def far_apart(seed, *, far=80 * 2**21, seconds=20):
    result = synthetic_result(seed, seconds)
    near = result.io["sector"] % 2**22
    result.io["sector"] = np.where(np.arange(len(near)) % 5 == 0, far + near // 50, near)
    return result


MARKED = [
    with_marks(1, (5000, "patch", "p6", 1), (5000, "limit", "<g1>", 32)),
    with_marks(2, (5000, "patch", "p6", 1), (19_500, "stall", "disk", 2000)),
]


CASES = {
    "one run": ([synthetic_result(1)], "light", None),
    "two runs": ([synthetic_result(1), synthetic_result(2, patched=True)], "dark", None),
    "zoomed": ([synthetic_result(1)], "light", (12.34, 17.5)),
    "many samples": ([synthetic_result(3, 200)], "dark", None),
    "many containers": ([synthetic_result(3, 20, memcgs=6)], "light", None),
    "nothing happened": ([quiet()], "light", None),
    "not recorded": ([with_gaps()], "dark", None),
    "far apart on the disk": ([far_apart(1), far_apart(2, far=1500 * 2**21)], "light", None),
    "very many far apart": ([far_apart(3, seconds=200)], "dark", None),
    "changed on the way": (MARKED, "dark", None),
    "not timed": ([untimed()], "light", None),
    "one of two not recorded": ([with_gaps(), synthetic_result(2, 20)], "light", None),
}


def in_node(results, theme, window, specs=FIGURES, options=None):
    def messages(result):
        return [base64.b64encode(m).decode() for m in encode_result("key", result)]

    order = {
        "assets": str(ASSETS),
        "runs": [{"label": "ABCD"[i], "messages": messages(r)} for i, r in enumerate(results)],
        "specs": {
            "theme": spec_json(theme)["theme"],
            "figures": [spec.to_dict() for spec in specs.values()],
        },
        "options": {**SIZE, "url": URL, "zoom": window, **(options or {})},
    }
    done = subprocess.run(
        [NODE, str(Path(__file__).with_name("bind_in_node.js"))],
        input=json.dumps(order), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(specs, json.loads(done.stdout), strict=True))


def differences(ours, theirs, path=""):
    """Where two JSON values differ; numbers may by a millionth, float32 being on the way."""
    found = []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{path}: {key} is in one only" for key in set(ours) ^ set(theirs)]
        for key in set(ours) & set(theirs):
            found += differences(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            found = [f"{path}: {len(ours)} items != {len(theirs)}"]
        for i, (a, b) in enumerate(zip(ours, theirs, strict=False)):
            found += differences(a, b, f"{path}[{i}]")
    elif path.endswith(".path") and NUMBER.sub("#", ours) == NUMBER.sub("#", theirs):
        numbers = ([float(x) for x in NUMBER.findall(text)] for text in (ours, theirs))
        found = differences(*numbers, f"{path}()")
    elif not same(ours, theirs):
        found = [f"{path}: {ours!r:.80} != {theirs!r:.80}"]
    return found


def same(ours, theirs):
    if type(ours) in (int, float) and type(theirs) in (int, float):
        return ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    return type(ours) is type(theirs) and ours == theirs


@pytest.mark.parametrize("case", CASES)
def test_page_and_server_draw_the_same(case):
    results, theme, window = CASES[case]
    drawn = in_node(results, theme, window)
    for name, spec in FIGURES.items():
        assert differences(on_server(spec, case), drawn[name])[:5] == [], name


def on_server(spec, case):
    results, theme, window = CASES[case]
    drawn = fill(spec, results, THEMES[theme], **SIZE, url=URL, window=window)
    return json.loads(json.dumps(drawn, allow_nan=False))


SWITCHED = {name: spec.scaled(spec.other_scale) for name, spec in FIGURES.items() if spec.scale}


@pytest.mark.parametrize("case", CASES)
def test_both_draw_the_same_with_the_other_scale(case):
    results, theme, window = CASES[case]
    drawn = in_node(results, theme, window, SWITCHED)
    for name, spec in SWITCHED.items():
        assert differences(on_server(spec, case), drawn[name])[:5] == [], name


def test_a_difference_would_be_seen():
    ours = {"path": "M1.0,2.0L3.0,4.0", "x": [1.0, None]}
    assert differences(ours, ours) == []
    assert differences(ours, {**ours, "x": [1.0, 2.0]})
    assert differences(ours, {**ours, "path": "M1.0,2.0L3.0,4.1"})
    assert differences(ours, {**ours, "path": "M1.0,2.0M3.0,4.0"})
