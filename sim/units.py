"""Units shared by every room. Nothing here is configurable."""

PAGE_SIZE = 4096
PAGE_SHIFT = 12
SECTOR_SIZE = 512
SECTORS_PER_PAGE = PAGE_SIZE // SECTOR_SIZE
KIB_PER_PAGE = PAGE_SIZE // 1024
PAGES_PER_MIB = (1 << 20) // PAGE_SIZE

NSEC_PER_USEC = 1_000
NSEC_PER_MSEC = 1_000_000
NSEC_PER_SEC = 1_000_000_000


def pages_from_mib(mib: int) -> int:
    """Whole 4 KiB pages in ``mib`` MiB."""
    return mib * PAGES_PER_MIB


def pages_from_kib(kib: int) -> int:
    """Whole 4 KiB pages in ``kib`` KiB, at least one."""
    return max(1, kib // KIB_PER_PAGE)
