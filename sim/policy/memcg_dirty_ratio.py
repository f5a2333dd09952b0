"""C14: dirty limits per container, and a kick of the flusher.

1. A container may have ``vm.dirty_ratio`` percent of its dirtyable pages dirty or under writeback:
   what is left below its limit plus its file pages, never more than the machine's. The ratios are
   the machine's own, as a new container inherits them from its parent.
2. A task of the container that dirties pages beyond that is throttled in balance_dirty_pages:
   it writes, and pauses, until its container is below. What it writes is whatever the flusher's
   lists have first, its own container's or not: writeback knows nothing of containers.
3. Above ``vm.dirty_background_ratio`` it kicks the flusher for the pages above.

Source: Andrea Righi, "memcg: per cgroup dirty limit" v4, 2010-03-04; the mail of 2010-06-09 asks
for the kick beside it.
"""
