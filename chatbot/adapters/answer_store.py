"""Where the answer cache keeps its texts: keys and texts, each with an end, shared by processes.

`DiskStore` is for one machine, `RedisStore` for replicas, `MemoryStore` (among the fakes) for
tests; one contract suite holds them all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from typing import Protocol


def answer_key(key: str) -> str:
    """Where in a store the answer of that key is."""
    return f"answer:{key}"


class Store(Protocol):
    """Texts by key. May be used by several threads and processes at once."""

    def get(self, key: str) -> str | None:
        """The text there; None: there is none, or none any more, or none that can be read."""

    def put(self, key: str, text: str, seconds: float) -> None:
        """Puts a text there, for so long."""

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Puts a text there if there is none; of several at once, one alone is told that it did."""

    def drop(self, keys: Collection[str]) -> None:
        """Takes texts away."""

    def scrub(self) -> None:
        """Makes sure that what was taken away can no longer be read anywhere."""

    def clear(self) -> None:
        """Takes everything away."""

    def close(self) -> None:
        """Lets go of files and connections."""


class SealedStore:
    """A store whose texts nobody else can have written, or moved from another key.

    Each text stands behind an HMAC-SHA256 of its key and of itself. One that does not fit is
    dropped, unread.

    Args:
        secret: known to this installation's processes only.
    """

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._secret = hmac.digest(secret, b"answer cache", hashlib.sha256)

    def get(self, key: str) -> str | None:
        """The text there, if it was sealed for this key."""
        sealed = self._store.get(key)
        if sealed is None:
            return None
        seal, _, text = sealed.partition("\n")
        if hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(key, text).encode()):
            return text
        self._store.drop([key])
        return None

    def put(self, key: str, text: str, seconds: float) -> None:
        """Seals a text and puts it there."""
        self._store.put(key, f"{self._seal(key, text)}\n{text}", seconds)

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Seals a text and puts it there if there is none."""
        return self._store.add(key, f"{self._seal(key, text)}\n{text}", seconds)

    def drop(self, keys: Collection[str]) -> None:
        """Takes texts away."""
        self._store.drop(keys)

    def scrub(self) -> None:
        """Makes sure that what was taken away can no longer be read anywhere."""
        self._store.scrub()

    def clear(self) -> None:
        """Takes everything away."""
        self._store.clear()

    def close(self) -> None:
        """Lets go of files and connections."""
        self._store.close()

    def _seal(self, key: str, text: str) -> str:
        message = f"{len(key)} {key}{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, hashlib.sha256).hex()
