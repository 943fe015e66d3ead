"""Learns what share of different questions comes how near, from pairs of them.

The score has two weights only, set by hand on pairs that are not for tests: models of twenty
features did better on our own pairs and far worse on those of others (ADR 21).
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

_SENSES = {"noun": 3, "verb": 4, "adj": 2, "adv": 1}
"""How many of a word's meanings count, the most frequent ones first."""
_FEWEST = 1000
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
    same = SameQuestion(encoder, Learned(empty, empty, meanings, {}))
    different = [p for p in learn if not p.same]
    if len(different) < _FEWEST:
        raise BadInput(
            f"{len(different)} pairs of different questions are too few to learn from.",
            f"Give {_FEWEST} of them, near each other.",
        )
    found = sorted(s for s in scored(different, same) if s is not None)
    scores, wrong = _scale(found, len(different))
    about = {
        "embedding_model": base_model(encoder.name),
        "different": len(different),
        "left_for_tests": len(pairs) - len(learn),
        "data_sha256": _fingerprint(different),
    }
    return _packed(scores, wrong, meanings, about), about


def scored(pairs: Sequence[Pair], same: SameQuestion) -> list[float | None]:
    """The score of each pair; None: something says that the two are different."""
    questions = list(dict.fromkeys(q for p in pairs for q in (p.one, p.two)))
    vectors = dict(zip(questions, same.vectors(questions), strict=True))
    return [
        same.scores(p.one, vectors[p.one], [p.two], vectors[p.two][None, :]).get(0) for p in pairs
    ]


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
    scores: np.ndarray,
    wrong: np.ndarray,
    meanings: Meanings,
    about: Mapping[str, Any],
) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
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
