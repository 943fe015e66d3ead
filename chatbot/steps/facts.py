"""What in a sentence can be checked to the letter: numbers, measures, dates, names, negation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from chatbot.steps.words import STOP_WORDS, WORD, stem

_NUMBER_WORDS = {
    word: str(n)
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
}
_SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "k": 1000,
    "million": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_WRITTEN_OUT = re.compile(
    r"\b(?:(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[-\s]"
    r"(?P<ones>one|two|three|four|five|six|seven|eight|nine)"
    rf"|(?P<word>{'|'.join(_NUMBER_WORDS)}|hundred|thousand))\b",
    re.IGNORECASE,
)
_SCALE = re.compile(rf"[\s\u00a0]?({'|'.join(_SCALES)})\b", re.IGNORECASE)
_FRACTIONS = str.maketrans({"½": " 0.5", "¼": " 0.25", "¾": " 0.75"})
_WEEKDAYS = {
    name[:3]: name for name in "monday tuesday wednesday thursday friday saturday sunday".split()
}
_WEEKDAY = re.compile(
    rf"\b(?:(?i:({'|'.join(_WEEKDAYS.values())})s?)|(Mon|Tue|Wed|Thu|Fri|Sat|Sun))\b"
)
_MONTHS = {
    name: n
    for n, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|"
        "september sep sept|october oct|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})\b\.?,?"
        r"(?:\s+(?P<y>\d{4})\b)?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\b\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)"
        r"(?:,?\s+(?P<y>\d{4})\b)?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\b\.?,?\s+(?P<y>\d{{4}})\b(?P<d>)", re.IGNORECASE),
    re.compile(
        r"\b(?P<m>January|February|April|June|July|August|September|October|November|December)\b"
        r"(?P<d>)(?P<y>)"
    ),
    # "May" and "March" are verbs too: alone they need a word that stands before a time.
    re.compile(
        r"\b(?:in|of|to|by|from|until|since|after|before|every|and)\s+(?P<m>March|May)\b"
        r"(?P<d>)(?P<y>)"
    ),
)
_NUMBER = re.compile(r"(?<![\w.,:/])[-−]?\.?\d+(?:[.,:/]\d+)*(?![\d])")
_UNITS = {
    "%": "% percent pct",
    "euro": "€ eur euro euros",
    "dollar": "$ usd dollar dollars",
    "pound": "£ gbp",
    "cent": "cent cents",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "hour": "hour hours h hr hrs",
    "minute": "minute minutes",
    "second": "second seconds sec secs",
    "millisecond": "ms millisecond milliseconds",
    "microsecond": "µs us microsecond microseconds",
    "byte": "byte bytes",
    "bit": "bit bits",
    "kb": "kb kib kilobyte kilobytes",
    "mb": "mb mib megabyte megabytes",
    "gb": "gb gib gigabyte gigabytes",
    "tb": "tb tib terabyte terabytes",
    "mg": "mg milligram milligrams",
    "g": "g gram grams",
    "kg": "kg kilogram kilograms",
    "µg": "µg mcg microgram micrograms",
    "ml": "ml millilitre millilitres milliliter milliliters",
    "litre": "l litre litres liter liters",
    "mm": "mm millimetre millimetres",
    "cm": "cm centimetre centimetres",
    "metre": "m metre metres meter meters",
    "km": "km kilometre kilometres kilometers",
    "mile": "mile miles",
    "degree": "° degree degrees",
    "am": "am a.m",
    "pm": "pm p.m",
    "times": "times",
    "page": "page pages",
    "row": "row rows",
    "character": "character characters",
    "visit": "visit visits",
    "session": "session sessions",
    "person": "person persons people",
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings.split()}
_AFTER = re.compile(
    r"[\s\u00a0-]*(?:(?:calendar|working|business|full|whole|consecutive)\s+)?"
    r"(per\s?cent|[%€$£°]|[A-Za-zµ]+(?:\.m)?)"
)
_BEFORE = re.compile(r"([€$£]|\b(?:EUR|USD|GBP))\s?$")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|none|nothing|nobody|unless|excludes?|excluded|"
    r"excluding|except|prohibited|forbidden)\b|n['’]t\b",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\b(?:per|an?|each|every)\s+(?:calendar\s+)?(hour|day|week|month|year|person|adult|child|visit|"
    r"session)\b|\b(hour|dai|week|month|year|annual)ly\b",
    re.IGNORECASE,
)
_SAME_RATE = {"dai": "day", "annual": "year"}
_OPPOSITES = [
    tuple(frozenset(side.split()) for side in pair.split("/"))
    for pair in (
        "minimum least min/maximum most max",
        "before until prior/after following",
        "increase increases increased raise raises raised higher rise/"
        "decrease decreases decreased lower lowers lowered reduce reduces reduced fall",
        "more above over exceeds/less fewer below under",
        "always must required mandatory/optional optionally",
        "enable enabled enables on/disable disabled disables off",
        "include includes included/exclude excludes excluded",
        "allow allowed allows permitted/prohibited forbidden",
        "first earliest/last latest",
        "start starts begin begins/end ends",
        "add adds added/remove removes removed",
        "true/false",
        "accept accepts accepted/reject rejects rejected",
        "working business/calendar",
        "stop stops stopped/continue continues continued keeps",
        "once/twice",
        "half/double",
        "noon/midnight",
    )
]

# Words that often open a sentence before a name without being part of it.
_NO_NAMES = (
    STOP_WORDS
    | _MONTHS.keys()
    | {day for name in _WEEKDAYS.values() for day in (name[:3], name, f"{name}s")}
    | frozenset(
        "i use using run see set call note however each all also every both only please contact "
        "yes no not according under after before during once unless while because since".split()
    )
)

# What is compared as a figure is no name: "1st", and units in capitals, as in "EUR 5".
_FIGURE = re.compile(
    rf"\d+(?:st|nd|rd|th)|{'|'.join(u.upper() for u in _UNIT_OF if u.isascii() and len(u) > 1)}"
)

Date = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that can be compared to the letter.

    Attributes:
        numbers: each number in one spelling (`1,000` and `1000` are the same), and weekdays.
        measures: (number, unit) pairs, units in one spelling.
        units: the units named anywhere.
        dates: (year, month, day), None where the text leaves a part open.
        names: stems of the words that are written as names or identifiers.
        stems: stems of all words.
    """

    numbers: frozenset[str]
    measures: frozenset[tuple[str, str]]
    units: frozenset[str]
    dates: frozenset[Date]
    names: frozenset[str]
    stems: frozenset[str]


