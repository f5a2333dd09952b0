"""Invariants of a machine at rest between two kernels; each failure names what does not add up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from sim.machine.page import (
    NR_LRU_LISTS,
    PG_dirty,
    PG_isolated,
    PG_lru,
    PG_swapbacked,
    PG_swapcache,
    PG_writeback,
)
from sim.machine.vmstat import (
    NR_FILE_DIRTY,
    NR_FREE_PAGES,
    NR_INACTIVE_ANON,
    NR_ISOLATED_ANON,
    NR_SWAP_USED_PAGES,
    NR_WRITEBACK,
)
from sim.machine.zone import MAX_NR_ZONES


def check_machine(simulation: Any) -> None:
    """Every invariant of pages, lists, counters, containers and tasks."""
    arrays = simulation.system.arrays
    on_zone_list = _walk(arrays, 0, "next")
    check_every_page_is_in_one_place(simulation, on_zone_list)
    check_memcg_lists(arrays)
    check_counters(arrays, on_zone_list)
    check_charges(simulation)
    check_dirty_tags(arrays)
    check_swap(arrays)
    check_task_times(simulation)


def _walk(arrays: Any, group: int, link: str) -> dict[int, tuple[int, int]]:
    """pfn -> (zone, lru) of every page on the lists of a group, checking links and counts."""
    page, lru = arrays.page, arrays.lru
    back = "prev" if link == "next" else "memcg_prev"
    following, previous = page[link], page[back]
    found: dict[int, tuple[int, int]] = {}
    for z in range(MAX_NR_ZONES):
        lists = lru[group * MAX_NR_ZONES + z]
        for which in range(NR_LRU_LISTS):
            pfn, last, n = int(lists["head"][which]), -1, 0
            while pfn >= 0:
                assert pfn not in found, f"page {pfn} is on two lists of group {group}"
                assert previous[pfn] == last, f"page {pfn}: broken {back} link"
                assert page["zone"][pfn] == z
                assert page["lru"][pfn] == which
                found[pfn] = (z, which)
                last, pfn, n = pfn, int(following[pfn]), n + 1
            assert int(lists["tail"][which]) == last
            assert int(lists["nr"][which]) == n, f"group {group} zone {z} lru {which}: count"
    return found


def _free_pages(arrays: Any) -> set[int]:
    free: set[int] = set()
    for zone in arrays.zone:
        pfn, n = int(zone["free_head"]), 0
        while pfn >= 0 and n < int(zone["nr_free"]):
            assert pfn not in free, f"page {pfn} is free twice"
            free.add(pfn)
            pfn, n = int(arrays.page["next"][pfn]), n + 1
        assert n == int(zone["nr_free"])
    assert len(free) == int(arrays.vm[NR_FREE_PAGES])
    return free


def _in_flight(arrays: Any) -> set[int]:
    """Pages allocated and being charged: in nobody's list yet."""
    task = arrays.task
    return {int(pfn) for pfn in task["alloc_pfn"][task["np_charging"] == 1]}


def check_every_page_is_in_one_place(simulation: Any, on_list: dict[int, Any]) -> None:
    """Free, on one zone list, isolated, or in flight; free + used + the kernel's = present."""
    arrays = simulation.system.arrays
    flags = arrays.page["page_flags"]
    free = _free_pages(arrays)
    isolated = set(np.flatnonzero(flags & PG_isolated).tolist())
    flying = _in_flight(arrays)
    places = (free, set(on_list), isolated, flying)
    assert sum(map(len, places)) == len(set().union(*places)), "a page is in two places"
    assert set(np.flatnonzero(flags & PG_lru).tolist()) == set(on_list)
    cached = {int(pfn) for pfn in arrays.slot_pfn if pfn >= 0}
    assert cached == set(on_list) | isolated, "page cache and lists differ"
    if not hasattr(simulation, "checked_total"):
        simulation.meta["checked_total"] = sum(map(len, places))
    assert simulation.meta["checked_total"] == sum(map(len, places)), "pages came or went"


