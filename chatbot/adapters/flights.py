"""One at a time: of several that want the same answer at once, one makes it.

Whoever makes it holds a lease in the store that all processes share, and renews it while it lives.
When its process dies the lease ends by itself, and the next one takes over.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

import structlog

from chatbot.adapters.answer_store import Store
from chatbot.errors import where
from chatbot.lifeline import Lifeline

log = structlog.get_logger()

LEASE = 6.0
"""Seconds after which a process that has died is known to be gone."""
_ALONE = "alone"
_ALONE_SECONDS = 5.0
_PAUSES = (0.01, 0.02, 0.05, 0.1)


class Flight:
    """The right to make an answer, until `land`."""

    def __init__(self, store: Store, key: str, token: str, lease: float) -> None:
        self._store, self._key, self._token, self._lease = store, key, token, lease
        self._landed = threading.Event()
        self._turn = threading.Lock()  # a lease must not be renewed while it is given back
        threading.Thread(target=self._renew, name="flight", daemon=True).start()

    def land(self, *, shared: bool) -> None:
        """The answer is made.

        Args:
            shared: the others find it in the cache; else each goes on by itself.
        """
        self._landed.set()
        with self._turn:
            if self._store.get(self._key) != self._token:
                return  # the lease had run out
            if shared:
                self._store.drop([self._key])
            else:
                self._store.put(self._key, _ALONE, _ALONE_SECONDS)

    def _renew(self) -> None:
        while not self._landed.wait(self._lease / 3):
            try:
                if not self._renewed():
                    return
            except Exception as error:  # the store is busy; the lease lasts for another try
                log.warning("a lease could not be renewed", **where(error))

    def _renewed(self) -> bool:
        with self._turn:
            if self._landed.is_set() or self._store.get(self._key) != self._token:
                return False
            self._store.put(self._key, self._token, self._lease)
            return True


class Flights:
    """Hands out flights."""

    def __init__(self, store: Store, lease: float = LEASE) -> None:
        self._store = store
        self._lease = lease

    def board(self, key: str, made: Callable[[], bool], line: Lifeline) -> Flight | None:
        """A flight, once nobody else has one for that key; None: the answer was made meanwhile, or
        is not to be waited for.

        Args:
            made: whether the answer is there now.
            line: cut when it is not worth waiting any more.
        """
        key, token, tries = f"flight:{key}", secrets.token_hex(8), 0
        while not line.is_cut:
            if self._store.add(key, token, self._lease):
                return Flight(self._store, key, token, self._lease)
            if self._store.get(key) == _ALONE:
                return None
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            if made():
                return None
        return None
