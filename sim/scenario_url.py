"""A Scenario as a link and back: the one codec of page, HTTP and CLI.

``v=1&seed=7&p=p5.p6&m=g1.64~g2.128``: readable keys in table order, only what differs from the
defaults that version 1 froze, ``v`` and ``seed`` always. Equal scenarios have equal links.
Characters: ``A-Za-z0-9._~-`` and ``&=``. Reading never raises: whatever a link says, there is a
scenario and a list of what was ignored or clamped.

Grammar of the lists (``~`` between items, ``.`` between fields):

* ``m=`` name, limit in MiB, then ``s`` soft limit in MiB and ``p-`` the container above it:
  ``box.64~web.32.s16.p-box``; ``g.x200.64`` is g1..g200 of 64 MiB each;
* ``w=`` kind, memcg, then letter and number: ``r`` KiB/s, ``f`` file MiB, ``n`` threads,
  ``b`` block KiB, ``c`` consecutive pages, ``t`` think us, ``s`` number of a shared file;
  ``seqw.g.x200`` is one group in each of g1..g200, ``seqw.root.x3`` three groups in the root;
* ``mix=`` rate in KiB/s, memcg, then kind and share: ``81920.root.seqw50.anon0``; ``mix=0`` is
  no mix;
* ``i=`` ms, what, whose, value: ``20000.patch.p6.on~30000.limit.g1.32~40000.stall.disk.2000``.

A comparison keeps A's keys plain; B to D are differences from A: ``b.p=p5.p6&c.disk=rec-6.1``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from sim.scenario import (
    EXCLUSIVE_ANSWERS,
    EXCLUSIVE_PATCHES,
    WHOLE_KERNELS,
    MemcgAnswer,
    Patch,
    Problem,
    Scenario,
    ScenarioError,
    Tracepoints,
    enum_of,
)
from sim.scenario_url_items import (
    Note,
    decode_memcgs,
    decode_mix,
    decode_workloads,
    encode_memcgs,
    encode_mix,
    encode_workloads,
    integer,
)
from sim.scenario_url_timeline import decode_interventions, encode_interventions, placed

VERSION = 1
MAX_WRITTEN = 2000
"""Characters of a link we write: what every browser and mail program passes on."""
MAX_READ = 4096
MAX_PROBLEMS = 20
MAX_VARIANTS = 4

DEFAULTS: dict[int, Scenario] = {
    # Frozen: a link stores differences from these. A new default means version 2 and a ladder
    # step; a new field joins with the value that keeps old links what they were.
    1: Scenario.from_dict(
        {
            "seed": 1, "duration_ms": 60000, "sample_interval_ms": 100, "kernel": "2.6.35",
            "patches": [], "tracepoints": ["p1", "p2", "p3", "p4"], "memcg_answers": [],
            "memory": {
                "ram_mib": 1024, "kernel_mib": 48, "kernel_scattered_mib": 0,
                "dma_free_pages": 0, "dma32_free_pages": 0, "dma_present_pages": 0,
                "dma32_present_pages": 0, "swap_mib": 512,
            },
            "cpu": {"nr_cpus": 2, "mips": 4000, "hz": 250, "quantum_us": 50},
            "vm": {
                "dirty_ratio": 20, "dirty_background_ratio": 10, "dirty_expire_centisecs": 3000,
                "dirty_writeback_centisecs": 500, "swappiness": 60, "min_free_kbytes": 0,
            },
            "block": {
                "elevator": "cfq", "nr_requests": 128, "max_sectors_kb": 512, "read_ahead_kb": 128,
            },
            "disk": {"model": "hdd-7200", "capacity_mb": 0, "transfer_kb_per_s": 0},
            "fs": {"kind": "ext3", "commit_interval_ms": 5000, "extent_kib": 4096},
            "stack": {
                "thread_size_kib": 8, "frames": "2.6.36", "writepage": "ext3", "storage_bytes": 0,
            },
            "memcgs": [],
            "mix": {
                "rate_kib_per_s": 81920, "memcg": "root", "seqw": 40, "randw": 5, "seqr": 25,
                "randr": 0, "mmap": 5, "small": 5, "anon": 20,
            },
            "workloads": [],
            "interventions": [],
        }
    )
}  # fmt: skip
RESERVED_KEYS = frozenset({"format", "width", "height", "scale", "theme", "from", "hide", "field"})
"""Keys of the HTTP endpoints that may stand in the same query."""
INPUT_KEYS = ("file", "rec")
"""Keys that name an input from outside: such a link never opens as a default run."""
VARIANT_PREFIXES = ("b", "c", "d")


class _Notes(list[Problem]):
    """Problems found so far, at most ``MAX_PROBLEMS`` and a count of the rest."""

    more = 0

    def __call__(self, path: str, value: str, message: str, limit: str = "") -> None:
        if len(self) < MAX_PROBLEMS:
            self.append(Problem(path, value[:80], message, limit))
        else:
            self.more += 1

    def done(self) -> list[Problem]:
        more = [Problem("link", str(self.more), "further problems, not listed")]
        return [*self, *(more if self.more else [])]


@dataclass(frozen=True, slots=True)
class Row:
    """One key of a link: the Scenario field it carries, and both directions."""

    key: str
    path: str
    encode: Callable[[Any], str]
    decode: Callable[[str, Any, Note], Any]
    """(text, value to keep when the text is unusable, note) to value."""


def _int_row(key: str, path: str, spec: type, name: str) -> Row:
    return Row(key, path, str, lambda t, keep, note: integer(t, spec, name, path, keep, note))


def _enum_row(key: str, path: str, kind: type[StrEnum]) -> Row:
    def decode(text: str, keep: StrEnum, note: Note) -> StrEnum:
        if text not in {str(k) for k in kind}:
            choices = ", ".join(str(k) for k in kind)
            note(path, text, f"is none of {choices}; {keep} is used")
            return keep
        return kind(text)

    return Row(key, path, str, decode)


def _set_row(key: str, path: str, kind: type[StrEnum], exclusive: Sequence[Any] = ()) -> Row:
    def decode(text: str, _keep: Any, note: Note) -> frozenset[StrEnum]:
        known = {str(k): k for k in kind}
        chosen: list[StrEnum] = []
        for word in text.split(".") if text else ():
            if word in known:
                chosen.append(known[word])
            else:
                note(path, word, f"is none of {', '.join(known)}; ignored")
        for a, b, why in exclusive:
            if a in chosen and b in chosen:
                note(path, f"{a}.{b}", f"exclude each other ({why}); {b} is ignored")
                chosen = [c for c in chosen if c != b]
        return frozenset(chosen)

    return Row(key, path, lambda value: ".".join(sorted(value)), decode)


def _nested_rows(section: str, keys: dict[str, str]) -> list[Row]:
    spec = type(getattr(DEFAULTS[VERSION], section))
    rows = []
    for key, name in keys.items():
        kind = enum_of(spec, name)
        path = f"{section}.{name}"
        rows.append(_enum_row(key, path, kind) if kind else _int_row(key, path, spec, name))
    return rows


def _kernel_row() -> Row:
    kind = enum_of(Scenario, "kernel")
    assert kind is not None
    return _enum_row("kernel", "kernel", kind)


TABLE: tuple[Row, ...] = (
    _int_row("seed", "seed", Scenario, "seed"),
    _set_row("p", "patches", Patch, EXCLUSIVE_PATCHES),
    _set_row("a", "memcg_answers", MemcgAnswer, EXCLUSIVE_ANSWERS),
    _set_row("tp", "tracepoints", Tracepoints),
    _kernel_row(),
    _int_row("dur", "duration_ms", Scenario, "duration_ms"),
    _int_row("sample", "sample_interval_ms", Scenario, "sample_interval_ms"),
    *_nested_rows(
        "memory",
        {
            "ram": "ram_mib",
            "swap": "swap_mib",
            "kmem": "kernel_mib",
            "kscatter": "kernel_scattered_mib",
            "dma": "dma_present_pages",
            "dma32": "dma32_present_pages",
            "dmafree": "dma_free_pages",
            "dma32free": "dma32_free_pages",
        },
    ),
    *_nested_rows("cpu", {"cpus": "nr_cpus", "mips": "mips", "hz": "hz", "quantum": "quantum_us"}),
    *_nested_rows(
        "vm",
        {
            "dr": "dirty_ratio",
            "dbr": "dirty_background_ratio",
            "expire": "dirty_expire_centisecs",
            "wb": "dirty_writeback_centisecs",
            "swappiness": "swappiness",
            "minfree": "min_free_kbytes",
        },
    ),
    *_nested_rows(
        "block",
        {"elv": "elevator", "nr": "nr_requests", "maxkb": "max_sectors_kb", "ra": "read_ahead_kb"},
    ),
    *_nested_rows(
        "disk", {"disk": "model", "diskmb": "capacity_mb", "diskkbs": "transfer_kb_per_s"}
    ),
    *_nested_rows("fs", {"fs": "kind", "commit": "commit_interval_ms", "extent": "extent_kib"}),
    *_nested_rows(
        "stack",
        {
            "thread": "thread_size_kib",
            "frames": "frames",
            "below": "writepage",
            "storage": "storage_bytes",
        },
    ),
    Row("m", "memcgs", encode_memcgs, decode_memcgs),
    Row("mix", "mix", encode_mix, decode_mix),
    Row("w", "workloads", encode_workloads, decode_workloads),
    Row("i", "interventions", encode_interventions, decode_interventions),
)
"""Every key after ``v``, in the order in which links have them."""
ROWS: dict[str, Row] = {row.key: row for row in TABLE}


def value_at(scenario: Scenario, path: str) -> Any:
    """The field of a Scenario at a dotted path."""
    value: Any = scenario
    for name in path.split("."):
        value = getattr(value, name)
    return value


def encode(scenario: Scenario) -> str:
    """The canonical link, without ``?``.

    Raises:
        ScenarioError: it would be longer than ``MAX_WRITTEN``: such a scenario travels as a file.
    """
    pairs = [f"v={VERSION}"]
    default = DEFAULTS[VERSION]
    for row in TABLE:
        value = value_at(scenario, row.path)
        if row.key == "seed" or value != value_at(default, row.path):
            pairs.append(f"{row.key}={row.encode(value)}")
    return _fitting("&".join(pairs))


def encode_comparison(scenarios: Sequence[Scenario]) -> str:
    """One link for A and up to three others, written as their differences from A.

    Raises:
        ScenarioError: longer than ``MAX_WRITTEN``, or more than ``MAX_VARIANTS`` scenarios.
    """
    if not 1 <= len(scenarios) <= MAX_VARIANTS:
        problem = Problem("link", str(len(scenarios)), f"compares 1 to {MAX_VARIANTS} scenarios")
        raise ScenarioError(problem)
    first = scenarios[0]
    pairs = [encode(first)]
    for prefix, other in zip(VARIANT_PREFIXES, scenarios[1:], strict=False):
        changed = [
            f"{prefix}.{row.key}={row.encode(value_at(other, row.path))}"
            for row in TABLE
            if value_at(other, row.path) != value_at(first, row.path)
        ]
        pairs += changed or [f"{prefix}="]
    return _fitting("&".join(pairs))


def _fitting(link: str) -> str:
    if len(link) > MAX_WRITTEN:
        raise ScenarioError(
            Problem(
                "link", str(len(link)),
                f"is longer than {MAX_WRITTEN} characters; save the scenario as a file instead",
                str(MAX_WRITTEN),
            )
        )  # fmt: skip
    return link


def query_of(link: str) -> str:
    """The query of a full URL, of a ``?query`` or of a bare query; the fragment is the view's."""
    text = link.strip().split("#", 1)[0]
    return text.split("?", 1)[1] if "?" in text else text


