"""Which questions an answer may be given to again."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from chatbot.domain import ScoredPassage
from chatbot.steps.words import content_stems

_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SPAN = (
    r"(?:second|minute|hour|day|night|morning|afternoon|evening|weekend|week|fortnight|month"
    r"|quarter|year|season)s?"
)
_DATED = re.compile(
    rf"\b(?:today|tonight|tomorrow|yesterday|now|nowadays|currently|recently|ago"
    rf"|(?:at|for) the moment|at present|so far|until then|{_DAYS}s?"
    rf"|(?:this|last|next|coming|past|previous) (?:few |couple of |\w+ )?{_SPAN}"
    rf"|(?:this|last|next|coming|past) (?:{_DAYS}|spring|summer|autumn|fall|winter|time)"
    rf"|in (?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|several) {_SPAN}"
    rf"|{_SPAN} from now"
    rf"|what (?:time|day|date) is)\b",
    re.IGNORECASE,
)
_QUOTES = str.maketrans("’‘“”", "''\"\"")
_END = " \t\n?!."
_ACRONYM = re.compile(r"[A-Z]{2,5}s?\b")
_WORD = re.compile(r"[^\W_]+")
_MARKER = re.compile(r"\s?\[\d+\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MOST = 0.6
_BEST = 2


def is_dated(question: str) -> bool:
    """Whether its answer may depend on the moment at which it is asked."""
    return bool(_DATED.search(question))


def normal_form(question: str) -> str:
    """What two ways of writing the same question have in common: small letters, single spaces,
    plain quotation marks, no mark at the end.

    Acronyms keep their capitals: "Does IT pay?" is not "Does it pay?".
    """
    spaced = " ".join(question.translate(_QUOTES).split()).rstrip(_END)
    return _WORD.sub(lambda w: w[0] if _ACRONYM.fullmatch(w[0]) else w[0].casefold(), spaced)


def speaks_to(cited: Collection[str], found: Sequence[ScoredPassage]) -> bool:
    """Whether an answer may be to this question, too, by what retrieval finds for the question
    itself: one of the passages that the answer cites is among the two best.

    Two questions can share nearly all their words and ask for different things; the documents then
    answer them in different places.
    """
    return any(s.passage.id in cited for s in found[:_BEST])


def agree(given: str, fresh: str) -> bool:
    """Whether two answers say the same, as far as words tell: the same figures, and most of the
    words of the shorter in the longer."""
    if _figures(given) != _figures(fresh):
        return False
    one, two = content_stems(_MARKER.sub("", given)), content_stems(_MARKER.sub("", fresh))
    return len(one & two) >= _MOST * max(1, min(len(one), len(two)))


def _figures(text: str) -> set[str]:
    return set(_NUMBER.findall(_MARKER.sub("", text)))