@lru_cache(maxsize=4096)  # passages come again and again, sentence by sentence
def facts_of(text: str) -> Facts:
    """The facts that a text states."""
    dates, rest = _dates(text)
    words = [w.lower() for w in WORD.findall(text)]
    numbers, measures = _numbers(rest)
    numbers |= _weekdays(rest)
    units = {_UNIT_OF[w] for w in words if w in _UNIT_OF}
    units |= {_UNIT_OF[c] for c in text if c in "%€$£°"}
    if re.search(r"\bper\s?cent\b", text, re.IGNORECASE):
        units.add("%")
    stems = frozenset(stem(part) for w in words for part in (w, *re.split(r"[-'’.]", w)) if part)
    return Facts(
        frozenset(numbers),
        frozenset(measures),
        frozenset(units),
        frozenset(dates),
        frozenset(_names(text)),
        stems,
    )


def missing_facts(claim: Facts, source: Facts) -> list[str]:
    """What the claim states and the source does not, each as a phrase; empty: nothing."""
    missing = [n if n.isalpha() else f"number {n}" for n in sorted(claim.numbers - source.numbers)]
    missing += [f"{n} {u}" for n, u in sorted(claim.measures) if not _measured(n, u, source)]
    missing += [f"date {_spelled(d)}" for d in claim.dates if not _dated(d, source.dates)]
    missing += [f"name {n}" for n in sorted(claim.names - source.stems)]
    return missing


def contradicts(claim: str, source: str) -> bool:
    """Whether one of two near sentences denies what the other says, or turns its direction."""
    if len(_NEGATION.findall(claim)) % 2 != len(_NEGATION.findall(source)) % 2:
        return True
    rates = _rates(source)
    if rates and _rates(claim) - rates:
        return True
    said = {w.lower() for w in WORD.findall(claim)}
    read = {w.lower() for w in WORD.findall(source)}
    return any(
        said & mine and not said & other and read & other and not read & mine
        for pair in _OPPOSITES
        for mine, other in (pair, pair[::-1])
    )


def _measured(number: str, unit: str, source: Facts) -> bool:
    units = {u for n, u in source.measures if n == number}
    return unit in units if units else unit in source.units


