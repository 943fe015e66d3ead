"""Looks for a question in the curated FAQ, before the answer cache is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chatbot.domain import ScoredPassage
from chatbot.recall import Remembered
from chatbot.steps.faq import FaqEntry, vouched
from chatbot.steps.recall import normal_form
from chatbot.trace import Trace


class FaqBook(Protocol):
    """Entries that may answer."""

    def live(self) -> Sequence[FaqEntry]:
        """Those that answer now, whoever asks; the same object until something has changed."""


class FaqLookup:
    """Finds an entry by one of its wordings: a `chatbot.recall.Lookup`."""

    def __init__(self, book: FaqBook) -> None:
        self._book = book
        self._known: tuple[Sequence[FaqEntry], dict[str, list[FaqEntry]]] = ((), {})

    def find(self, trace: Trace) -> Remembered | None:
        """The entry's answer, with what people or the checks said of each sentence."""
        wordings, readable = self._wordings(), trace.person.collections
        for entry in wordings.get(normal_form(trace.question), ()):
            if entry.is_for(readable):
                return _remembered(entry, trace.question)
        return None

    def _wordings(self) -> dict[str, list[FaqEntry]]:
        """Normal form → the live entries with such a wording."""
        entries = self._book.live()
        if entries is not self._known[0]:
            found: dict[str, list[FaqEntry]] = {}
            for entry in entries:
                for wording in entry.wordings:
                    found.setdefault(normal_form(wording), []).append(entry)
            self._known = entries, found
        return self._known[1]


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
