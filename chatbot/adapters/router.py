"""The router: decides whether a question, or a sentence of an answer, needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from chatbot.adapters.classifier import SHIPPED, Classifier, open_classifier
from chatbot.adapters.nearest import HALF, Examples, learn_examples
from chatbot.domain import Decision, Screening, Turn
from chatbot.policy import Policy
from chatbot.settings import Settings
from chatbot.steps.condense import needs_context
from chatbot.steps.injection import instructions
from chatbot.steps.normalise import Readings, readings
from chatbot.steps.personal_data import personal_data
from chatbot.steps.screen import (
    Limits,
    Signals,
    decide,
    held_of,
    pieces,
)

_TURNS = 3


class Encoder(Protocol):
    """What the router needs of an embedding model."""

    name: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the texts, in their order."""


class Router:
    """Screens questions and answers by one policy. May be used from several threads."""

    def __init__(self, policy: Policy, encoder: Encoder, classifier: Classifier) -> None:
        self.policy = policy
        self._encoder = encoder
        self._classifier = classifier
        self._examples: Sequence[Examples] = learn_examples(
            policy, encoder.encode, classifier.everyday
        )

    def screen(self, question: str, history: Sequence[Turn] = ()) -> Screening:
        """What happens to a question, read with the conversation that it leans on."""
        read = self.readings(question)
        texts = [p for text in read.texts for p in pieces(text)]
        texts += _in_context(question, history)
        return decide(self.policy, self._signals(question, read, texts or [question]))

    def readings(self, question: str) -> Readings:
        """Every plausible reading of a question, for those who want to know why."""
        return readings(question, self._classifier.lexicon)

    def _signals(self, question: str, read: Readings, texts: Sequence[str]) -> Signals:
        unique = list(dict.fromkeys(texts))
        vectors = self._encoder.encode(unique)
        limits = self._classifier.limits
        scores = self._scores(unique, vectors, limits)
        single = dict(limits.single)
        for examples in self._examples:
            single[examples.name] = min(single.get(examples.name, 1.0), HALF)
            scores[examples.name] = max(examples.score(vectors), scores.get(examples.name, 0.0))
        personal = (kind for t in (question, *read.texts) for kind in personal_data(t))
        return Signals(
            scores={name: round(score, 4) for name, score in scores.items()},
            limits=Limits(single, limits.sums),
            matched=self._matched((question, *unique)),
            personal=tuple(dict.fromkeys(personal)),
            unreadable=read.unreadable,
        )

    def _scores(
        self, texts: Sequence[str], vectors: np.ndarray, limits: Limits
    ) -> dict[str, float]:
        """Category → probability, in that of the texts which comes nearest to being held."""
        found = self._classifier.probabilities(texts, vectors)
        classes = self._classifier.classes
        nearest = np.zeros(len(texts))
        for group, limit in limits.sums:
            columns = [classes.index(n) for n in held_of(self.policy, group)]
            nearest = np.maximum(nearest, found[:, columns].sum(axis=1) / limit)
        top = found[int(nearest.argmax())]
        return {n: float(p) for n, p in zip(classes, top, strict=True) if n != "everyday"}

    def _matched(self, texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            name
            for name, category in self.policy.categories.items()
            if any(p.search(t) for p in category.patterns for t in texts)
        )

    def screen_answer(self, sentence: str, cited_text: str = "") -> Screening:
        """What happens to one sentence of an answer.

        Args:
            cited_text: the passages that it cites; personal data that stands there is public.
        """
        order = instructions(sentence)
        personal = personal_data(sentence, cited_text)
        if order or personal:
            why = (
                "It gives orders to a language model."
                if order
                else (f"It holds {' and '.join(personal)} that its source does not have.")
            )
            return Screening(
                Decision.HOLD, "instructions" if order else "personal-data", 1.0, (why,)
            )
        return self._topic(sentence)

    def _topic(self, sentence: str) -> Screening:
        """Holds a sentence whose subject is surely sensitive, whatever was asked."""
        limits = self._classifier.answer_limits
        scores = self._scores([sentence], self._encoder.encode([sentence]), limits)
        return decide(self.policy, Signals(scores, limits))


def _in_context(question: str, history: Sequence[Turn]) -> list[str]:
    """A question that leans on earlier ones, with those before it."""
    if not needs_context(question, history):
        return []
    asked = [t.question for t in history[-_TURNS:]]
    return [" ".join([*asked[-n:], question]) for n in range(1, len(asked) + 1)]


def open_router(settings: Settings, policy: Policy, encoder: Encoder) -> Router:
    """The router by that policy, with the classifier that is shipped or was trained.

    Raises:
        ModelUnusable: the classifier is missing, damaged, or made for another embedding model.
    """
    return Router(policy, encoder, open_classifier(classifier_file(settings), encoder.name))


def classifier_file(settings: Settings) -> Path:
    """The classifier that was trained here, or else the one that is shipped."""
    trained = settings.models_folder / SHIPPED.name
    return trained if trained.exists() else SHIPPED
