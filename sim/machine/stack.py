"""Kernel stack: bytes in use where reclaim and writeback submit IO, as sums of frames.

Frame sizes are those that the stack tracer saw in the recorded 2.6.36.2 (gcc 11, frame pointers,
x86-64): the difference of two neighbours in its deepest traces. 2010's compilers and the fatter
reclaim of 2.6.35 made deeper stacks (mechanics 2.14); THREAD_SIZE is 8 KiB.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.machine.request import ISSUER_DIRECT, ISSUER_DIRTIER, ISSUER_KSWAPD, ISSUER_MEMCG
from sim.machine.vmstat import (
    STACK_BYTES_MAX,
    STACK_BYTES_MAX_DIRECT,
    STACK_BYTES_MAX_FLUSHER,
    STACK_BYTES_MAX_KSWAPD,
    STACK_BYTES_MAX_MEMCG,
)

FRAMES = {
    "system_call_fastpath": 128, "sys_write": 80, "vfs_write": 16, "do_sync_write": 256,
    "generic_file_aio_write": 80, "__generic_file_aio_write": 176, "generic_perform_write": 160,
    "ext3_write_begin": 160, "grab_cache_page_write_begin": 80,
    "page_fault": 176, "do_page_fault": 256, "handle_mm_fault": 112, "__do_fault": 128,
    "filemap_fault": 160, "__alloc_pages_nodemask": 208, "try_to_free_pages": 160,
    "do_try_to_free_pages": 96, "shrink_zones": 64, "shrink_zone": 128, "shrink_list": 64,
    "shrink_inactive_list": 160, "shrink_page_list": 208, "pageout": 160,
    "add_to_page_cache_lru": 32, "add_to_page_cache_locked": 64, "mem_cgroup_cache_charge": 80,
    "mem_cgroup_charge_common": 64, "__mem_cgroup_try_charge": 96, "__mem_cgroup_do_charge": 96,
    "mem_cgroup_hierarchical_reclaim": 128, "try_to_free_mem_cgroup_pages": 128,
    "kernel_thread_helper": 184, "kthread": 96, "kswapd": 128, "balance_pgdat": 208,
    "bdi_writeback_thread": 112, "wb_do_writeback": 96, "wb_writeback": 176,
    "writeback_inodes_wb": 64, "writeback_sb_inodes": 96, "writeback_single_inode": 48,
    "do_writepages": 16, "write_cache_pages": 288, "__writepage": 32,
    "balance_dirty_pages_ratelimited_nr": 48, "balance_dirty_pages": 208,
    "ext3_ordered_writepage": 80, "block_write_full_page": 16, "block_write_full_page_endio": 32,
    "__block_write_full_page": 112, "submit_bh": 48, "submit_bio": 64, "generic_make_request": 160,
    "__make_request": 112, "get_request_wait": 144, "get_request": 96, "blk_alloc_request": 64,
    "mempool_alloc": 112, "mempool_alloc_slab": 16, "kmem_cache_alloc": 80, "__slab_alloc": 64,
    "new_slab": 64, "allocate_slab": 64, "get_page_from_freelist": 176, "rmqueue_bulk": 96,
    "ext3_get_block": 80, "ext3_get_blocks_handle": 256, "ext3_alloc_branch": 176,
    "__getblk": 48, "__getblk_slow": 48, "grow_dev_page": 80, "find_or_create_page": 80,
}  # fmt: skip
"""Bytes of stack of one call, by function."""


def depth(*functions: str) -> int:
    """Bytes of a chain of calls, outermost first.

    Raises:
        KeyError: a function whose frame was not recorded.
    """
    return sum(FRAMES[f] for f in functions)


WRITE_ENTRY = depth(
    "system_call_fastpath", "sys_write", "vfs_write", "do_sync_write", "generic_file_aio_write",
    "__generic_file_aio_write", "generic_perform_write",
)  # fmt: skip
FAULT_ENTRY = depth("page_fault", "do_page_fault", "handle_mm_fault", "__do_fault", "filemap_fault")
WRITE_PAGE_ENTRY = WRITE_ENTRY + depth("ext3_write_begin", "grab_cache_page_write_begin")
SHRINK = depth(
    "do_try_to_free_pages", "shrink_zones", "shrink_zone", "shrink_list", "shrink_inactive_list",
    "shrink_page_list", "pageout",
)  # fmt: skip
DIRECT_RECLAIM = depth("__alloc_pages_nodemask", "try_to_free_pages") + SHRINK
MEMCG_RECLAIM = (
    depth(
        "add_to_page_cache_lru", "add_to_page_cache_locked", "mem_cgroup_cache_charge",
        "mem_cgroup_charge_common", "__mem_cgroup_try_charge", "__mem_cgroup_do_charge",
        "mem_cgroup_hierarchical_reclaim", "try_to_free_mem_cgroup_pages",
    )
    + SHRINK
)  # fmt: skip
KSWAPD = depth(
    "kernel_thread_helper", "kthread", "kswapd", "balance_pgdat", "shrink_zone", "shrink_list",
    "shrink_inactive_list", "shrink_page_list", "pageout",
)  # fmt: skip
WRITE_CACHE_PAGES = depth(
    "writeback_inodes_wb", "writeback_sb_inodes", "writeback_single_inode", "do_writepages",
    "write_cache_pages", "__writepage",
)  # fmt: skip
FLUSHER = (
    depth("kernel_thread_helper", "kthread", "bdi_writeback_thread")
    + depth("wb_do_writeback", "wb_writeback")
    + WRITE_CACHE_PAGES
)
DIRTIER = (
    WRITE_ENTRY
    + depth("balance_dirty_pages_ratelimited_nr", "balance_dirty_pages")
    + WRITE_CACHE_PAGES
)
EXT3_WRITEPAGE = depth(
    "ext3_ordered_writepage", "block_write_full_page", "block_write_full_page_endio",
    "__block_write_full_page",
)  # fmt: skip
PAGE_ALLOCATION = depth("__alloc_pages_nodemask", "get_page_from_freelist", "rmqueue_bulk")
SUBMIT = (
    depth(
        "submit_bh", "submit_bio", "generic_make_request", "__make_request", "get_request_wait",
        "get_request", "blk_alloc_request", "mempool_alloc", "mempool_alloc_slab",
        "kmem_cache_alloc", "__slab_alloc", "new_slab", "allocate_slab",
    )
    + PAGE_ALLOCATION
)  # fmt: skip
"""Down to a request whose slab must grow."""
ALLOCATE_BLOCK = (
    depth(
        "ext3_get_block", "ext3_get_blocks_handle", "ext3_alloc_branch", "__getblk",
        "__getblk_slow", "grow_dev_page", "find_or_create_page",
    )
    + PAGE_ALLOCATION
)  # fmt: skip
"""->writepage of a hole: an indirect block's buffer must be made."""
BELOW_WRITEPAGE = EXT3_WRITEPAGE + SUBMIT
BELOW_WRITEPAGE_HOLE = EXT3_WRITEPAGE + max(SUBMIT, ALLOCATE_BLOCK)


