"""Who took whose pages: counts by context, its memcg, and the memcg that owns the page (C19).

Row ``issuer * nr_memcgs + group`` of ``m.victim``, column ``2 * owner`` for pages reclaimed and
``2 * owner + 1`` for pages written. The group is the memcg of the task that reclaims or writes; of
a kernel thread that works for a memcg, that memcg.
"""

from __future__ import annotations

import numpy as np

from sim.machine.request import Issuer

VICTIM = np.dtype(
    [
        ("issuer", np.int64),  # Issuer: the context that took the page
        ("group", np.int64),  # on whose behalf: number of the memcg, 0 = root
        ("owner", np.int64),  # to whom the page was charged
        ("reclaimed", np.int64),  # pages
        ("written", np.int64),
    ],
    align=True,
)
RECLAIMED, WRITTEN = 0, 1


def victim_array(nr_memcgs: int) -> np.ndarray:
    """Zero counts for ``nr_memcgs`` memcgs, the root among them."""
    return np.zeros((len(Issuer) * nr_memcgs, 2 * nr_memcgs), np.int64)


def victims(counts: np.ndarray) -> np.ndarray:
    """The cells that are not zero as VICTIM rows, by issuer, group and owner."""
    nr_memcgs = counts.shape[1] // 2
    cells = counts.reshape(-1, nr_memcgs, 2)
    row, owner = np.nonzero(cells.any(axis=2))
    found = np.zeros(len(row), VICTIM)
    found["issuer"], found["group"] = np.divmod(row, nr_memcgs)
    found["owner"] = owner
    found["reclaimed"], found["written"] = cells[row, owner].T
    return found
