"""BM25 over the passages' words, which the database keeps in step with the catalogue.

SQLite's FTS5 scores 700 passages a millisecond, and a question's common words match thousands. BM25
is a sum over words, so each word's scores are asked for once and kept until the index changes; a
question then costs the words that were never asked before, and one addition for each other.
PostgreSQL has no BM25: there it says where each word stands, and the score is made of that here.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection, Engine, text

from chatbot.adapters.database import snapshot
from chatbot.adapters.lexical_words import words_of
from chatbot.steps.words import STOP_WORDS

_KEPT = 8_000_000  # scores that are kept, of 12 bytes each
_WORD = re.compile(r"\w+", re.UNICODE)
_MOST_WORDS = 64  # a question's words beyond these add time, not sense
_VERSION = text("SELECT coalesce(max(seq), 0) FROM index_changes")


@dataclass
class _Kept:
    """What is known of one version of the index.

    Attributes:
        ids: passage ids; `collections` runs beside it.
        place: row number in the database → place in `ids`; `places`: passage id → the same.
        lengths: words of each passage, in the order of `ids`.
        scores: word → places and scores of the passages that have it, least recently used first.
    """

    version: int
    ids: list[str]
    place: np.ndarray
    places: dict[str, int]
    collections: np.ndarray
    lengths: np.ndarray
    scores: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=OrderedDict)
    size: int = 0

    def shrink(self) -> None:
        """Lets go of the words that were not asked for longest."""
        while self.size > _KEPT:
            _, (gone, _) = self.scores.popitem(last=False)
            self.size -= len(gone)


@dataclass(frozen=True, slots=True)
class Matches:
    """The scores of all passages for one query, to choose from."""

    _kept: _Kept
    _total: np.ndarray

    @property
    def version(self) -> int:
        """The catalogue's version that was searched."""
        return self._kept.version

    def best(self, k: int, collections: Collection[str] | None = None) -> dict[str, float]:
        """Passage id → BM25 score, larger is better, best first: the k best passages in those
        collections (None: all)."""
        kept, total = self._kept, self._total
        matched = total > 0
        if collections is not None:
            matched &= np.isin(kept.collections, sorted(collections))
        found = np.flatnonzero(matched)
        best = found[np.argsort(-total[found], kind="stable")[:k]]
        scores = total[best].tolist()
        return {kept.ids[p]: score for p, score in zip(best.tolist(), scores, strict=True)}

    def of(self, ids: Iterable[str]) -> dict[str, float]:
        """Passage id → BM25 score, for those of the passages that have a word of the query."""
        places = self._kept.places
        found = {i: float(self._total[places[i]]) for i in ids if i in places}
        return {i: score for i, score in found.items() if score > 0}


class LexicalIndex:
    """Searches the words of the passages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._words = words_of(engine.dialect.name)
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def search(
        self, query: str, k: int, collections: Collection[str] | None = None
    ) -> dict[str, float]:
        """`match` and `Matches.best` in one."""
        return self.match(query).best(k, collections)

    def match(self, query: str) -> Matches:
        """Every passage's BM25 score for the query's words, as the index is now."""
        with self._lock, snapshot(self._engine) as connection:  # `ingest` may be changing it
            kept = self._current(connection)
            total = np.zeros(len(kept.ids), np.float32)
            words = content_words(query)
            self._learn(connection, kept, [word for word in words if word not in kept.scores])
            for word in words:
                kept.scores.move_to_end(word)
                places, scores = kept.scores[word]
                total[places] += scores
            kept.shrink()
        return Matches(kept, total)

    def _current(self, connection: Connection) -> _Kept:
        version = int(connection.scalar(_VERSION) or 0)
        if self._kept is None or self._kept.version != version:
            rows = self._words.passages(connection)
            place = np.full(max((r[0] for r in rows), default=0) + 1, -1, np.int32)
            place[[r[0] for r in rows]] = np.arange(len(rows))
            ids = [r[1] for r in rows]
            places = {i: n for n, i in enumerate(ids)}
            collections, lengths = np.array([r[2] for r in rows]), np.array([r[3] for r in rows])
            self._kept = _Kept(version, ids, place, places, collections, lengths)
        return self._kept

    def _learn(self, connection: Connection, kept: _Kept, words: Sequence[str]) -> None:
        """Keeps the scores of words that were never asked before."""
        if not words:
            return
        for word, (numbers, found) in zip(words, self._words.found(connection, words), strict=True):
            places = kept.place[numbers]
            kept.scores[word] = places, self._words.scores(found, kept.lengths, places)
            kept.size += len(places)


def content_words(query: str) -> list[str]:
    """The question's content words, each once; all its words where there are no others.

    Word characters only: quoted, they hold no operator of any query language.
    """
    words = [w.lower() for w in _WORD.findall(query)]
    content = [w for w in words if w not in STOP_WORDS] or words
    return list(dict.fromkeys(content))[:_MOST_WORDS]
