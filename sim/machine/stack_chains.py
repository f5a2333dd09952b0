"""Kernel stack: frames, and the chains of calls in which reclaim and writeback submit IO.

Two sets of frames. ``2.6.36`` is what the stack tracer saw in the recorded 2.6.36.2 (gcc 11, frame
pointers, x86-64): differences of neighbours in its deepest traces. ``2.6.34`` replaces what the
traces of 2010 show: J. Berthels' overflow on XFS (<20100408030347.GM11036@dastard>) for reclaim,
XFS and the block layer, and M. Gorman's flusher trace (<20100615145134.GM26788@csn.ul.ie>) for the
slab allocator. Where neither says anything the recorded frame stands.
"""

from __future__ import annotations

from typing import NamedTuple

FRAMES_2_6_36 = {
    "system_call_fastpath": 128, "sys_write": 80, "vfs_write": 16, "do_sync_write": 256,
    "generic_file_aio_write": 80, "__generic_file_aio_write": 176, "generic_perform_write": 160,
    "ext3_write_begin": 160, "grab_cache_page_write_begin": 80,
    "page_fault": 176, "do_page_fault": 256, "handle_mm_fault": 112, "__do_fault": 128,
    "filemap_fault": 160, "do_sync_mmap_readahead": 64, "ra_submit": 16,
    "__do_page_cache_readahead": 112, "read_pages": 80, "ext3_readpages": 16,
    "mpage_readpages": 224,
    "__alloc_pages_nodemask": 208, "try_to_free_pages": 160,
    "do_try_to_free_pages": 96, "shrink_zones": 64, "shrink_zone": 128, "shrink_list": 64,
    "shrink_inactive_list": 160, "shrink_page_list": 208, "pageout": 160,
    "__remove_mapping": 48, "__remove_from_page_cache": 32, "radix_tree_delete": 256,
    "call_rcu": 16, "__call_rcu": 64,
    "add_to_page_cache_lru": 32, "add_to_page_cache_locked": 64, "mem_cgroup_cache_charge": 80,
    "mem_cgroup_charge_common": 64, "__mem_cgroup_try_charge": 96, "__mem_cgroup_do_charge": 96,
    "mem_cgroup_hierarchical_reclaim": 128, "try_to_free_mem_cgroup_pages": 128,
    "kernel_thread_helper": 184, "kthread": 96, "kswapd": 128, "balance_pgdat": 208,
    "bdi_writeback_thread": 112, "wb_do_writeback": 96, "wb_writeback": 176,
    "writeback_inodes_wb": 64, "writeback_sb_inodes": 96, "writeback_single_inode": 48,
    "do_writepages": 16, "write_cache_pages": 288, "__writepage": 32, "clean_page_list": 176,
    "balance_dirty_pages_ratelimited_nr": 48, "balance_dirty_pages": 208,
    "ext3_ordered_writepage": 80, "block_write_full_page": 16, "block_write_full_page_endio": 32,
    "__block_write_full_page": 112, "submit_bh": 48, "submit_bio": 64, "generic_make_request": 160,
    "__make_request": 112, "get_request_wait": 144, "get_request": 96, "blk_alloc_request": 64,
    "mempool_alloc": 112, "mempool_alloc_slab": 16, "kmem_cache_alloc": 80, "__slab_alloc": 64,
    "new_slab": 64, "allocate_slab": 64, "get_page_from_freelist": 176, "rmqueue_bulk": 96,
    "ext3_get_block": 80, "ext3_get_blocks_handle": 256, "ext3_alloc_branch": 176,
    "__getblk": 48, "__getblk_slow": 48, "grow_dev_page": 80, "find_or_create_page": 80,
    # D. Chinner's sendfile trace (<20100414014041.GD2493@dastard>): "1.5k" before reclaim.
    "sys_sendfile64": 80, "do_sendfile": 96, "splice_direct_to_actor": 112,
    "__generic_file_splice_read": 592, "page_cache_async_readahead": 64,
    "ondemand_readahead": 80,
    # Berthels' trace: no other has XFS or select(2).
    "sys_select": 112, "core_sys_select": 416, "do_select": 912, "sock_poll": 16, "unix_poll": 32,
    "__pollwait": 48, "__get_free_pages": 16, "alloc_pages_current": 48,
    "xfs_vm_writepage": 64, "xfs_page_state_convert": 256, "xfs_map_blocks": 32, "xfs_iomap": 208,
    "xfs_iomap_write_allocate": 256, "xfs_bmapi": 448, "xfs_bmap_add_extent": 208,
    "xfs_bmap_add_extent_delay_real": 352, "xfs_btree_insert": 128, "xfs_btree_insrec": 224,
    "xfs_btree_make_block_unfull": 96, "xfs_btree_split": 208, "xfs_bmbt_alloc_block": 160,
    "xfs_alloc_vextent": 96, "xfs_alloc_ag_vextent": 32, "xfs_alloc_ag_vextent_near": 144,
    "xfs_alloc_fixup_trees": 96, "xfs_alloc_lookup_eq": 16, "xfs_btree_lookup": 176,
    "xfs_btree_lookup_get_block": 80, "xfs_btree_read_buf_block": 80, "xfs_trans_read_buf": 80,
    "xfs_buf_read": 48, "_xfs_buf_read": 32, "xfs_buf_iorequest": 48, "_xfs_buf_ioapply": 96,
}  # fmt: skip
"""Bytes of stack of one call, by function. ``clean_page_list`` is the recorded range writer's."""
FRAMES_2_6_34 = FRAMES_2_6_36 | {
    # inlined there: shrink_zones, shrink_list and shrink_inactive_list, pageout
    "__alloc_pages_nodemask": 240, "try_to_free_pages": 128, "do_try_to_free_pages": 112,
    "shrink_zones": 0, "shrink_zone": 528, "shrink_list": 0, "shrink_inactive_list": 0,
    "shrink_page_list": 384, "pageout": 0,
    "submit_bio": 80, "generic_make_request": 208, "__make_request": 96, "get_request_wait": 144,
    "get_request": 96, "blk_alloc_request": 0, "mempool_alloc": 144, "mempool_alloc_slab": 16,
    # SLAB: cache_alloc_refill, cache_grow, kmem_getpages
    "kmem_cache_alloc": 64, "__slab_alloc": 80, "new_slab": 96, "allocate_slab": 48,
    "get_page_from_freelist": 304, "rmqueue_bulk": 0,
}  # fmt: skip
FRAMES = {"2.6.36": FRAMES_2_6_36, "2.6.34": FRAMES_2_6_34}
PAGEVEC_BYTES = 128
"""struct pagevec on x86-64: two longs and 14 pointers (include/linux/pagevec.h of 2.6.34)."""
THREAD_INFO_BYTES = 104
"""struct thread_info of x86-64 at the lower end of the stack (from memory)."""

