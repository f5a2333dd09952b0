"""Which file a block of the disk belongs to, read from the block maps when a run is over.

No file of the model is deleted or truncated, so that a block stays with the file that was given
it, and the maps at the end hold for every request before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.machine.address_space import I_ANON
from sim.result import EXTENT

SWAP = -1
"""Inode of an extent of the swap area."""


def extents(arrays: Any) -> np.ndarray:
    """``EXTENT`` records of all files and of the swap area, in the order of blocks.

    ``arrays`` are those of the machine (``System.arrays``); they are read, not written.
    """
    inode = arrays.inode
    slots = np.flatnonzero(np.asarray(arrays.slot_block) >= 0)
    owner = np.searchsorted(np.asarray(inode["first_slot"]), slots, "right") - 1
    files = np.asarray(inode["state"])[owner] & I_ANON == 0  # theirs are slots of the swap area
    slots, owner = slots[files], owner[files]
    index = slots - np.asarray(inode["first_slot"])[owner]
    found = _runs(np.asarray(arrays.slot_block)[slots].astype(np.int64), owner, index)
    found["memcg"] = np.asarray(inode["memcg"])[found["inode"]]
    swap = np.asarray(arrays.swap_block).astype(np.int64)
    swapped = _runs(swap, np.full(len(swap), SWAP), np.arange(len(swap)))
    swapped["memcg"] = -1  # each slot's page has an owner of its own
    both: np.ndarray = np.concatenate([found, swapped])
    both.sort(order="block")
    return both


def _runs(block: np.ndarray, inode: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Neighbours whose blocks and pages follow each other as one record."""
    same = (np.diff(block) == 1) & (np.diff(index) == 1) & (np.diff(inode) == 0)
    first = np.flatnonzero(np.concatenate([[True], ~same])) if len(block) else np.zeros(0, int)
    runs = np.zeros(len(first), EXTENT)
    runs["block"], runs["inode"], runs["index"] = block[first], inode[first], index[first]
    runs["nr"] = np.diff(first, append=len(block))
    return runs


def extents_of(found: np.ndarray, block: int, nr: int) -> np.ndarray:
    """The parts of ``nr`` blocks from ``block`` on that belong to something, cut to them."""
    end = found["block"] + found["nr"]
    part: np.ndarray = found[(end > block) & (found["block"] < block + nr)].copy()
    before = np.maximum(block - part["block"], 0)
    last = np.minimum(part["block"] + part["nr"], block + nr)
    part["index"] += before
    part["block"] += before
    part["nr"] = last - part["block"]
    return part
