"""How exactly events are known to the page: fewer bits in frames, the same in charts of exports."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def eleven_bits(values: Array) -> Array:
    """float32 with 11 significant bits, 0.05 %: what is shown in a hover, in half the bytes."""
    bits = np.asarray(values, np.float64).astype("<f4").view("<u4")
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view("<f4")
