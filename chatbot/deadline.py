"""Checks that may not take for ever."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import TypeVar

from chatbot.threads import Threads

T = TypeVar("T")
_THREADS = Threads("check")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives, if it gives it in time. Its thread is left to itself if it does not.

    Raises:
        TimeoutError: it took longer.
        Exception: whatever `work` raises.
    """
    done: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except Exception as error:
            done.put((None, error))

    _THREADS.start(run)
    try:
        value, error = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"A check took longer than {seconds:g} s.") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
