"""Words of ``m.sysctl``: limits of the machine that mechanism reads, in kernel units."""

(
    DIRTY_RATIO,  # %
    DIRTY_BACKGROUND_RATIO,  # %
    DIRTY_EXPIRE_NS,
    DIRTY_WRITEBACK_NS,
    SWAPPINESS,
    READ_AHEAD_PAGES,
    NR_CPUS,
    HZ,
    NR_SYSCTL,
) = range(9)