def _pairs(link: str, note: Note) -> list[tuple[str, str]]:
    query = query_of(link)
    if len(query) > MAX_READ:
        note("link", f"{len(query)} characters", "is too long; the end is ignored", str(MAX_READ))
        query = query[:MAX_READ].rpartition("&")[0]
    pairs = []
    for part in query.split("&"):
        key, _, value = part.partition("=")
        # A mail archive that escaped the link for HTML leaves "&amp;".
        key = unquote(key).removeprefix("amp;")
        if key:
            pairs.append((key, unquote(value)))
    return pairs


def _is_foreign(key: str) -> bool:
    """Whether a key belongs to the view or an endpoint, not to the scenario."""
    return key in RESERVED_KEYS or key.startswith("view.")


def _check_version(pairs: list[tuple[str, str]], note: Note) -> None:
    versions = [value for key, value in pairs if key == "v"]
    if versions and versions[0] != str(VERSION):
        note("v", versions[0], f"is a version this program does not know; read as {VERSION}")


def _apply(base: Scenario, pairs: Iterable[tuple[str, str]], note: Note) -> Scenario:
    values: dict[str, Any] = {}
    for key, text in pairs:
        row = ROWS.get(key)
        if key in INPUT_KEYS:
            note(key, text, "needs an input from outside; nothing runs until it is given")
        elif row is None:
            note(key, text, "is an unknown key; ignored")
        elif row.path in values:
            note(row.path, text, "is given twice; the first holds")
        else:
            values[row.path] = row.decode(text, value_at(base, row.path), note)
    sections: dict[str, dict[str, Any]] = {}
    top: dict[str, Any] = {}
    for path, value in values.items():
        section, _, name = path.partition(".")
        if name:
            sections.setdefault(section, {})[name] = value
        else:
            top[path] = value
    for section, changed in sections.items():
        top[section] = dataclasses.replace(getattr(base, section), **changed)
    return _place(dataclasses.replace(base, **top), note)


