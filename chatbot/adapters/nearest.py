"""Categories that an organisation adds by example questions, known without training.

A question is one of them when it is nearer to the examples than everyday questions are to it by a
margin that one in a hundred everyday questions reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.policy import Policy

HALF = 0.5
"""Score from which a question belongs to a category that is known by its examples."""
_FALSE_ALARMS = 0.01
_NEAREST, _EVERYDAY, _SHARE = 2, 5, 0.5
_SOFTNESS = 0.05


@dataclass(frozen=True, slots=True)
class Examples:
    """One category's examples as vectors, everyday ones, and the margin that counts."""

    name: str
    vectors: np.ndarray
    everyday: np.ndarray
    limit: float

    def score(self, vectors: np.ndarray) -> float:
        """How surely one of these texts belongs to it, 0 to 1; `HALF` at the limit."""
        margins = _nearness(vectors, self.vectors, _NEAREST) - _SHARE * _nearness(
            vectors, self.everyday, _EVERYDAY
        )
        return float(1 / (1 + np.exp((self.limit - margins.max(initial=-1.0)) / _SOFTNESS)))


def learn_examples(
    policy: Policy, encode: Callable[[Sequence[str]], np.ndarray], everyday: np.ndarray
) -> list[Examples]:
    """Each category of the policy that has examples, with a limit that few everyday questions
    reach when each is held against the others."""
    exemplified = [c for c in policy.categories.values() if c.examples]
    if not exemplified:
        return []
    others = _nearness(everyday, everyday, _EVERYDAY, without_itself=True)
    found = []
    for category in exemplified:
        vectors = encode(category.examples)
        margins = _nearness(everyday, vectors, _NEAREST) - _SHARE * others
        limit = float(np.quantile(margins, 1 - _FALSE_ALARMS))
        found.append(Examples(category.name, vectors, everyday, limit))
    return found


def _nearness(
    texts: np.ndarray, among: np.ndarray, count: int, without_itself: bool = False
) -> np.ndarray:
    """Mean cosine of each text to the `count` nearest: one alone may be a fluke."""
    cosines = np.sort(texts @ among.T, axis=1)
    end = cosines.shape[1] - without_itself
    return cosines[:, max(0, end - count) : end].mean(axis=1)  # type: ignore[no-any-return]
