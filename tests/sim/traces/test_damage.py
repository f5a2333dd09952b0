"""Whatever is done to a recording, ``read`` gives a Result or raises TraceError."""

from __future__ import annotations

import gzip
import lzma
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.observe.columns import columns
from sim.observe.metrics import metrics
from sim.result import Result
from sim.traces import TraceError, read

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "recorded"
FILES = sorted(p for p in FIXTURES.rglob("*") if p.suffix in (".xz", ".json"))
PLAIN = {p: lzma.decompress(p.read_bytes()) if p.suffix == ".xz" else p.read_bytes() for p in FILES}
MARKS = b' =:|[]().,-+0123456789xe\n\x00\xff{}"'

damage = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(["byte", "cut", "drop", "double", "digits"]),
        st.sampled_from(list(MARKS)),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, blows: list[tuple[float, str, int, int]]) -> bytes:
    for where, how, byte, length in blows:
        at = int(where * len(data))
        if how == "byte":
            data = data[:at] + bytes([byte]) * length + data[at + length :]
        elif how == "cut":
            data = data[: max(at, length)]
        elif how == "drop":
            data = data[:at] + data[at + length :]
        elif how == "double":
            data = data[:at] + data[at : at + length] * 2 + data[at + length :]
        else:
            data = data[:at] + b"9" * length + data[at:]
    return data


def read_or_refuse(content: bytes, name: str) -> Result | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            result = read(path)
        except TraceError:
            return None
    assert Result.from_bytes(result.to_bytes()).digest() == result.digest()
    metrics(result)
    columns(result)
    return result


@given(st.sampled_from(FILES), damage)
@settings(max_examples=150)
def test_damaged_text_gives_a_result_or_a_trace_error(path, blows):
    read_or_refuse(damaged(PLAIN[path], blows), "upload.txt")


@given(st.sampled_from([p for p in FILES if p.suffix == ".xz"]), damage)
def test_damaged_compression_gives_a_result_or_a_trace_error(path, blows):
    read_or_refuse(damaged(path.read_bytes(), blows), path.name)


@given(st.binary(max_size=2000))
def test_random_bytes_are_refused(content):
    assert read_or_refuse(content, "upload.bin") is None


@given(st.sampled_from(FILES), st.floats(0.02, 1))
def test_a_gzip_cut_anywhere_gives_a_result_or_a_trace_error(path, share):
    packed = gzip.compress(PLAIN[path])
    read_or_refuse(packed[: int(len(packed) * share)], "upload.gz")


@given(damage)
def test_a_damaged_trace_leaves_the_rest_of_its_folder(blows):
    source = FIXTURES / "linux-6.1" / "S4.1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in source.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "trace.txt.xz").write_bytes(
            damaged((source / "trace.txt.xz").read_bytes(), blows)
        )
        assert read(folder).has("series")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_text_cut_at_the_end_of_a_line_is_a_shorter_recording(path):
    part = PLAIN[path].rstrip().rpartition(b"\n")[0]
    if path.suffix == ".json":  # which cannot be cut
        assert read_or_refuse(PLAIN[path][:-1], "part.json") is None
    else:
        result = read_or_refuse(part, "part.txt")
        assert result is not None
        assert result.meta["problems"] == []