def _dated(wanted: Date, known: frozenset[Date]) -> bool:
    return any(
        all(a is None or a == b for a, b in zip(wanted, date, strict=True)) for date in known
    )


def _spelled(date: Date) -> str:
    return "-".join(str(part) for part in date if part is not None)


def _dates(text: str) -> tuple[set[Date], str]:
    found: set[Date] = set()
    for pattern in _DATES:
        for match in pattern.finditer(text):
            found.add((_int(match["y"]), _month(match["m"]), _int(match["d"])))
        text = pattern.sub(" ", text)
    return found, text


def _int(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _month(written: str) -> int:
    return int(written) if written.isdigit() else _MONTHS[written.lower()]


def _numbers(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    text = text.translate(_FRACTIONS)
    found = [(m.start(), m.end(), _plain(m[0]), False) for m in _NUMBER.finditer(text)]
    found += [(m.start(), m.end(), _written_out(m), True) for m in _WRITTEN_OUT.finditer(text)]
    numbers: set[str] = set()
    measures: set[tuple[str, str]] = set()
    read = 0
    for start, end, number, spelled in sorted(found):
        if start < read:
            continue  # the "thousand" of "two thousand"
        scale = _SCALE.match(text, end)
        if scale:
            end, number = scale.end(), _times(number, _SCALES[scale[1].lower()])
        read = end
        after, before = _AFTER.match(text, end), _BEFORE.search(text[:start])
        unit = _unit(after[1]) if after else None
        unit = unit or (_unit(before[1]) if before else None)
        if unit:
            measures.add((number, unit))
        # "one" is more often a pronoun than a count: spelled, it counts with a unit only.
        if unit or not spelled or number not in ("0", "1"):
            numbers.add(number)
    return numbers, measures


def _written_out(match: re.Match[str]) -> str:
    if match["tens"]:
        tens, ones = match["tens"].lower(), match["ones"].lower()
        return str(int(_NUMBER_WORDS[tens]) + int(_NUMBER_WORDS[ones]))
    word = match["word"].lower()
    return _NUMBER_WORDS.get(word) or str(_SCALES[word])


def _times(number: str, scale: int) -> str:
    try:
        return f"{Decimal(number) * scale:f}".removesuffix(".0")
    except InvalidOperation:
        return number  # a time or a fraction


def _weekdays(text: str) -> set[str]:
    return {_WEEKDAYS[(m[1] or m[2])[:3].lower()] for m in _WEEKDAY.finditer(text)}


def _rates(text: str) -> set[str]:
    named = ((m[1] or m[2]).lower() for m in _RATE.finditer(text))
    return {_SAME_RATE.get(name, name) for name in named}


def _unit(word: str) -> str | None:
    spelled = re.sub(r"\s", "", word.lower())
    return _UNIT_OF.get(spelled)


def _plain(number: str) -> str:
    text = number.replace("−", "-")
    if ":" in text:
        return re.sub(r"^0(?=\d)", "", text.removesuffix(":00"))
    if re.fullmatch(r"-?\d{1,3}(?:([,.])\d{3})(?:\1\d{3})*", text):
        text = re.sub(r"[,.]", "", text)
    elif mixed := re.fullmatch(r"(-?\d{1,3}(?:([,.])\d{3})(?:\2\d{3})*)(?!\2)[,.](\d+)", text):
        text = f"{re.sub(r'[,.]', '', mixed[1])}.{mixed[3]}"
    text = text.replace(",", ".")
    text = re.sub(r"^(-?)\.", r"\g<1>0.", text)
    return text.rstrip("0").rstrip(".") if text.count(".") == 1 else text


def _names(text: str) -> set[str]:
    found: set[str] = set()
    words = list(WORD.finditer(text))
    capital = [bool(re.match(r"[A-ZÀ-Þ]", w[0])) for w in words]
    for index, match in enumerate(words):
        word = match[0]
        identifier = bool(re.search(r"_|[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]{2}|^[A-Z]{2,}$", word))
        opens = index == 0 or text[: match.start()].rstrip()[-1:] in '.:!?•-*"“('
        run = capital[index] and (
            not opens
            or (index + 1 < len(words) and capital[index + 1] and text[match.end()] == " ")
        )
        said = re.split("['’]", word.lower())[0]  # "I'm" names no one, as "I" does not
        if (identifier or run) and not (said in _NO_NAMES or _FIGURE.fullmatch(word)):
            found.add(stem(word))
    return found
