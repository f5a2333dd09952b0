from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.services.frames import (
    MAX_MESSAGE,
    Encoder,
    decode,
    encode_columns,
    encode_result,
    slice_result,
    slices,
)
from sim.observe.metrics import Column, columns, headline
from sim.result import IO_LOG, Result
from sim.scenario import MemcgSpec, Scenario
from tests.support import fake_run

SCENARIO = Scenario(seed=5, duration_ms=6000)


@pytest.fixture(scope="module")
def run():
    return fake_run.whole(SCENARIO)


def stream(scenario):
    encoder = Encoder("key")
    messages = []
    result = fake_run.run(scenario, on_chunk=lambda c: messages.extend(encoder.encode(c)))
    return result, messages


def joined(messages, name):
    return np.concatenate([s["values"] for m in messages for s in m["series"] if s["name"] == name])


def test_all_chunks_together_are_the_run(run):
    _, messages = stream(SCENARIO)
    decoded = decode(b"".join(messages))
    assert [m["k"] for m in decoded] == list(range(6))
    assert [m["next"] for m in decoded] == list(range(1, 7))
    assert [m["done"] for m in decoded] == [False] * 5 + [True]
    for name, column in columns(run).items():
        values = joined(decoded, name)
        np.testing.assert_allclose(values, column.values, rtol=1e-6, err_msg=name)


def test_whole_numbers_survive_exactly(run):
    """float32 would lose counters above 2^24."""
    big = np.array([2**40, 2**40 + 1, 2**40 + 2**31 - 1, 5], np.float64)
    about, data = encode_columns({"x": Column("pages", big)})[0]
    assert about["dtype"] == "f4", "a step of 2^40 does not fit: float32"
    (about, data), *_ = encode_columns({"x": Column("pages", big[:3])})
    assert about["dtype"] == "i4"
    deltas = np.frombuffer(data, "<i4")
    assert about["base"] + np.cumsum(deltas, dtype=np.int64) == pytest.approx(big[:3], abs=0)


@given(
    st.lists(st.floats(width=64), max_size=30),
    st.sampled_from([0, 10_000_000, 100_000_000]),
)
def test_any_column_comes_back(values, dt_ns):
    array = np.array(values, np.float64)
    about, data = encode_columns({"x": Column("", array)}, dt_ns)[0]
    raw = np.frombuffer(data, f"<{about['dtype']}")
    if about["dtype"] == "i4":
        back = (np.cumsum(raw, dtype=np.int64) + about["base"]) * about["scale"]
    else:
        back = raw.astype(np.float64)
    with np.errstate(over="ignore"):
        expected = array if about["dtype"] == "i4" else array.astype(np.float32)
    np.testing.assert_allclose(back, expected, rtol=1e-8, atol=about["scale"] * 1e-6)
    if about["dtype"] == "i4":
        np.testing.assert_array_equal(back == 0, array == 0)
    json.dumps(about, allow_nan=False)


def test_gaps_are_kept():
    values = np.array([1.0, np.nan, 3.0])
    about, data = encode_columns({"x": Column("", values)})[0]
    assert about["dtype"] == "f4"
    np.testing.assert_array_equal(np.frombuffer(data, "<f4"), values)


def test_times_stay_exact_to_the_microsecond():
    t = np.array([3600.000001, 3600.000002, 3601.5])
    about, data = encode_columns({"t_s": Column("s", t)})[0]
    back = (np.cumsum(np.frombuffer(data, "<i4"), dtype=np.int64) + about["base"]) * about["scale"]
    np.testing.assert_allclose(back, t, rtol=0, atol=5e-7)


