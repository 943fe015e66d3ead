"""Learns, from labelled pairs, how surely two questions want the same answer.

Two weights, by logistic regression; then, for each score, the share of different questions that
reach it. Few numbers on purpose: twenty features did better on our own pairs and far worse on those
of others (ADR 21).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.classifier import base_model
from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.same_pairs import Pair
from chatbot.adapters.same_question import Learned, SameQuestion
from chatbot.errors import BadInput
from chatbot.steps.intervals import wilson

_SENSES = {"noun": 4, "verb": 5, "adj": 3, "adv": 2}
"""How many of a word's meanings count, the most frequent ones first."""
_KEPT = 400  # of the highest scores of different questions

Meanings = Mapping[str, frozenset[int]]


def train_same_question(
    pairs: Sequence[Pair], meanings: Meanings, encoder: TextEncoder
) -> tuple[bytes, dict[str, Any]]:
    """The weights as the bytes of their file, and what is recorded about them.

    Raises:
        BadInput: there are too few pairs of either kind to learn from.
    """
    learn = [p for p in pairs if p.side == "train"]
    empty = np.zeros(2)
    found = features(learn, SameQuestion(encoder, Learned(empty, empty, empty, meanings, {})))
    open_pairs = [(p.same, f) for p, f in zip(learn, found, strict=True) if f]
    if min(sum(s for s, _ in open_pairs), sum(not s for s, _ in open_pairs)) < 20:
        raise BadInput("There are too few pairs to learn from.", "Give same and different ones.")
    weights = _fitted(np.array([f for _, f in open_pairs]), np.array([s for s, _ in open_pairs]))
    different = sorted(float(np.dot(f, weights)) for same, f in open_pairs if not same)
    count = sum(not p.same for p in learn)
    scores, wrong = _scale(different, count)
    about = {
        "embedding_model": base_model(encoder.name),
        "same": sum(p.same for p in learn),
        "different": count,
        "left_for_tests": len(pairs) - len(learn),
        "data_sha256": _fingerprint(learn),
        "weights": [round(float(w), 4) for w in weights],
    }
    return _packed(weights, scores, wrong, meanings, about), about


def features(pairs: Sequence[Pair], same: SameQuestion) -> list[tuple[float, float] | None]:
    """Of each pair the cosine, and that of what the two do not share; None: they are different."""
    questions = list(dict.fromkeys(q for p in pairs for q in (p.one, p.two)))
    vectors = dict(zip(questions, same.vectors(questions), strict=True))
    return [same.features(p.one, vectors[p.one], p.two, vectors[p.two]) for p in pairs]


def _fitted(found: np.ndarray, same: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    model = LogisticRegression(class_weight="balanced").fit(found, same)
    return np.asarray(model.coef_[0], np.float32)


def _scale(different: Sequence[float], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores, rising, and the share of different questions that reach each: upper end of 95%."""
    kept = different[-_KEPT:]
    above = [wilson(len(kept) - i, count)[1] for i in range(len(kept))]
    beyond = kept[-1] + 1e-4
    return (
        np.array([kept[0] - 1e-4, *kept, beyond], np.float32),
        np.array([1.0, *above, wilson(0, count)[1]], np.float32),
    )


def read_wordnet(folder: Path, words: Sequence[str]) -> dict[str, frozenset[int]]:
    """For those words that share a meaning with another one, the numbers of their meanings.

    Args:
        folder: WordNet's database, as Debian's package wordnet-base has it.

    Raises:
        BadInput: it is not there.
    """
    known = {w for w in words if w.isalpha()}
    try:
        senses = dict[str, list[str]](_senses(folder, known))
        irregular = {a: b for f in _SENSES for a, b in _exceptions(folder / f"{f}.exc")}
    except (OSError, ValueError, IndexError) as error:
        raise BadInput(
            f"{folder} holds no WordNet ({error}).", "apt-get install wordnet-base"
        ) from error
    holders: dict[str, set[str]] = defaultdict(set)
    for word, own in senses.items():
        for sense in own:
            holders[sense].add(word)
    numbers = {s: n for n, s in enumerate(sorted(s for s, w in holders.items() if len(w) > 1))}
    found = {w: frozenset(numbers[s] for s in own if s in numbers) for w, own in senses.items()}
    for word, base in irregular.items():
        found[word] = found.get(word, frozenset()) | found.get(base, frozenset())
    return {w: f for w, f in sorted(found.items()) if f}


def _senses(folder: Path, known: set[str]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for part, most in _SENSES.items():
        for line in (folder / f"index.{part}").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if not line.startswith(" ") and fields[0] in known:
                offsets = fields[-int(fields[2]) :][:most]
                found[fields[0]] += [f"{part}{offset}" for offset in offsets]
    return iter(found.items())


def _exceptions(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="ascii").splitlines():
        word, base, *_ = line.split()
        if "_" not in word:
            yield word, base


def _fingerprint(pairs: Sequence[Pair]) -> str:
    lines = sorted(f"{p.one}\t{p.two}\t{p.same}" for p in pairs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _packed(
    weights: np.ndarray,
    scores: np.ndarray,
    wrong: np.ndarray,
    meanings: Meanings,
    about: Mapping[str, Any],
) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        weights=weights,
        scores=scores,
        wrong=wrong,
        words=_bytes("\n".join(meanings)),
        counts=np.array([len(m) for m in meanings.values()], np.uint8),
        meanings=np.array([n for m in meanings.values() for n in sorted(m)], np.uint16),
        about=_bytes(json.dumps(about)),
    )
    return packed.getvalue()


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)
