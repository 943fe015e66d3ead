"""How like an answer is to a right one. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")


def f1(said: str, right: Sequence[str]) -> float:
    """Shared words of the answer and the nearest right one, as SQuAD's own script counts them."""
    return max((_f1(words_of(said), words_of(r)) for r in right), default=0.0)


def exact(said: str, right: Sequence[str]) -> bool:
    """Whether it is one of the right answers but for case, punctuation and articles."""
    return words_of(said) in [words_of(r) for r in right]


def words_of(text: str) -> list[str]:
    """Its words without case, punctuation and articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _f1(said: list[str], right: list[str]) -> float:
    shared = sum((Counter(said) & Counter(right)).values())
    if not said or not right:
        return float(said == right)
    return 2 * shared / (len(said) + len(right))
