"""Which answers hang on which open page, so that they stop when it goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LetGo = Callable[[], None]


class Visits:
    """Remembers what to let go of when a visit ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, list[LetGo]] = {}

    @contextmanager
    def during(self, visit: str, let_go: LetGo) -> Iterator[None]:
        """Has `let_go` called if the visit ends within the block."""
        with self._lock:
            self._held.setdefault(visit, []).append(let_go)
        try:
            yield
        finally:
            with self._lock:
                left = self._held[visit]
                left.remove(let_go)
                if not left:
                    del self._held[visit]

    def gone(self, visit: str) -> None:
        """The page was closed, or its connection broke."""
        with self._lock:
            held = list(self._held.get(visit, ()))
        for let_go in held:
            let_go()
