"""C18: IO-cgroup aware flushers, buffered IO tracked.

1. An inode knows whose pages are dirty in it: one container's, or several (shared).
2. What a container asks of the flusher is a work for that container, one waiting at a time:
   its reclaimers ask for what they scanned, its dirtiers for what is above
   ``vm.dirty_background_ratio`` of its dirtyable pages.
3. Such a work puts the container's own inodes first, the oldest in front, and writes those only;
   when they are done and pages are still wanted, the inodes that it shares.
4. Nothing leads from a container to its inodes: each turn looks at every dirty inode, and a foreign
   one costs what Greg Thelen measured, 58 ms for 100 000.
5. Together with ``dirty-ratio`` a throttled dirtier writes its container's inodes, no others'.

Periodic and background writeback stay as they are.

Source: KAMEZAWA's wishes in the mail of 2010-06-09, and Mel Gorman's doubt there that "it would
have to do a lot of searching"; Greg Thelen, "memcg: per cgroup dirty page limiting" v9, 2011-08-17.

Rules only: ``memcg_writeback = 1``.
"""
