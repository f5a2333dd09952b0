"""Frames: a run's plotted columns and events as compact binary messages for the page.

One message for each chunk, ``RLF1``::

    0    4  magic "RLF1"
    4    4  uint32 H, length of the header, padded with spaces so that 8 + H is a multiple of 8
    8    H  JSON header
    8+H  B  payload, B = header["bytes"], a multiple of 8; every array starts at a multiple of 4

All numbers are little-endian. A column is ``i4``: int32 differences of ``value / scale``, the first
one against ``base``; or ``f4``: float32 values as they are, NaN where there is none. Events carry
the time at which they ended as uint32 us from ``t0_ns``, a column of differences modulo 2^32:
float32 would lose counters above 2^24, int32 us would overflow after 36 minutes. Concatenated
messages are a stream.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from dashboard.interventions import marks
from dashboard.rounding import eleven_bits
from sim.observe.metrics import Column, columns, headline
from sim.observe.tables import victim_columns
from sim.result import Result
from sim.units import PAGE_SIZE, SECTOR_SIZE

MAGIC = b"RLF1"
MIME = "application/x-rlf1"
MAX_MESSAGE = 256_000
"""Bytes of one message, and of one answer with several."""
_HEAD = struct.Struct("<4sI")
_HEADER_ROOM = 6_000  # all of a header but its list of columns
_MAX_SERIES = 120_000  # bytes of columns and their descriptions in one message
_US = 1_000
_ABOUT = ("title", "source", "memcgs", "zones", "disk", "seed", "digest", "model_version", "note")
_SECTORS_PER_BLOCK = PAGE_SIZE // SECTOR_SIZE
_CLOSE = 1e-6  # of a step: what float64 arithmetic may have added
_DESCRIPTION = 110  # bytes of a column's description but its name
_SCALES = (PAGE_SIZE / 2**20, SECTOR_SIZE / 2**20)
"""What plotted columns are multiples of, besides 1, ms in s, and these per interval: MiB."""

Array = np.ndarray
Events = dict[str, tuple[str, Array]]


class Encoder:
    """Messages of one run, chunk after chunk; keeps what the headline needs of earlier chunks."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._next = 0
        self._stalls: list[Array] = []
        self._io: list[Array] = []
        self.done = False

    def encode(self, chunk: Result, done: bool | None = None) -> list[bytes]:
        """The messages of one chunk: one, or several when it has very many columns.

        ``done``: no more will come; None = when the chunk reaches the end of the run.
        """
        self._stalls.append(chunk.stalls)
        if not chunk.has("counters"):  # then the headline counts requests
            self._io.append(chunk.io)
        self.done = _t1_ns(chunk) >= chunk.duration_ns if done is None else done
        parts = _parts(encode_columns(columns(chunk), _dt_ns(chunk)))
        messages = []
        for part, series in enumerate(parts):
            last = part == len(parts) - 1
            header = self._header(chunk, part, len(parts)) | {"done": self.done and last}
            events: dict[str, Events] = {}
            if part == 0:
                header["headline"] = self._headline(chunk)
                taken = victim_columns(chunk)
                header["victims"] = {name: cells.tolist() for name, cells in taken.items()}
                events = _events(chunk, int(header["t0_ns"]))
            messages.append(_message(header, series, events))
            self._next += 1
        return messages

    def end(self, duration_ns: int, t_end_ns: int) -> bytes:
        """A message without data: the run ended before its time."""
        chunk = Result(meta={"duration_ns": duration_ns, "t0_ns": t_end_ns, "t1_ns": t_end_ns})
        self.done = True
        message = _message(self._header(chunk, 0, 1) | {"done": True}, [], {})
        self._next += 1
        return message

    def _header(self, chunk: Result, part: int, parts: int) -> dict[str, Any]:
        t0_ns, t1_ns = _t0_ns(chunk), _t1_ns(chunk)
        header: dict[str, Any] = {
            "key": self.key,
            "k": self._next,
            "next": self._next + 1,
            "part": part,
            "parts": parts,
            "t0_ns": str(t0_ns),
            "t_end_ns": str(t1_ns),
            "duration_ns": str(chunk.duration_ns),
            "dt_ns": _dt_ns(chunk),
            "fraction": round(min(1.0, t1_ns / max(1, chunk.duration_ns)), 6),
            "families": chunk.families,
        }
        if self._next == 0:
            header["first"] = _first(chunk)
        return header

    def _headline(self, chunk: Result) -> dict[str, int | float | None]:
        """Over the run so far: counters are cumulative, the logs are gathered here."""
        so_far = replace(
            chunk,
            meta={**chunk.meta, "duration_ns": max(1, _t1_ns(chunk))},
            stalls=_gather(self._stalls),
            io=_gather(self._io) if self._io else chunk.io,
        )
        return {item.name: _json_number(item.value) for item in headline(so_far)}


