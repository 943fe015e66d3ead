"""A candidate adapter in a share of live traffic: who gets it, and when it is clearly worse. Pure.

The dice fall for a conversation, once: so conversations are what is counted. Were the candidate no
different from the incumbent, each conversation that went badly would have been the candidate's
with the probability of its share, whatever came before it. What is bet against that is a test
martingale (Ville 1939): it may be looked at after every answer, and the chance that it ever
reaches `1 / ERROR` is at most `ERROR`. Each measure has an equal part of that chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.domain import AnswerRecord, Status, sha256_of
from chatbot.figures import bootstrap
from chatbot.steps.intervals import share as share_of
from chatbot.steps.likeness import f1

CANDIDATE, INCUMBENT = "candidate", "incumbent"
MEASURES = ("thumbs_down", "refused", "dropped", "held")
"""What can go badly in a conversation, in one of its answers at least."""
ERROR = 0.05
"""Chance, at most, that a candidate no different from the incumbent is ever withdrawn."""
_TIMES = (1.5, 2.0, 4.0)
"""What is bet on: that it goes badly with the candidate that many times as often."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation in which the model was asked.

    Attributes:
        bad: which of `MEASURES` happened in it.
        seconds: an answer of it took, on average.
    """

    side: str
    turns: int
    bad: frozenset[str]
    seconds: float


def on_candidate(conversation: str, candidate: str, share: int) -> bool:
    """Whether a conversation is the candidate's: always the same for the same three.

    Args:
        candidate: its revision, so that each candidate gets others.
        share: per cent of the conversations.
    """
    return int(sha256_of(f"{candidate} {conversation}")[:12], 16) % 10_000 < share * 100


def figures(talks: Sequence[Talk]) -> dict[str, dict[str, float]]:
    """What happened on one side: shares of its conversations and the mean of `seconds`, each as
    `n`, `value`, and its 95% interval's `low` and `high`."""
    bad = {m: share_of([m in talk.bad for talk in talks]) for m in MEASURES}
    return bad | {"seconds": bootstrap([talk.seconds for talk in talks])}


def shadowed(
    pairs: Sequence[tuple[AnswerRecord, AnswerRecord]],
) -> dict[str, dict[str, float]]:
    """Of the answers that were shown and the candidate's to the same questions: how often it would
    have answered, and been refused or held; how alike both answers are (F1 of their words, 0
    where it gave none); and its milliseconds, each with a 95% interval."""
    found = {s.value: share_of([b.status is s for _, b in pairs])
             for s in (Status.RELEASED, Status.REFUSED, Status.HELD)}  # fmt: skip
    alike = bootstrap([f1(b.answer, [a.answer]) for a, b in pairs])
    taken = bootstrap([b.timings.get("total", 0.0) for _, b in pairs])
    return found | {"alike": alike, "milliseconds": taken}


def evidence(candidate: int, incumbent: int, share: int) -> float:
    """How strongly it speaks against equal sides that so many conversations went badly on each.

    Args:
        share: per cent of the conversations that are the candidate's.
    """
    fair, found = share / 100, 0.0
    for times in _TIMES:
        bet = times * fair / (times * fair + 1 - fair)
        log = candidate * math.log(bet / fair) + incumbent * math.log((1 - bet) / (1 - fair))
        found += math.exp(min(log, 100.0)) / len(_TIMES)
    return found


def worse(talks: Sequence[Talk], share: int) -> tuple[str, ...]:
    """The measures by which the candidate is clearly worse."""

    def bad(measure: str, side: str) -> int:
        return sum(measure in talk.bad for talk in talks if talk.side == side)

    return tuple(
        m
        for m in MEASURES
        if evidence(bad(m, CANDIDATE), bad(m, INCUMBENT), share) >= len(MEASURES) / ERROR
    )