def check_memcg_lists(arrays: Any) -> None:
    """A charged page on the LRU is on exactly its memcg's list for its zone and list."""
    on_zone = _walk(arrays, 0, "next")
    memcg = arrays.page["memcg"]
    for g in range(1, len(arrays.memcg)):
        found = _walk(arrays, g, "memcg_next")
        assert set(found) == {pfn for pfn in on_zone if memcg[pfn] == g}
        assert all(on_zone[pfn] == place for pfn, place in found.items())


def check_counters(arrays: Any, on_list: dict[int, tuple[int, int]]) -> None:
    """Every gauge is the number of pages it counts."""
    vm, flags = arrays.vm, arrays.page["page_flags"]
    per_list = Counter(lru for _, lru in on_list.values())
    for lru in range(NR_LRU_LISTS):
        assert int(vm[NR_INACTIVE_ANON + lru]) == per_list[lru]
    dirty = (flags & PG_dirty != 0) & (flags & PG_swapbacked == 0)
    writeback = flags & PG_writeback != 0
    assert int(vm[NR_FILE_DIRTY]) == int(dirty.sum())
    assert int(vm[NR_WRITEBACK]) == int(writeback.sum())
    assert int(arrays.bdi["nr_reclaimable"][0]) == int(dirty.sum())
    zone_of = arrays.page["zone"]
    for z in range(MAX_NR_ZONES):
        assert int(arrays.zone["nr_file_dirty"][z]) == int((dirty & (zone_of == z)).sum())
        assert int(arrays.zone["nr_writeback"][z]) == int((writeback & (zone_of == z)).sum())
    isolated = flags & PG_isolated != 0
    anon = flags & PG_swapbacked != 0
    assert int(vm[NR_ISOLATED_ANON]) == int(arrays.zone["nr_isolated"][:, 0].sum())
    held = int(arrays.zone["nr_isolated"].sum())
    # freed pages of a batch under way have left PG_isolated before the batch is accounted
    assert int(isolated.sum()) <= held
    assert int((isolated & anon).sum()) <= int(vm[NR_ISOLATED_ANON])


def check_charges(simulation: Any) -> None:
    """usage is the number of charged pages (one more while a page is being added)."""
    arrays = simulation.system.arrays
    cached = arrays.slot_pfn[arrays.slot_pfn >= 0]
    per_memcg = Counter(arrays.page["memcg"][cached].tolist())
    dirty = arrays.page["page_flags"] & PG_dirty != 0
    file = arrays.page["page_flags"] & PG_swapbacked == 0
    for g, memcg in enumerate(arrays.memcg):
        assert int(memcg["usage"]) == per_memcg[g], f"memcg {g}"
        assert int(memcg["nr_file"]) + int(memcg["nr_anon"]) == per_memcg[g]
        mine = arrays.page["memcg"] == g
        assert int(memcg["nr_dirty"]) == int((dirty & file & mine).sum())
        if memcg["limit"]:
            over = int(memcg["usage"]) + int(memcg["stock"]) - int(memcg["limit"])
            killed = int((arrays.task["pf_flags"] & 32 != 0).sum())
            assert over <= 0 or killed, f"memcg {g} is {over} pages over its limit"


def check_dirty_tags(arrays: Any) -> None:
    """A dirty page is tagged; an inode's count is that of its dirty pages."""
    page = arrays.page
    dirty = np.flatnonzero(
        (page["page_flags"] & PG_dirty) & (page["page_flags"] & PG_swapbacked == 0)
    )
    flags = page["page_flags"]
    dirty = np.flatnonzero((flags & PG_dirty != 0) & (flags & PG_swapbacked == 0))
    slots = arrays.inode["first_slot"][page["mapping"][dirty]] + page["index"][dirty]
    tagged = (arrays.dirty_tag[slots >> 6] >> (slots & 63)) & 1
    assert tagged.all(), "a dirty page lacks its tag"
    counts = np.bincount(page["mapping"][dirty], minlength=len(arrays.inode))
    assert (counts == arrays.inode["nr_dirty"]).all()


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


def check_task_times(simulation: Any) -> None:
    """Running, runnable and every cause of sleep add up to the time since the task began."""
    for task in simulation.system.engine.tasks:
        assert task.run_ns + task.runnable_ns + sum(task.sleep_ns.values()) == task.since_ns
