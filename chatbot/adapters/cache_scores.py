"""How a cache would do on labelled pairs of questions: the first is stored, the second asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbot.adapters.same_question import SameQuestion
from chatbot.adapters.training_data import key_of
from chatbot.steps.intervals import share
from chatbot.steps.neighbourhood import may_serve

LabelledPair = tuple[str, str, bool]


def pair_hits(same: SameQuestion, pairs: Sequence[LabelledPair], bound: float) -> list[bool]:
    """Whether a fresh cache that holds the first question's answer alone gives it to the second."""
    found = []
    for stored, asked, _ in pairs:
        exact = key_of(stored) == key_of(asked)
        found.append(exact or may_serve(_likeness(same, stored, asked), (), bound))
    return found


def scores(pairs: Sequence[LabelledPair], hits: Sequence[bool]) -> dict[str, Any]:
    """Counts, and shares with their 95% intervals: of all pairs those that hit and those that hit
    wrongly, of the same ones those that hit."""
    wrong = [hit and not same for hit, (_, _, same) in zip(hits, pairs, strict=True)]
    return {
        "pairs": len(pairs),
        "hits": sum(hits),
        "wrong_hits": sum(wrong),
        "hit_rate": share(hits),
        "hit_rate_same": share([h for h, (_, _, same) in zip(hits, pairs, strict=True) if same]),
        "wrong_rate": share(wrong),
        "wrong_rate_different": share(
            [h for h, (_, _, same) in zip(hits, pairs, strict=True) if not same]
        ),
    }


def _likeness(same: SameQuestion, stored: str, asked: str) -> float:
    vector = same.vector(stored)
    return same.likeness(asked, same.vector(asked), [stored], vector[None, :])[0]
