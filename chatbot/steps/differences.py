"""Why two questions cannot share an answer, however alike they sound. Pure.

Vectors hardly tell "with" from "without", 14 from 30 days, or savings from checking. What can be
compared to the letter is compared here; what is said on one side only is left to the likeness,
save for figures and negation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from chatbot.steps.contrasts import ALIASES, audiences, families
from chatbot.steps.facts import Facts, facts_of
from chatbot.steps.words import STOP_WORDS, WORD, stem

_ALIASES = [(re.compile(rf"\b(?:{p})(?!\w)", re.IGNORECASE), r) for p, r in ALIASES]
_FAMILIES, _AUDIENCES = families(), audiences()
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|none|nothing|nobody|unless|exclud\w+|except|"
    r"unable|(?:un|in)(?:available|valid|eligible|used|limited|secure|finished|"
    r"signed|opened|licensed|insured|married|employed|complete|correct|active|accessible)|"
    r"(?:do|ca|wo|is|does|did|have|has|had|are|was|were|should|could|would|must|need)n['’]?t|"
    r"un(?:suitable|safe|able|known|vaccinated|registered|furnished|paid|usual)|non)\b",
    re.IGNORECASE,
)
_OPENING = r"(?:^|[,.;:?!]\s*|\b(?:and|tell me|know|explain|about)\s+)"
_TENSES = {
    "past": re.compile(r"\b(?:was|were|did|had|used to)\b|^(?:who|what) \w+ed\b"),
    "future": re.compile(r"\b(?:will|won't|shall|going to)\b"),
    "present": re.compile(r"\b(?:is|are|does|do|has|have)\b|^(?:who|what) (?!was)\w+s\b"),
    "": re.compile(r"\b(?:can|could|should|would|may|might|must|if)\b"),
}
_RELATIVE = re.compile(
    r"\b(last|this|next|previous|current)\s+(?:week|month|year|quarter|term|weekend)\b"
    r"|\b(already|later|yet|formerly|previously|used to)\b"
)
_ASKS = {
    "cost": re.compile(r"\bhow (?:much|expensive)\b|\bcosts?\b|\bprices?\b"),
    "time": re.compile(_OPENING + r"(?:(?:until|from|by|since) )?when\b|\bwhat time\b|\bhow early\b"
                       r"|\b(?:on|by|until) (?:which|what) (?:day|date)\b|\bdeadline\b"),
    "duration": re.compile(r"\bhow long\b|\bduration\b|\bhow many (?:days|weeks|months|hours|"
                           r"minutes|years)\b"),
    "place": re.compile(_OPENING + r"where\b"),
    "person": re.compile(_OPENING + r"whom?\b"),
    "reason": re.compile(_OPENING + r"why\b|\breasons?\b|\bwhat causes?\b"),
    "frequency": re.compile(r"\bhow (?:often|frequently|regularly)\b"),
    "way": re.compile(_OPENING + r"how (?:do|does|can|could|to|should|must|may|is|are)\b"),
}  # fmt: skip
_TOGETHER = {
    frozenset(pair.split())
    for pair in "time duration|place person|place way|person way|duration frequency".split("|")
}
_VAGUE_UNITS = frozenset(
    "am pm second degree times page row character visit session person g h l metre".split()
)
"""Units whose names are everyday words too; they count beside a figure only."""
_PAST = dict(
    pair.split()
    for pair in (
        "came come,went go,paid pay,sent send,took take,got get,gave give,made make,wrote write,"
        "said say,sold sell,bought buy,held hold,met meet,built build,began begin,chose choose,"
        "ran run,spent spend,lost lose,won win,found find,left leave,kept keep,taught teach"
    ).split(",")
)
_DENYING = ("un", "in", "im", "ir", "il", "dis", "non", "de")
_GREETING = re.compile(
    r"^(?:(?:hello|hi|hey|dear \w+|good (?:morning|evening|afternoon)|please|quick question|"
    r"(?:please |can you |could you )?tell me|i (?:would like|want|need) to know)\s*[,:!.]*\s*)+"
)
_ROUTE = re.compile(r"\b(\w+)\s+(to|from|into|out of)\s+(?:(?:the|my|a|an|our|your)\s+)?(\w+)")
_TURNED = re.compile(
    r"\b([\w-]+)\s+(?:to|into|vs|than)\s+(?:(?:the|my|a|an|our|your)\s+)?([\w-]+)\b"
)
_PARTS = re.compile(r"[-'’.]")
_ONE_WAY = {"to": "to", "into": "to", "from": "from", "out of": "from"}


def differences(asked: str, stored: str) -> tuple[str, ...]:
    """Why the two questions cannot share an answer, each reason in plain words; empty: nothing is
    known. The order of the two does not matter."""
    one, two = sorted((asked, stored))
    if one == two:
        return ()
    return tuple(dict.fromkeys(_reasons(_read(one), _read(two))))


def said_in(question: str) -> list[str]:
    """Its words in small letters, each thing under one name ("2FA", "two-factor login"), with the
    parts of "part-time" apart."""
    return [p for w in WORD.findall(_read(question).text) for p in _PARTS.split(w) if p]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is compared of a question.

    Attributes:
        text: in small letters, each thing under one name.
        sides: for each line of contrasts the places that it names, with a word for each.
        routes: thing, "to" or "from", place.
        turnable: the two sides of each "a to b".
        tense: of the first verb that shows one; empty where a "can" or an "if" comes first.
    """

    text: str
    facts: Facts
    negations: int
    sides: dict[int, dict[int, str]]
    audiences: frozenset[int]
    routes: frozenset[tuple[str, str, str]]
    turnable: frozenset[tuple[str, str]]
    tense: str
    moments: frozenset[str]
    kinds: frozenset[str]
    content: frozenset[str]