Chain = tuple[str, ...]
_WRITE: Chain = (
    "system_call_fastpath", "sys_write", "vfs_write", "do_sync_write", "generic_file_aio_write",
    "__generic_file_aio_write", "generic_perform_write",
)  # fmt: skip
_FAULT: Chain = ("page_fault", "do_page_fault", "handle_mm_fault", "__do_fault")
_READPAGES: Chain = (
    "ra_submit", "__do_page_cache_readahead", "read_pages", "ext3_readpages", "mpage_readpages",
)  # fmt: skip
ENTRIES: dict[str, Chain] = {
    "write": (*_WRITE, "ext3_write_begin", "grab_cache_page_write_begin"),
    # read(2) was not recorded: its upper half is taken to be as deep as that of write(2)
    "read": (*_WRITE[:5], *_READPAGES),
    "fault": (*_FAULT, "filemap_fault", "do_sync_mmap_readahead", *_READPAGES),
    "anon": _FAULT,
    "select": (
        "system_call_fastpath", "sys_select", "core_sys_select", "do_select", "sock_poll",
        "unix_poll", "__pollwait", "__get_free_pages", "alloc_pages_current",
    ),
    "kthread": ("kernel_thread_helper", "kthread"),
    # do_splice_direct, do_splice_to and generic_file_splice_read are not in what was posted
    "sendfile": (
        "system_call_fastpath", "sys_sendfile64", "do_sendfile", "splice_direct_to_actor",
        "__generic_file_splice_read", "page_cache_async_readahead", "ondemand_readahead",
        *_READPAGES,
    ),
}  # fmt: skip
"""How a task comes to ask for a page (C12), by name."""
ENTRY_NAMES = tuple(ENTRIES)

