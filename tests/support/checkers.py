"""Invariants of a machine at rest between two kernels; each failure names what does not add up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from sim.machine.address_space import I_MEMCG_SHARED
from sim.machine.filesystem import BUFFER_READING
from sim.machine.page import (
    LRU_DIRTY_FILE,
    NR_LRU_LISTS,
    PG_active,
    PG_buffers_locked,
    PG_dirty,
    PG_dirty_list,
    PG_isolated,
    PG_kernel,
    PG_locked,
    PG_lru,
    PG_set_aside,
    PG_swapbacked,
    PG_swapcache,
    PG_writeback,
)
from sim.machine.request import RQ_DISPATCHED, RQ_FREE, RQ_QUEUED
from sim.machine.task import PF_MEMDIE
from sim.machine.vmstat import (
    NR_FILE_DIRTY,
    NR_FREE_PAGES,
    NR_HIGHORDER_PAGES,
    NR_INACTIVE_ANON,
    NR_ISOLATED_ANON,
    NR_REQUESTS_ASYNC,
    NR_SWAP_USED_PAGES,
    NR_WRITEBACK,
    NR_WRITEBACK_SWAP,
)
from sim.machine.zone import MAX_NR_ZONES, MAX_ORDER
from sim.mm.filemap import STEP_ALONE, STEP_AROUND, STEP_READ
from sim.mm.free import PCP_COUNT, PCP_HEAD, PCP_TAIL
from sim.units import SECTORS_PER_PAGE
from tests.support.sleepers import check_sleepers

Places = dict[int, tuple[int, int]]
"""pfn -> (zone, lru)."""


def check_machine(simulation: Any) -> None:
    """Every invariant of pages, lists, counters, containers, requests and tasks."""
    arrays = simulation.system.arrays
    on_zone_list = walk(arrays, 0, "next")
    check_every_page_is_in_one_place(simulation, on_zone_list)
    check_memcg_lists(arrays, on_zone_list)
    check_counters(arrays, on_zone_list)
    check_charges(simulation)
    check_dirty_tags(arrays)
    check_swap(arrays)
    check_page_locks(arrays)
    check_handles(arrays)
    check_owners(arrays)
    check_requests(simulation)
    check_sleepers(simulation)
    check_task_times(simulation)


def walk(arrays: Any, group: int, link: str) -> Places:
    """Every page on the lists of a group, checking links and counts."""
    page, lru = arrays.page, arrays.lru
    following = page[link].tolist()
    previous = page["prev" if link == "next" else "memcg_prev"].tolist()
    zone_of, lru_of = page["zone"].tolist(), page["lru"].tolist()
    found: Places = {}
    for z in range(MAX_NR_ZONES):
        lists = lru[group * MAX_NR_ZONES + z]
        for which in range(NR_LRU_LISTS):
            pfn, last, n = int(lists["head"][which]), -1, 0
            while pfn >= 0:
                assert pfn not in found, f"page {pfn} is on two lists of group {group}"
                assert previous[pfn] == last, f"page {pfn}: broken back link"
                assert (zone_of[pfn], lru_of[pfn]) == (z, which), f"page {pfn}"
                found[pfn] = (z, which)
                last, pfn, n = pfn, following[pfn], n + 1
            assert int(lists["tail"][which]) == last
            assert int(lists["nr"][which]) == n, f"group {group} zone {z} lru {which}: count"
    return found


def _free_pages(arrays: Any) -> set[int]:
    """Pages of the buddy allocator's blocks, checking lists, counts, alignment and merging."""
    free: set[int] = set()
    heads: dict[int, int] = {}
    for z, zone in enumerate(arrays.zone):
        for order in range(MAX_ORDER):
            blocks = _free_blocks(arrays, zone, order)
            assert len(blocks) == int(zone["nr_free_blocks"][order])
            heads |= dict.fromkeys(blocks, order)
            for pfn in blocks:
                assert pfn % (1 << order) == 0, f"page {pfn}: a block of order {order}"
                pages = range(pfn, pfn + (1 << order))
                assert free.isdisjoint(pages), f"page {pfn} is free twice"
                assert (arrays.page["zone"][pages.start : pages.stop] == z).all()
                free.update(pages)
        by_order = zone["nr_free_blocks"].tolist()
        assert int(zone["nr_free"]) == sum(n << order for order, n in enumerate(by_order))
    for pfn, order in heads.items():
        merged = order == MAX_ORDER - 1 or heads.get(pfn ^ (1 << order)) != order
        assert merged, f"page {pfn}: its buddy of order {order} is free too"
    marked = np.flatnonzero(arrays.free_order)
    orders = (arrays.free_order[marked] - 1).tolist()
    assert dict(zip(marked.tolist(), orders, strict=True)) == heads
    assert len(free) == int(arrays.vm[NR_FREE_PAGES])
    return free


