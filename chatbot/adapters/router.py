"""The router: decides whether a question, or a sentence of an answer, needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from chatbot.adapters.classifier import SHIPPED, Classifier, open_classifier
from chatbot.adapters.embeddings import open_tuned
from chatbot.adapters.nearest import HALF, Examples, learn_examples
from chatbot.domain import Decision, Screening, Turn
from chatbot.policy import Policy
from chatbot.settings import Settings
from chatbot.steps.condense import needs_context
from chatbot.steps.injection import instructions
from chatbot.steps.normalise import Readings, readings
from chatbot.steps.personal_data import personal_data
from chatbot.steps.screen import (
    MOST_PIECES,
    Limits,
    Signals,
    bare,
    decide,
    held_of,
    look_again,
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

    def __init__(
        self, policy: Policy, encoder: Encoder, tuned: Encoder, classifier: Classifier
    ) -> None:
        """The encoder is the one that the documents are searched with; the tuned one takes a
        second look at what would be released."""
        self.policy = policy
        self._encoder = encoder
        self._tuned = tuned
        self._classifier = classifier
        self._examples: Sequence[Examples] = learn_examples(
            policy, encoder.encode, classifier.everyday
        )

    def screen(self, question: str, history: Sequence[Turn] = ()) -> Screening:
        """What happens to a question, read with the conversation that it leans on."""
        read, texts = _parts(self.readings(question))
        texts += _in_context(question, history)
        texts = list(dict.fromkeys(texts or [question]))
        found = decide(self.policy, self._signals(question, read, texts))
        return found if found.decision is not Decision.RELEASE else self._again(texts, found)

    def _again(self, texts: Sequence[str], released: Screening) -> Screening:
        second, classes = self._classifier.second, self._classifier.classes
        found = second.probabilities(_each(self._tuned, texts))
        columns = [classes.index(n) for n in held_of(self.policy, classes)]
        top = found[int(found[:, columns].sum(axis=1).argmax())]
        scores = {
            n: round(float(p), 4) for n, p in zip(classes, top, strict=True) if n != "everyday"
        }
        return look_again(self.policy, released, scores, second.limit)

    def readings(self, question: str) -> Readings:
        """Every plausible reading of a question, with and without courtesies at its ends: few
        words more may make it sound harmless, or hide that it cannot be read."""
        found, plain = readings(question, self._classifier.lexicon), bare(question)
        if plain == question:
            return found
        more = readings(plain, self._classifier.lexicon)
        texts = dict.fromkeys((*found.texts, *more.texts))
        unreadable = found.unreadable or more.unreadable
        return replace(found, texts=tuple(texts), unreadable=unreadable)

    def _signals(self, question: str, read: Readings, texts: Sequence[str]) -> Signals:
        vectors = _each(self._encoder, texts)
        limits = self._classifier.limits
        scores = self._scores(texts, vectors, limits)
        single = dict(limits.single)
        for examples in self._examples:
            single[examples.name] = min(single.get(examples.name, 1.0), HALF)
            scores[examples.name] = max(examples.score(vectors), scores.get(examples.name, 0.0))
        personal = (kind for t in (question, *read.texts) for kind in personal_data(t))
        return Signals(
            scores={name: round(score, 4) for name, score in scores.items()},
            limits=Limits(single, limits.sums),
            matched=self._matched((question, *texts)),
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
        order = instructions(sentence) or instructions(cited_text)
        personal = personal_data(sentence, cited_text)
        if order or personal:
            why = (
                "It, or a passage that it rests on, gives orders to a language model."
                if order
                else (f"It holds {' and '.join(personal)} that its source does not have.")
            )
            return Screening(
                Decision.HOLD, "instructions" if order else "personal-data", 1.0, (why,)
            )
        return self._topic(sentence)

    def _topic(self, sentence: str) -> Screening:
        """Holds a sentence whose subject is surely sensitive, or an organisation's own category,
        whatever was asked. The patterns of the others are for questions."""
        classes, limits = self._classifier.classes, self._classifier.answer_limits
        vectors = self._encoder.encode([sentence])
        scores, single = self._scores([sentence], vectors, limits), dict(limits.single)
        for examples in self._examples:
            if examples.name not in classes:
                single[examples.name], scores[examples.name] = HALF, examples.score(vectors)
        matched = tuple(n for n in self._matched([sentence]) if n not in classes)
        return decide(self.policy, Signals(scores, Limits(single, limits.sums), matched))


def _each(encoder: Encoder, texts: Sequence[str]) -> np.ndarray:
    """Vectors of texts, each encoded by itself. The int8 model takes its range from all that it
    is given at once: beside another text a question near the limit would fall below it."""
    return np.concatenate([encoder.encode([text]) for text in texts])


def _parts(read: Readings) -> tuple[Readings, list[str]]:
    """The sentences of every reading. Of too many the first are read, and a person reads the rest:
    whatever comes after enough everyday ones must not be released unread."""
    parts = [pieces(text) for text in read.texts]
    if any(len(of_one) > MOST_PIECES for of_one in parts):
        read = replace(read, unreadable=read.unreadable or "it has too many sentences")
    return read, [p for of_one in parts for p in of_one[:MOST_PIECES]]


def _in_context(question: str, history: Sequence[Turn]) -> list[str]:
    """A question that leans on earlier ones, with those before it."""
    if not needs_context(question, history):
        return []
    asked = [t.question for t in history[-_TURNS:]]
    return [" ".join([*asked[-n:], question]) for n in range(1, len(asked) + 1)]


def open_router(settings: Settings, policy: Policy, encoder: Encoder) -> Router:
    """The router by that policy, with the classifier that is shipped or was trained.

    Raises:
        ModelUnusable: the classifier is missing, damaged, or made for another embedding model, or
            its encoder cannot be prepared.
    """
    file = classifier_file(settings)
    classifier = open_classifier(file, encoder.name)
    return Router(policy, encoder, open_tuned(settings, file), classifier)


def classifier_file(settings: Settings) -> Path:
    """The classifier that was trained here, or else the one that is shipped."""
    trained = settings.models_folder / SHIPPED.name
    return trained if trained.exists() else SHIPPED
