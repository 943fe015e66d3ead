"""From two lists of candidates to the passages that an answer is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chatbot.domain import Passage, ScoredPassage
from chatbot.steps.words import coverage

DENSE_WEIGHT = 0.55
"""Weight of the dense score in the fusion; docs/experiments/LOG.md has what was measured."""


class Candidate(NamedTuple):
    """A passage's scores on both sides; 0.0 on the lexical side where no word matches."""

    id: str
    dense: float
    lexical: float


def fuse(candidates: Sequence[Candidate], weight: float = DENSE_WEIGHT) -> dict[str, float]:
    """Id → fused score, 0 to 1, best first.

    A convex combination of min-max normalised scores over the candidates. Unlike reciprocal ranks
    it keeps distances: a side that cannot tell the candidates apart cannot outvote one that can.
    After Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval"
    (arXiv:2210.11934).
    """
    dense = _normalised([c.dense for c in candidates])
    lexical = _normalised([c.lexical for c in candidates])
    scores = {
        c.id: weight * d + (1 - weight) * x
        for c, d, x in zip(candidates, dense, lexical, strict=True)
    }
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def _normalised(values: Sequence[float]) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    spread = high - low
    if spread <= 0:  # none is better than the others: each is the best, if it is anything
        return [float(v > 0) for v in values]
    return [(v - low) / spread for v in values]


def rank(
    question: str,
    candidates: Sequence[Candidate],
    fused: Mapping[str, float],
    passages: Mapping[str, Passage],
    k: int,
    today: date,
) -> tuple[ScoredPassage, ...]:
    """The k best passages that count today, duplicates of the same text left out.

    Args:
        fused: what `fuse` made of the candidates.
    """
    by_id = {c.id: c for c in candidates}
    best: list[ScoredPassage] = []
    seen: set[str] = set()
    for passage_id, score in fused.items():
        passage = passages.get(passage_id)
        if passage is None or not passage.document.counts_on(today):
            continue
        words = " ".join(passage.text.split())
        if words in seen:
            continue
        seen.add(words)
        best.append(ScoredPassage(passage, score, _scores(question, by_id[passage_id], passage)))
        if len(best) == k:
            break
    return tuple(best)


def _scores(question: str, candidate: Candidate, passage: Passage) -> dict[str, float]:
    context = " ".join((passage.document.title, *passage.locator.heading, passage.text))
    return {
        "dense": candidate.dense,
        "lexical": candidate.lexical,
        "coverage": coverage(question, context),
    }


def relevance(passages: Sequence[ScoredPassage]) -> float:
    """How likely it is that the passages are about the question, 0 to 1: the best one's."""
    return max(
        (0.75 * p.scores["dense"] + 0.25 * p.scores["coverage"] for p in passages), default=0.0
    )
