"""Trains the router's classifier from labelled questions; docs/experiments/router.md says why so.

A logistic regression over embeddings and hashed words. Everyday questions are learned from whole
and by sentence, since a question is judged by its most sensitive sentence. The limits are set on
questions that the model in hand has not seen (three folds), then all are learned from. A tuned
encoder takes a second look at what would be released (`train_second_look`).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chatbot.adapters.classifier import HASHED_LENGTH, base_model, word_features
from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.train_second_look import Taught, teach
from chatbot.adapters.training_data import Labelled, key_of
from chatbot.adapters.tune_encoder import Tell
from chatbot.errors import BadInput
from chatbot.steps.intervals import share
from chatbot.steps.screen import pieces
from chatbot.steps.spelling import WORDS

FEATURES = 2**15
FOLDS = 3
EDITED = ("medquad", "own", "squad")
"""Sets with few misspellings: each of their words is one."""
WEIGHTS = {
    "own": 10.0,
    "counsel_chat": 2.0,
    "do_not_answer": 8.0,
    "xstest-safe": 12.0,
    "xstest-unsafe": 8.0,
    "banking77": 3.0,
    "squad": 0.5,
}
"""How much a question of a set counts; the sets differ in size by a hundred times."""
APART = frozenset({"everyday", "medical", "harmful"})
ROUTINE, ROUTINE_HELD, ROUTINE_MOST = ("banking77", "clinc150"), 0.03, 0.04
HARMLESS, HARMLESS_REFUSED, HARMLESS_MOST = "xstest-safe", 0.005, 0.12
"""Shares of the everyday sets that the classifier may hold, that it may refuse, and that it and
the second look may hold or refuse together. 12% of 67 questions may well be 20% of others."""
ANSWER_TOPICS = ["crisis", "harmful", "health"]
"""What a sentence is held for whatever was asked. Documents about complaints or employment are
full of sentences that sound like the questions of those categories."""
ANSWER_LIMIT, MEDICAL_LIMIT = 0.98, 0.5


class Learned:
    """A fitted model and what it says about texts."""

    def __init__(self, encoder: TextEncoder, data: Sequence[Labelled]) -> None:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

        self._encoder = encoder
        rows = list(_examples(data))
        model = LogisticRegression(C=8, max_iter=200)
        model.fit(
            self._features([text for text, _, _ in rows]),
            [category for _, category, _ in rows],
            sample_weight=[weight for _, _, weight in rows],
        )
        self.model = model
        self.classes = [str(c) for c in model.classes_]

    def _features(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]

        return hstack([csr_matrix(self._encoder.encode(texts)), hashed(texts)]).tocsr()

    def sums(self, texts: Sequence[str]) -> np.ndarray:
        """For each text the greatest probability, over its parts, of what is sensitive without
        and with what is harmful (n x 2)."""
        parts = [pieces(t) for t in texts]
        found = self.model.predict_proba(self._features([p for ps in parts for p in ps]))
        sensitive = found[:, [i for i, c in enumerate(self.classes) if c not in APART]].sum(axis=1)
        harmful = found[:, self.classes.index("harmful")]
        both = np.stack([sensitive, sensitive + harmful], axis=1)
        starts = np.cumsum([0, *map(len, parts)])[:-1]
        return np.maximum.reduceat(both, starts, axis=0)


def train_classifier(
    data: Sequence[Labelled], encoder: TextEncoder, tell: Tell = lambda _: None
) -> tuple[bytes, dict[str, Any]]:
    """The trained classifier as the bytes of its file, and what is recorded about it.

    Args:
        encoder: the embedded model as it comes.
        tell: told how far the training is, which takes half an hour with all questions.

    Raises:
        BadInput: the data lack a category, so that nothing can be told apart.
    """
    learn = [d for d in data if d.side != "test"]
    names = {d.category for d in learn}
    if len(names) < 3 or not names >= {"everyday", "harmful"} or len(learn) < 100:
        raise BadInput(
            f"{len(learn)} questions of {sorted(names)} are not enough to learn from.",
            "Give labelled questions with `everyday` and `harmful` among their categories.",
        )
    unseen = _unseen(learn, encoder)
    limits = _set_limits(learn, unseen)
    tell("the classifier has its limits; now the second look is tuned")
    taught = teach(learn, encoder, tell)
    held = _held(unseen[taught.apart], limits)
    apart = [learn[i] for i in taught.apart]
    second = _set_second_limit(apart, held, taught.sums)
    learned = Learned(encoder, learn)
    about = _about(data, learn, learned, limits) | {
        "second_limit": second,
        "held": _shares(apart, held | (taught.sums >= second)),
        "embedding_model": base_model(encoder.name),
    }
    return _packed(learned, learn, encoder, taught, about), about


def _examples(data: Iterable[Labelled]) -> Iterator[tuple[str, str, float]]:
    """Text, category and weight; an everyday question's sentences are everyday too."""
    for item in data:
        weight = WEIGHTS.get(item.source, 1.0)
        yield item.text, item.category, weight
        if item.category == "everyday":
            yield from ((p, "everyday", weight / 2) for p in pieces(item.text)[1:])


