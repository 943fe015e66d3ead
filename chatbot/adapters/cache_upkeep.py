"""What keeps the answer cache in order: counts, and what is done now and then."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta

from chatbot.adapters.answer_store import Store, answer_key
from chatbot.adapters.cards import Cards
from chatbot.adapters.open_store import drop_outdated
from chatbot.clock import utc_now

_JUDGED = "judged"
_OVERLAP = timedelta(minutes=1)


class Upkeep:
    """Counts hits, and takes out what does not belong in the cache any more.

    Args:
        seen: the catalogue's version and today: what rests on documents is looked at again when
            one of them is another.
        size: bytes that all answers may take.
    """

    def __init__(
        self, store: Store, cards: Cards, seen: Callable[[], tuple[int, date]], size: int
    ) -> None:
        self.size = size
        self._store = store
        self._cards = cards
        self._now_seen = seen
        self._seen: tuple[int, date] | None = None
        self._tending, self._counting = threading.Lock(), threading.Lock()
        self._hits: Counter[str] = Counter()
        self._figures: defaultdict[str, list[float]] = defaultdict(list)

    def used(self, key: str, kind: str, seconds: float) -> None:
        """Counts a hit, in memory: the asker does not wait for the disk."""
        with self._counting:
            self._hits[key] += 1
            self._figures[kind].append(seconds)

    def tend(self) -> None:
        """Suspends what has changed, drops what was found wrong and what is not worth its room,
        writes the figures down."""
        with self._tending:
            seen = self._now_seen()
            if seen != self._seen:
                drop_outdated(self._store, self._cards, seen[1])
                self._seen = seen
            self._drop_wrong()
            self.write_figures()
            if (spare := self._cards.totals()["bytes"] - self.size) > 0:
                self.forget(self._cards.least_worth(spare + self.size // 10))

    def forget(self, keys: list[str]) -> None:
        """Takes answers out."""
        self._store.drop([answer_key(key) for key in keys])
        self._cards.remove(keys)

    def write_figures(self) -> None:
        """Writes down what was counted."""
        with self._counting:
            hits, figures = self._hits, self._figures
            self._hits, self._figures = Counter(), defaultdict(list)
        if figures:
            sums = {kind: (len(saved), sum(saved)) for kind, saved in figures.items()}
            self._cards.used(hits, sums)

    def _drop_wrong(self) -> None:
        """Takes out what a person has decided on or marked as wrong, since the last time."""
        now = utc_now()
        seq, _, since = self._cards.state(_JUDGED).partition(" ")
        looked = datetime.fromisoformat(since) if since else now - _OVERLAP
        wrong, last = self._cards.found_wrong(int(seq or 0), looked - _OVERLAP)
        if wrong:
            self.forget(self._cards.of_records(wrong))
        if last != int(seq or 0) or wrong or not since:
            self._cards.note(_JUDGED, f"{last} {now.isoformat()}")