@lru_cache(maxsize=8192)
def _read(question: str) -> _Question:
    named = question
    for pattern, name in _ALIASES:
        named = pattern.sub(name, named)
    text = _GREETING.sub("", named.lower().strip())
    words = WORD.findall(text)
    sides: dict[int, dict[int, str]] = {}
    for word in words:
        for line, place in _FAMILIES.get(word, ()):
            sides.setdefault(line, {})[place] = word
    tenses = [(m.start(), name) for name, p in _TENSES.items() if (m := p.search(text))]
    stems = (stem(w) for w in words if w not in STOP_WORDS)
    return _Question(
        text,
        facts_of(named),
        len(_NEGATION.findall(text)),
        sides,
        frozenset(_AUDIENCES[w] for w in words if w in _AUDIENCES),
        frozenset((m[1], _ONE_WAY[m[2]], m[3]) for m in _ROUTE.finditer(text)),
        frozenset((m[1], m[2]) for m in _TURNED.finditer(text)),
        min(tenses)[1] if tenses else "",
        frozenset(m[1] or m[2] for m in _RELATIVE.finditer(text)),
        frozenset(name for name, pattern in _ASKS.items() if pattern.search(text)),
        frozenset(_PAST.get(s, s) for s in stems),
    )


def _reasons(a: _Question, b: _Question) -> Iterator[str]:
    yield from _figures(a.facts, b.facts)
    left, right = a.facts.names - b.facts.stems, b.facts.names - a.facts.stems
    if left or right:  # an answer about one plan is no answer about all of them
        yield f"another name: {_shown(left, right)}"
    if a.negations % 2 != b.negations % 2 or _denied(a, b) or _denied(b, a):
        yield "one of them is negated"
    for line in a.sides.keys() & b.sides.keys():
        if a.sides[line].keys().isdisjoint(b.sides[line]):
            yield f"another thing: {_shown(a.sides[line].values(), b.sides[line].values())}"
    if a.audiences and b.audiences and a.audiences.isdisjoint(b.audiences):
        yield "another audience"
    if _opposed(a, b):
        yield "the other direction"
    if _another_time(a, b):
        yield "another time"
    if a.kinds and b.kinds and not any(_go_together(x, y) for x in a.kinds for y in b.kinds):
        yield f"another kind of question: {_shown(a.kinds, b.kinds)}"


def _figures(a: Facts, b: Facts) -> Iterator[str]:
    """Figures have to be the same on both sides; units only where both name some."""
    for name, left, right in (
        ("date", a.dates, b.dates),
        ("number", a.numbers, b.numbers),
        ("measure", a.measures, b.measures),
    ):
        if left != right:
            yield f"another {name}: {_shown(left - right, right - left)}"
    units = a.units - _VAGUE_UNITS, b.units - _VAGUE_UNITS
    if units[0] and units[1] and units[0] != units[1]:
        yield f"another unit: {_shown(*units)}"


def _denied(a: _Question, b: _Question) -> bool:
    """Whether a word of one stands in the other with "un" or the like before it."""
    only, other = a.content - b.content, b.content - a.content
    return any(prefix + word in other for word in only for prefix in _DENYING)


def _opposed(a: _Question, b: _Question) -> bool:
    if any((y, x) in b.turnable and (y, x) not in a.turnable for x, y in a.turnable):
        return True
    back = {(thing, "from" if way == "to" else "to", place) for thing, way, place in a.routes}
    return bool(back & b.routes - a.routes)


def _another_time(a: _Question, b: _Question) -> bool:
    """Past against present or future; the future against anything only where all else is equal,
    since "when will it arrive" and "how long does it take" are one question."""
    if a.moments != b.moments:
        return True
    if a.tense == b.tense:
        return False
    if "past" in (a.tense, b.tense) and a.tense and b.tense:
        return True
    return "future" in (a.tense, b.tense) and a.content == b.content


def _go_together(one: str, two: str) -> bool:
    return one == two or frozenset((one, two)) in _TOGETHER


def _shown(left: Iterable[object], right: Iterable[object]) -> str:
    sides = (
        ", ".join(sorted(" ".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in side))
        for side in (left, right)
    )
    return " and ".join(side or "none" for side in sides)
