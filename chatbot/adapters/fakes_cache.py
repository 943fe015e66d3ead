"""A double of the answer cache's store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection


class MemoryStore:
    """Texts that end with the process.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._texts: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        """The text there."""
        with self._lock:
            text, until = self._texts.get(key, (None, 0.0))
        return text if self._clock() < until else None

    def put(self, key: str, text: str, seconds: float) -> None:
        """Puts a text there, for so long."""
        with self._lock:
            self._texts[key] = (text, self._clock() + seconds)

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Puts a text there if there is none."""
        with self._lock:
            if self._clock() < self._texts.get(key, ("", 0.0))[1]:
                return False
            self._texts[key] = (text, self._clock() + seconds)
            return True

    def drop(self, keys: Collection[str]) -> None:
        """Takes texts away."""
        with self._lock:
            for key in keys:
                self._texts.pop(key, None)

    def clear(self) -> None:
        """Takes everything away."""
        with self._lock:
            self._texts.clear()

    def scrub(self) -> None:
        """Nothing is left of what was taken away."""

    def close(self) -> None:
        """Nothing is held."""