def _free_blocks(arrays: Any, zone: Any, order: int) -> list[int]:
    """First pages of the blocks on one list."""
    found: list[int] = []
    pfn, last = int(zone["free_head"][order]), 0
    while pfn > 0 and len(found) <= int(zone["nr_free_blocks"][order]):
        assert int(arrays.page["prev"][pfn]) == last, f"page {pfn}: broken back link"
        found.append(pfn)
        last, pfn = pfn, int(arrays.page["next"][pfn])
    assert pfn == 0, "more blocks on a list than counted"
    assert int(zone["free_tail"][order]) == last
    return found


def _pages_of_cpus(arrays: Any) -> set[int]:
    """Pages on the lists that CPUs have in front of the free lists."""
    held: set[int] = set()
    for words in arrays.cpu:
        for z in range(MAX_NR_ZONES):
            pfn, last, n = int(words[PCP_HEAD + z]), 0, 0
            while pfn > 0:
                assert pfn not in held, f"page {pfn} is on two lists of CPUs"
                assert int(arrays.page["prev"][pfn]) == last
                assert int(arrays.page["zone"][pfn]) == z
                held.add(pfn)
                last, pfn, n = pfn, int(arrays.page["next"][pfn]), n + 1
            assert (int(words[PCP_TAIL + z]), int(words[PCP_COUNT + z])) == (last, n)
    return held


def _in_flight(arrays: Any) -> set[int]:
    """Pages allocated and being charged: in nobody's list yet."""
    task = arrays.task
    return {int(pfn) for pfn in task["alloc_pfn"][task["np_charging"] == 1]}


def check_every_page_is_in_one_place(simulation: Any, on_list: Places) -> None:
    """Free, on one zone list, isolated, the kernel's, or in flight; their sum never changes.

    A page on a CPU's list is as good as free, but no watermark counts it.
    """
    arrays = simulation.system.arrays
    flags = arrays.page["page_flags"]
    free = _free_pages(arrays)
    isolated = set(np.flatnonzero(flags & PG_isolated).tolist())
    flying = _in_flight(arrays)
    held = _pages_of_cpus(arrays)
    assert not free & held
    free |= held
    kernel = set(np.flatnonzero(flags & PG_kernel).tolist())
    at_boot = len(kernel) - int(arrays.vm[NR_HIGHORDER_PAGES]) - int(arrays.fs["nr_slab"][0])
    assert simulation.meta.setdefault("boot_pages", at_boot) == at_boot
    places = (free, set(on_list), isolated, flying, kernel)
    total = sum(map(len, places))
    assert total == len(set().union(*places)), "a page is in two places"
    assert set(np.flatnonzero(flags & PG_lru).tolist()) == set(on_list)
    assert not flags[sorted(free)].any(), "a free page has flags"
    assert simulation.meta.setdefault("managed_pages", total) == total, "pages came or went"
    check_page_cache(arrays, set(on_list) | isolated)


def check_page_cache(arrays: Any, in_use: set[int]) -> None:
    """The slots of all inodes hold exactly the pages in use, each under its mapping and index."""
    slots = np.flatnonzero(arrays.slot_pfn >= 0)
    pfns = arrays.slot_pfn[slots]
    assert len(set(pfns.tolist())) == len(pfns), "a page is in two slots"
    assert set(pfns.tolist()) == in_use, "page cache and lists differ"
    page, inode = arrays.page, arrays.inode
    owners = page["mapping"][pfns]
    assert (owners >= 0).all()
    assert (inode["first_slot"][owners] + page["index"][pfns] == slots).all()
    assert (page["index"][pfns] < inode["nr_pages"][owners]).all()
    cached = np.bincount(owners, minlength=len(inode))
    assert (cached == inode["nr_cached"]).all()


def check_memcg_lists(arrays: Any, on_zone: Places) -> None:
    """A charged page on the LRU is on exactly its memcg's list for its zone and list."""
    memcg = arrays.page["memcg"].tolist()
    for g in range(1, len(arrays.memcg)):
        found = walk(arrays, g, "memcg_next")
        assert found == {pfn: place for pfn, place in on_zone.items() if memcg[pfn] == g}


