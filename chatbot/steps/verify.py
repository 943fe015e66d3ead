"""Sentence by sentence: does the passage that it cites say this?

A sentence is released when one passage states each number, measure, date and name in it, is near
to it in meaning, and does not say the opposite. A wrong or missing marker is mended when a passage
clearly supports the sentence; what nothing supports is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chatbot.domain import Citation, Decision, Draft, Verdict
from chatbot.steps.evidence import Evidence, Quote, other_column
from chatbot.steps.facts import Facts, contradicts, facts_of, missing_facts
from chatbot.steps.fragment import is_fragment, taken_from
from chatbot.steps.words import WORD, content_stems, stem

MEND_MARGIN = 0.1
"""How much nearer than the least support a passage must be before it replaces a marker."""

_MARKERS = re.compile(r"\s*\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]")
_FEWEST_STEMS = 2
REPEATED = "repeats what was said"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the unit vector of it followed by the sentence to check."""

    question: str
    vector: np.ndarray


@dataclass(frozen=True, slots=True)
class Support:
    """How well one passage supports a claim; `problems` empty: it does."""

    evidence: Evidence
    similarity: float
    quote: str
    problems: tuple[str, ...]


def split_markers(sentence: str) -> tuple[str, tuple[int, ...]]:
    """The sentence without its markers, and the numbers that they named."""
    numbers = [int(n) for found in _MARKERS.findall(sentence) for n in found.split(",")]
    return " ".join(_MARKERS.sub("", sentence).split()), tuple(dict.fromkeys(numbers))


def check(
    sentence: str,
    vector: np.ndarray,
    evidence: Sequence[Evidence],
    least: float,
    said: frozenset[str] = frozenset(),
    asked: Asked | None = None,
) -> tuple[Draft, Verdict]:
    """The sentence with markers that hold, and the decision about it.

    Args:
        vector: unit vector of the sentence without its markers.
        least: least cosine of the sentence and its source.
        said: content stems of what was released before; a sentence without any new one is dropped.
        asked: the question, in whose light a few words taken from a passage are read.
    """
    claim, cited = split_markers(sentence)
    fragment = asked is not None and is_fragment(claim, evidence)
    empty = _says_nothing(claim, evidence, said, fragment=fragment)
    if empty:
        return _refused(Draft(claim), (empty,))
    if asked is not None and fragment:
        supports = _taken(claim, asked, evidence, least)
    else:
        facts = _with_opening_name(facts_of(claim), claim, evidence)
        supports = [_support(claim, facts, vector, e, least) for e in evidence]
    holding = [s for s in supports if not s.problems and s.evidence.marker in cited]
    if not holding:
        clear = [s for s in supports if not s.problems and s.similarity >= least + MEND_MARGIN]
        holding = sorted(clear, key=lambda s: -s.similarity)[:1]
    if not holding:
        return _refused(Draft(claim), _why(supports, cited))
    citations = tuple(Citation(s.evidence.marker, s.evidence.passage, s.quote) for s in holding)
    draft = Draft(_marked(claim, [c.marker for c in citations]), citations)
    scores = {"support": max(s.similarity for s in holding)}
    return draft, Verdict(Decision.RELEASE, draft.sha256, (), scores)


def _taken(claim: str, asked: Asked, evidence: Sequence[Evidence], least: float) -> list[Support]:
    """How well each passage supports a fragment of it."""
    return [
        Support(t.evidence, t.similarity, t.quote.text, _problems(t.problem, t.similarity, least))
        for t in taken_from(claim, asked.question, asked.vector, evidence)
    ]


def _problems(problem: str, similarity: float, least: float) -> tuple[str, ...]:
    if not problem and similarity < least:
        problem = f"far from the question and the passage ({similarity:.2f})"
    return (problem,) if problem else ()


def _with_opening_name(facts: Facts, claim: str, evidence: Sequence[Evidence]) -> Facts:
    """A sentence's first word is in capitals anyway; it is a name where a passage writes it so."""
    first = WORD.search(claim)
    name = stem(first[0]) if first and first[0][0].isupper() else ""
    known = any(name in e.facts.names for e in evidence)
    return replace(facts, names=facts.names | {name}) if known else facts


def _says_nothing(
    claim: str, evidence: Sequence[Evidence], said: frozenset[str], *, fragment: bool
) -> str:
    stems = content_stems(claim)
    if fragment:
        return REPEATED if stems and stems <= said else ""
    if len(stems) < _FEWEST_STEMS:
        return "says nothing that can be checked"
    if claim.endswith("?"):
        return "is a question"
    if said and stems <= said:
        return REPEATED
    return "is a heading" if "›" in claim or any(stems <= e.labels for e in evidence) else ""


def _support(
    claim: str, facts: Facts, vector: np.ndarray, evidence: Evidence, least: float
) -> Support:
    missing = missing_facts(facts, evidence.facts)
    similarities = evidence.vectors @ vector
    exact = [i for i, q in enumerate(evidence.quotes) if _states_figures(facts, q.facts)]
    # A figure belongs to the sentence that it stands in: what supports a claim must state it.
    best = max(exact or range(len(evidence.quotes)), key=lambda i: similarities[i])
    quote, similarity = evidence.quotes[best], float(similarities[best])
    problems = list(missing)
    if not missing and not exact:
        problems.append("its figures stand in different sentences")
    elif similarity < least:
        problems.append(f"far from the passage ({similarity:.2f})")
    elif contradicts(claim, _cells_read(facts, quote.text)):
        problems.append("says the opposite")
    elif other_column(claim, facts, quote.text, evidence.header):
        problems.append("its figure stands in another column")
    elif strays := _strays(claim, facts, quote, evidence):
        problems.append(f"“{strays[0]}” is said elsewhere than the figure")
    return Support(evidence, similarity, quote.text, tuple(problems))


def _figures(facts: Facts) -> Facts:
    return replace(facts, names=frozenset())


def _states_figures(claim: Facts, quote: Facts) -> bool:
    return not missing_facts(_figures(claim), quote)


def _strays(claim: str, facts: Facts, quote: Quote, evidence: Evidence) -> list[str]:
    """Words that the passage says in another sentence than the one that states the figure.

    "Fillings: 90 days. Crowns: 240 days." must not support "Crowns: 90 days."
    """
    if not (facts.numbers or facts.dates):
        return []
    elsewhere = content_stems(claim) & (evidence.facts.stems - quote.facts.stems)
    return sorted(elsewhere)


def _cells_read(facts: Facts, row: str) -> str:
    """Of a table's row the name and the cells that state the claim's figures; else all of it.

    The "Not covered" of another column does not deny what the claim says of this one.
    """
    name, *cells = row.split("\t")
    read = [cell for cell in cells if facts_of(cell).numbers & facts.numbers]
    return "\t".join((name, *read)) if read else row


def _why(supports: Sequence[Support], cited: Sequence[int]) -> tuple[str, ...]:
    of_cited = [s for s in supports if s.evidence.marker in cited] or list(supports)
    nearest = max(of_cited, key=lambda s: s.similarity, default=None)
    if nearest is None:
        return ("no passage to rest on",)
    return nearest.problems or ("no marker, and no passage clearly supports it",)


def _refused(draft: Draft, reasons: tuple[str, ...]) -> tuple[Draft, Verdict]:
    return draft, Verdict(Decision.REFUSE, draft.sha256, reasons)


def _marked(claim: str, markers: Sequence[int]) -> str:
    text = claim.rstrip()
    stop = text[-1] if text[-1:] in ".!?:;" else ""
    return f"{text.removesuffix(stop)} {''.join(f'[{m}]' for m in markers)}{stop or '.'}"
