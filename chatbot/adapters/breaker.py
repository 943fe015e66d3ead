"""A circuit breaker (Nygard, "Release It!"): what fails again and again is left alone a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES, PAUSE = 5, 10.0


class Breaker:
    """Counts failures in a row.

    Closed it lets everything through. After `failures` in a row it is open and lets nothing
    through for `pause` seconds; then one attempt, whose outcome closes it or opens it again.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._quiet_until = 0.0

    @property
    def open(self) -> bool:
        """Whether it has seen too many failures and no success since."""
        return self._failed >= self._most

    def allows(self) -> bool:
        """Whether to try; one that is allowed while it is open holds the others back."""
        with self._lock:
            if self._failed < self._most:
                return True
            now = self._clock()
            if now < self._quiet_until:
                return False
            self._quiet_until = now + self._pause
            return True

    def succeeded(self) -> None:
        """Closes it."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """One more failure in a row."""
        with self._lock:
            self._failed += 1
            self._quiet_until = self._clock() + self._pause
