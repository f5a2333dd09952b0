"""Specs as plain JSON types and back; which type a field has is read from its annotation."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from sim.scenario_problem import Problem, ScenarioError


@cache
def _hints(spec: type) -> dict[str, Any]:
    return get_type_hints(spec)


def enum_of(spec: type, name: str) -> type[StrEnum] | None:
    """The choices of an enum field of a spec class, None for other fields."""
    hint = _hints(spec).get(name)
    return hint if isinstance(hint, type) and issubclass(hint, StrEnum) else None


def to_plain(value: Any) -> Any:
    """Plain JSON types, sets sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(str(v) for v in value)
    if isinstance(value, tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return str(value)
    return value


def from_plain(cls: type, data: Any, prefix: str = "") -> Any:
    """Inverse of ``to_plain``; missing fields take their default.

    Raises:
        ScenarioError: unknown field, wrong type or unknown choice, with the field's path.
    """
    if not isinstance(data, dict):
        raise _fail(prefix.rstrip("."), data, "must be a table of fields")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    kwargs: dict[str, Any] = {}
    for name, value in data.items():
        path = f"{prefix}{name}"
        if name not in fields:
            raise _fail(path, value, f"unknown field; known: {', '.join(fields)}")
        kwargs[name] = _field(_hints(cls)[name], value, path)
    missing = [
        f.name for f in fields.values() if f.default is dataclasses.MISSING and f.name not in kwargs
    ]
    if missing:
        raise _fail(f"{prefix}{missing[0]}", "", "is required")
    return cls(**kwargs)


def _field(hint: Any, value: Any, path: str) -> Any:
    if get_origin(hint) in (frozenset, tuple):
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise _fail(path, value, "must be a list")
        item = get_args(hint)[0]
        if issubclass(item, StrEnum):
            return frozenset(_enum(item, v, path) for v in value)
        return tuple(from_plain(item, v, f"{path}.{i}.") for i, v in enumerate(value))
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return from_plain(hint, value, f"{path}.")
    if issubclass(hint, StrEnum):
        return _enum(hint, value, path)
    if hint is str:
        if not isinstance(value, str):
            raise _fail(path, value, "must be a name")
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fail(path, value, "must be a whole number")
    return value


def _enum(kind: type[StrEnum], value: Any, path: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        choices = ", ".join(str(k) for k in kind)
        raise _fail(path, value, f"must be one of {choices}") from None


def _fail(path: str, value: Any, message: str) -> ScenarioError:
    return ScenarioError(Problem(path or "scenario", str(value)[:80], message))