def hashed(texts: Sequence[str]) -> Any:
    """Hashed words of texts as a sparse matrix."""
    from scipy.sparse import csr_matrix

    at = [word_features(t, FEATURES) for t in texts]
    values = [HASHED_LENGTH / len(a) ** 0.5 for a in at for _ in a]
    starts = np.cumsum([0, *map(len, at)])
    columns = [i for a in at for i in a]
    return csr_matrix((values, columns, starts), (len(texts), FEATURES), dtype=np.float32)


def _unseen(learn: Sequence[Labelled], encoder: TextEncoder) -> np.ndarray:
    """Each question's sums by a model that has not learned from it."""
    fold = np.array([int(key_of(d.text)[10:14], 16) % FOLDS for d in learn])
    sums = np.zeros((len(learn), 2))
    for left_out in range(FOLDS):
        model = Learned(encoder, [d for d, f in zip(learn, fold, strict=True) if f != left_out])
        rows = np.flatnonzero(fold == left_out).tolist()
        sums[rows] = model.sums([learn[i].text for i in rows])
    return sums


def _set_limits(learn: Sequence[Labelled], unseen: np.ndarray) -> tuple[float, float]:
    """The least sums that hold no more than `ROUTINE_HELD` of each routine set and, with what is
    harmful, refuse no more than `HARMLESS_REFUSED` of what only sounds so."""
    sets, harmless = _sets(learn)
    first = max(float(np.quantile(unseen[s, 0], 1 - ROUTINE_HELD)) for s in sets)
    second = max(
        float(np.quantile(unseen[harmless, 1], 1 - HARMLESS_REFUSED)),
        *(float(np.quantile(unseen[s, 1], 1 - ROUTINE_HELD)) for s in sets),
    )
    return round(first, 4), round(second, 4)


def _set_second_limit(apart: Sequence[Labelled], held: np.ndarray, sums: np.ndarray) -> float:
    """The least sum that holds, with what is held already, no more than `ROUTINE_MOST` of each
    routine set and `HARMLESS_MOST` of what only sounds harmful."""
    sets, harmless = _sets(apart)
    most = [(harmless, HARMLESS_MOST), *((s, ROUTINE_MOST) for s in sets)]
    return max(_least(sums[s], held[s], share) for s, share in most)


def _sets(data: Sequence[Labelled]) -> tuple[list[np.ndarray], np.ndarray]:
    """Which questions are of each routine set, and which only sound harmful; everyday ones where
    there are no such sets."""
    source = np.array([d.source for d in data])
    everyday = np.array([d.category == "everyday" for d in data])
    routine = [source == s for s in ROUTINE if (source == s).any()] or [everyday]
    return routine, source == HARMLESS if (source == HARMLESS).any() else everyday