def check_counters(arrays: Any, on_list: Places) -> None:
    """Every gauge is the number of pages it counts."""
    vm, flags = arrays.vm, arrays.page["page_flags"]
    per_list = Counter(lru for _, lru in on_list.values())
    for lru in range(NR_LRU_LISTS):
        assert int(vm[NR_INACTIVE_ANON + lru]) == per_list[lru]
    for pfn, (_, lru) in on_list.items():
        assert bool(flags[pfn] & PG_active) == bool(lru & 1), f"page {pfn}: PG_active"
        assert bool(flags[pfn] & PG_swapbacked) == (lru < 2), f"page {pfn}: PG_swapbacked"
        listed = bool(flags[pfn] & PG_dirty_list)
        assert listed == (lru == LRU_DIRTY_FILE), f"page {pfn}: PG_dirty_list"
        assert not listed or flags[pfn] & (PG_dirty | PG_writeback), f"page {pfn} waits clean"
    dirty = (flags & PG_dirty != 0) & (flags & PG_swapbacked == 0)
    writeback = flags & PG_writeback != 0
    swap = flags & PG_swapbacked != 0
    assert int(vm[NR_FILE_DIRTY]) == int(dirty.sum())
    assert int(vm[NR_WRITEBACK]) == int(writeback.sum())
    assert int(vm[NR_WRITEBACK_SWAP]) == int((writeback & swap).sum())
    assert int(arrays.bdi["nr_reclaimable"][0]) == int(dirty.sum())
    assert int(arrays.bdi["nr_writeback"][0]) == int((writeback & ~swap).sum())
    zone_of = arrays.page["zone"]
    for z in range(MAX_NR_ZONES):
        assert int(arrays.zone["nr_file_dirty"][z]) == int((dirty & (zone_of == z)).sum())
        assert int(arrays.zone["nr_writeback"][z]) == int((writeback & (zone_of == z)).sum())
    isolated = flags & PG_isolated != 0
    assert int(vm[NR_ISOLATED_ANON]) == int(arrays.zone["nr_isolated"][:, 0].sum())
    assert int(vm[NR_ISOLATED_ANON + 1]) == int(arrays.zone["nr_isolated"][:, 1].sum())
    # freed pages of a batch under way have left PG_isolated before the batch is accounted
    assert int((isolated & swap).sum()) <= int(vm[NR_ISOLATED_ANON])
    assert int((isolated & ~swap).sum()) <= int(vm[NR_ISOLATED_ANON + 1])


def _up(parent: list[int], g: int) -> set[int]:
    """The memcgs above one."""
    above = set()
    while g := parent[g]:
        above.add(g)
    return above


def check_charges(simulation: Any) -> None:
    """usage: pages charged to a memcg and to those below it, with all stocks within its limit."""
    arrays = simulation.system.arrays
    flags = arrays.page["page_flags"]
    cached = arrays.slot_pfn[arrays.slot_pfn >= 0]
    per_memcg = Counter(arrays.page["memcg"][cached].tolist())
    dirty = (flags & PG_dirty != 0) & (flags & PG_swapbacked == 0)
    scenario = simulation.meta["scenario"]
    limits = [g["limit_mib"] << 8 for g in scenario["memcgs"]]
    for each in scenario["interventions"]:
        if each["what"] == "limit":  # usage may have been up to the highest there ever was
            g = [g["name"] for g in scenario["memcgs"]].index(each["whose"])
            limits[g] = max(limits[g], each["value"] << 8)
    parent = arrays.memcg["parent"].tolist()
    below = {
        g: {h for h in range(len(parent)) if h and g in _up(parent, h)} for g in range(len(parent))
    }
    below[0] = set()
    killed = set(arrays.task["memcg"][arrays.task["pf_flags"] & PF_MEMDIE != 0].tolist())
    victims = {g for g in below if killed & {g, *below[g]}}
    for z, zone in enumerate(arrays.zone):
        listed = int(arrays.memcg["soft_on_tree"][:, z].sum())
        assert int(zone["nr_soft_exceeded"]) == listed, f"zone {z}: soft limits"
    for g, memcg in enumerate(arrays.memcg):
        with_children = per_memcg[g] + sum(per_memcg[h] for h in below[g])
        assert int(memcg["usage"]) == with_children, f"memcg {g}"
        stocks = sum(int(arrays.memcg["stock"][h]) for h in below[g])
        assert int(memcg["child_stock"]) == stocks, f"memcg {g}: stocks below it"
        assert int(memcg["nr_file"]) + int(memcg["nr_anon"]) == per_memcg[g]
        mine = arrays.page["memcg"] == g
        assert int(memcg["nr_dirty"]) == int((dirty & mine).sum())
        writeback = flags & PG_writeback != 0
        assert int(memcg["nr_writeback"]) == int((writeback & mine).sum())
        if memcg["limit"] and g not in victims:
            charged = int(memcg["usage"]) + int(memcg["stock"]) + stocks
            assert charged <= int(memcg["limit"]), f"memcg {g} is over its limit"
            assert int(memcg["max_usage"]) <= max(int(memcg["limit"]), limits[g - 1])


