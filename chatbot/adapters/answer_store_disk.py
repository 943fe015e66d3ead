"""The answer cache's texts on this machine, in diskcache."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_RAW

_LONGEST = 4_000_000
_IN_ROWS = 1 << 30
_WAIT = 5.0


class PlainDisk(diskcache.JSONDisk):  # type: ignore[misc]
    """JSON in the rows of the database, and nothing else.

    `JSONDisk` writes JSON, but reads what a row says that it is: a pickle, or a file anywhere
    (CVE-2025-69872). Here such a row cannot be read, nor does removing it remove a file.
    """

    def get(self, key: Any, raw: bool) -> Any:
        """The key in a row."""
        if not raw:
            raise ValueError("a key that was not written here")
        return super().get(key, raw)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """The value in a row."""
        if mode != MODE_RAW or filename or read or not isinstance(value, bytes):
            raise ValueError("a value that was not written here")
        inflate = zlib.decompressobj()
        text = inflate.decompress(value, _LONGEST)
        if inflate.unconsumed_tail:
            raise ValueError("a value that is too long")
        return json.loads(text)

    def remove(self, file_path: str) -> None:
        """Rows name no files."""


class DiskStore:
    """Texts in a private folder; may be opened by several processes.

    Args:
        folder: made when absent, readable by its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._file = folder / diskcache.core.DBNAME
        try:
            self._cache = _opened(folder)
        except (sqlite3.DatabaseError, TypeError, ValueError):  # it is only a cache
            for left in folder.glob(f"{diskcache.core.DBNAME}*"):
                left.unlink()
            self._cache = _opened(folder)

    def get(self, key: str) -> str | None:
        """The text there; a row that cannot be read is taken away."""
        try:
            text = self._cache.get(key)
        except (ValueError, TypeError, zlib.error, RecursionError):
            text = 0
        if text is None or isinstance(text, str):
            return text
        self.drop([key])
        return None

    def put(self, key: str, text: str, seconds: float) -> None:
        """Puts a text there, for so long."""
        self._cache.set(key, text, expire=seconds)

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Puts a text there if there is none."""
        return bool(self._cache.add(key, text, expire=seconds))

    def drop(self, keys: Collection[str]) -> None:
        """Takes texts away."""
        with self._cache.transact():
            for key in keys:
                self._cache.delete(key)

    def clear(self) -> None:
        """Takes everything away."""
        self._cache.clear()
        self.scrub()

    def scrub(self) -> None:
        """Empties the database's journal, where what was taken away could still be read."""
        with closing(sqlite3.connect(self._file, timeout=_WAIT)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Lets go of the database."""
        self._cache.close()


def _opened(folder: Path) -> diskcache.Cache:
    return diskcache.Cache(
        str(folder),
        timeout=_WAIT,
        disk=PlainDisk,
        disk_min_file_size=_IN_ROWS,
        eviction_policy="none",  # what goes is decided by value, elsewhere
        size_limit=1 << 62,
        sqlite_secure_delete=1,
    )
