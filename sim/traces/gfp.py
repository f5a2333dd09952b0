"""Names of gfp flags in trace text and their bits in 2.6.35 (include/linux/gfp.h).

Flags of later kernels have no bit there and are left out.
"""

from __future__ import annotations

_BITS = {
    "DMA": 0x01, "HIGHMEM": 0x02, "DMA32": 0x04, "MOVABLE": 0x08, "WAIT": 0x10, "HIGH": 0x20,
    "IO": 0x40, "FS": 0x80, "COLD": 0x100, "NOWARN": 0x200, "REPEAT": 0x400, "NOFAIL": 0x800,
    "NORETRY": 0x1000, "COMP": 0x4000, "ZERO": 0x8000, "NOMEMALLOC": 0x10000,
    "HARDWALL": 0x20000, "THISNODE": 0x40000, "RECLAIMABLE": 0x80000,
}  # fmt: skip
_KERNEL = _BITS["WAIT"] | _BITS["IO"] | _BITS["FS"]
_USER = _KERNEL | _BITS["HARDWALL"]
_SETS = {
    "GFP_NOWAIT": 0,
    "GFP_ATOMIC": _BITS["HIGH"],
    "GFP_NOIO": _BITS["WAIT"],
    "GFP_NOFS": _BITS["WAIT"] | _BITS["IO"],
    "GFP_KERNEL": _KERNEL,
    "GFP_TEMPORARY": _KERNEL | _BITS["RECLAIMABLE"],
    "GFP_USER": _USER,
    "GFP_HIGHUSER": _USER | _BITS["HIGHMEM"],
    "GFP_HIGHUSER_MOVABLE": _USER | _BITS["HIGHMEM"] | _BITS["MOVABLE"],
}
# 2.6.36 prints __GFP_NOWARN as GFP_NOWARN; later kernels keep the underscores.
_NAMES = {
    **{f"{prefix}{name}": bit for name, bit in _BITS.items() for prefix in ("GFP_", "__GFP_")},
    **_SETS,
}
_SEEN: dict[bytes, int] = {}


def gfp_bits(text: bytes) -> int:
    """Bits of ``GFP_NOFS|GFP_NOWARN`` or ``0x200da``; ``none`` is 0."""
    bits = _SEEN.get(text)
    if bits is None:
        bits = 0
        for name in text.decode("ascii", "replace").split("|"):
            if name.startswith("0x"):
                bits |= int(name, 16) & 0xFFFFFFFF
            else:
                bits |= _NAMES.get(name, 0)
        if len(_SEEN) < 1000:
            _SEEN[text] = bits
    return bits
