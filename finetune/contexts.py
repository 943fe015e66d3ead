"""Questions over several passages, as retrieval gives them: with the answer, and without it.

To learn from, several questions share one list of passages, so that the list is read once for all
of them. To measure with, each question has the list that retrieval finds for it.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chatbot.steps.rank import Candidate, fuse
from chatbot.steps.words import coverage
from finetune.public import Asked
from finetune.rows import Row, Source, Split

Encode = Callable[[Sequence[str]], np.ndarray]

FEWEST, MOST = 3, 5
OWN, OTHERS = 6, 2
_NEAREST = 30
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Lists:
    """How lists of passages are drawn to learn from.

    Attributes:
        rounds: lists around each passage that is asked about; each has others beside it.
        absent: questions beside each list that it does not answer.
        seed: of all that is drawn.
    """

    rounds: int = 1
    absent: int = 6
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Shelf:
    """The passages and questions of one split, with their unit vectors."""

    passages: tuple[Source, ...]
    passage_vectors: np.ndarray
    asked: tuple[Asked, ...]
    asked_vectors: np.ndarray

    @classmethod
    def of(cls, passages: Sequence[Source], asked: Sequence[Asked], encode: Encode) -> Shelf:
        """Embeds both."""
        found = encode([f"{p.where}\n{p.text}" for p in passages])
        return cls(tuple(passages), found, tuple(asked), encode([a.question for a in asked]))


def shared_rows(shelf: Shelf, lists: Lists) -> Iterator[Row]:
    """Rows to learn from: around each passage that is asked about lists, and questions on them."""
    by_gold: dict[str, list[int]] = defaultdict(list)
    for number, asked in enumerate(shelf.asked):
        if asked.answers:
            by_gold[asked.gold[0].id].append(number)
    for number in range(lists.rounds):
        chance = random.Random(lists.seed + number)  # noqa: S311
        for at, passage in enumerate(shelf.passages):
            if by_gold[passage.id]:
                yield from _around(shelf, at, by_gold, lists.absent, chance)


def _around(
    shelf: Shelf, at: int, by_gold: dict[str, list[int]], absent: int, chance: random.Random
) -> Iterator[Row]:
    own = by_gold[shelf.passages[at].id]
    wanted = shelf.asked_vectors[own].mean(axis=0) + shelf.passage_vectors[at]
    near = np.argsort(-(shelf.passage_vectors @ wanted))
    others = [int(i) for i in near if i != at][: chance.randint(FEWEST, MOST) - 1]
    listed = [shelf.passages[i] for i in sorted([at, *others], key=list(near).index)]
    if chance.random() < 0.5:
        chance.shuffle(listed)
    asked = chance.sample(own, min(OWN, len(own)))
    for other in others:
        theirs = by_gold[shelf.passages[other].id]
        asked += chance.sample(theirs, min(OTHERS, len(theirs)))
    asked += _absent(shelf, wanted, listed, absent, chance)
    for number in asked:
        yield row_of(shelf.asked[number], listed, Split.TRAIN)


def _absent(
    shelf: Shelf, wanted: np.ndarray, listed: Sequence[Source], count: int, chance: random.Random
) -> list[int]:
    """Questions near to the list that it does not answer, and one from anywhere."""
    near = np.argsort(-(shelf.asked_vectors @ wanted))[: _NEAREST * 2]
    fitting = [int(i) for i in near if answerless(shelf.asked[int(i)], listed)]
    some = chance.sample(range(len(shelf.asked)), min(_NEAREST, len(shelf.asked)))
    anywhere = [i for i in some if answerless(shelf.asked[i], listed)][:1]
    return chance.sample(fitting, min(max(count - 1, 0), len(fitting))) + anywhere[:count]


def own_rows(shelf: Shelf, seed: int, split: Split) -> Iterator[Row]:
    """Rows to measure with: each answerable question over what is found for it, with and without
    its passage; and where a paragraph does not hold the answer, over the paragraph (hard)."""
    chance = random.Random(seed)  # noqa: S311
    for asked, vector in zip(shelf.asked, shelf.asked_vectors, strict=True):
        found = retrieved(shelf, asked.question, vector)
        k = chance.randint(FEWEST, MOST)
        if not asked.answers:
            yield row_of(asked, found[:k], Split.HARD)
            continue
        if any(holds(asked, p) for p in found[:k] if p in asked.gold):
            yield row_of(asked, found[:k], split)
        without = [p for p in found if p not in asked.gold][:k]
        if answerless(asked, without):
            yield row_of(asked, without, split)


def retrieved(shelf: Shelf, question: str, vector: np.ndarray) -> list[Source]:
    """The nearest passages, fused of meaning and words as the chain does."""
    cosines = shelf.passage_vectors @ vector
    near = [int(i) for i in np.argsort(-cosines)[:_NEAREST]]
    pool = [
        Candidate(str(i), float(cosines[i]), coverage(question, _read(shelf.passages[i])))
        for i in near
    ]
    return [shelf.passages[int(i)] for i in fuse(pool)]


def row_of(asked: Asked, listed: Sequence[Source], split: Split) -> Row:
    """The question over those passages: answered where one of them holds it."""
    marker = next((n for n, p in enumerate(listed, 1) if p in asked.gold and holds(asked, p)), 0)
    return Row(
        asked.question,
        tuple(listed),
        asked.answers[0] if marker else "",
        marker,
        asked.origin,
        asked.licence,
        split,
        asked.answers[1:] if marker else (),
        asked.synthetic,
        notes=asked.notes,
    )


def holds(asked: Asked, passage: Source) -> bool:
    """Whether the preferred answer stands in that passage, word for word."""
    return bool(asked.answers) and asked.answers[0] in passage.text


def answerless(asked: Asked, listed: Sequence[Source]) -> bool:
    """Whether none of the passages can hold the answer: none is the question's, and none says any
    of the right answers."""
    if not asked.answers or any(p in asked.gold for p in listed):
        return False
    return not any(_words(a) in _words(p.text) for a in asked.answers for p in listed)


@lru_cache(maxsize=50_000)
def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _read(passage: Source) -> str:
    return f"{passage.where}\n{passage.text}"
