"""Verbatim quotes: how likely each sentence of the passages answers the question.

The likelihood is a logistic regression on three numbers: how near the sentence is to the question,
how much of the question it says (with its title and headings), and how well its passage was found.
Fitted on questions about two manuals and SQuAD 2.0, half of whose questions have no answer;
docs/experiments/LOG.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chatbot.domain import Citation, Decision, Draft, Passage, Verdict
from chatbot.steps.evidence import Evidence
from chatbot.steps.words import content_stems

_NEARNESS, _COVERAGE, _FOUND, _BIAS = 4.32, 3.68, 8.03, -13.32
_FEWEST_STEMS = 2
_AS_GOOD = 0.5
_POINTED_AT = 2 / 3
BESIDE_THE_POINT = "what it rests on hardly answers the question"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A sentence that may answer the question, in the document's own words.

    Attributes:
        similarity: cosine of it and the question.
        likelihood: how likely it answers the question, 0 to 1.
    """

    evidence: Evidence
    quote: str
    similarity: float
    likelihood: float


def best_quotes(
    question: str, vector: np.ndarray, evidence: Sequence[Evidence], least: float, most: int = 3
) -> list[Quotation]:
    """The sentences that most likely answer the question, in reading order, at most `most`.

    Args:
        vector: unit vector of the question.
        least: least likelihood.
    """
    found = [
        quotation
        for quotation in likelihoods(question, vector, evidence)
        if quotation.likelihood >= least
        and _worth_quoting(quotation.quote, quotation.evidence.passage)
    ]
    found.sort(key=lambda q: -q.likelihood)
    near = [q for q in found if q.likelihood >= _AS_GOOD * found[0].likelihood][:most]
    return sorted(near, key=lambda q: (q.evidence.marker, q.evidence.passage.text.find(q.quote)))


def likelihoods(question: str, vector: np.ndarray, evidence: Sequence[Evidence]) -> list[Quotation]:
    """Each sentence of the passages with how likely it answers the question.

    Args:
        vector: unit vector of the question.
    """
    wanted = content_stems(question)
    said = [[content_stems(quote.text) for quote in one.quotes] for one in evidence]
    everywhere = [stems for of_one in said for stems in of_one]
    weight = {
        stem: math.log((len(everywhere) + 1) / (sum(stem in s for s in everywhere) + 0.5))
        for stem in wanted
    }
    total = sum(weight.values()) or 1.0
    found = []
    for one, of_one in zip(evidence, said, strict=True):
        nearness = one.vectors @ vector
        for quote, stems, near in zip(one.quotes, of_one, nearness, strict=True):
            covered = sum(weight[stem] for stem in wanted & (stems | one.labels)) / total
            odds = _NEARNESS * near + _COVERAGE * covered + _FOUND * one.score + _BIAS
            found.append(Quotation(one, quote.text, float(near), 1 / (1 + math.exp(-odds))))
    return found


def _worth_quoting(quote: str, passage: Passage) -> bool:
    """Whether it says something by itself: a row with figures, or a whole sentence."""
    if passage.kind == "table":
        return any(c.isdigit() for c in quote)
    return len(content_stems(quote)) > _FEWEST_STEMS and quote[-1] in ".!:;)”\"'。"


def to_the_point(
    draft: Draft, verdict: Verdict, likely: Sequence[Quotation], least: float, *, fragment: bool
) -> tuple[Draft, Verdict]:
    """A supported sentence, if what it rests on may well answer the question.

    "UNION [1]" is in the documents and yet no answer. A fragment is shown as the whole sentence
    that it was taken from, whose reader sees what it is said of.

    Args:
        likely: the sentences that it rests on.
        least: least likelihood of a quote; two thirds of it will do, since the model points there.
    """
    best = max(likely, key=lambda q: q.likelihood, default=None)
    if best is None or best.likelihood < _POINTED_AT * least:
        return draft, replace(verdict, decision=Decision.REFUSE, reasons=(BESIDE_THE_POINT,))
    return quoted(best.evidence, best.quote) if fragment else (draft, verdict)


def quoted(evidence: Evidence, quote: str) -> tuple[Draft, Verdict]:
    """A quotation as a sentence: released because its words stand in the passage."""
    citation = Citation(evidence.marker, evidence.passage, quote)
    draft = Draft(f"“{' '.join(quote.split())}” [{citation.marker}]", (citation,))
    if quote not in evidence.passage.text:
        reasons = ("is not in the passage word for word",)
        return draft, Verdict(Decision.REFUSE, draft.sha256, reasons)
    return draft, Verdict(Decision.RELEASE, draft.sha256, (), {"support": 1.0})
