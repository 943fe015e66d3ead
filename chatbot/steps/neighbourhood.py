"""Whether a stored answer may be given to a question that is put in other words. Pure.

Not one threshold for all: what was observed around the stored question counts beside what is known
of pairs in general. The idea is vCache's (arXiv 2502.03771): a bound on wrong hits that a user
sets, kept neighbourhood by neighbourhood. Other than there, it does not begin blind: a likeness
already says what share of different questions come as near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PRIOR = 100.0
"""As many observations what is known of pairs in general counts for."""
RIVALS = 8
"""How many of the nearest stored questions may speak against a hit."""
_AS_NEAR = 0.1
"""Cosine by which one may be farther than the one that would answer, and still speak against it."""
_NEAR = 1.0
"""Log-odds by which a likeness may be lower and still speak against a hit."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A question that came near a stored one, and whether the same answer was right for it."""

    likeness: float
    same: bool


def rivals(cosines: Sequence[float], best: int) -> list[int]:
    """Places of the stored questions that are about as near to the asked one as that at `best`.

    Where their answers are other ones, nearness does not tell which is the right one.

    Args:
        cosines: of the nearest stored questions, the nearest first.
    """
    least = cosines[best] - _AS_NEAR
    return [at for at, c in enumerate(cosines[:RIVALS]) if at != best and c >= least]


def may_serve(likeness: float, observed: Sequence[Observation], bound: float) -> bool:
    """Whether the share of wrong answers to expect here stays within the bound.

    Args:
        likeness: of the asked and the stored question: 1 less the share of different questions
            that come as near.
        observed: what is known of questions near this stored one.
        bound: share of questions that may get another one's answer.
    """
    return likeness > 0.0 and expected_wrong(likeness, observed) <= bound


def expected_wrong(likeness: float, observed: Sequence[Observation]) -> float:
    """The share of wrong answers to expect at that likeness, here.

    A wrong one speaks against all that are as far away or not much nearer; a right one speaks for
    what is at least as near.
    """
    here = _log_odds(likeness)
    wrong = sum(not o.same and _log_odds(o.likeness) >= here - _NEAR for o in observed)
    right = sum(o.same and o.likeness <= likeness for o in observed)
    return (PRIOR * (1.0 - likeness) + wrong) / (PRIOR + wrong + right)


def _log_odds(share: float) -> float:
    held = min(max(share, 1e-9), 1 - 1e-9)
    return math.log(held / (1 - held))