def _place(scenario: Scenario, note: Note) -> Scenario:
    """Move what names a missing memcg to the root; leave out what can never happen."""
    names = {"root", *(g.name for g in scenario.memcgs)}
    mix, workloads = scenario.mix, list(scenario.workloads)
    if mix.memcg not in names:
        note("mix.memcg", mix.memcg, "is no memcg of this scenario; root is used")
        mix = dataclasses.replace(mix, memcg="root")
    for i, w in enumerate(workloads):
        if w.memcg not in names:
            note(f"workloads.{i}.memcg", w.memcg, "is no memcg of this scenario; root is used")
            workloads[i] = dataclasses.replace(w, memcg="root")
    scenario = dataclasses.replace(scenario, mix=mix, workloads=tuple(workloads))
    if scenario.kernel in WHOLE_KERNELS:
        for name, chosen in (
            ("patches", scenario.patches),
            ("memcg_answers", scenario.memcg_answers),
        ):
            if chosen:
                note(name, ".".join(sorted(chosen)), f"do not apply to {scenario.kernel}; ignored")
        scenario = dataclasses.replace(scenario, patches=frozenset(), memcg_answers=frozenset())
    return placed(scenario, note)


def decode(link: str) -> tuple[Scenario, list[Problem]]:
    """The scenario of a link, and what was ignored or clamped. Never raises.

    The scenario is within every range. It may still ask for more than one run is allowed
    (``Scenario.validate``): that is for whoever starts it to refuse.
    """
    notes = _Notes()
    pairs = _pairs(link, notes)
    _check_version(pairs, notes)
    variants = tuple(f"{p}." for p in VARIANT_PREFIXES)
    plain = [
        (key, value)
        for key, value in pairs
        if key != "v"
        and not _is_foreign(key)
        and not key.startswith(variants)
        and key not in VARIANT_PREFIXES
    ]
    return _apply(DEFAULTS[VERSION], plain, notes), notes.done()


def decode_comparison(link: str) -> list[tuple[Scenario, list[Problem]]]:
    """A and the scenarios that its link compares it with, each with its own problems."""
    first, problems = decode(link)
    compared = [(first, problems)]
    pairs = _pairs(link, _Notes())
    for prefix in VARIANT_PREFIXES:
        mine = [(k[2:], v) for k, v in pairs if k.startswith(f"{prefix}.")]
        if mine or any(k == prefix for k, _ in pairs):
            notes = _Notes()
            compared.append((_apply(first, mine, notes), notes.done()))
    return compared
