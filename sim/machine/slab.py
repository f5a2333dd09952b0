"""Slab pages for what the kernel keeps of a cached page with blocks: buffer head and journal head.

Counts only: ``sim.mm.slab`` moves the pages. One page holds 39 ``struct buffer_head`` of 104 bytes
or 36 ``struct journal_head`` of 112 (x86-64, 2.6.36).

# Differs from 2.6.35: objects end in the order they began, so that a slab page is given back when
# as many objects have ended as it holds; a journal head ends with its page, not with the commit;
# inodes, dentries, radix tree nodes and page tables take no pages.
"""

from __future__ import annotations

from typing import Any

from sim.engine.jit import njit
from sim.machine.page import PG_private

BUFFER_HEADS_PER_PAGE = 39
JOURNAL_HEADS_PER_PAGE = 36


@njit
def _pages(fs: Any, objects: Any) -> Any:
    """Slab pages that these many pages with buffers have filled or begun."""
    pages = (objects + BUFFER_HEADS_PER_PAGE - 1) // BUFFER_HEADS_PER_PAGE
    if fs.ordered:
        pages += (objects + JOURNAL_HEADS_PER_PAGE - 1) // JOURNAL_HEADS_PER_PAGE
    return pages


@njit
def create_empty_buffers(m: Any, pfn: Any) -> None:
    """The page gets a buffer, which joins the transaction in ext3."""
    fs = m.fs[0]
    if not fs.counts_slab or m.page[pfn].page_flags & PG_private:
        return
    m.page[pfn].page_flags |= PG_private
    fs.slab_owed += _pages(fs, fs.buffers_begun + 1) - _pages(fs, fs.buffers_begun)
    fs.buffers_begun += 1


@njit
def try_to_free_buffers(m: Any, pfn: Any) -> None:
    """The page is about to be freed."""
    if not m.page[pfn].page_flags & PG_private:
        return
    fs = m.fs[0]
    m.page[pfn].page_flags &= ~PG_private
    fs.slab_owed -= _pages(fs, fs.buffers_ended + 1) - _pages(fs, fs.buffers_ended)
    fs.buffers_ended += 1
