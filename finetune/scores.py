"""How good answers are, each score with a 95% interval by bootstrap. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.figures import bootstrap
from chatbot.steps.likeness import exact, f1, words_of
from chatbot.steps.verify import split_markers
from chatbot.steps.words import sentences
from finetune.rows import REFUSAL, Row

_REFUSED = REFUSAL.rstrip(".").casefold()


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model wrote for a row.

    Attributes:
        seconds: from the question to its last token.
    """

    row: Row
    text: str
    seconds: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether it says that no passage holds the answer, or nothing."""
        return not self.text.strip() or _REFUSED in self.text.casefold()


def scores(answered: Sequence[Answered], seed: int = 0) -> dict[str, Any]:
    """Every score with its interval; a refused answer counts as wrong where there was one.

    `worth` is over all rows (F1, or whether it refused), `f1`, `exact` and `wrong_refusals` are
    over the rows with an answer, `right_refusals` over those without. `citation_precision` is the
    share of markers of given answers that name the right passage, `right_citation` the share of
    given answers that cite it, `citation_recall` the share of all rows with an answer.
    `unsupported` is the share of sentences, all rows, of which a word stands in none of the
    passages cited.
    """
    held = [a for a in answered if a.row.marker]
    bare = [a for a in answered if not a.row.marker]
    given = [a for a in held if not a.refused]
    marked = [m for a in given for m in _marks(a)]
    said = [s for a in answered if not a.refused for s in _supported(a)]
    parts: dict[str, Sequence[float]] = {
        "worth": [worth(a) for a in answered],
        "f1": [worth(a) for a in held],
        "exact": [0.0 if a.refused else _score(a, exact) for a in held],
        "right_citation": [float(a.row.marker in _cited(a)) for a in given],
        "citation_precision": marked,
        "citation_recall": [float(not a.refused and a.row.marker in _cited(a)) for a in held],
        "wrong_refusals": [float(a.refused) for a in held],
        "right_refusals": [float(a.refused) for a in bare],
        "unsupported": [1.0 - s for s in said],
        "words": [float(len(words_of(_plain(a)))) for a in given],
        "seconds": [a.seconds for a in answered],
    }
    return {"n": len(answered), **{n: bootstrap(v, seed) for n, v in parts.items()}}


def worth(answered: Answered) -> float:
    """What an answer is worth, 0 to 1: F1 where there is one to give, else whether it refused."""
    if not answered.row.marker:
        return float(answered.refused)
    return 0.0 if answered.refused else _score(answered, f1)


def difference(
    first: Sequence[Answered], second: Sequence[Answered], seed: int = 0
) -> dict[str, float]:
    """By how much the first's answers are worth more than the second's to the same rows, in
    pairs."""
    others = {a.row.id: worth(a) for a in second}
    return bootstrap([worth(a) - others[a.row.id] for a in first if a.row.id in others], seed)


def _score(answered: Answered, measure: Callable[[str, Sequence[str]], float]) -> float:
    row = answered.row
    return float(measure(_plain(answered), (row.answer, *row.accepted)))


def _plain(answered: Answered) -> str:
    return split_markers(answered.text)[0]


def _cited(answered: Answered) -> tuple[int, ...]:
    return split_markers(answered.text)[1]


def _marks(answered: Answered) -> list[float]:
    return [float(m == answered.row.marker) for m in _cited(answered)]


def _supported(answered: Answered) -> list[float]:
    """For each sentence whether its words stand in what it cites, or else in any passage."""
    sources = answered.row.sources
    found = []
    for sentence in sentences(answered.text):
        claim, cited = split_markers(sentence)
        read = [sources[m - 1] for m in cited if 0 < m <= len(sources)] or sources
        known = {w for s in read for w in words_of(f"{s.where} {s.text}")}
        found.append(float(set(words_of(claim)) <= known))
    return found