def test_events_come_back(run):
    _, messages = stream(SCENARIO)
    decoded = decode(b"".join(messages))
    t0 = [int(m["t0_ns"]) for m in decoded]
    io = [m["events"]["io"] for m in decoded]
    assert sum(f["n"] for f in io) == len(run.io)
    t = np.concatenate(
        [
            f["columns"]["t"]["values"].astype(np.int64) * 1000 + a
            for f, a in zip(io, t0, strict=True)
        ]
    )
    assert np.abs(t - run.io["t_done_ns"]).max() < 1000
    for name, field in (("issuer", "issuer"), ("write", "write"), ("size", "nr_sectors")):
        values = np.concatenate([f["columns"][name]["values"] for f in io])
        np.testing.assert_array_equal(values, run.io[field])
    offset = np.concatenate([f["columns"]["offset"]["values"] for f in io])
    np.testing.assert_array_equal(offset, run.io["sector"] // 8)
    stalls = np.concatenate([m["events"]["stalls"]["columns"]["len_us"]["values"] for m in decoded])
    length = (run.stalls["t_end_ns"] - run.stalls["t_begin_ns"]) / 1000
    np.testing.assert_allclose(stalls, length, rtol=1e-6)


def test_arrays_lie_where_typed_arrays_can_begin():
    _, messages = stream(SCENARIO)
    at = 0
    for data, message in zip(messages, decode(b"".join(messages)), strict=True):
        assert at % 8 == 0
        assert len(data) % 8 == 0
        arrays = message["series"] + [
            c for f in message["events"].values() for c in f["columns"].values()
        ]
        assert all(array["offset"] % 4 == 0 for array in arrays)
        at += len(data)


def test_the_headline_is_that_of_the_run_so_far(run):
    _, messages = stream(SCENARIO)
    last = decode(messages[-1])[0]["headline"]
    for item in headline(run):
        if item.value is None:
            assert last[item.name] is None
        else:
            assert last[item.name] == pytest.approx(item.value), item.name


def test_only_the_first_message_describes_the_run():
    _, messages = stream(SCENARIO)
    decoded = decode(b"".join(messages))
    assert decoded[0]["first"]["memcgs"] == ["root"]
    assert all("first" not in m for m in decoded[1:])


def test_a_flood_of_events_is_thinned_and_says_so(run):
    many = 200_000
    io = np.zeros(many, IO_LOG)
    io["t_done_ns"] = np.arange(1, many + 1) * 10_000
    flood = replace(run, io=io, meta={**run.meta, "t0_ns": 0, "t1_ns": run.duration_ns})
    (data,) = Encoder("key").encode(flood)
    assert len(data) <= MAX_MESSAGE
    events = decode(data)[0]["events"]
    assert events["io"]["thinned"]
    assert events["io"]["total"] == many
    assert 5_000 < events["io"]["n"] < many
    steps = np.diff(events["io"]["columns"]["t"]["values"].astype(np.int64))
    assert len(set(steps.tolist())) == 1, "even decimation"
    assert not events["stalls"]["thinned"], "a small family keeps all of its events"
    assert events["stalls"]["n"] == len(run.stalls)


def test_two_hundred_containers_come_in_parts():
    scenario = Scenario(duration_ms=2000, memcgs=tuple(MemcgSpec(name=f"g{i}") for i in range(200)))
    result, messages = stream(scenario)
    assert max(map(len, messages)) <= MAX_MESSAGE
    decoded = decode(b"".join(messages))
    assert {m["parts"] for m in decoded} != {1}
    assert [m["k"] for m in decoded] == list(range(len(decoded)))
    assert [m["done"] for m in decoded].index(True) == len(decoded) - 1
    assert all(("headline" in m) == (m["part"] == 0) for m in decoded)
    for name, column in columns(result).items():
        np.testing.assert_allclose(joined(decoded, name), column.values, rtol=1e-6)


def test_unknown_values_are_not_zero():
    io = np.zeros(1, IO_LOG)
    for name in ("issuer", "positioned", "t_queue_ns", "t_issue_ns"):
        io[name] = -1
    result = Result(meta={"duration_ns": 10**9}, io=io)
    fields = decode(next(encode_result("rec", result)))[0]["events"]["io"]["columns"]
    assert fields["issuer"]["values"][0] == 255
    assert fields["positioned"]["values"][0] == 255
    assert fields["wait_us"]["values"][0] == -1


def test_what_was_not_recorded_is_absent_with_its_reason():
    result = Result(meta={"duration_ns": 10**9})
    result.families = dict.fromkeys(result.families, "present") | {"io": "no block trace"}
    message = decode(next(encode_result("rec", result)))[0]
    assert "io" not in message["events"]
    assert message["families"]["io"] == "no block trace"
    assert message["done"]


def test_slices_of_a_finished_run_lose_nothing(run):
    parts = slices(run, target_bytes=20_000)
    assert len(parts) > 3
    assert sum(len(p.io) for p in parts) == len(run.io)
    assert sum(len(p.stalls) for p in parts) == len(run.stalls)
    decoded = decode(b"".join(m for m in encode_result("key", run)))
    assert decoded[-1]["done"]
    for name, column in columns(run).items():
        np.testing.assert_allclose(joined(decoded, name), column.values, rtol=1e-6)


def test_slices_meet_at_the_last_sample_before_them(run):
    a = slice_result(run, 0, 3 * 10**9, last=False)
    b = slice_result(run, 3 * 10**9, 6 * 10**9, first=False)
    assert a.series["t_ns"][-1] == b.series["t_ns"][0] == 3 * 10**9


def test_a_run_that_ended_early_says_so():
    encoder = Encoder("key")
    whole = fake_run.whole(SCENARIO)
    encoder.encode(fake_run.cut(whole, 0, 10**9))
    assert not encoder.done
    message = decode(encoder.end(whole.duration_ns, 10**9))[0]
    assert (message["k"], message["done"], message["series"]) == (1, True, [])


@pytest.mark.parametrize("damage", [b"", b"RLF1", b"XXXX"])
def test_a_damaged_stream_is_refused(damage):
    _, messages = stream(SCENARIO)
    if damage:
        with pytest.raises(ValueError, match=r"message|left over"):
            decode(messages[0] + damage)
    with pytest.raises(ValueError, match="not whole"):
        decode(messages[0][:-8])


def test_a_default_run_is_small_on_the_wire():
    brotli = pytest.importorskip("brotli")
    _, messages = stream(Scenario(seed=1, duration_ms=60_000))
    # Random walks are the worst case: a simulated run compresses to less.
    assert len(brotli.compress(b"".join(messages), quality=5)) < 450_000
