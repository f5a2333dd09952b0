"""Lines of ftrace text: who, where, when, which event. One pass, no regular expression a line.

Both forms are read: 2.6.36 has no column of irq flags, 3.0 and later have one::

    wl-52    [000]    11.034246: mm_vmscan_direct_reclaim_begin: order=0 may_writepage=1 ...
    wl-401   [001] d..1.    21.076855: mm_vmscan_lru_isolate: isolate_mode=0 classzone=4 ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sim.traces.errors import BadLine, Problems
from sim.traces.source import Source
from sim.units import NSEC_PER_SEC

Handler = Callable[[int, int, int, bytes], None]
"""Called with (t_ns, cpu, task number, text behind the event's name)."""

MAX_STEP_BACK_NS = NSEC_PER_SEC
MAX_STEP_AHEAD_NS = 3600 * NSEC_PER_SEC
MAX_TASKS = 32_000
MAX_CPU = 32_000
MAX_INT = 1 << 44
"""Numbers of an event are smaller, so that sums of them fit."""
MAX_SLEEP_NS = 3600 * NSEC_PER_SEC
MAX_SECONDS_DIGITS = 9


class TaskTable:
    """Tasks by the ``comm-pid`` of their lines, numbered in order of appearance."""

    def __init__(self) -> None:
        self.comms: list[str] = []
        self.pids: list[int] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, key: bytes) -> int:
        """Task number of the text before the CPU column."""
        found = self._numbers.get(key)
        return self._add(key) if found is None else found

    def _add(self, key: bytes) -> int:
        text = key.strip()
        if text.endswith(b")"):  # the tgid column, when it is switched on
            text = text[: text.rindex(b"(")].rstrip()
        comm, dash, pid = text.rpartition(b"-")
        if not dash or not comm or len(pid) > 9:
            raise BadLine(f"no task in {text[:40].decode('ascii', 'replace')!r}")
        if len(self.comms) >= MAX_TASKS:
            raise BadLine(f"more than {MAX_TASKS} tasks")
        found = len(self.comms)
        self.pids.append(int(pid))
        self.comms.append(comm.decode("ascii", "replace"))
        self._numbers[key] = found
        return found


def fields(args: bytes) -> dict[bytes, bytes]:
    """``a=1 b=2`` as a table."""
    words = args.replace(b"=", b" ").split()
    if len(words) == 2 * args.count(b"="):  # nothing but pairs: half the time
        return dict(zip(words[::2], words[1::2], strict=True))
    return {key: value for key, _, value in (word.partition(b"=") for word in args.split())}


def number(text: bytes) -> int:
    """A decimal or 0x number that fits an array.

    Raises:
        ValueError: it is none, or too large.
    """
    value = int(text, 16) if text.startswith(b"0x") else int(text)
    if not -MAX_INT < value < MAX_INT:
        raise BadLine(f"{text[:40].decode('ascii', 'replace')} is out of range")
    return value


def sleep_ns(text: bytes, unit_ns: int) -> int:
    """A length of time, at least 0.

    Raises:
        ValueError: it is no number, or longer than an hour.
    """
    value = max(number(text), 0) * unit_ns
    if value > MAX_SLEEP_NS:
        raise BadLine(f"{value // NSEC_PER_SEC} s of sleep is out of range")
    return value


def numbers(table: dict[bytes, bytes], names: tuple[bytes, ...]) -> list[int]:
    """The decimal numbers of some fields.

    Raises:
        KeyError: a field is missing.
        ValueError: one is no number, or too large.
    """
    values = [int(table[name]) for name in names]
    if max(values) >= MAX_INT or min(values) <= -MAX_INT:
        raise BadLine("a number is out of range")
    return values


class FtraceReader:
    """Walks a trace and calls the handler of each event's name."""

    def __init__(self, handlers: dict[bytes, Handler], problems: Problems) -> None:
        self.handlers = handlers
        self.problems = problems
        self.tasks = TaskTable()
        self.events: Counter[bytes] = Counter()
        self.lost_events = 0
        self.first_ns = -1
        self.last_ns = -1
        self._good = 0

    def read(self, source: Source) -> None:
        """Read to the end, or as far as the file goes.

        Raises:
            TraceError: no line, or less than half of them, is an event.
        """
        for lines in source.blocks():
            base = source.line + 1
            for offset, line in enumerate(lines):
                if line[:1] == b"#" or not line or line.isspace():
                    continue
                try:
                    self._line(line)
                except (ValueError, KeyError, IndexError) as error:
                    self._bad_line(base + offset, line, error)
        if source.problem:
            self.problems.add(0, f"{source.problem}; kept the first {self._good} events")
        if self._good <= self.problems.count:
            raise self.problems.error("holds no trace event")

    def _line(self, line: bytes) -> None:
        bracket = line.index(b" [")
        close = line.index(b"]", bracket)
        colon = line.index(b": ", close)
        head = line[close + 1 : colon]
        seconds, _, fraction = head[head.rfind(b" ") + 1 :].partition(b".")
        # Digits behind the point: 6 in text, 9 from trace-cmd.
        if len(seconds) > MAX_SECONDS_DIGITS or len(fraction) > 9:
            raise BadLine("no time of a trace")
        t_ns = int(seconds) * NSEC_PER_SEC + int(fraction) * 10 ** (9 - len(fraction))
        task = self.tasks.number(line[:bracket])
        cpu = int(line[bracket + 2 : close])
        if not 0 <= cpu <= MAX_CPU:
            raise BadLine(f"there is no CPU {str(cpu)[:20]}")
        end = line.index(b":", colon + 2)
        name = line[colon + 2 : end].lstrip()
        self._in_order(t_ns)
        handler = self.handlers.get(name)
        if handler is not None:
            handler(t_ns, cpu, task, line[end + 1 :])
        elif not name.isascii() or not name.replace(b"_", b"").isalnum():
            raise BadLine("no event name")
        self.events[name] += 1
        self._good += 1

    def _in_order(self, t_ns: int) -> None:
        if t_ns < 0:
            raise BadLine("no time of a trace")
        if self.first_ns < 0:
            self.first_ns = self.last_ns = t_ns
        step = t_ns - self.last_ns
        if not -MAX_STEP_BACK_NS <= step <= MAX_STEP_AHEAD_NS:
            raise BadLine(f"the time jumps by {step / NSEC_PER_SEC:.6g} s")
        self.last_ns = max(self.last_ns, t_ns)

    def _bad_line(self, number: int, line: bytes, error: Exception) -> None:
        if b"LOST" in line and b"EVENTS" in line:
            words = [word for word in line.replace(b"[", b" ").split() if word.isdigit()]
            self.lost_events += int(words[-1][:9]) if words else 1
            return
        if b"buffer started" in line:
            return
        if isinstance(error, KeyError):
            message = f"no field {error.args[0].decode('ascii', 'replace')}"
        elif isinstance(error, BadLine):
            message = str(error)
        else:
            shown = line[:60].decode("ascii", "replace")
            message = f"not a line of an ftrace text: {shown!r}"
        self.problems.add(number, message)