def check_dirty_tags(arrays: Any) -> None:
    """A dirty page is tagged; an inode's count is that of its dirty pages."""
    page = arrays.page
    flags = page["page_flags"]
    dirty = np.flatnonzero((flags & PG_dirty != 0) & (flags & PG_swapbacked == 0))
    slots = arrays.inode["first_slot"][page["mapping"][dirty]] + page["index"][dirty]
    tagged = (arrays.dirty_tag[slots >> 6] >> (slots & 63)) & 1
    assert tagged.all(), "a dirty page lacks its tag"
    counts = np.bincount(page["mapping"][dirty], minlength=len(arrays.inode))
    assert (counts == arrays.inode["nr_dirty"]).all()
    unlisted = (arrays.inode["nr_dirty"] > 0) & (arrays.inode["bdi_list"] == 0)
    assert not (unlisted & (arrays.inode["state"] & 4 == 0)).any(), "no flusher will find it"


def check_swap(arrays: Any) -> None:
    """Used slots are those of the swap cache and of swapped-out pages, each once."""
    flags = arrays.page["page_flags"]
    cached = set(arrays.page["block"][flags & PG_swapcache != 0].tolist())
    anon = arrays.inode["state"] & 2 != 0
    out: list[int] = []
    for base, n in zip(
        arrays.inode["first_slot"][anon], arrays.inode["nr_pages"][anon], strict=True
    ):
        blocks = arrays.slot_block[base : base + n]
        gone = (blocks >= 0) & (arrays.slot_pfn[base : base + n] < 0)
        out += blocks[gone].tolist()
    assert len(out) == len(set(out))
    used = int(arrays.swap_map.astype(bool).sum())
    assert used == int(arrays.vm[NR_SWAP_USED_PAGES]) == len(cached | set(out))


def request_pages(arrays: Any, r: int) -> list[int]:
    """The pages of a request, in the order of its chain."""
    chain, pfn = [], int(arrays.request["first_page"][r])
    while pfn >= 0:
        assert len(chain) <= int(arrays.request["nr_pages"][r]), f"request {r}: endless chain"
        chain.append(pfn)
        pfn = int(arrays.page["bio_next"][pfn])
    return chain


