"""Categories that an organisation adds by example questions, known without training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.policy import Policy

HALF = 0.5
"""Score from which a question belongs to a category that is known by its examples."""
_FALSE_ALARMS = 0.01
"""Share of everyday questions that may fall into a category by mistake."""
_SOFTNESS = 0.05


@dataclass(frozen=True, slots=True)
class Examples:
    """One category's examples as vectors, and the likeness from which a question is one of them."""

    name: str
    vectors: np.ndarray
    limit: float

    def score(self, vectors: np.ndarray) -> float:
        """How surely one of these texts belongs to it, 0 to 1; 0.5 at the limit."""
        near = float(_likeness(vectors, self.vectors).max(initial=-1.0))
        return float(1 / (1 + np.exp((self.limit - near) / _SOFTNESS)))


def learn_examples(
    policy: Policy, encode: Callable[[Sequence[str]], np.ndarray], everyday: np.ndarray
) -> list[Examples]:
    """Each category of the policy that has examples, with a limit that few everyday questions
    reach."""
    found = []
    for category in policy.categories.values():
        if category.examples:
            vectors = encode(category.examples)
            limit = float(np.quantile(_likeness(everyday, vectors), 1 - _FALSE_ALARMS))
            found.append(Examples(category.name, vectors, limit))
    return found


def _likeness(texts: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Mean cosine of each text to its two nearest examples: one alone may be a fluke."""
    cosines = np.sort(texts @ examples.T, axis=1)
    return cosines[:, -2:].mean(axis=1)  # type: ignore[no-any-return]
