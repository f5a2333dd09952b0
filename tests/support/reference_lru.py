"""LRU lists and reference bits as plain Python lists and sets: slow, obvious, the other opinion."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Page:
    """What the page's flags say, one word each."""

    zone: int
    memcg: int = 0
    anon: bool = False
    active: bool = False
    referenced: bool = False
    young: bool = False
    on_lru: bool = False
    writeback: bool = False
    reclaim: bool = False
    dirty: bool = False
    locked: bool = False


@dataclass
class ReferenceLru:
    """Lists of pfns, young end first, keyed by (group, zone, lru); group 0 = the zone's own."""

    pages: dict[int, Page]
    lists: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)

    def list_of(self, group: int, zone: int, lru: int) -> list[int]:
        return self.lists.setdefault((group, zone, lru), [])

    def where(self, pfn: int) -> list[tuple[int, int, int]]:
        return [key for key, pfns in self.lists.items() if pfn in pfns]

    def lru_of(self, pfn: int) -> int:
        page = self.pages[pfn]
        return (0 if page.anon else 2) + (1 if page.active else 0)

    def add(self, pfn: int) -> None:
        page = self.pages[pfn]
        groups = {0, page.memcg}
        for group in groups:
            self.list_of(group, page.zone, self.lru_of(pfn)).insert(0, pfn)
        page.on_lru = True

    def remove(self, pfn: int) -> None:
        for pfns in self.lists.values():
            if pfn in pfns:
                pfns.remove(pfn)
        self.pages[pfn].on_lru = False

    def rotate(self, pfn: int) -> None:
        """To the old end of the zone's list; the memcg's list stays as it is."""
        page = self.pages[pfn]
        pfns = self.list_of(0, page.zone, self.lru_of(pfn))
        pfns.remove(pfn)
        pfns.append(pfn)

    def mark_accessed(self, pfn: int) -> None:
        """The first use sets referenced, the second one activates and clears it."""
        page = self.pages[pfn]
        if not page.referenced:
            page.referenced = True
        elif not page.active and page.on_lru:
            self.remove(pfn)
            page.active, page.referenced = True, False
            self.add(pfn)

    def check_references(self, pfn: int) -> str:
        """The table of page_check_references; clears what it tested."""
        page = self.pages[pfn]
        young, referenced = page.young, page.referenced
        page.young = page.referenced = False
        if young and page.anon:
            return "activate"
        if young:
            page.referenced = True
            return "activate" if referenced else "keep"
        return "reclaim clean" if referenced else "reclaim"

    def end_writeback(self, pfn: int) -> None:
        """A page that reclaim waits for goes to the old end, if it is still a plain old page."""
        page = self.pages[pfn]
        page.writeback = False
        if page.reclaim:
            page.reclaim = False
            if page.on_lru and not (page.locked or page.dirty or page.active):
                self.rotate(pfn)
