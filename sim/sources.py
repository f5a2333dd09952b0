"""Which sources make the model: the part of a run's identity that an edit changes.

Apart from ``engine.jit``, so that a process that only names runs need not import numba.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_SIM = Path(__file__).resolve().parent


def sources_digest() -> str:
    """16 hex digits over all Python sources of ``sim``: an edited model is another model."""
    h = hashlib.sha256()
    for path in sorted(_SIM.rglob("*.py")):
        h.update(path.relative_to(_SIM).as_posix().encode())
        h.update(path.read_bytes())
    return h.hexdigest()[:16]
