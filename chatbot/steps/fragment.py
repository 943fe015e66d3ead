"""An answer of a few words, taken from a passage word for word: is it said of what was asked?

"240 days" is in the documents, but whether it is right depends on the question. So a fragment is
compared in the light of its question, and with the sentence that it was taken from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from chatbot.steps.evidence import Evidence, Quote, other_column
from chatbot.steps.facts import facts_of
from chatbot.steps.words import content_stems

LONGEST = 24
"""Words; what is longer says enough to be checked by itself."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a fragment stands.

    Attributes:
        similarity: of question and fragment together with the sentence that it stands in.
        problem: why it is not said of what was asked; empty: it may be.
    """

    evidence: Evidence
    quote: Quote
    similarity: float
    problem: str = ""


def is_fragment(claim: str, evidence: Sequence[Evidence]) -> bool:
    """Whether it is a part of a passage's sentence, word for word."""
    return bool(_places(claim, evidence))


def taken_from(
    claim: str, question: str, vector: np.ndarray, evidence: Sequence[Evidence]
) -> list[Taken]:
    """Each passage that says the fragment, with the sentence that says it of what was asked.

    Args:
        vector: unit vector of the question followed by the fragment.
    """
    found: dict[int, Taken] = {}
    for one, at in _places(claim, evidence):
        taken = Taken(one, one.quotes[at], float(one.vectors[at] @ vector))
        best = found.get(one.marker)
        if best is None or taken.similarity > best.similarity:
            found[one.marker] = taken
    return [replace(t, problem=_problem(claim, question, t)) for t in found.values()]


def _places(claim: str, evidence: Sequence[Evidence]) -> list[tuple[Evidence, int]]:
    wanted = _words(claim)
    if not wanted.strip() or len(wanted.split()) > LONGEST:
        return []
    return [
        (one, at)
        for one in evidence
        for at, quote in enumerate(one.quotes)
        if wanted in _words(quote.text) and wanted != _words(quote.text)
    ]


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _problem(claim: str, question: str, taken: Taken) -> str:
    """Why a figure is said of something else than what was asked; empty: it is not.

    "Fillings: 90 days. Crowns: 240 days." must not support "90 days" for crowns.
    """
    figures = facts_of(claim)
    if not (figures.numbers or figures.dates):
        return ""
    header = taken.evidence.header
    if other_column(f"{question} {claim}", figures, taken.quote.text, header):
        return "its figure stands in another column"
    missing = content_stems(question) - taken.quote.facts.stems
    others = (q.facts for q in taken.evidence.quotes if q is not taken.quote)
    if any(missing & f.stems for f in others if f.numbers or f.dates):
        return "a figure of another sentence may be the one that was asked for"
    return ""
