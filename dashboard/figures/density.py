"""Many events as a picture: one pixel for each place, coloured by who did most there."""

from __future__ import annotations

import struct
import zlib

import numpy as np

Array = np.ndarray

PALETTE: tuple[tuple[int, int, int], ...] = (
    # The charts' colours (figures.theme) by Issuer; repeated for codes that are more.
    (213, 94, 0), (196, 102, 160), (185, 131, 0), (0, 114, 178),
    (128, 128, 128), (0, 158, 115), (61, 152, 208), (128, 128, 128),
)  # fmt: skip
_FAINTEST = 110  # of 255: a single event must be seen


def density_png(
    x: Array, y: Array, code: Array, window: tuple[float, float, float, float],
    pixels: tuple[int, int], palette: tuple[tuple[int, int, int], ...] = PALETTE,
) -> bytes:  # fmt: skip
    """A transparent PNG of ``pixels`` (wide, high) over ``window`` (x0, x1, y0, y1), y upwards."""
    wide, high = pixels
    x0, x1, y0, y1 = window
    column = _cell(x, x0, x1, wide)
    row = high - 1 - _cell(y, y0, y1, high)
    colours = np.array(palette, np.uint8)
    colour = code.astype(np.int64) % len(colours)
    counts = np.zeros((len(colours), high * wide), np.int64)
    np.add.at(counts, (colour, row * wide + column), 1)
    total = counts.sum(axis=0)
    image = np.zeros((high * wide, 4), np.uint8)
    image[:, :3] = colours[counts.argmax(axis=0)]
    most = max(1, int(total.max()))
    strength = np.log1p(total) / np.log1p(most)
    image[:, 3] = np.where(total > 0, _FAINTEST + (255 - _FAINTEST) * strength, 0)
    return png(image.reshape(high, wide, 4))


def _cell(values: Array, low: float, high: float, n: int) -> Array:
    span = max(high - low, 1e-12)
    return np.clip(((values - low) / span * n).astype(np.int64), 0, n - 1)


def png(image: Array) -> bytes:
    """An RGBA array as PNG."""
    high, wide, _ = image.shape
    rows = np.zeros((high, 1 + wide * 4), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = image.reshape(high, wide * 4)

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", wide, high, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + chunk(b"IEND", b"")
    )