def _gather(parts: list[Array]) -> Array:
    """All parts as one array, which replaces them."""
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0]


def _t0_ns(chunk: Result) -> int:
    return int(chunk.meta.get("t0_ns", 0))


def _t1_ns(chunk: Result) -> int:
    return int(chunk.meta.get("t1_ns", chunk.duration_ns))


def _dt_ns(chunk: Result) -> int:
    """Distance of samples, 0 = irregular."""
    steps = np.diff(np.asarray(chunk.series.get("t_ns", ()), np.int64))
    regular = len(steps) > 0 and bool((steps == steps[0]).all())
    return int(steps[0]) if regular else 0


def _json_number(value: Any) -> int | float | None:
    if value is None:
        return None
    number = float(value)
    if not np.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _first(chunk: Result) -> dict[str, Any]:
    """What does not change during a run."""
    meta = chunk.meta
    first = {name: meta[name] for name in _ABOUT if name in meta}
    first["tasks"] = [
        {name: task[name] for name in ("name", "comm", "kind", "memcg", "pid") if name in task}
        for task in chunk.tasks[:300]
    ]
    first["marks"] = marks(meta)
    return first


# ---- columns

Encoded = tuple[dict[str, Any], bytes]


def _parts(encoded: list[Encoded]) -> list[list[Encoded]]:
    """Encoded columns in portions that fit into a message; at least one portion."""
    parts: list[list[Encoded]] = [[]]
    size = 0
    for description, data in encoded:
        cost = _DESCRIPTION + len(description["name"]) + len(data)
        if parts[-1] and size + cost > _MAX_SERIES:
            parts.append([])
            size = 0
        parts[-1].append((description, data))
        size += cost
    return parts


def encode_columns(chunk_columns: dict[str, Column], dt_ns: int = 0) -> list[Encoded]:
    """Description and bytes of each column: multiples of a scale as differences, else float32.

    ``dt_ns``: distance of samples, for the scales of rates; 0 = irregular.
    """
    if not chunk_columns:
        return []
    values = np.array([column.values for column in chunk_columns.values()], np.float64)
    n = values.shape[1]
    steps, scale_of = _whole_steps(values, dt_ns)
    deltas = np.diff(steps, prepend=steps[:, :1]).astype("<i4") if n else steps.astype("<i4")
    with np.errstate(over="ignore"):
        floats = values.astype("<f4")
    for row, name in enumerate(chunk_columns):
        if name == "t_s" and scale_of[row] == 0:  # float32 is too coarse for a time
            steps[row] = np.rint(values[row] * 1e6)
            deltas[row] = np.diff(steps[row], prepend=steps[row, :1])
            scale_of[row] = 1e-6
    out = []
    for row, (name, column) in enumerate(chunk_columns.items()):
        about = {"name": name, "unit": column.unit, "n": n}
        if scale_of[row] > 0:
            base = int(steps[row, 0]) if n else 0
            about |= {"dtype": "i4", "base": base, "scale": float(scale_of[row])}
            out.append((about, deltas[row].tobytes()))
        else:
            out.append(({**about, "dtype": "f4", "base": 0, "scale": 1}, floats[row].tobytes()))
    return out


def _whole_steps(values: Array, dt_ns: int) -> tuple[Array, Array]:
    """(int64 numbers, scale of each row) with values = numbers * scale; scale 0 = none fits."""
    steps = np.zeros(values.shape, np.int64)
    scale_of = np.zeros(len(values))
    if not values.shape[1]:
        return steps, scale_of + 1
    finite = np.abs(values).max(axis=1) < 2**50  # False where one is NaN
    scales = [1.0, 1e-3, *_SCALES]
    if dt_ns:
        scales += [scale * 1e9 / dt_ns for scale in (1.0, *_SCALES)]
    for scale in scales:
        rows = np.flatnonzero(finite & (scale_of == 0))
        if not len(rows):
            break
        exact = values[rows] / scale
        whole = np.rint(exact)
        # Nothing that is not zero becomes zero.
        close = ((np.abs(exact - whole) <= _CLOSE) & ((whole != 0) | (values[rows] == 0))).all(
            axis=1
        )
        close &= np.abs(whole).max(axis=1) < 2**52
        close &= np.ptp(whole, axis=1) < 2**31
        steps[rows[close]] = whole[close].astype(np.int64)
        scale_of[rows[close]] = scale
    return steps, scale_of


# ---- events


