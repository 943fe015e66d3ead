"""Looks for a question in the curated FAQ, before the answer cache is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
import structlog

from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.same_question import SameQuestion, open_same_question
from chatbot.domain import ScoredPassage
from chatbot.errors import ModelUnusable
from chatbot.recall import Remembered
from chatbot.steps.facts import facts_of
from chatbot.steps.faq import FaqEntry, vouched
from chatbot.steps.neighbourhood import may_serve
from chatbot.steps.recall import normal_form, speaks_to
from chatbot.trace import Trace

log = structlog.get_logger()

_NEAREST = 8
_MOST_KNOWN = 10_000  # questions
Search = Callable[[str, frozenset[str] | None], Sequence[ScoredPassage]]


class FaqBook(Protocol):
    """Entries that may answer."""

    def live(self) -> Sequence[FaqEntry]:
        """Those that answer now, whoever asks; the same object until something has changed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wordings:
    """The wordings of those entries: what they are, whose, and their unit vectors (n x d)."""

    of: Sequence[FaqEntry] = ()
    exact: dict[str, list[FaqEntry]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    entries: tuple[FaqEntry, ...] = ()
    vectors: np.ndarray | None = None


class FaqLookup:
    """Finds an entry by one of its wordings, or by another one that means the same: a
    `chatbot.recall.Lookup`.

    Args:
        same: says how surely two questions want the same answer; None: only a wording that is
            written down finds its entry.
        bound: share of questions that may get another one's answer.
        search: gives what retrieval finds for a question in those collections (None: all), best
            first; an answer to a question in other words has to rest on it.
    """

    def __init__(
        self,
        book: FaqBook,
        search: Search,
        same: SameQuestion | None = None,
        bound: float = 0.0,
    ) -> None:
        self._book = book
        self._search = search
        self._same = same
        self._bound = bound
        self._vectors: dict[str, np.ndarray] = {}
        self._known = _Wordings()
        self._near = lru_cache(_MOST_KNOWN)(self._nearest)

    def find(self, trace: Trace) -> Remembered | None:
        """The entry's answer, with what people or the checks said of each sentence."""
        known, readable = self.prepared(), trace.person.collections
        for entry in known.exact.get(normal_form(trace.question), ()):
            if entry.is_for(readable):
                return _remembered(entry, trace.question)
        near = self._near(trace.question, known, readable)
        return _remembered(near, trace.question) if near else None

    def prepared(self) -> _Wordings:
        """The wordings as they are now; vectors are made once for each."""
        entries = self._book.live()
        if entries is not self._known.of:
            self._known = self._made(entries)
        return self._known

    def _nearest(
        self, question: str, known: _Wordings, readable: frozenset[str] | None
    ) -> FaqEntry | None:
        """The entry with the likest wording that this asker may read, if it is sure enough."""
        may = [n for n, entry in enumerate(known.entries) if entry.is_for(readable)]
        if self._same is None or known.vectors is None or not may:
            return None
        asked = self._same.vector(question)
        vectors = known.vectors[may]
        nearest = np.argsort(-(vectors @ asked))[:_NEAREST]
        texts = [known.texts[may[n]] for n in nearest]
        likeness = self._same.likeness(question, asked, texts, vectors[nearest])
        best = int(np.argmax(likeness))
        if _names(question, texts[best]) or not may_serve(likeness[best], (), self._bound):
            return None
        found: FaqEntry = known.entries[may[nearest[best]]]
        cited = {c.passage.id for c in found.answer.citations}
        return found if speaks_to(cited, self._search(question, readable)) else None

    def _made(self, entries: Sequence[FaqEntry]) -> _Wordings:
        exact: dict[str, list[FaqEntry]] = {}
        pairs = [(wording, entry) for entry in entries for wording in entry.wordings]
        for wording, entry in pairs:
            exact.setdefault(normal_form(wording), []).append(entry)
        texts = tuple(wording for wording, _ in pairs)
        vectors = None
        if self._same is not None and texts:
            new = [t for t in dict.fromkeys(texts) if t not in self._vectors]
            made = zip(new, self._same.vectors(new), strict=True) if new else ()
            self._vectors = {t: v for t, v in self._vectors.items() if t in set(texts)} | dict(made)
            vectors = np.stack([self._vectors[t] for t in texts])
        return _Wordings(entries, exact, texts, tuple(e for _, e in pairs), vectors)


def open_lookup(book: FaqBook, search: Search, encoder: TextEncoder, bound: float) -> FaqLookup:
    """The lookup; where nothing was learned on that embedding model, by written wordings alone."""
    try:
        same = open_same_question(encoder)
    except ModelUnusable as error:
        log.warning("the FAQ is looked into by its own wordings alone", why=error.what)
        return FaqLookup(book, search)
    return FaqLookup(book, search, same, bound)


def _names(asked: str, wording: str) -> bool:
    """Whether one of them names what the other does not: a product, a place, a person.

    An answer about one plan is no answer about all of them, nor the other way round.
    """
    one, other = facts_of(asked), facts_of(wording)
    return bool(one.names - other.stems or other.names - one.stems)


def _remembered(entry: FaqEntry, question: str) -> Remembered | None:
    verdicts = vouched(entry)
    if not verdicts:
        return None
    passages = dict.fromkeys(c.passage for c in entry.answer.citations)
    return Remembered(
        kind="faq",
        checked=tuple(zip(entry.answer.sentences, verdicts, strict=True)),
        passages=tuple(ScoredPassage(p, 1.0) for p in passages),
        standalone=question,
        mode="generated",
        notices=(),
        reasons=(),
        record=entry.id,
        made_at=entry.changed_at,
    )
