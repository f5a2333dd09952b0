"""The kept result of ``python -m sim validate``: what the page shows without simulating again.

A file has three parts, ``recorded``, ``linux-6.1`` and ``published``, each with the model version,
the seeds and the command that made it, so that a part of an older model can be told. It has no
date: the same model and seeds give the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim import MODEL_VERSION

PATH = Path(__file__).resolve().parent / "scoreboard.json"
"""The file of this model, made by the two commands that it names."""
PARTS = ("recorded", "linux-6.1", "published")
_MAX_BYTES = 4 << 20


def read(path: Path = PATH) -> dict[str, Any]:
    """The parts that were kept; empty when there is no file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a scoreboard.
    """
    if not path.exists():
        return {}
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"larger than {_MAX_BYTES:,} bytes")
    data = json.loads(path.read_text())
    if not isinstance(data, dict) or not set(data) <= set(PARTS):
        raise ValueError(f"not a scoreboard: its parts are {', '.join(PARTS)}")
    return data


def keep(path: Path, part: str, command: str, seeds: int, data: dict[str, Any]) -> None:
    """Write one part; the other stays.

    Raises:
        OSError: it cannot be written.
        ValueError: there is another kind of file, or a number that JSON does not have.
    """
    if part not in PARTS:
        raise ValueError(f"no part {part}: one of {', '.join(PARTS)}")
    kept = read(path)
    kept[part] = {"model_version": MODEL_VERSION, "seeds": seeds, "command": command, **data}
    ordered = {name: kept[name] for name in PARTS if name in kept}
    text = json.dumps(ordered, indent=1, allow_nan=False)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text + "\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