def _events(chunk: Result, t0_ns: int) -> dict[str, Events]:
    events: dict[str, Events] = {}
    if chunk.has("io"):
        events["io"] = _io_events(chunk.io, t0_ns)
    if chunk.has("stalls"):
        events["stalls"] = _stall_events(chunk.stalls, t0_ns)
    if chunk.has("sleeps"):
        events["sleeps"] = _span_events(chunk.sleeps, t0_ns) | {
            "task": ("i2", chunk.sleeps["task"]),
            "cause": ("i1", chunk.sleeps["cause"]),
        }
    return events


def _us_from(t_ns: Array, t0_ns: int) -> Array:
    return np.clip((t_ns.astype(np.int64) - t0_ns) // _US, 0, 2**32 - 1)


def _us(span_ns: Array) -> Array:
    return np.asarray(span_ns, np.float64) / _US


def _known_us(end_ns: Array, begin_ns: Array) -> Array:
    """Length in us, -1 where the beginning was not recorded (-1)."""
    return np.where(begin_ns < 0, -1.0, _us(end_ns - begin_ns))


def _byte(values: Array) -> Array:
    """Small codes; 255 = unknown (-1 in a log)."""
    return np.where(values < 0, 255, values)


def _io_events(io: Array, t0_ns: int) -> Events:
    return {
        "t": ("u4", _us_from(io["t_done_ns"], t0_ns)),
        "offset": ("u4", np.clip(io["sector"] // _SECTORS_PER_BLOCK, 0, 2**32 - 1)),
        "wait_us": ("f4", eleven_bits(_known_us(io["t_done_ns"], io["t_queue_ns"]))),
        "size": ("u2", np.clip(io["nr_sectors"], 0, 2**16 - 1)),
        "task": ("i2", io["task"]),
        "issuer": ("u1", _byte(io["issuer"])),
        "write": ("u1", _byte(io["write"])),
        "positioned": ("u1", _byte(io["positioned"])),
    }


def _span_events(spans: Array, t0_ns: int) -> Events:
    return {
        "t": ("u4", _us_from(spans["t_end_ns"], t0_ns)),
        "len_us": ("f4", _us(spans["t_end_ns"] - spans["t_begin_ns"])),
    }


def _stall_events(stalls: Array, t0_ns: int) -> Events:
    events = _span_events(stalls, t0_ns)
    for what in ("congestion_wait", "writepage", "page_wait", "pause"):
        name = f"{what.removesuffix('_wait') if what == 'congestion_wait' else what}_us"
        spent = stalls[f"{what}_ns"]
        events[name] = ("f4", np.where(spent < 0, -1.0, _us(spent)))
    for what in ("scanned", "reclaimed", "dirty", "written"):
        events[what] = ("i4", stalls[f"nr_{what}"])
    for name, dtype in (
        ("task", "i2"), ("memcg", "i2"), ("kind", "i1"), ("priority", "i1"), ("order", "i1"),
    ):  # fmt: skip
        events[name] = (dtype, stalls[name])
    return events


def _every(events: Events, step: int) -> Events:
    return {name: (dtype, values[::step]) for name, (dtype, values) in events.items()}


def _size(events: Events) -> int:
    """Bytes of a family, its description included."""
    return sum(len(values) * np.dtype(dtype).itemsize + 4 + 60 for dtype, values in events.values())


def _fit(families: dict[str, Events], room: int) -> dict[str, tuple[Events, int, int]]:
    """name -> (events, total, step): each family takes at most its share of the room."""
    out = {}
    waiting = sorted(families.items(), key=lambda item: _size(item[1]))
    for i, (name, events) in enumerate(waiting):
        share = room // (len(waiting) - i)
        total = len(next(iter(events.values()))[1])
        step = 1
        while _size(_every(events, step)) > share and step < total:
            step += max(1, step // 8)
        kept = _every(events, step)
        room -= _size(kept)
        out[name] = (kept, total, step)
    return out


# ---- messages


class _Payload:
    """Arrays one after the other, each from a multiple of 4."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, data: bytes) -> int:
        """Append an array; its offset."""
        offset = self.size
        padding = -len(data) % 4
        self.parts += [data, bytes(padding)]
        self.size += len(data) + padding
        return offset


def _message(
    header: dict[str, Any],
    series: list[tuple[dict[str, Any], bytes]],
    families: dict[str, Events],
) -> bytes:
    payload = _Payload()
    header["series"] = [{**about, "offset": payload.add(data)} for about, data in series]
    used = payload.size + len(_json(header)) + _HEADER_ROOM
    header["events"] = {
        family: {
            "n": len(next(iter(events.values()))[1]),
            "total": total,
            "thinned": step > 1,
            "columns": {
                name: _event_column(payload, name, dtype, values)
                for name, (dtype, values) in events.items()
            },
        }
        for family, (events, total, step) in _fit(families, MAX_MESSAGE - used).items()
    }
    payload.add(bytes(-payload.size % 8))
    header["bytes"] = payload.size
    text = _json(header)
    text += b" " * (-(_HEAD.size + len(text)) % 8)
    return b"".join((_HEAD.pack(MAGIC, len(text)), text, *payload.parts))


def _event_column(payload: _Payload, name: str, dtype: str, values: Array) -> dict[str, Any]:
    about: dict[str, Any] = {"dtype": dtype}
    if name == "t":  # half the bytes after compression
        about["delta"] = True
        values = np.diff(values, prepend=0) & 0xFFFFFFFF
    about["offset"] = payload.add(np.ascontiguousarray(values, f"<{dtype}").tobytes())
    return about


def _json(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), allow_nan=False).encode()


def encode_result(key: str, result: Result) -> Iterator[bytes]:
    """All messages of a finished run, simulated or recorded, in slices that fit.

    Boundaries are samples; a run without series is cut by time.
    """
    encoder = Encoder(key)
    for chunk in slices(result):
        yield from encoder.encode(chunk)
    if not encoder.done:
        yield encoder.end(result.duration_ns, result.duration_ns)


def slices(result: Result, target_bytes: int = 160_000) -> list[Result]:
    """The run as chunks of about equal size, as ``on_chunk`` would have given them."""
    samples = np.asarray(result.series.get("t_ns", ()), np.int64)
    per_row = 4 * max(1, len(result.series))
    events = 22 * len(result.io) + 48 * len(result.stalls) + 9 * len(result.sleeps)
    nr = int(np.clip((len(samples) * per_row + events) // target_bytes + 1, 1, 200))
    duration = max(1, result.duration_ns)
    if len(samples) > nr:
        rows = np.unique(np.linspace(0, len(samples) - 1, nr + 1).astype(int))
        bounds = samples[rows].tolist()
    else:
        bounds = [duration * i // nr for i in range(nr + 1)]
    bounds[0], bounds[-1] = 0, max(duration, int(bounds[-1]))
    return [
        slice_result(result, t0, t1, first=i == 0, last=i == len(bounds) - 2)
        for i, (t0, t1) in enumerate(pairwise(bounds))
    ]


def slice_result(
    result: Result, t0_ns: int, t1_ns: int, *, first: bool = True, last: bool = True
) -> Result:
    """The chunk (t0, t1]: its series begin with the last sample before it."""

    def ended(records: Array, name: str) -> Array:
        t = records[name]
        chosen: Array = records[(first | (t > t0_ns)) & (last | (t <= t1_ns))]
        return chosen

    series = result.series
    if "t_ns" in series:
        t = series["t_ns"]
        lo = 0 if first else int(np.searchsorted(t, t0_ns, "right")) - 1
        hi = len(t) if last else int(np.searchsorted(t, t1_ns, "right"))
        series = {name: values[max(0, lo) : hi] for name, values in series.items()}
    return replace(
        result,
        meta={**result.meta, "t0_ns": t0_ns, "t1_ns": t1_ns},
        series=series,
        io=ended(result.io, "t_done_ns"),
        stalls=ended(result.stalls, "t_end_ns"),
        sleeps=ended(result.sleeps, "t_end_ns"),
        trace=result.trace[:0],
    )


# ---- reading, for tests and for zooming into a run that is not finished


def decode(data: bytes) -> list[dict[str, Any]]:
    """Messages of a stream: the header, with ``values`` in series and events.

    Raises:
        ValueError: not a stream of messages.
    """
    messages = []
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise ValueError(f"{len(data) - at} bytes left over")
        magic, length = _HEAD.unpack_from(data, at)
        if magic != MAGIC:
            raise ValueError(f"no message at byte {at}")
        begin = at + _HEAD.size + length
        header = json.loads(data[at + _HEAD.size : begin])
        end = begin + header["bytes"]
        if begin % 8 or end % 8 or end > len(data):
            raise ValueError(f"message at byte {at} is not whole")
        _decode_arrays(header, memoryview(data)[begin:end])
        messages.append(header)
        at = end
    return messages


def _decode_arrays(header: dict[str, Any], payload: memoryview) -> None:
    for about in header["series"]:
        raw = np.frombuffer(payload, f"<{about['dtype']}", about["n"], about["offset"])
        if about["dtype"] == "i4":
            total = np.cumsum(raw, dtype=np.int64) + about["base"]
            about["values"] = total * about["scale"]
        else:
            about["values"] = raw.astype(np.float64)
    for family in header["events"].values():
        for column in family["columns"].values():
            raw = np.frombuffer(payload, f"<{column['dtype']}", family["n"], column["offset"])
            column["values"] = np.cumsum(raw, dtype="<u4") if "delta" in column else raw
