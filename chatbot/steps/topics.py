"""What new questions are about, in words that several people used: nobody's own words are shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.steps.drift import Asked
from chatbot.steps.personal_data import redacted
from chatbot.steps.words import STOP_WORDS, WORD, stem

NEAR = 0.5
"""Cosine from which two questions are about one subject."""
FEWEST_ASKERS = 3
"""People who must have used a word before it is shown."""
_MOST_RECORDS = 5
_REDACTED = re.compile(r"\[[^]]*\]")


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject that came up.

    Attributes:
        words: what its questions share, the most frequent first.
        count: how many questions.
        records: answers to look at, by whoever may (`chatbot audit show`).
    """

    words: tuple[str, ...]
    count: int
    records: tuple[str, ...]


def new_topics(
    asked: Sequence[Asked], vectors: np.ndarray, reference: np.ndarray, most: int = 3
) -> list[Topic]:
    """The largest subjects among the questions that are unlike all of the reference.

    Args:
        vectors: of the questions (n x d, length 1).
        reference: vectors of the earlier questions.
    """
    new = np.flatnonzero(_nearest(vectors, reference) < _usual(reference))
    like = vectors[new] @ vectors[new].T >= NEAR
    left = np.ones(len(new), bool)
    found: list[Topic] = []
    while left.any() and len(found) < most:
        centre = int(((like & left).sum(axis=1) * left).argmax())
        members = np.flatnonzero(like[centre] & left)
        if len(members) < FEWEST_ASKERS:
            break
        left[members] = False
        if (topic := _named([asked[new[i]] for i in members])) is not None:
            found.append(topic)
    return found


def _usual(reference: np.ndarray) -> float:
    """Likeness to the nearest other one that 19 of 20 questions of the reference have."""
    like = reference @ reference.T
    np.fill_diagonal(like, -1.0)
    return float(np.quantile(like.max(axis=1), 0.05))


def _nearest(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.asarray((vectors @ others.T).max(axis=1))


def _named(asked: Sequence[Asked]) -> Topic | None:
    """The subject by its words; None: too few people share a word."""
    seen: dict[str, set[str]] = {}
    shown: dict[str, Counter[str]] = {}
    for one in asked:
        for word in WORD.findall(_REDACTED.sub(" ", redacted(one.question)).lower()):
            if word not in STOP_WORDS and word.isalpha():
                seen.setdefault(stem(word), set()).add(one.asker)
                shown.setdefault(stem(word), Counter())[word] += 1
    common = sorted((s for s in seen if len(seen[s]) >= FEWEST_ASKERS), key=lambda s: -len(seen[s]))
    if not common:
        return None
    words = tuple(shown[s].most_common(1)[0][0] for s in common[:5])
    return Topic(words, len(asked), tuple(a.record for a in asked[:_MOST_RECORDS]))
