"""Votes of people on two answers to one question, without the names of who wrote them. Pure.

As in pairwise arenas of chat models (Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot
Arena, 2023): two answers side by side in an order that is drawn, and four things to say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.domain import AnswerRecord, Status
from chatbot.steps.canary import CANDIDATE, INCUMBENT, on_candidate
from chatbot.steps.intervals import share

LEFT, RIGHT, TIE, BAD = "left", "right", "tie", "bad"
CHOICES = (LEFT, RIGHT, TIE, BAD)
"""What a voter can say; `bad`: neither will do."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said of one pair.

    Attributes:
        answer: id of the answer that was shown to its asker.
        choice: `candidate`, `incumbent`, `tie` or `bad`.
        left: the side that stood left.
    """

    answer: str
    voter: str
    choice: str
    left: str


def comparable(shown: AnswerRecord, shadow: AnswerRecord) -> bool:
    """Whether the pair tells one adapter from the other: made from the same passages, neither of
    them held, not word for word the same."""
    passages = [[(p.passage.id, p.passage.document.version) for p in r.passages]
                for r in (shown, shadow)]  # fmt: skip
    ended = {shown.status, shadow.status} <= {Status.RELEASED, Status.REFUSED}
    return ended and passages[0] == passages[1] and shown.answer != shadow.answer


def left_side(answer: str, candidate: str, voter: str) -> str:
    """Whose answer stands left: drawn anew for each pair and voter, and then always the same."""
    first = on_candidate(f"{answer} {voter}", candidate, 50)
    return CANDIDATE if first else INCUMBENT


def side_of(choice: str, left: str) -> str:
    """What a choice says, once it is known whose answer stood left."""
    if choice in (TIE, BAD):
        return choice
    return left if choice == LEFT else ({CANDIDATE, INCUMBENT} - {left}).pop()


def voted(votes: Sequence[Vote]) -> dict[str, dict[str, float]]:
    """What votes say, oldest first, the last of each voter on a pair counting; shares with 95%
    intervals.

    A pair counts once, however many voted on it: for what most of them said, else as a tie.
    `preferred`: of the pairs that were decided, those for the candidate (0.5: no difference).
    `left`: of the votes for one of the two, those for the left one (0.5: no bias).
    """
    last = {(v.answer, v.voter): v for v in votes}.values()
    pairs: dict[str, list[str]] = defaultdict(list)
    for vote in last:
        pairs[vote.answer].append(vote.choice)
    found = [_most(choices) for choices in pairs.values()]
    decided = [f for f in found if f in (CANDIDATE, INCUMBENT)]
    sides = [v for v in last if v.choice in (CANDIDATE, INCUMBENT)]
    names = {"wins": CANDIDATE, "ties": TIE, "both_bad": BAD, "losses": INCUMBENT}
    return {
        "counts": {"pairs": len(pairs), "voters": len({v.voter for v in last})},
        **{name: share([f == kind for f in found]) for name, kind in names.items()},
        "preferred": share([d == CANDIDATE for d in decided]),
        "left": share([v.choice == v.left for v in sides]),
    }


def _most(choices: Sequence[str]) -> str:
    (first, most), *others = Counter(choices).most_common()
    return TIE if any(count == most for _, count in others) else first
