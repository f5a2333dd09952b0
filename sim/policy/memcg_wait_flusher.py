"""C13: a container waits for the flusher.

With patch 6 as posted there is nothing to add: memcg reclaim is direct reclaim, writes nothing,
puts dirty pages back and lets them have another lap. This answer makes the wait explicit, as V4 to
V6 of the series did for direct reclaim:

1. memcg reclaim sets the dirty pages of a batch aside;
2. it wakes the flushers for that many pages (any inode, oldest first: not the container's);
3. it sleeps in congestion_wait(HZ/10), woken early when the queue leaves congestion;
4. it looks at the same pages again, up to 50 times, and then gives them back to the list.

Rules only: ``memcg_may_write_file = 0``, ``memcg_clean_wait_rounds = 50``.
"""
