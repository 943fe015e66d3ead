"""What may be asked at all, and what a person has to look at: the first step of a question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chatbot.domain import Decision, Screening
from chatbot.errors import BadQuestion
from chatbot.policy import Action, Category, Policy
from chatbot.steps.characters import fold

LONGEST = 8000
"""Characters of a question, at most; the model's own limit is checked in its own tokens."""

_SPACE = re.compile(r"[ \t\u00a0]+")


def clean_question(raw: str) -> str:
    """The question in one normal form: NFC, without control characters, white space folded.

    Right-to-left text, emoji and joiners stay; line breaks stay.

    Raises:
        BadQuestion: nothing is left, or it is longer than `LONGEST`.
    """
    if len(raw) > LONGEST:
        raise BadQuestion(
            f"The question has {len(raw):,} characters; at most {LONGEST:,} can be read.",
            "Ask a shorter question, or put the text into a document and ask about it.",
        )
    kept = "".join(c for c in raw if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    text = "\n".join(
        _SPACE.sub(" ", line).strip() for line in unicodedata.normalize("NFC", kept).splitlines()
    ).strip()
    if not any(c.isalnum() for c in fold(text)):
        raise BadQuestion("The question is empty.", "Write what you would like to know.")
    return text


_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn"})

UNREADABLE = "unreadable"
"""The category of a question that cannot be read, where nothing else is known of it."""
_UNREADABLE_TEXT = (
    "This question could not be read. Please write it in plain words, or ask for a person."
)
_WINDOW, _STEP = 14, 7  # words
_END = re.compile(r"(?<=[.!?;])\s+|\n")
_COURTESIES = ("please", "pls", "plz", "kindly", "thanks", "thank you", "thx", "cheers")
_FEW = 16
MOST_PIECES = 64
"""So many sentences of a question are read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From which probability on a category counts.

    Attributes:
        single: category → least probability; one that is not here counts in a sum only.
        sums: groups of categories, each with the least sum of their probabilities. What is
            sensitive for sure need not be of one category for sure.
    """

    single: Mapping[str, float] = field(default_factory=dict)
    sums: tuple[tuple[frozenset[str], float], ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """What was found out about a text.

    Attributes:
        scores: category → probability, in the part of the text that is the most sensitive.
        matched: categories one of whose patterns was found.
        personal: kinds of personal data in it.
        unreadable: why it cannot be read; empty where it can.
    """

    scores: Mapping[str, float]
    limits: Limits
    matched: Sequence[str] = ()
    personal: Sequence[str] = ()
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One category that applies, how surely, and why."""

    category: Category
    score: float
    why: str = field(default="")

    @property
    def order(self) -> tuple[int, float]:
        return self.category.action.severity, self.score


def decide(policy: Policy, signals: Signals) -> Screening:
    """What happens to a question. Where several categories apply, the strictest action wins, then
    the surest category; what cannot be read is never released."""
    cases = list(_cases(policy, signals))
    top = max(cases, key=lambda case: case.order, default=None)
    held = top is not None and top.category.action is not Action.RELEASE
    if signals.unreadable and not held:
        return _not_read(policy, signals)
    if top is None:
        return Screening(Decision.RELEASE, scores=signals.scores)
    why = [case.why for case in cases if case.why and case.category.name == top.category.name]
    if signals.unreadable:
        why.append(f"It had to be read another way: {signals.unreadable}.")
    return Screening(
        decision=top.category.action.decision,
        category=top.category.name,
        score=round(top.score, 4),
        reasons=tuple(dict.fromkeys([top.category.why, *why])),
        text=top.category.text if held else "",
        scores=signals.scores,
        support=top.category.support,
    )


def _cases(policy: Policy, signals: Signals) -> Iterator[_Case]:
    for name in signals.matched:
        yield _Case(policy.categories[name], 1.0)
    if signals.personal and "personal-data" in policy.categories:
        found = "It holds " + " and ".join(signals.personal) + "."
        yield _Case(policy.categories["personal-data"], 1.0, found)
    for name, score in signals.scores.items():
        category = policy.categories.get(name)
        limit = signals.limits.single.get(name, 2.0)
        if category is None:
            continue
        if score >= (limit if category.threshold is None else category.threshold):
            yield _Case(category, score)
    for group, limit in signals.limits.sums:
        kept = held_of(policy, group & signals.scores.keys())
        if kept and sum(signals.scores[n] for n in kept) >= limit:
            surest = max(kept, key=lambda n: signals.scores[n])
            yield _Case(policy.categories[surest], signals.scores[surest])


def held_of(policy: Policy, names: Iterable[str]) -> list[str]:
    """Those of the categories that the policy does not release and that have no limit of their
    own, by name."""
    known = (policy.categories[n] for n in sorted(names) if n in policy.categories)
    return [c.name for c in known if c.action is not Action.RELEASE and c.threshold is None]


def look_again(
    policy: Policy, released: Screening, scores: Mapping[str, float], limit: float
) -> Screening:
    """What would be released, held where a second opinion finds it sensitive after all. It never
    refuses: where two opinions differ, a person decides.

    Args:
        scores: category → probability by the second opinion.
        limit: the least sum over all categories that the policy does not release.
    """
    kept = held_of(policy, scores)
    total = sum(scores[n] for n in kept)
    if released.decision is not Decision.RELEASE or not kept or total < limit:
        return released
    category = policy.categories[max(kept, key=lambda n: scores[n])]
    return Screening(
        decision=Decision.HOLD,
        category=category.name,
        score=round(total, 4),
        reasons=(category.why,),
        text=category.text if category.action is Action.HOLD_HELPLINE else "",
        scores=scores,
    )


def _not_read(policy: Policy, signals: Signals) -> Screening:
    refused = policy.unreadable is Action.REFUSE
    return Screening(
        decision=policy.unreadable.decision,
        category=UNREADABLE,
        score=1.0,
        reasons=(f"A person reads this question, since {signals.unreadable}.",),
        text=_UNREADABLE_TEXT if refused else "",
        scores=signals.scores,
    )


def pieces(text: str) -> list[str]:
    """The text, and each of its sentences, with a capital letter or without: a sensitive one among
    everyday ones must not be averaged away. Long ones are cut into overlapping windows, since
    whoever is in a hurry ends no sentence."""
    parts: dict[str, None] = {text: None}
    for sentence in filter(None, map(str.strip, _END.split(text))):
        words = sentence.split()
        if len(words) <= _WINDOW + _STEP:
            parts[sentence] = None
            continue
        for start in range(0, len(words) - _WINDOW + _STEP, _STEP):
            parts[" ".join(words[start : start + _WINDOW])] = None
    return [p for p in parts if p is text or len(p.split()) > 2]


def bare(text: str) -> str:
    """The text without courtesies at its ends: what is held stays so with " Please." added."""
    whole, rest = "", text
    while rest != whole:
        whole = rest
        end, start = rest.rstrip(" .,!?\n"), rest.lstrip(" .,!\n")
        for words in _COURTESIES:
            if end[-_FEW:].lower().endswith(f" {words}"):
                rest = end[: -len(words)].rstrip(" ,\n")
            elif start[:_FEW].lower().startswith((f"{words} ", f"{words}, ")):
                rest = start[len(words) :].lstrip(" ,\n")
    return rest or text
