"""One kernel that carries a task's operations out, page by page, until it must stop.

An operation is one system call, or one run of stores. ``begin`` draws it from the task's own
random stream, keyed by the number of the operation, so that nothing else can shift it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.jit import njit
from sim.engine.rng import STREAM_TASK, draw_below
from sim.fs.sync import fsync
from sim.machine.cost import COST_CREATE_FILE, COST_SYSCALL
from sim.machine.machine import LIMIT, NOW, SEED
from sim.machine.task import BUDGET_SPENT, DONE, PF_MEMDIE, PF_WRITER, WANT_THINK
from sim.machine.vmstat import APP_FILES_CREATED
from sim.mm.filemap import (
    load_file_page,
    read_page,
    touch_anon_page,
    touch_file_page,
    write_page,
)
from sim.workload.directories import FILES_OPEN, NOT_OPEN, next_file, no_more_files, open_files
from sim.workload.highorder import allocate_block, free_old_blocks, pass_is_over
from sim.workload.kinds import (
    KIND_ANON_HOG,
    KIND_COPY,
    KIND_HIGH_ORDER,
    KIND_MAP_READER,
    KIND_MMAP_DIRTIER,
    KIND_OLTP,
    KIND_RAND_READER,
    KIND_RAND_WRITER,
    KIND_REPLAY,
    KIND_SEQ_READER,
    KIND_SEQ_WRITER,
    KIND_SMALL_FILES,
    KIND_SPARSE_READER,
    OLTP_READS,
    OLTP_WRITES,
    REPLAY_FSYNC,
    REPLAY_WRITE,
)

_LOADS_AND_STORES = (KIND_MMAP_DIRTIER, KIND_ANON_HOG, KIND_MAP_READER, KIND_SPARSE_READER)
DIST_ITERATIONS = 12
OP_IDLE = 0
OP_PAGES = 1
OP_OPENS = 2
"""A creator's operation begins with the next file."""
PACE_NS = 20_000_000
"""A paced task looks at its clock this often and then does all that is due, as rate limiters do."""
CATCH_UP_NS = 1_000_000_000
"""How far behind its rate a task may fall and still catch up."""