_SHRINK: Chain = (
    "do_try_to_free_pages", "shrink_zones", "shrink_zone", "shrink_list", "shrink_inactive_list",
    "shrink_page_list",
)  # fmt: skip
_MEMCG_CHARGE: Chain = (
    "add_to_page_cache_lru", "add_to_page_cache_locked", "mem_cgroup_cache_charge",
    "mem_cgroup_charge_common", "__mem_cgroup_try_charge", "__mem_cgroup_do_charge",
    "mem_cgroup_hierarchical_reclaim", "try_to_free_mem_cgroup_pages",
)  # fmt: skip
_WRITE_INODES: Chain = ("writeback_inodes_wb", "writeback_sb_inodes", "writeback_single_inode")
_WRITE_CACHE_PAGES: Chain = ("do_writepages", "write_cache_pages", "__writepage")
_CONTEXTS: dict[str, Chain] = {
    "kswapd": (
        "kernel_thread_helper", "kthread", "kswapd", "balance_pgdat", "shrink_zone", "shrink_list",
        "shrink_inactive_list", "shrink_page_list",
    ),
    "direct": ("__alloc_pages_nodemask", "try_to_free_pages", *_SHRINK),
    "memcg": (*_MEMCG_CHARGE, *_SHRINK),
    "flusher": (
        "kernel_thread_helper", "kthread", "bdi_writeback_thread", "wb_do_writeback",
        "wb_writeback", *_WRITE_INODES, *_WRITE_CACHE_PAGES,
    ),
    "dirtier": (
        *_WRITE, "balance_dirty_pages_ratelimited_nr", "balance_dirty_pages", *_WRITE_INODES,
        *_WRITE_CACHE_PAGES,
    ),
}  # fmt: skip
CONTEXTS = tuple(_CONTEXTS)
RECLAIM = ("kswapd", "direct", "memcg")
_EXT3_WRITEPAGE: Chain = (
    "ext3_ordered_writepage", "block_write_full_page", "block_write_full_page_endio",
    "__block_write_full_page",
)  # fmt: skip
_ALLOCATION: Chain = ("__alloc_pages_nodemask", "get_page_from_freelist", "rmqueue_bulk")
_MAKE_REQUEST: Chain = (
    "submit_bio", "generic_make_request", "__make_request", "get_request_wait", "get_request",
    "blk_alloc_request", "mempool_alloc", "mempool_alloc_slab",
)  # fmt: skip
_SLAB_GROWS: Chain = ("kmem_cache_alloc", "__slab_alloc", "new_slab", "allocate_slab", *_ALLOCATION)
_EXT3_BLOCK: Chain = (
    "ext3_get_block", "ext3_get_blocks_handle", "ext3_alloc_branch", "__getblk", "__getblk_slow",
    "grow_dev_page", "find_or_create_page",
)  # fmt: skip
_NESTED_RECLAIM: Chain = (
    *_MEMCG_CHARGE, *_SHRINK, "__remove_mapping", "__remove_from_page_cache", "radix_tree_delete",
    "call_rcu", "__call_rcu",
)  # fmt: skip
"""The indirect block's page is charged to a memcg that is at its limit: reclaim within reclaim."""
_XFS_CONVERT: Chain = ("xfs_vm_writepage", "xfs_page_state_convert")
_XFS_ALLOCATE: Chain = (
    "xfs_map_blocks", "xfs_iomap", "xfs_iomap_write_allocate", "xfs_bmapi", "xfs_bmap_add_extent",
    "xfs_bmap_add_extent_delay_real", "xfs_btree_insert", "xfs_btree_insrec",
    "xfs_btree_make_block_unfull", "xfs_btree_split", "xfs_bmbt_alloc_block", "xfs_alloc_vextent",
    "xfs_alloc_ag_vextent", "xfs_alloc_ag_vextent_near", "xfs_alloc_fixup_trees",
    "xfs_alloc_lookup_eq", "xfs_btree_lookup", "xfs_btree_lookup_get_block",
    "xfs_btree_read_buf_block", "xfs_trans_read_buf", "xfs_buf_read", "_xfs_buf_read",
    "xfs_buf_iorequest", "_xfs_buf_ioapply",
)  # fmt: skip


