"""A sample of the answers that were given to questions in other words, held against fresh ones."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from chatbot.adapters.cards import Cards
from chatbot.chain import Chain
from chatbot.domain import Person, Status
from chatbot.errors import where
from chatbot.lifeline import Lifeline
from chatbot.steps.recall import agree

log = structlog.get_logger()

_PAUSE = 1.0
_MOST_WAITING = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer that was given again: its key, how sure that was, to whom, for what."""

    key: str
    likeness: float
    question: str
    person: Person
    answer: str


class HitChecks:
    """Answers a share of such questions anew, afterwards, while no reader waits; what comes of it
    is observed in the answer's neighbourhood. What waits goes with the process.

    Args:
        chain: gives the chain.
        share: of the hits, 0 to 1.
    """

    def __init__(self, chain: Callable[[], Chain], cards: Cards, share: float) -> None:
        self._chain = chain
        self._cards = cards
        self._share = share
        self._waiting: deque[Hit] = deque(maxlen=_MOST_WAITING)
        self._line = Lifeline()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def offer(self, hit: Hit) -> None:
        """Has a hit checked, if it is one of the share."""
        if random.random() >= self._share:  # noqa: S311 - a sample, no secret
            return
        self._waiting.append(hit)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="checks", daemon=True)
                self._thread.start()

    def work(self) -> None:
        """Checks what waits, until a reader asks."""
        while self._waiting and not self._stop.is_set():
            hit = self._waiting.popleft()
            if not self._checked(hit):
                self._waiting.appendleft(hit)
                return

    def close(self) -> None:
        """Gives up what it is doing, then stops."""
        self._stop.set()
        self._line.cut()
        if self._thread is not None:
            self._thread.join()

    def _checked(self, hit: Hit) -> bool:
        """Whether it is done with; not where somebody had to go first."""
        chain, line = self._chain(), Lifeline()
        self._line = line
        chain.give_way(line)
        if line.is_cut:
            return False
        fresh = chain.trial(hit.question, hit.person, line=line)
        if line.is_cut:
            return False
        if fresh.status in (Status.RELEASED, Status.REFUSED):
            same = agree(hit.answer, fresh.answer)
            self._cards.observe(hit.key, hit.likeness, same=same)
        return True

    def _loop(self) -> None:
        while not self._stop.wait(_PAUSE):
            try:
                self.work()
            except Exception as error:  # one that fails must not keep the others
                log.error("an answer from the cache could not be checked", **where(error))
