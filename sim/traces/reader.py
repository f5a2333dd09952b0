"""One entry for every recording: a path in, a Result out, formats told apart by their content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sim.result import Result
from sim.traces import linux_2_6_36, linux_6_1
from sim.traces.blklog import read_blklog
from sim.traces.errors import TraceError
from sim.traces.ftrace import read_ftrace
from sim.traces.series import read_samp, read_series
from sim.traces.source import MAX_BYTES, Source

_BY_FIRST_BYTES: tuple[tuple[bytes, Callable[[Path, int], Result]], ...] = (
    (b"t_us,sector,", read_blklog),
    (b"t_us,", read_series),
    (b"t nr_", read_samp),
)


def read(path: Path | str, *, max_bytes: int = MAX_BYTES) -> Result:
    """A recording as a Result with gaps.

    ``path`` is a run folder of the 6.1 set, a single file of either set (.xz, .gz or plain), or
    a run of the 2.6.36 set: ``results/NAME.json``, or NAME beside ``results`` and ``traces``.
    Lines that cannot be used are left out and named in ``meta["problems"]``; a file that is cut
    or larger than the limit gives what came before.

    Args:
        path: what to read.
        max_bytes: limit of each file, after decompression.

    Raises:
        TraceError: nothing of it can be used.
    """
    path = Path(path)
    try:
        return _read(path, max_bytes)
    except OSError as error:
        raise TraceError(path, 0, error.strerror or "cannot be read") from None


def _read(path: Path, max_bytes: int) -> Result:
    if path.is_dir():
        return linux_6_1.read_run(path, max_bytes)
    run = linux_2_6_36.run_of(path)
    if run is not None and not path.exists():
        return linux_2_6_36.read_run(*run, max_bytes)
    source = Source(path, max_bytes)
    head = source.head()
    if not head.strip():
        raise TraceError(path, 0, source.problem or "is empty")
    if head.lstrip()[:1] == b"{":
        return _read_json(path, max_bytes)
    for start, reader in _BY_FIRST_BYTES:
        if head.startswith(start):
            return reader(path, max_bytes)
    if path.name in ("config.txt", "workload.txt"):
        raise TraceError(path, 0, "holds settings, no measurement: open its folder")
    return read_ftrace(path, max_bytes)


def _read_json(path: Path, max_bytes: int) -> Result:
    data = linux_6_1.load_json(path)
    if "simstat" in data:
        root, name = linux_2_6_36.run_of(path) or (path.parent, path.stem)
        return linux_2_6_36.read_run(root, name, max_bytes, summary=path)
    if "reclaim_calls" in data:
        return linux_6_1.read_summary(path)
    raise TraceError(path, 0, "is JSON of neither set: no simstat, no reclaim_calls")