def check_requests(simulation: Any) -> None:
    """Counts of requests; every page under IO is in one bio or request, at its own block."""
    arrays = simulation.system.arrays
    request, q, flags = arrays.request, arrays.queue[0], arrays.page["page_flags"]
    busy = np.flatnonzero(request["state"] != RQ_FREE)
    sync = request["sync"][busy]
    assert int((sync == 0).sum()) == int(arrays.vm[NR_REQUESTS_ASYNC])
    assert int((sync == 1).sum()) == int(arrays.vm[NR_REQUESTS_ASYNC + 1])
    assert int((request["state"] == RQ_QUEUED).sum()) == int(q["nr_queued"])
    assert int((request["state"] == RQ_DISPATCHED).sum()) == int(q["nr_at_disk"])
    under_io: list[int] = []
    for r in busy.tolist():
        chain = request_pages(arrays, r)
        assert len(chain) == int(request["nr_pages"][r])
        if chain:
            assert chain[-1] == int(request["last_page"][r])
            begin = int(request["sector"][r]) // SECTORS_PER_PAGE
            check_blocks(arrays, chain, begin, int(request["nr_sectors"][r]) // SECTORS_PER_PAGE)
            bit = PG_writeback | PG_buffers_locked if request["write"][r] else PG_locked
            assert (flags[chain] & bit != 0).all(), f"request {r} has a page not under IO"
        under_io += chain
    under_io += _pages_of_bios(arrays)
    assert len(under_io) == len(set(under_io)), "a page is in two requests"
    writeback = set(np.flatnonzero(flags & (PG_writeback | PG_buffers_locked)).tolist())
    fs = arrays.fs[0]
    locked = fs["wbuf"][int(fs["wbuf_pos"]) : int(fs["nr_wbuf"])].tolist()
    assert not set(locked) & set(under_io), "a commit submits a page twice"
    assert writeback == set(under_io) & writeback | set(locked), "a page under IO is in no request"
    unread = np.flatnonzero((flags & PG_locked != 0) & (flags & PG_isolated == 0)).tolist()
    assert {pfn for pfn in unread if pfn not in under_io} <= _to_be_read(arrays)


def _pages_of_bios(arrays: Any) -> list[int]:
    """Pages of bios whose task sleeps for a request."""
    pages = []
    for task in arrays.task[arrays.task["bio_sectors"] != 0]:
        pfn = int(task["bio_first_page"])
        while pfn >= 0:
            pages.append(pfn)
            pfn = int(arrays.page["bio_next"][pfn]) if pfn != int(task["bio_last_page"]) else -1
    return pages


def _to_be_read(arrays: Any) -> set[int]:
    """Locked pages of readahead windows and faults that their task has yet to submit."""
    found = set()
    for task in arrays.task:
        ino = int(task["op_inode"])
        first = int(arrays.inode["first_slot"][ino])
        if int(task["op_page_step"]) in (STEP_READ, STEP_AROUND, STEP_ALONE):
            start, end = int(task["ra_run_start"]), int(task["ra_next"])
            if start >= 0:
                found |= set(arrays.slot_pfn[first + start : first + end].tolist())
            found.add(int(arrays.slot_pfn[first + int(task["op_index"])]))
    return found


def check_blocks(arrays: Any, chain: list[int], begin: int, length: int) -> None:
    """Each page's place on disk is where its file's map (its swap slot) says, and in the request.

    Between pages there may be blocks without one: what a commit wrote of ordered data.
    """
    page, inode = arrays.page, arrays.inode
    places = []
    for pfn in chain:
        block = int(page["block"][pfn])
        if page["page_flags"][pfn] & PG_swapbacked:
            block = int(arrays.swap_block[block])
        else:
            slot = int(inode["first_slot"][page["mapping"][pfn]]) + int(page["index"][pfn])
            by_map = int(arrays.slot_block[slot])
            assert block == by_map or page["page_flags"][pfn] & PG_buffers_locked
            block = by_map
        places.append(block)
    assert places == sorted(set(places)), "pages of a request are not in the order of its blocks"
    assert begin <= places[0] <= places[-1] < begin + length


def check_handles(arrays: Any) -> None:
    """Open handles are counted, and so are metadata blocks under IO."""
    assert int(arrays.task["handle"].sum()) == int(arrays.fs["updates"][0])
    reading = np.count_nonzero(arrays.block_used & BUFFER_READING)
    assert reading == int(arrays.fs["nr_reading"][0])


def check_page_locks(arrays: Any) -> None:
    """Page locks of reclaim: those of the tasks' dirty lists, and no others."""
    task, index = np.nonzero(arrays.lock_since)
    held = sorted(arrays.dirty_list[task, index].tolist())
    assert held == np.flatnonzero(arrays.page["page_flags"] & PG_set_aside).tolist()
    assert np.bincount(task, minlength=len(arrays.task)).tolist() == list(arrays.task["locks_held"])


def check_owners(arrays: Any) -> None:
    """An inode that is not shared has dirty pages of its memcg only (C18)."""
    page = arrays.page
    dirty = np.flatnonzero((page["page_flags"] & (PG_swapbacked | PG_dirty)) == PG_dirty)
    owner = arrays.inode["i_memcg"][page["mapping"][dirty]]
    assert ((owner == page["memcg"][dirty]) | (owner == I_MEMCG_SHARED)).all()


def check_task_times(simulation: Any) -> None:
    """Running, runnable and every cause of sleep add up to the time since the task began."""
    for task in simulation.system.engine.tasks:
        spent = task.run_ns + task.runnable_ns + sum(task.sleep_ns.values())
        assert spent == task.since_ns - task.born_ns, task.name
        assert task.run_ns >= 0
        assert task.runnable_ns >= 0
        assert min(task.sleep_ns.values(), default=0) >= 0