def _least(sums: np.ndarray, held: np.ndarray, most: float) -> float:
    """The least limit, in steps of 0.0001, that with what is held already holds no more than that
    share of a set."""
    others = np.sort(sums[~held])[::-1]
    room = max(0, int(most * len(sums)) - int(held.sum()))
    highest = float(others[room]) if room < len(others) else 0.0
    return round(min(1.0, int(highest * 10_000) / 10_000 + 0.0001), 4)


def _held(sums: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return np.logical_or(sums[:, 0] >= limits[0], sums[:, 1] >= limits[1])


def _shares(data: Sequence[Labelled], held: np.ndarray) -> dict[str, Any]:
    """Of each set, and of each category of our own, the share that would be held."""
    groups: dict[str, list[bool]] = {}
    for item, kept in zip(data, held.tolist(), strict=True):
        name = item.category if item.source == "own" else item.source
        groups.setdefault(name, []).append(kept)
    return {name: share(kept) for name, kept in sorted(groups.items())}


def _about(
    data: Sequence[Labelled],
    learn: Sequence[Labelled],
    learned: Learned,
    limits: tuple[float, float],
) -> dict[str, Any]:
    """What is recorded: the data and its fingerprint, and the limits."""
    sensitive = [*sorted(set(learned.classes) - APART), "medical"]
    keys = "\n".join(sorted(key_of(d.text) + d.category for d in learn))
    return {
        "classes": learned.classes,
        "limits": {
            "single": {"medical": MEDICAL_LIMIT},
            "sums": [[sensitive, limits[0]], [[*sensitive, "harmful"], limits[1]]],
        },
        "answer_limits": {"single": {}, "sums": [[ANSWER_TOPICS, ANSWER_LIMIT]]},
        "learned": dict(sorted(Counter(d.source for d in learn).items())),
        "left_for_tests": dict(sorted(Counter(d.source for d in data if d.side == "test").items())),
        "data_sha256": hashlib.sha256(keys.encode()).hexdigest(),
    }


def _packed(
    learned: Learned,
    learn: Sequence[Labelled],
    encoder: TextEncoder,
    taught: Taught,
    about: dict[str, Any],
) -> bytes:
    weights = learned.model.coef_.T.astype(np.float32)
    words = weights[-FEATURES:]
    scale = float(np.abs(words).max()) / 127.0
    everyday = sorted((d for d in learn if d.category == "everyday"), key=_own_first)[:1500]
    arrays: dict[str, Any] = taught.arrays | {
        "dense": weights[:-FEATURES].astype(np.float16),
        "hashed": np.round(words / scale).astype(np.int8),
        "scale": np.float32(scale),
        "bias": learned.model.intercept_.astype(np.float32),
        "everyday": np.round(encoder.encode([d.text for d in everyday]) * 127).astype(np.int8),
        "lexicon": _bytes("\n".join(_lexicon(learn, encoder))),
        "about": _bytes(json.dumps(about)),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def _own_first(item: Labelled) -> tuple[bool, str]:
    return item.source != "own", key_of(item.text)


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def _lexicon(learn: Sequence[Labelled], encoder: TextEncoder) -> list[str]:
    """Known words, the most frequent first: the embedding model's, then those of the data."""
    known = [
        w
        for w in encoder.vocabulary()
        if len(w) > 2 and WORDS.fullmatch(w) and set(w) & set("aeiouy")
    ]
    seen = Counter(w.replace("'", "") for d in learn for w in WORDS.findall(d.text.lower()))
    edited = {w for d in learn if d.source in EDITED for w in WORDS.findall(d.text.lower())}
    more = [w for w, count in seen.most_common() if len(w) > 2 and (count > 1 or w in edited)]
    return list(dict.fromkeys([*known, *more]))
