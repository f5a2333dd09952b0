"""``Machine``: every array of one virtual machine, handed to kernels by reference as ``m``.

Small state that the control plane reads often is in plain int64 arrays (``clock``, ``vm``); the
rest are record arrays: ``page = m.page[pfn]; page.next = ...`` reads alike compiled and not.
"""

from __future__ import annotations

from typing import Any

from sim.engine.clock import ANY_WAKE, CPU, CURRENT, LIMIT, NOW, NR_ENGINE_WORDS
from sim.engine.jit import struct_type
from sim.engine.records import ENGINE_FIELDS

__all__ = ["ANY_WAKE", "CPU", "CURRENT", "LIMIT", "NOW", "Machine"]

# m.clock: the engine's words first (sim.engine.clock), then the kernels' own
(
    KICK_QUEUE,  # the request queue wants service: call block's blk_service at once
    WAKE_KSWAPD,
    WAKE_FLUSHER,
    WAKE_CONGESTION_ASYNC,
    WAKE_CONGESTION_SYNC,
    WAKE_REQUEST_ASYNC,  # how many waiters of get_request may go on
    WAKE_REQUEST_SYNC,
    NR_WAKE_TASKS,  # entries of m.wake: tasks whose page or request is ready
    WAKE_JOURNAL,  # a request with a journal cookie is done
    WAKE_METADATA,  # a metadata block was read
    WAKE_DIRECTORY,  # the root directory's i_mutex is free: one waiter may go on
    JIFFY_NS,
    SEED,
    REQUEST_NUMBER,  # serial of the next request
    NR_IO_LOG,  # rows used of m.io_log, m.trace, m.stall; the sampler empties them
    NR_TRACE,
    NR_STALL,
    IO_LOG_LOST,  # rows that found their log full
    TRACE_LOST,
    STALL_LOST,
    FLUSHER_WANTED,  # pages asked of the flusher by wakeup_flusher_threads since it last looked
    BACKGROUND_WANTED,  # bdi_start_background_writeback was called
    RATELIMIT_PAGES,
    TOTAL_PAGES,  # vm_total_pages
    NR_ZONES,
    NR_MEMCGS,  # including the root
    SWAP_PAGES,
    DIRTY_EVENTS,  # pages dirtied by all tasks: the denominator of their shares
    WRITEOUTS,  # pages of files written: the denominator of the disks' shares
    PROP_HALF_PERIOD,  # half the period of these two, in events; 0 = not fixed yet
    SOFTIRQ_CHARGED_NS,  # how much of the queue's softirq time was taken from CPU 0
    KSWAPD_MAX_ORDER,  # pgdat->kswapd_max_order: largest order asked of kswapd since it looked
    # 6.1: reclaim_throttle's queues and how many sleep there; pages written while some waited for
    # writeback, the same when the first of them came; rounds of kswapd in vain
    WAKE_THROTTLED_WRITEBACK,
    WAKE_THROTTLED_ISOLATED,
    WAKE_THROTTLED_NOPROGRESS,
    NR_WRITEBACK_THROTTLED,
    NR_ISOLATED_THROTTLED,
    NR_NOPROGRESS_THROTTLED,
    NR_THROTTLED_WRITTEN,
    NR_RECLAIM_START,
    KSWAPD_FAILURES,
    NR_CLOCK,
) = range(NR_ENGINE_WORDS, NR_ENGINE_WORDS + 42)

FIELDS = (
    "clock",  # int64[NR_CLOCK]
    "vm",  # int64[NR_VM]
    "cost",  # int64[NR_COSTS], ns per operation; sim.machine.cost
    "stack",  # int64[contexts + 2, max(4, entries)], bytes; sim.machine.stack
    "sysctl",  # int64[NR_SYSCTL]; sim.machine.sysctl
    "page",  # PAGE[nr_pages]
    "free_order",  # int8[nr_pages]: order + 1 of the free block that begins here; mm.buddy
    "zone",  # ZONE[MAX_NR_ZONES]
    "lru",  # LRU_SET[(nr_memcgs + 1) * MAX_NR_ZONES]; group 0 = the zones' own lists
    "memcg",  # MEMCG[nr_memcgs], 0 = root
    "inode",  # INODE[nr_inodes]
    "bdi",  # BDI[nr_memcgs]
    "slot_pfn",  # int32[nr_slots]
    "slot_block",  # int32[nr_slots]
    "dirty_tag",  # int64[nr_slots / 64]
    "task",  # TASK[nr_tasks]
    "page_list",  # int32[nr_tasks, PAGE_LIST_MAX]: isolated pages in the task's hands
    "dirty_list",  # int32[nr_tasks, PAGE_LIST_MAX]: of these, set aside dirty
    "lock_since",  # int64[nr_tasks, PAGE_LIST_MAX]: when the pages of dirty_list were locked, ns
    "latency",  # int64[nr_tasks, NR_LATENCY]: histogram of the task's operations
    "cpu",  # int64[nr_cpus, NR_CPU_WORDS]: per-CPU words: ratelimit count, page lists (mm.free)
    "request",  # REQUEST[nr_request_records]
    "queue",  # QUEUE[1], sim.machine.request
    "elevator",  # ELEVATOR_QUEUE[nr_queues], sim.machine.request
    "fs",  # FS[1], sim.machine.filesystem
    "block_used",  # uint8[nr_blocks]: 1 = disk block allocated
    "indirect",  # int32[len(dirty_tag)]: disk blocks of indirect blocks, 0 = none; fs.ext3_layout
    "swap_map",  # int32[nr_swap_slots]: 1 = used
    "swap_block",  # int32[nr_swap_slots]: disk block of each
    "rules",  # RULES[1]
    "replay",  # int64[nr_operations, 5]: recorded operations; sim.workload.replay
    "wake",  # int64[256]
    "io_log",  # IO_LOG[n]
    "trace",  # TRACE[n]
    "stall",  # STALL_LOG[n]
    "victim",  # int64[nr_issuers * nr_memcgs, 2 * nr_memcgs]; sim.machine.victim
)

PAGE_LIST_MAX = 1088
"""SWAP_CLUSTER_MAX plus one lumpy block of order 10."""
NR_LATENCY = 128
"""Four buckets an octave of ns from 1 us up."""
NR_CPU_WORDS = 16

Machine: Any = struct_type("Machine", FIELDS + ENGINE_FIELDS, __name__)
"""A struct of the arrays above and the engine's. Kernels take it whole and read ``m.page``."""
