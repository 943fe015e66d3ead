"""Answers to questions that were asked in other words before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from chatbot.adapters.cards import Cards, Stored
from chatbot.adapters.question_index import QuestionIndex, packed, signs, unpacked
from chatbot.steps.neighbourhood import expected_wrong, may_serve

_COMPARED = 64
_LIKEST = 8


class Same(Protocol):
    """Tells how surely two questions want the same answer."""

    def vector(self, question: str) -> np.ndarray:
        """The question as a unit vector."""

    def likeness(
        self, asked: str, asked_vector: np.ndarray, stored: Sequence[str], vectors: np.ndarray
    ) -> list[float]:
        """For each stored question how surely it wants the same answer, 0 to 1."""


class Nearby:
    """Finds the answer whose question says the same.

    Args:
        same: compares two questions.
        bound: share of questions that may get another one's answer.
    """

    def __init__(self, cards: Cards, same: Same, bound: float) -> None:
        self._cards = cards
        self._same = same
        self._bound = bound
        self._index = QuestionIndex()

    def vector(self, question: str) -> np.ndarray:
        """The question as a unit vector."""
        return self._same.vector(question)

    def kept(self, vector: np.ndarray) -> tuple[bytes, bytes]:
        """How a question's vector and its signs are kept."""
        return packed(vector), signs(vector)

    def catch_up(self) -> None:
        """Takes over the questions that were answered since, in whatever process."""
        for row, partition, signed in self._cards.since(self._index.last):
            self._index.add(row, partition, signed)

    def best(self, question: str, vector: np.ndarray, partition: str) -> tuple[str, float] | None:
        """Key of the answer that may be given to this question too, and how surely; None: none."""
        found = self.likest(question, vector, partition)
        if found is None:
            return None
        stored, sure = found
        observed = self._cards.observed(stored.key)
        return (stored.key, sure) if may_serve(sure, observed, self._bound) else None

    def expected_wrong(self, stored: Stored, sure: float) -> tuple[float, float]:
        """The share of wrong answers to expect there, and the bound on it."""
        return expected_wrong(sure, self._cards.observed(stored.key)), self._bound

    def likest(
        self, question: str, vector: np.ndarray, partition: str
    ) -> tuple[Stored, float] | None:
        """The stored question that is likest to want the same answer, and how surely."""
        rows = self._index.near(partition, signs(vector), _COMPARED)
        found = self._cards.questions(rows)
        if not found:
            return None
        vectors = unpacked([f.vector for f in found])
        likest = np.argsort(-(vectors @ vector), kind="stable")[:_LIKEST]
        stored = [found[at] for at in likest]
        sure = self._same.likeness(question, vector, [s.question for s in stored], vectors[likest])
        at = int(np.argmax(sure))
        return (stored[at], sure[at]) if sure[at] > 0.0 else None
