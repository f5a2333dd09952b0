"""C16: kswapd works inside containers.

1. A charge that leaves the container above its low watermark puts it on kswapd's pending list and
   wakes kswapd. (low: the limit less 1/32, high: the limit less 1/16; the two-watermark form of
   Ying Han's 2011 series, where usage above "low" wakes and below "high" stops. The distances are
   ours: that series left them to the administrator.)
2. kswapd serves global reclaim first. When every zone is above its high watermark it takes the
   container that has waited longest, reclaims inside it, may write its pages, and stops at the
   high watermark, after a round without progress, or as soon as a zone needs global reclaim.
3. A container that is still above its low watermark goes to the end of the list.

Containers at their limit still reclaim themselves, under the rules for memcg reclaim.
"""

from __future__ import annotations


def watermarks(limit_pages: int) -> tuple[int, int]:
    """(low, high) of a container, pages of usage: wake above low, stop at high."""
    return limit_pages - limit_pages // 32, limit_pages - limit_pages // 16
