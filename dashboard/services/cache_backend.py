"""Our backends for flask-caching, named by import path in ``CACHE_TYPE``: bytes, never pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask_caching.backends.base import BaseCache

from dashboard.services.byte_store import FileBytes, RedisBytes

FILES = "dashboard.services.cache_backend.FileBytesCache"
REDIS = "dashboard.services.cache_backend.RedisBytesCache"


class FileBytesCache(FileBytes, BaseCache):  # type: ignore[misc]
    """Files below ``CACHE_DIR``, at most ``CACHE_THRESHOLD`` bytes."""

    @classmethod
    def factory(
        cls, _app: Any, config: dict[str, Any], _args: list[Any], _kwargs: dict[str, Any]
    ) -> FileBytesCache:
        """Called by flask-caching."""
        return cls(
            Path(config["CACHE_DIR"]), config["CACHE_THRESHOLD"], config["CACHE_DEFAULT_TIMEOUT"]
        )


class RedisBytesCache(RedisBytes, BaseCache):  # type: ignore[misc]
    """The database at ``CACHE_REDIS_URL``."""

    @classmethod
    def factory(
        cls, _app: Any, config: dict[str, Any], _args: list[Any], _kwargs: dict[str, Any]
    ) -> RedisBytesCache:
        """Called by flask-caching."""
        return cls.from_url(config["CACHE_REDIS_URL"])
