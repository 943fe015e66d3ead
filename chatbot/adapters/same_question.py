"""Whether two questions want the same answer: vectors, words, and what was learned of both.

`policies/same_question.npz` holds a scale and a table of synonyms: numbers and words, no pickle.
ADR 21 says why it is no threshold on one cosine.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from chatbot.adapters.classifier import base_model
from chatbot.adapters.embeddings import TextEncoder
from chatbot.errors import ModelUnusable
from chatbot.policy import FOLDER
from chatbot.steps.alignment import Alignment, Lexicon, Sketch, align, as_text, sketch
from chatbot.steps.differences import differences

SHIPPED = FOLDER / "same_question.npz"
LEAST = 0.5
"""Cosine below which two questions are never held to be the same."""
REST = 0.5
"""What the cosine of what two questions do not share counts for beside their own."""
ONE_SIDED = 0.45
"""What stands for that cosine where one question has no rest."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of pairs in general.

    Attributes:
        scores: scores that different questions reached, rising.
        wrong: for each, the share of different questions that reach it or more: the upper end of
            its 95% interval.
        meanings: for each word the numbers of its meanings.
        about: what it was learned from, and how well it does.
    """

    scores: np.ndarray
    wrong: np.ndarray
    meanings: Mapping[str, frozenset[int]]
    about: Mapping[str, Any]

    def likeness(self, score: float) -> float:
        """1 less the share of different questions that come as near."""
        return 1.0 - float(np.interp(score, self.scores, self.wrong))


class SameQuestion:
    """How sure it is that a stored question's answer is the asked one's too."""

    def __init__(self, embeddings: TextEncoder, learned: Learned) -> None:
        self._embeddings = embeddings
        self._learned = learned
        self._lexicon = Lexicon(frozenset(embeddings.vocabulary()), learned.meanings)
        self._sketch = lru_cache(maxsize=8192)(self._sketched)
        self._rest = lru_cache(maxsize=8192)(self.vector)

    @property
    def meanings(self) -> Mapping[str, frozenset[int]]:
        """Words with the numbers of their meanings: synonyms have one in common."""
        return self._learned.meanings

    def vector(self, question: str) -> np.ndarray:
        """The question as a unit vector (float32)."""
        return np.asarray(self.vectors([question])[0])

    def vectors(self, questions: Sequence[str]) -> np.ndarray:
        """The questions as unit vectors (n x d, float32)."""
        return self._embeddings.encode(questions)  # X

    def likeness(
        self, asked: str, asked_vector: np.ndarray, stored: Sequence[str], vectors: np.ndarray
    ) -> list[float]:
        """For each stored question how surely it wants the same answer, 0 to 1: 1 less the share
        of different questions that come as near. 0 where something says that it does not."""
        found = [0.0] * len(stored)
        for place, score in self.scores(asked, asked_vector, stored, vectors).items():
            found[place] = self._learned.likeness(score)
        return found

    def scores(
        self, asked: str, asked_vector: np.ndarray, stored: Sequence[str], vectors: np.ndarray
    ) -> dict[int, float]:
        """By its place, the score of each stored question that nothing says to be different."""
        if not stored:
            return {}
        found = {}
        for place, cosine in enumerate((vectors @ asked_vector).tolist()):
            rest = self._compared(asked, stored[place]) if cosine >= LEAST else None
            if rest is not None:
                found[place] = cosine + REST * self._rest_cosine(*map(as_text, rest.rest))
        return found

    def _compared(self, asked: str, stored: str) -> Alignment | None:
        if differences(asked, stored):
            return None
        found = align(self._sketch(asked), self._sketch(stored))
        return None if found.exchanged else found

    def _sketched(self, question: str) -> Sketch:
        return sketch(question, self._lexicon)

    def _rest_cosine(self, one: str, two: str) -> float:
        if not one and not two:
            return 1.0
        if not one or not two:
            return ONE_SIDED
        return float(self._rest(one) @ self._rest(two))


def open_same_question(embeddings: TextEncoder, path: Path = SHIPPED) -> SameQuestion:
    """What is shipped, or what that file holds, on these embeddings.

    Raises:
        ModelUnusable: it is missing or damaged, or was learned on another embedding model.
    """
    remedy = "Restore policies/same_question.npz, or train one: chatbot policy train-same --help."
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            learned = Learned(
                stored["scores"],
                stored["wrong"],
                _meanings(stored),
                about,
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelUnusable(f"The weights {path} cannot be read ({error}).", remedy) from error
    if about["embedding_model"] != base_model(embeddings.name):
        raise ModelUnusable(
            f"The weights {path.name} were learned on {about['embedding_model']}, and the "
            f"embedding model is {base_model(embeddings.name)}.",
            remedy,
        )
    return SameQuestion(embeddings, learned)


def _meanings(stored: Mapping[str, np.ndarray]) -> dict[str, frozenset[int]]:
    words = bytes(stored["words"]).decode().split("\n")
    parts = np.split(stored["meanings"], np.cumsum(stored["counts"])[:-1])
    return {w: frozenset(p.tolist()) for w, p in zip(words, parts, strict=True)}
