"""fio job files as scenarios: the keys that say something this model knows, and no guess at others.

Known keys: ``rw`` (read, write, randread, randwrite), ``bs``, ``size``, ``numjobs``, ``rate``,
``thinktime``, ``fsync`` (0, or 1 with rw=write), ``runtime``, ``ioengine`` (sync, psync, mmap) and
``direct=0``. ``NEUTRAL`` keys change no IO here. Any other key or value is named and refuses the
file: a job that does something else than it says is worse than none.

Each job is one task group of the scenario, each of its ``numjobs`` tasks with a file of its own, as
fio has it without ``filename``. Format and meaning: fio's HOWTO, "Job file format".
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping

from sim.scenario import MixSpec, Problem, Scenario, WorkloadKind, WorkloadSpec

NEUTRAL = frozenset({"name", "description", "directory", "group_reporting", "time_based"})
ALIASES = {
    "readwrite": "rw", "blocksize": "bs", "filesize": "size", "thinktime_us": "thinktime",
}  # fmt: skip
KNOWN = (
    "rw", "bs", "size", "numjobs", "rate", "thinktime", "fsync", "runtime", "ioengine", "direct",
)  # fmt: skip
_WRITTEN = {
    "read": WorkloadKind.SEQ_READER,
    "write": WorkloadKind.SEQ_WRITER,
    "randread": WorkloadKind.RAND_READER,
    "randwrite": WorkloadKind.RAND_WRITER,
}
_MAPPED = {"read": WorkloadKind.MAP_READER, "randwrite": WorkloadKind.MMAP_DIRTIER}
_SIZE = re.compile(r"([0-9]{1,15})(k|m|g|t)?(i?b)?", re.IGNORECASE)
_TIME = re.compile(r"([0-9]{1,9})(us|ms|s|m|h)?", re.IGNORECASE)
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
MIB = 1 << 20


class _Job:
    """One section: its keys, and what is wrong with them."""

    def __init__(
        self,
        name: str,
        keys: Mapping[str, str | None],
        lines: Mapping[tuple[str, str], int],
        problems: list[Problem],
    ) -> None:
        self.name = name
        self._problems = problems
        self._lines = lines
        self._keys: dict[str, str] = {}
        for key, value in keys.items():
            known = ALIASES.get(key, key)
            if known in KNOWN:
                self._keys[known] = (value or "").strip()
            elif key not in NEUTRAL:
                self.wrong(key, value or "", f"is not a key that is known; known: {_list(KNOWN)}")

    def wrong(self, key: str, value: str, message: str) -> None:
        """Name a key of the job, and the line that says it."""
        names = [key, *(alias for alias, known in ALIASES.items() if known == key)]
        places = [self._lines.get((part, n), 0) for part in (self.name, "global") for n in names]
        line = next((place for place in places if place), 0)
        at = f"line {line}: " if line else ""
        self._problems.append(Problem(f"[{self.name}] {key}", value, f"{at}{message}"))

    def word(self, key: str, default: str, known: tuple[str, ...]) -> str:
        """One of some words; the first of them when it is none."""
        value = self._keys.get(key, default).lower()
        if value in known:
            return value
        self.wrong(key, value, f"is none of {_list(known)}")
        return known[0]

    def number(self, key: str, default: int) -> int:
        """A plain number."""
        value = self._keys.get(key, str(default))
        if value.isascii() and value.isdigit() and len(value) < 10:
            return int(value)
        self.wrong(key, value, "is not a whole number")
        return default

    def size(self, key: str, default: int, unit: int) -> int:
        """Bytes with fio's suffixes (1k = 1024), in units, rounded up."""
        value = self._keys.get(key, str(default))
        match = _SIZE.fullmatch(value)
        if match is None:
            self.wrong(key, value, "is not a size, as 64k or 1g")
            return -(-default // unit)
        return -(-int(match[1]) * _FACTOR[(match[2] or "").lower()] // unit)

    def runtime_s(self) -> int:
        """Seconds, 0 when there is none."""
        match = _TIME.fullmatch(self._keys.get("runtime", "0"))
        factor = _SECONDS.get((match[2] or "").lower()) if match else None
        if match is None or factor is None:
            self.wrong("runtime", self._keys["runtime"], "is not a time in s, m or h")
            return 0
        return int(match[1]) * factor

    def kind(self) -> WorkloadKind:
        """What its tasks do."""
        engine = self.word("ioengine", "psync", ("psync", "sync", "mmap"))
        rw = self.word("rw", "read", tuple(_WRITTEN))
        self.word("direct", "0", ("0",))
        fsync = self.word("fsync", "0", ("0", "1"))
        kind = _WRITTEN[rw]
        if engine == "mmap":
            if rw not in _MAPPED:
                self.wrong("rw", rw, f"with ioengine=mmap: known are {_list(tuple(_MAPPED))}")
            kind = _MAPPED.get(rw, kind)
        if fsync == "0":
            return kind
        if kind is not WorkloadKind.SEQ_WRITER:
            self.wrong("fsync", fsync, "is known for rw=write through write(2) only")
        return WorkloadKind.FSYNC_WRITER

    def group(self) -> WorkloadSpec:
        """The job as a task group."""
        kind, tasks = self.kind(), self.number("numjobs", 1)
        block_kib = self.size("bs", 4096, 1024)
        if block_kib % 4:
            self.wrong("bs", self._keys["bs"], "is not a multiple of the page size, 4k")
        return WorkloadSpec(
            kind=kind,
            rate_kib_per_s=self.size("rate", 0, 1024) * tasks,
            file_mib=self.size("size", 256 * MIB, MIB),
            threads=tasks,
            block_kib=block_kib,
            run_pages=max(block_kib // 4, 1) if kind is WorkloadKind.MMAP_DIRTIER else 1,
            think_us=self.number("thinktime", 0),
        )


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def read_fio(text: str) -> tuple[Scenario, list[Problem]]:
    """The scenario of a job file, and everything in it that refuses it.

    Without problems the scenario may still be past a range: ``Scenario.validate`` says so.
    """
    problems: list[Problem] = []
    parser = configparser.ConfigParser(
        allow_no_value=True, delimiters=("=",), interpolation=None, strict=False,
        comment_prefixes=("#", ";"), default_section="global",
    )  # fmt: skip
    try:
        parser.read_string(text)
    except configparser.Error as error:
        first = str(error).splitlines()[0]
        return Scenario(), [Problem("fio", first[:80], "cannot be read as a job file")]
    lines = _lines(text)
    jobs = [_Job(name, parser[name], lines, problems) for name in parser.sections()]
    groups = tuple(job.group() for job in jobs)
    runtime_s = max((job.runtime_s() for job in jobs), default=0)
    if not jobs:
        problems.append(Problem("fio", "", "has no job: a section [name] with its keys"))
    scenario = Scenario(mix=MixSpec(rate_kib_per_s=0), workloads=groups)
    if runtime_s:
        scenario = Scenario(
            mix=MixSpec(rate_kib_per_s=0), workloads=groups, duration_ms=runtime_s * 1000
        )
    return scenario, _once(problems)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """(section, key) to the last line that sets it, from 1."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("[") and "]" in stripped:
            section = stripped[1 : stripped.rindex("]")]
        elif stripped and stripped[0] not in "#;":
            found[section, stripped.partition("=")[0].strip().lower()] = number
    return found


def _once(problems: list[Problem]) -> list[Problem]:
    """A key of [global] is wrong in every job; one naming is enough."""
    seen: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        key = problem.field.partition("] ")[2] or problem.field
        seen.setdefault((key, problem.value, problem.message), problem)
    return list(seen.values())
