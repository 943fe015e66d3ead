"""Threads that are used again.

Libraries keep things for each thread, the answer cache a connection that takes a millisecond to
open. Threads that end with their answer would open them for every answer anew. Not an executor of
the standard library: at its end Python would wait for a model that is silent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Work = Callable[[], None]


class Threads:
    """As many as there is work, and those that have nothing to do for a while.

    Args:
        name: of those that are at work; the others are called `idle`.
        patience: seconds after which a thread without work ends.
    """

    def __init__(self, name: str, patience: float = 60.0) -> None:
        self._name = name
        self._patience = patience
        self._waiting: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def start(self, work: Work) -> None:
        """Has it done at once, by a thread that is idle or by a new one.

        Args:
            work: raises nothing.

        Raises:
            RuntimeError: the machine has no more threads.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._waiting.put(work)
                return
        threading.Thread(target=self._serve, args=(work,), daemon=True).start()

    def _serve(self, first: Work) -> None:
        work: Work | None = first
        while work is not None:
            threading.current_thread().name = self._name
            work()
            threading.current_thread().name = "idle"
            work = self._next()

    def _next(self) -> Work | None:
        with self._lock:
            self._idle += 1
        try:
            return self._waiting.get(timeout=self._patience)
        except queue.Empty:
            with self._lock:
                if not self._waiting.empty():  # handed over at the last moment
                    return self._waiting.get()
                self._idle -= 1
                return None