@njit
def _pace(m: Any, t: Any) -> Any:
    """Is it time for the next operation? Else sets task.sleep_until_ns."""
    task = m.task[t]
    now = m.clock[NOW]
    if now < task.op_due_ns:
        task.sleep_until_ns = task.op_due_ns
        if task.w_rate_pages_per_s:
            task.sleep_until_ns = (task.op_due_ns // PACE_NS + 1) * PACE_NS
        return False
    if task.w_rate_pages_per_s and task.op_due_ns < now - CATCH_UP_NS:
        task.op_due_ns = now - CATCH_UP_NS
    return True


@njit
def _pages_of_next(m: Any, t: Any) -> Any:
    """Length of the operation and its first page, into task.op_left and op_index."""
    task = m.task[t]
    kind = task.kind
    seed = m.clock[SEED]
    block = task.w_block_pages
    if kind == KIND_REPLAY:
        task.replay_next += 1  # next_recorded has chosen
        return
    if kind in (KIND_SEQ_WRITER, KIND_SEQ_READER, KIND_MAP_READER, KIND_SPARSE_READER):
        if task.op_index >= task.w_file_pages:
            task.op_index = 0
        task.op_left = min(block, task.w_file_pages - task.op_index)
        return
    if kind == KIND_SMALL_FILES:
        task.op_left = 1 + draw_below(seed, STREAM_TASK + t, task.op_count, block)
        task.op_index = 0
        return
    if kind == KIND_HIGH_ORDER:
        free_old_blocks(m, t)
        task.op_left = 1
        return
    if kind == KIND_OLTP:
        task.op_left = OLTP_READS + OLTP_WRITES + block  # each page is chosen when its turn comes
        return
    if kind == KIND_COPY:
        if task.op_aux >= task.w_file_pages:
            task.op_aux = 0
        task.op_start = task.op_aux
        task.op_left = 2 * min(block, task.w_file_pages - task.op_aux)
        task.op_aux += task.op_left // 2
        return
    if kind == KIND_ANON_HOG and task.op_aux < task.w_file_pages:
        task.op_index = task.op_aux
        task.op_left = min(block, task.w_file_pages - task.op_aux)
        task.op_aux += task.op_left
        return
    if kind in (KIND_RAND_WRITER, KIND_RAND_READER):
        run = block
    elif kind == KIND_ANON_HOG:
        task.op_left = block  # every page of the operation is drawn anew
        return
    else:
        run = task.w_run_pages
    run = min(run, task.w_file_pages)
    task.op_left = run
    task.op_index = draw_below(seed, STREAM_TASK + t, task.op_count, task.w_file_pages - run + 1)


@njit
def _begin(m: Any, t: Any) -> Any:
    """Start the next operation."""
    task = m.task[t]
    _pages_of_next(m, t)
    task.op_count += 1
    task.op_started_ns = m.clock[NOW]
    if task.kind == KIND_SMALL_FILES:
        m.clock[NOW] += m.cost[COST_CREATE_FILE]
    elif task.kind not in _LOADS_AND_STORES:
        m.clock[NOW] += m.cost[COST_SYSCALL]
    task.op_due_ns += (task.op_left << task.w_order) * task.op_rate_ns
    task.op_step = OP_OPENS if task.kind == KIND_SMALL_FILES else OP_PAGES


@njit
def _choose(m: Any, t: Any) -> Any:
    """The page whose turn it is, where the operation does not simply go on to the next one."""
    task = m.task[t]
    if task.kind == KIND_ANON_HOG:
        if task.op_aux >= task.w_file_pages:
            task.op_index = _draw_page(m, t)
    elif task.kind == KIND_COPY:
        half = task.op_aux - task.op_start
        task.op_write = 1 if task.op_left <= half else 0
        task.op_inode = task.op_second if task.op_write else task.op_first
        task.op_index = task.op_start + (half - task.op_left) % half
    elif task.op_left > task.w_block_pages:
        task.op_write = 1 if task.op_left <= task.w_block_pages + OLTP_WRITES else 0
        task.op_inode = task.op_first
        task.op_index = _draw_row(m, t)
    else:
        task.op_write = 1
        task.op_inode = task.op_second
        task.op_index = task.op_aux
        task.op_aux = (task.op_aux + 1) % m.inode[task.op_second].nr_pages
    task.op_drawn = 1


@njit
def _draw_page(m: Any, t: Any) -> Any:
    task = m.task[t]
    number = task.op_random
    task.op_random += 1
    return draw_below(m.clock[SEED], STREAM_TASK + t, number, task.w_file_pages)


@njit
def _draw_row(m: Any, t: Any) -> Any:
    """Page of a row by sysbench 0.4's default, ``--oltp-dist-type=special``.

    Three of four accesses go to one hundredth of the rows, in the middle of the table; the rest are
    means of twelve uniform draws.
    """
    task = m.task[t]
    number = task.op_random * (DIST_ITERATIONS + 1)
    task.op_random += 1
    seed, stream, pages = m.clock[SEED], STREAM_TASK + t, task.w_file_pages
    if draw_below(seed, stream, number, 4) < 3:
        hot = max(pages // 100, 1)
        return (pages - hot) // 2 + draw_below(seed, stream, number + 1, hot)
    total = np.int64(0)
    for i in range(1, DIST_ITERATIONS + 1):
        total += draw_below(seed, stream, number + i, pages)
    return total // DIST_ITERATIONS


@njit
def _page(m: Any, t: Any) -> Any:
    """The next page of the operation; a stop code."""
    kind = m.task[t].kind
    if kind in (KIND_COPY, KIND_OLTP, KIND_REPLAY):
        return write_page(m, t) if m.task[t].op_write else read_page(m, t)
    if kind == KIND_HIGH_ORDER:
        return allocate_block(m, t)
    if kind in (KIND_MAP_READER, KIND_SPARSE_READER):
        return load_file_page(m, t)
    if kind in (KIND_SEQ_WRITER, KIND_RAND_WRITER, KIND_SMALL_FILES):
        return write_page(m, t)
    if kind in (KIND_SEQ_READER, KIND_RAND_READER):
        return read_page(m, t)
    if kind == KIND_MMAP_DIRTIER:
        return touch_file_page(m, t)
    return touch_anon_page(m, t)


@njit
def _next_recorded(m: Any, t: Any) -> Any:
    """The next operation and when it is due, into task.op_*; False behind the last."""
    task = m.task[t]
    if task.replay_next >= task.replay_end:
        return False
    row = m.replay[task.replay_next]
    task.op_due_ns = row[0]
    task.op_write = 1 if row[1] == REPLAY_WRITE else 0
    task.w_fsync = 1 if row[1] == REPLAY_FSYNC else 0
    task.op_inode = row[2]
    task.op_index = row[3]
    task.op_left = row[4]
    if task.op_write:
        task.pf_flags |= PF_WRITER
    else:
        task.pf_flags &= ~PF_WRITER
    return True


@njit
def latency_bucket(ns: Any) -> Any:
    """Four buckets an octave from 1 us up: 4 * log2(us) in quarters, at most NR_LATENCY - 1."""
    us = ns // 1000
    if us < 1:
        return 0
    octave = 0
    x = us
    while x > 1:
        x >>= 1
        octave += 1
    quarter = ((us << 2) >> octave) & 3
    return min(octave * 4 + quarter, 127)


@njit
def _end(m: Any, t: Any) -> Any:
    task = m.task[t]
    now = m.clock[NOW]
    m.latency[t, latency_bucket(now - task.op_started_ns)] += 1
    task.op_max_ns = max(task.op_max_ns, now - task.op_started_ns)
    task.op_step = OP_IDLE
    if task.kind == KIND_SMALL_FILES:
        m.vm[APP_FILES_CREATED] += 1
    filling = task.kind == KIND_ANON_HOG and task.op_aux < task.w_file_pages
    if task.w_think_ns and not filling:
        task.op_due_ns = now + task.w_think_ns
    elif not task.w_rate_pages_per_s:
        task.op_due_ns = now


@njit
def workload_step(m: Any, t: Any) -> Any:
    """Operations one after the other: a stop code to act on, DONE when it is over.

    It is over for a creator without room for files, for a reader that has seen its sparse file, for
    a replayer behind its last operation, for a pass of high-order allocations, and for a victim of
    OOM. A victim ends the
    page it is at, for it may hold it or a bio, and nothing more.
    """
    task = m.task[t]
    clock = m.clock
    while True:
        if task.op_step == OP_IDLE:
            if task.pf_flags & PF_MEMDIE and task.open_step in (NOT_OPEN, FILES_OPEN):
                return DONE
            if task.kind == KIND_REPLAY and not _next_recorded(m, t):
                return DONE
            if not _pace(m, t):
                return WANT_THINK
            if task.open_step != FILES_OPEN:
                stop = open_files(m, t)
                if stop != DONE:
                    return stop
            if task.kind == KIND_SMALL_FILES and no_more_files(m, t):
                return DONE
            if task.kind == KIND_SPARSE_READER and task.op_index >= task.w_file_pages:
                return DONE
            if task.kind == KIND_HIGH_ORDER and pass_is_over(m, t):
                return DONE
            _begin(m, t)
        if task.op_step == OP_OPENS:
            stop = next_file(m, t)
            if stop != DONE:
                return stop
            task.op_step = OP_PAGES
        if task.op_left > 0:
            if task.op_drawn == 0 and task.kind in (KIND_ANON_HOG, KIND_COPY, KIND_OLTP):
                _choose(m, t)
            stop = _page(m, t)
            if stop != DONE:
                return stop
            task.op_drawn = 0
            task.op_left -= 1
            task.op_index += 1
            if task.pf_flags & PF_MEMDIE:
                task.op_left = 0
        if task.op_left == 0:
            if task.w_fsync and (task.sync_step or not task.pf_flags & PF_MEMDIE):
                stop = fsync(m, t, np.int64(task.op_inode))
                if stop != DONE:
                    return stop
            _end(m, t)
        if clock[NOW] >= clock[LIMIT]:
            return BUDGET_SPENT


@njit
def enter_workload(m: Any, t: Any) -> Any:
    """Writers by write(2) have current->backing_dev_info set while they are inside it."""
    kind = m.task[t].kind
    if kind in (KIND_SEQ_WRITER, KIND_RAND_WRITER, KIND_SMALL_FILES, KIND_COPY, KIND_OLTP):
        m.task[t].pf_flags |= PF_WRITER
