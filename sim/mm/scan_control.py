"""Verdicts and steps of reclaim: small named outcomes instead of flags (vmscan.c of 2.6.35)."""

SWAP_CLUSTER_MAX = 32
DEF_PRIORITY = 12
PAGE_ALLOC_COSTLY_ORDER = 3

# What shrink_page_list decides about one page.
PAGE_FREED = 0
PAGE_KEEP = 1
PAGE_ACTIVATE = 2
PAGE_SET_ASIDE = 3
PAGE_PAGEOUT = 4
PAGE_WAIT = 5

# page_check_references
PAGEREF_RECLAIM = 0
PAGEREF_RECLAIM_CLEAN = 1
PAGEREF_KEEP = 2
PAGEREF_ACTIVATE = 3

# Where shrink_page_list stands (task.sc_list_step).
LIST_SCAN = 0
LIST_WRITING = 1
LIST_CLEAN = 2
LIST_WAITED = 3
LIST_WRITTEN = 4
LIST_WAIT_PAGE = 5

# Where shrink_zone stands (task.sc_zone_step).
ZONE_BEGIN = 0
ZONE_LISTS = 1
ZONE_PAGES = 2
ZONE_THROTTLE = 3
ZONE_THROTTLED = 4

# Where do_try_to_free_pages and balance_pgdat stand (task.sc_step).
STEP_PRIORITY = 0
STEP_ZONES = 1
STEP_AFTER = 2
STEP_SLEPT = 3

# isolate modes (swap.h)
ISOLATE_INACTIVE = 0
ISOLATE_ACTIVE = 1
ISOLATE_BOTH = 2
