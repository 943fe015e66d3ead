"""Answers to questions that were asked in other words before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chatbot.adapters.cards import Cards
from chatbot.adapters.question_index import QuestionIndex, packed, signs, unpacked
from chatbot.steps.neighbourhood import RIVALS, Observation, expected_wrong, may_serve, rivals

_COMPARED = 64


class Same(Protocol):
    """Tells how surely two questions want the same answer."""

    def vector(self, question: str) -> np.ndarray:
        """The question as a unit vector."""

    def likeness(
        self, asked: str, asked_vector: np.ndarray, stored: Sequence[str], vectors: np.ndarray
    ) -> list[float]:
        """For each stored question how surely it wants the same answer, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Likest:
    """The stored question that is likest to want the same answer.

    Attributes:
        key: of its answer.
        sure: how surely it wants the same, 0 to 1.
        rivals: keys of the answers to other questions that are about as near.
    """

    key: str
    question: str
    sure: float
    rivals: tuple[str, ...]


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

    def best(self, question: str, vector: np.ndarray, partition: str) -> Likest | None:
        """The stored question whose answer may be given to this one too; None: there is none."""
        found = self.likest(question, vector, partition)
        if found is None or not may_serve(found.sure, self._observed(found), self._bound):
            return None
        return found

    def expected_wrong(self, likest: Likest) -> tuple[float, float]:
        """The share of wrong answers to expect there, and the bound on it."""
        return expected_wrong(likest.sure, self._observed(likest)), self._bound

    def likest(self, question: str, vector: np.ndarray, partition: str) -> Likest | None:
        """The stored question that is likest to want the same answer; None: nothing is like it."""
        rows = self._index.near(partition, signs(vector), _COMPARED)
        found = self._cards.questions(rows)
        if not found:
            return None
        vectors = unpacked([f.vector for f in found])
        cosines = vectors @ vector
        order = np.argsort(-cosines, kind="stable")[:RIVALS]
        near = [found[at] for at in order]
        sure = self._same.likeness(question, vector, [s.question for s in near], vectors[order])
        at = int(np.argmax(sure))
        if not sure[at] > 0.0:
            return None
        others = tuple(near[n].key for n in rivals(cosines[order].tolist(), at))
        return Likest(near[at].key, near[at].question, sure[at], others)

    def _observed(self, likest: Likest) -> list[Observation]:
        return self._cards.observed(likest.key)
