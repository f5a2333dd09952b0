"""The words that the engine and a kernel share, at the start of the int64 array ``clock``."""

NOW = 0
"""ns of simulated time; a kernel adds what its work costs."""
LIMIT = 1
"""ns; a kernel stops at the first safe point at or after it."""
CPU = 2
"""The CPU that runs it."""
CURRENT = 3
"""The task that runs it."""
ANY_WAKE = 4
"""Non-zero when the kernel left something for the engine's ``drain`` to look at."""
NR_ENGINE_WORDS = 5
