"""The words that the engine and the kernels share, at the start of the int64 array ``clock``."""

(
    NOW,  # ns of simulated time; a kernel adds what its work costs
    LIMIT,  # ns; a kernel stops at the first safe point at or after it
    CPU,  # the CPU that runs it
    CURRENT,  # the task that runs it
    ANY_WAKE,  # non-zero when a kernel left something for ``drain`` to look at
    # the rest is the engine's own
    NR_SLEEP_LOG,  # rows used of m.sleep_log
    SEQ,  # events pushed so far
    NR_EVENTS,  # of the heap m.event
    NR_READY,  # of the heap m.ready
    MIN_VRUNTIME,
    QUANTUM_NS,  # how far a CPU may run ahead of the others
    LATENCY_NS,  # sched_latency, sched_min_granularity, sched_wakeup_granularity
    GRANULARITY_NS,
    WAKEUP_NS,
    QUIET_CAUSES,  # bit set of causes of sleep that are not logged
    STRETCH_TASK,  # the stretch under way, -1 = none
    STRETCH_CPU,
    STRETCH_LIMIT_NS,
    STRETCH_BEGIN_NS,  # of the part since it was last interrupted
    CUT_NS,  # what LIMIT was set to: the stretch's limit or an observer's time
    PHASE,  # what Python was asked to do; see engine.engine
    ALARM_NUMBER,  # PHASE_RANG: which, and when it was due
    ALARM_DUE_NS,
    STOP,  # PHASE_HANDED: the stop code that Python acts on
    SLEEP_CAUSE,  # how the stretch ends: -1 = it could go on
    SLEEP_WAITQ,
    SLEEP_UNTIL_NS,
    FINISHED,  # how the stretch ends: 1 = its task is over
    NR_ENGINE_WORDS,
) = range(29)
