"""Which document belongs to which split, for good; and that nothing is in two of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from chatbot.domain import sha256_of
from finetune.rows import Row, Split

TEST_SHARE, DEV_SHARE = 0.08, 0.04
SAME = 0.93
"""Cosine from which two questions count as one; found by looking at pairs of SQuAD's."""
_SPACE = re.compile(r"\W+")


def split_of(document: str) -> Split:
    """A document's split, by a hash of its name: the same today and in a year."""
    place = int(sha256_of(f"countersign {document}")[:8], 16) / 0xFFFFFFFF
    if place < TEST_SHARE:
        return Split.TEST
    return Split.DEV if place < TEST_SHARE + DEV_SHARE else Split.TRAIN


def key_of(question: str) -> str:
    """A question without case, punctuation and spacing."""
    return _SPACE.sub(" ", question.lower()).strip()


def without_twins(
    questions: Sequence[str], kept: Sequence[str], encode: Callable[[Sequence[str]], np.ndarray]
) -> list[int]:
    """Which of the questions are no near-duplicate of one in `kept`."""
    if not questions or not kept:
        return list(range(len(questions)))
    known = {key_of(k) for k in kept}
    likeness = (encode(questions) @ encode(kept).T).max(axis=1)
    return [n for n, q in enumerate(questions) if key_of(q) not in known and likeness[n] < SAME]


def smuggled(train: Iterable[Row], measured: Iterable[Row]) -> dict[str, str]:
    """Ids of training rows that share something with rows that are measured with, and what.

    A question counts with whatever passages, and a passage of a measured document with whatever
    question.
    """
    measured = list(measured)
    questions = {key_of(r.question): r.id for r in measured}
    documents = {s.document for r in measured for s in r.sources if s.document}
    faults = {}
    for row in train:
        if (twin := questions.get(key_of(row.question))) is not None:
            faults[row.id] = f"asks what the measured row {twin} asks: {row.question}"
        elif shared := {s.document for s in row.sources} & documents:
            faults[row.id] = f"rests on a measured document: {', '.join(sorted(shared))}"
    return faults
