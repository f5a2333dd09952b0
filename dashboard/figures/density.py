"""Very many events as a picture: small cells, coloured by who did most there.

``assets/density.js`` makes the same bytes, so that a chart is the same on the page and in export:
the strength of a cell is a power of two and the PNG is not compressed.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

Array = np.ndarray

CELL_PX = 3
LEVELS = 8
"""1, 2-3, 4-7, ... and 128 or more events in a cell."""
_FAINTEST = 150
"""Of 255: a single event must be seen."""
_STORED_MAX = 65_535


def density_cells(
    x: Array, y: Array, code: Array, window: tuple[float, float, float, float],
    shape: tuple[int, int], classes: int,
) -> Array:  # fmt: skip
    """Cells (high, wide) over ``window`` (x0, x1, y0, y1), the highest y first.

    0 = nothing there, else 1 + class * LEVELS + level.
    """
    wide, high = shape
    x0, x1, y0, y1 = window
    column = _cell(x, x0, x1, wide)
    row = high - 1 - _cell(y, y0, y1, high)
    counts = np.zeros((classes, high * wide), np.int64)
    np.add.at(counts, (code.astype(np.int64) % classes, row * wide + column), 1)
    total = counts.sum(axis=0)
    level = np.minimum(LEVELS, np.frexp(total.astype(np.float64))[1]) - 1
    cells = np.where(total > 0, 1 + counts.argmax(axis=0) * LEVELS + level, 0)
    return cells.astype(np.uint8).reshape(high, wide)


def _cell(values: Array, low: float, high: float, n: int) -> Array:
    span = max(high - low, 1e-12)
    return np.clip(np.floor((values - low) / span * n).astype(np.int64), 0, n - 1)


def palette(colors: list[str]) -> list[tuple[int, int, int, int]]:
    """RGBA of every value of a cell, for classes of these colours (``#rrggbb``)."""
    entries = [(0, 0, 0, 0)]
    for color in colors:
        red, green, blue = bytes.fromhex(color[1:])
        for level in range(LEVELS):
            alpha = _FAINTEST + (255 - _FAINTEST) * level // (LEVELS - 1)
            entries.append((red, green, blue, alpha))
    return entries


def picture(cells: Array, colors: list[str]) -> str:
    """Cells as a PNG, in a ``data:`` URI."""
    high, wide = cells.shape
    entries = palette(colors)
    rows = np.zeros((high, 1 + wide), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = cells
    parts = [
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", b"".join(bytes(entry[:3]) for entry in entries)),
        _chunk(b"tRNS", bytes(entry[3] for entry in entries)),
        _chunk(b"IDAT", _stored(rows.tobytes())),
        _chunk(b"IEND", b""),
    ]
    return "data:image/png;base64," + base64.b64encode(b"".join(parts)).decode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks (RFC 1950, 1951)."""
    blocks = [b"\x78\x01"]
    for at in range(0, len(data), _STORED_MAX):
        part = data[at : at + _STORED_MAX]
        last = at + _STORED_MAX >= len(data)
        blocks.append(struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part)
    return b"".join([*blocks, struct.pack(">I", zlib.adler32(data))])