@njit
def note_writepage_stack(m: Any, t: Any, hole: Any) -> None:
    """->writepage is called: how deep its deepest call goes, by who called it."""
    vm = m.vm
    issuer = m.task[t].issuer
    below = BELOW_WRITEPAGE_HOLE if hole else BELOW_WRITEPAGE
    if issuer == ISSUER_KSWAPD:
        depth_bytes = np.int64(KSWAPD + below)
        which = STACK_BYTES_MAX_KSWAPD
    elif issuer == ISSUER_DIRECT:
        depth_bytes = m.task[t].stack_bytes + DIRECT_RECLAIM + below
        which = STACK_BYTES_MAX_DIRECT
    elif issuer == ISSUER_MEMCG:
        depth_bytes = m.task[t].stack_bytes + MEMCG_RECLAIM + below
        which = STACK_BYTES_MAX_MEMCG
    elif issuer == ISSUER_DIRTIER:
        depth_bytes = np.int64(DIRTIER + below)
        which = STACK_BYTES_MAX
    else:
        depth_bytes = np.int64(FLUSHER + below)
        which = STACK_BYTES_MAX_FLUSHER
    vm[which] = max(vm[which], depth_bytes)
    vm[STACK_BYTES_MAX] = max(vm[STACK_BYTES_MAX], depth_bytes)
