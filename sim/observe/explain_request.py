"""One request as a chain of causes: who issued it and why, its way to the disk, who waited for it.

From the logs that a Result holds; what they do not say is named as missing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from sim.machine.request import Issuer
from sim.machine.tracepoints import EV_WRITEPAGE
from sim.observe.explain import Explanation, Step, ended_by, softirq_ns_max, task_name, wait_name
from sim.observe.files import SWAP, extents_of
from sim.observe.stacks import stack_at
from sim.result import Result, SleepCause
from sim.units import NSEC_PER_MSEC, NSEC_PER_USEC, SECTOR_SIZE, SECTORS_PER_PAGE

WAITERS_MAX = 12
"""Sleepers named; the rest is counted."""
FILES_MAX = 3
"""Parts of files named; the rest is counted."""
_GIB = 1 << 30
_AT_ONCE_NS = 1_000_000
"""From waking with a free request to queueing it: the CPU may be taken for a while."""
_WHY = {
    Issuer.KSWAPD: "kswapd below the high watermark: balance_pgdat → shrink_page_list",
    Issuer.DIRECT: "direct reclaim: __alloc_pages_slowpath → try_to_free_pages → shrink_page_list",
    Issuer.MEMCG: "reclaim of a container at its limit: try_to_free_mem_cgroup_pages → "
    "shrink_page_list",
    Issuer.FLUSHER: "the flusher thread: wb_writeback → writeback_inodes_wb → write_cache_pages",
    Issuer.DIRTIER: "a dirtier above the limit: balance_dirty_pages → writeback_inodes_wb",
    Issuer.JOURNAL: "kjournald, which commits a transaction",
    Issuer.MEMCG_FLUSHER: "the flusher of a container above its dirty ratio",
}
_RECLAIM = (Issuer.KSWAPD, Issuer.DIRECT, Issuer.MEMCG)
_FLUSHERS = (Issuer.FLUSHER, Issuer.MEMCG_FLUSHER)
_ONE_ARM = ("hdd-", "rec-")


def find_request(result: Result, block: int, t_done_us: int) -> int | None:
    """Row of the request at this 4 KiB block of the disk that ended within 1 us of this."""
    io = result.io
    same = (io["sector"] // SECTORS_PER_PAGE == block) & (
        abs(io["t_done_ns"] // NSEC_PER_USEC - t_done_us) <= 1
    )
    rows = np.flatnonzero(same)
    return int(rows[-1]) if len(rows) else None


def neighbours(result: Result, row: int) -> tuple[int | None, int | None]:
    """Rows of the requests that ended before and after this one."""
    order = np.argsort(result.io["t_done_ns"], kind="stable")
    at = int(np.flatnonzero(order == row)[0])
    before = int(order[at - 1]) if at else None
    return before, int(order[at + 1]) if at + 1 < len(order) else None


def explain_request(result: Result, row: int) -> Explanation:
    """The chain of request ``row`` of ``result.io``.

    Raises:
        IndexError: the Result has no such request.
    """
    request = result.io[row]
    queued, done = int(request["t_queue_ns"]), int(request["t_done_ns"])
    begin = queued if queued >= 0 else done
    waiters = _waiters(result, row)
    steps = [*_before(result, request), *_way(result, row), *waiters[:WAITERS_MAX]]
    stall = _stall(result, request)
    issuer = int(request["issuer"])
    return Explanation(
        title=_title(result, request),
        context=_context(result, request, stall),
        steps=tuple(sorted(steps, key=lambda step: step.begin_ms)),
        left_out=max(0, len(waiters) - WAITERS_MAX),
        outcome=_outcome(request, len(waiters) if result.has("sleeps") else None),
        missing=_missing(result, request, stall),
        stack=stack_at(result, issuer, int(request["task"]), begin)
        if int(request["write"]) == 1 else None,
        stall=None if stall is None else (int(stall["task"]), int(stall["t_end_ns"]) // 1000),
    )  # fmt: skip


def _title(result: Result, request: Any) -> str:
    way = {1: "write", 0: "read"}.get(int(request["write"]), "transfer")
    kib = int(request["nr_sectors"]) * SECTOR_SIZE / 1024
    at = int(request["sector"]) * SECTOR_SIZE / _GIB
    return f"{way} of {kib:g} KiB at {at:.3f} GiB, {_issuer(result, request)}"


def _issuer(result: Result, request: Any) -> str:
    task = int(request["task"])
    return task_name(result, task) if task >= 0 else "issued by somebody unknown"


def _context(result: Result, request: Any, stall: Any | None) -> str:
    code = int(request["issuer"])
    if code in _WHY:
        parts = [f"For {_WHY[Issuer(code)]}"]
    elif int(request["write"]) == 0:
        parts = ["Read for the task itself: a fault, of file or swap, or read(2) with readahead"]
    else:
        parts = ["Issued in a context that is not known"]
    if code in _RECLAIM:
        parts[0] += " → pageout"
    if stall is not None:
        length = (int(stall["t_end_ns"]) - int(stall["t_begin_ns"])) / NSEC_PER_MSEC
        text = f"in its stall of {length:.3f} ms"
        if int(stall["priority"]) >= 0:
            text += f", which got down to priority {int(stall['priority'])}"
        parts.append(text)
    task = int(request["task"])
    known = result.tasks[task] if 0 <= task < len(result.tasks) else {}
    if known.get("memcg") and known["memcg"] != "root":
        parts.append(f"by a task of {known['memcg']}")
    return "; ".join([*parts, *_files(result, request)])


def _files(result: Result, request: Any) -> list[str]:
    """Which pages of which files it carried, or which part of the swap area.

    Blocks that no file has are indirect blocks, bitmaps, directories.
    """
    if int(request["meta"]) == 1 or not len(result.extents):
        return []
    block, nr = (int(request[name]) // SECTORS_PER_PAGE for name in ("sector", "nr_sectors"))
    parts = extents_of(result.extents, block, nr)
    named = [_file(result, part) for part in parts[:FILES_MAX]]
    own = nr - int(parts["nr"].sum())
    more = [f"{len(parts) - FILES_MAX} other parts"] if len(parts) > FILES_MAX else []
    blocks = "1 block" if own == 1 else f"{own} blocks"
    return [*named, *more, *([f"{blocks} of the file system itself"] if own else [])]


def _file(result: Result, part: Any) -> str:
    first, nr, memcg = (int(part[name]) for name in ("index", "nr", "memcg"))
    which = f"{first}" if nr == 1 else f"{first} to {first + nr - 1}"
    if int(part["inode"]) == SWAP:
        return f"{'slot' if nr == 1 else 'slots'} {which} of the swap area"
    names = result.meta.get("memcgs", ())
    owner = f", a file of a task of {names[memcg]}" if 0 < memcg < len(names) else ""
    return f"{'page' if nr == 1 else 'pages'} {which} of inode {int(part['inode'])}{owner}"


def _before(result: Result, request: Any) -> list[Step]:
    """A sleep for a free request just before it was queued."""
    queued = int(request["t_queue_ns"])
    if queued < 0 or not result.has("sleeps"):
        return []
    sleeps = result.sleeps
    since = queued - sleeps["t_end_ns"]
    own = (sleeps["task"] == request["task"]) & (since >= 0) & (since <= _AT_ONCE_NS)
    rows = np.flatnonzero(own & (sleeps["cause"] == SleepCause.GET_REQUEST))
    if not len(rows):
        return []
    slept = sleeps[rows[-1]]
    begin, end = int(slept["t_begin_ns"]), int(slept["t_end_ns"])
    text = f"{_issuer(result, request)} slept for a free request (get_request_wait)"
    return [Step((begin - queued) / NSEC_PER_MSEC, (end - begin) / NSEC_PER_MSEC, text)]


def _way(result: Result, row: int) -> list[Step]:
    """Queued, merged, dispatched, done."""
    request = result.io[row]
    queued, issued, done = (int(request[f"t_{name}_ns"]) for name in ("queue", "issue", "done"))
    begin = queued if queued >= 0 else done
    steps = []
    if queued >= 0:
        end = issued if issued >= 0 else done
        text = f"queued; {_merges(request)}"
        text += _writepages(result, request, queued, end)
        steps.append(Step(0.0, (end - queued) / NSEC_PER_MSEC, text + _overtaken(result, row, end)))
    if issued >= 0:
        text = f"given to the disk; {_seek(result, row)}"
        at = (issued - begin) / NSEC_PER_MSEC
        steps.append(Step(at, (done - issued) / NSEC_PER_MSEC, text))
    text = "done"
    if result.meta.get("scenario"):  # recorded logs do not count them
        text += f", {int(request['queue_depth'])} requests were still in the queue"
    steps.append(Step((done - begin) / NSEC_PER_MSEC, 0.0, text))
    return steps


def _merges(request: Any) -> str:
    pages = int(request["nr_sectors"]) // SECTORS_PER_PAGE
    if int(request["meta"]) == 1:
        return f"{pages} blocks of the file system itself, no page of a file"
    words = "1 page" if pages == 1 else f"{pages} pages"
    if int(request["write"]) == 1 and pages > 1:
        words += f", each a bio of its own: {pages - 1} were merged into it"
    return words


def _writepages(result: Result, request: Any, begin: int, end: int) -> str:
    if not result.has("trace") or int(request["issuer"]) not in set(_RECLAIM):
        return ""
    trace = result.trace
    inside = (trace["t_ns"] >= begin) & (trace["t_ns"] <= end)
    mine = inside & (trace["task"] == request["task"]) & (trace["event"] == EV_WRITEPAGE)
    given = int(mine.sum())
    return f"; meanwhile its task gave {given} pages to ->writepage" if given else ""


def _overtaken(result: Result, row: int, end: int) -> str:
    """How many others the disk ended while this one was queued, by issuer."""
    io = result.io
    meanwhile = (io["t_done_ns"] > io["t_queue_ns"][row]) & (io["t_done_ns"] <= end)
    codes = Counter(io["issuer"][meanwhile & (np.arange(len(io)) != row)].tolist())
    if not codes:
        return ""
    names = [f"{n} of {_code_name(code)}" for code, n in codes.most_common()]
    return f"; the disk ended {sum(codes.values())} other requests ({', '.join(names)})"


def _code_name(code: int) -> str:
    return Issuer(code).name.lower().replace("_", " ") if code in set(Issuer) else "unknown"


def _seek(result: Result, row: int) -> str:
    """How far from the end of the transfer before, on a disk with one arm."""
    model = str((result.meta.get("disk") or {}).get("model", ""))
    if not model.startswith(_ONE_ARM):
        return "no arm has to move" if model else "what disk it is was not recorded"
    before, _ = neighbours(result, row)
    if before is None:
        return "the first request that it ended"
    last, request = result.io[before], result.io[row]
    gap = int(request["sector"]) - int(last["sector"]) - int(last["nr_sectors"])
    far = f"{abs(gap) * SECTOR_SIZE / 2**20:,.3f} MiB {'forward' if gap > 0 else 'back'}"
    if gap == 0:
        far = "0 MiB: it goes on where the request before ended"
    moved = {1: "the head had to move", 0: "no seek"}.get(int(request["positioned"]), "")
    return f"{moved}, {far}" if moved else far


def _waiters(result: Result, row: int) -> list[Step]:
    """Who slept until it was done."""
    if not result.has("sleeps"):
        return []
    request, sleeps = result.io[row], result.sleeps
    done = int(request["t_done_ns"])
    after = sleeps["t_end_ns"] - done
    near = (after >= 0) & (after <= softirq_ns_max(int(request["nr_sectors"])))
    begin = int(request["t_queue_ns"]) if int(request["t_queue_ns"]) >= 0 else done
    return [
        Step(
            (int(sleep["t_end_ns"]) - begin) / NSEC_PER_MSEC,
            0.0,
            f"woke {task_name(result, int(sleep['task']))}, which had slept "
            f"{(int(sleep['t_end_ns']) - int(sleep['t_begin_ns'])) / NSEC_PER_MSEC:.3f} ms for "
            f"{wait_name(sleep)}",
        )
        for sleep in sleeps[near]
        if ended_by(result, sleep) == row
    ]


def _outcome(request: Any, waiters: int | None) -> str:
    queued, issued, done = (int(request[f"t_{name}_ns"]) for name in ("queue", "issue", "done"))
    parts = []
    if queued >= 0 and issued >= 0:
        parts.append(f"{(issued - queued) / NSEC_PER_MSEC:.3f} ms queued")
    if issued >= 0:
        parts.append(f"{(done - issued) / NSEC_PER_MSEC:.3f} ms at the disk")
    if waiters is not None:
        parts.append({0: "nobody waited for it", 1: "1 task waited for it"}.get(
            waiters, f"{waiters} tasks waited for it"))  # fmt: skip
    return ", ".join(parts)


def _stall(result: Result, request: Any) -> Any | None:
    """The stall that its task was in when it queued the request."""
    queued = int(request["t_queue_ns"])
    if queued < 0 or not result.has("stalls"):
        return None
    stalls = result.stalls
    rows = np.flatnonzero(
        (stalls["task"] == request["task"])
        & (stalls["t_begin_ns"] <= queued) & (stalls["t_end_ns"] >= queued)
    )  # fmt: skip
    return stalls[rows[-1]] if len(rows) else None


def _missing(result: Result, request: Any, stall: Any | None) -> tuple[str, ...]:
    if int(request["meta"]) == 1:
        found = []
    elif len(result.extents):
        found = ["whom each of its pages is charged to"]
    else:
        found = ["its file, inode and the owners of its pages: the request log has sectors"]
    if int(request["nr_sectors"]) > SECTORS_PER_PAGE and int(request["write"]) == 1:
        found.append("when each page was merged into it")
    code = int(request["issuer"])
    if code in _RECLAIM and stall is None:
        found.append("the priority that reclaim was at")
    if code in _FLUSHERS:
        found.append("which work the flusher was at: background, periodic or asked for")
    if int(request["t_queue_ns"]) < 0:
        found.append("when it was queued")
    words = {"sleeps": "who waited for it", "stalls": "what its task was stalled in"}
    return (
        *found,
        *(f"{what}: {result.families[name]}" for name, what in words.items()
          if not result.has(name)),
    )  # fmt: skip
