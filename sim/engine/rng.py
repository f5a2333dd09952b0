"""One seed, many named streams; draws are keyed by (stream, number), never by order of calls.

So merging two requests cannot shift the draws of another stream, and a kernel and its
uncompiled twin draw alike.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import njit

STREAM_ROTATION = 1
STREAM_LAYOUT = 2
STREAM_TASK = 1000
"""Task t draws from stream STREAM_TASK + t."""

_LOW31 = (1 << 31) - 1
_LOW32 = (1 << 32) - 1


@njit
def _mix32(x: int) -> int:
    """A bijection of 32-bit integers ("lowbias32", C. Wellons 2018); products stay below 2^63."""
    x = ((x ^ (x >> 16)) * np.int64(0x21F0AAAD)) & np.int64(_LOW32)
    x = ((x ^ (x >> 15)) * np.int64(0x735A2D97)) & np.int64(_LOW32)
    return x ^ (x >> 15)


@njit
def draw(seed: int, stream: int, number: int) -> int:
    """A uniform integer in [0, 2^31) that depends on these three numbers alone."""
    x = _mix32(np.int64(seed) & np.int64(_LOW32))
    x = _mix32(x ^ (np.int64(stream) & np.int64(_LOW32)))
    x = _mix32(x ^ (np.int64(number) & np.int64(_LOW32)))
    x = _mix32(x ^ (np.int64(number) >> np.int64(32)))
    return x & np.int64(_LOW31)


@njit
def draw_below(seed: int, stream: int, number: int, bound: int) -> int:
    """A uniform integer in [0, bound); the bias is below bound / 2^31."""
    return np.int64((draw(seed, stream, number) * np.int64(bound)) >> np.int64(31))