class StackRules(NamedTuple):
    """What decides how deep a call goes."""

    frames: str = "2.6.36"
    writepage: str = "ext3"
    """Whose ->writepage is below reclaim: ``ext3`` or ``xfs``; depth only, ext3 does the work."""
    storage_bytes: int = 0
    """Stacked storage (md, dm, NFS) between generic_make_request and the driver."""
    stackreduce: bool = False
    """Two pagevecs out of the way (<1271352103-2280-1-git-send-email-mel@csn.ul.ie>)."""
    thread_size_kib: int = 8


class Call(NamedTuple):
    """One ->writepage call: who, for what."""

    context: str
    entry: str = ""
    """Of ENTRIES, for direct and memcg reclaim."""
    hole: bool = False
    """The page had no block."""
    ranges: bool = False
    """Reclaim writes by ranges (patch 5)."""


def frame_table(rules: StackRules) -> dict[str, int]:
    """Bytes of each function."""
    table = dict(FRAMES[rules.frames])
    table["storage"] = rules.storage_bytes
    if rules.stackreduce and rules.frames == "2.6.34":
        table["shrink_page_list"] -= PAGEVEC_BYTES
        table["shrink_zone"] -= PAGEVEC_BYTES  # shrink_inactive_list's
    return table


def chain(call: Call, rules: StackRules) -> list[tuple[str, int]]:
    """The deepest chain of the call, outermost first: (function, bytes); inlined ones left out."""
    table = frame_table(rules)
    above = (*ENTRIES.get(call.entry, ()), *_CONTEXTS[call.context])
    if call.context in RECLAIM:
        above += ("clean_page_list", *_WRITE_CACHE_PAGES) if call.ranges else ("pageout",)
    below = max(_below(call, rules), key=lambda names: sum(table[n] for n in names))
    return [(name, table[name]) for name in (*above, *below) if table[name]]


def _below(call: Call, rules: StackRules) -> list[Chain]:
    """What ->writepage may call."""
    request: Chain = ("submit_bio", "generic_make_request", "storage", *_MAKE_REQUEST[2:])
    if rules.writepage == "xfs":
        convert = (*_XFS_CONVERT, *_XFS_ALLOCATE) if call.hole else _XFS_CONVERT
        return [(*convert, *request, *_SLAB_GROWS)]
    plain = (*_EXT3_WRITEPAGE, "submit_bh", *request, *_SLAB_GROWS)
    if not call.hole:
        return [plain]
    deeper = _NESTED_RECLAIM if call.context == "memcg" else _ALLOCATION
    return [plain, (*_EXT3_WRITEPAGE, *_EXT3_BLOCK, *deeper)]


def depth_bytes(call: Call, rules: StackRules) -> int:
    """Bytes of the chain."""
    return sum(size for _, size in chain(call, rules))
