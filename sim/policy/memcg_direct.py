"""C17: reclaim inside a container may write, whatever patch 6 says.

The mail's last answer: the test for who may write becomes "kswapd, or reclaim on behalf of a
memcg". Direct reclaim of the page allocator stays forbidden, so the deep stacks stay away, if the
mail's guess holds that memcg reclaim is only entered from shallow paths (C12).

Rules only: ``memcg_may_write_file = 1``, ``memcg_may_write_anon = 1``.
"""
