"""A question in every way in which it can plausibly be read.

What was hidden from a filter (look-alike letters, signs for letters, letters apart, codes) is read
as a person or a language model would read it. What cannot be read has to be looked at by a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chatbot.steps.characters import (
    fold,
    foreign_letters,
    hidden_letters,
    named_pictures,
    turned_upright,
)
from chatbot.steps.encodings import deciphered, decoded, unescaped
from chatbot.steps.spelling import DISGUISED, WORDS, Lexicon, Mended, mended

LEAST_KNOWN = 0.55
"""Share of letters in known words below which a text counts as unreadable."""
_BLOB = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/_=-]{24,}")
_SCRIPT = "it is in a script that cannot be read here"
_STRANGE = 0.45
_MISSPELT = 0.34
_LONG_UNKNOWN = 4
"""Unknown words in a row from which a part of a text counts as unreadable."""
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:-[A-Z][a-z]+)*")
_PAIRS = frozenset(
    tuple(pair.split())
    for pair in (
        "of the,in the,to the,on the,for the,with the,from the,at the,by the,about the,of my,"
        "in my,to my,on my,for my,with my,about my,from my,of a,with a,for a,to a,in an,"
        "how much,how many,how long,how do,how can,how to,what do,what should,what is,"
        "what are,tell me,give me,help me,show me,want to,need to,going to,has been,"
        "have been,because of,instead of,out of,my wife,my husband,my mother,my father,"
        "my mum,my mom,my dad,my son,my daughter,my boss,my job,my name,my doctor,"
        "my landlord,my sister,my brother,my friend,my girlfriend,my ex,last week,last month,"
        "next week,years old,don't know,don't want,write a,make a,the best,a person"
    ).split(",")
)
"""Pairs of words that hardly ever stand the other way round."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a text says.

    Attributes:
        texts: each way of reading it, the plainest first, no two alike.
        hidden: how it was hidden, such as `base64`; empty where nothing was.
        unreadable: why it cannot be read, in plain words; empty where it can.
    """

    texts: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    unreadable: str = ""


def readings(raw: str, lexicon: Lexicon) -> Readings:
    """Every plausible reading of a question, and whether it can be trusted."""
    plain = fold(unescaped(raw))
    better = mended(plain, lexicon)
    ways = list(_ways(raw, plain, better.text, lexicon))
    trouble = _unreadable(raw, plain, better, lexicon)
    if trouble and not any(how for _, how in ways):
        ways += deciphered(plain, lexicon)
    hidden = tuple(dict.fromkeys(how for _, how in ways if how))
    if hidden and trouble != _SCRIPT:
        trouble = f"it is written in {', '.join(hidden)}"
    texts = dict.fromkeys(t.strip() for t, _ in ways if any(c.isalpha() for c in t))
    return Readings(tuple(texts), hidden, trouble)


def _ways(raw: str, plain: str, better: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Readings, each with the code that it was hidden in, if any."""
    yield plain, ""
    if better.split() != plain.lower().split():
        yield better, ""
    pictures = named_pictures(raw)
    if pictures != raw:
        yield fold(pictures), ""
    upright = turned_upright(raw)
    if upright is not None:
        yield mended(fold(upright), lexicon).text, "upside-down letters"
    if _backwards(plain):
        yield " ".join(reversed(plain.split())), "reversed order"
    for text, how in decoded(plain, lexicon):
        yield fold(text), how


def _unreadable(raw: str, plain: str, better: Mended, lexicon: Lexicon) -> str:
    """Why a folded text cannot be read, or nothing."""
    if foreign_letters(plain):
        return _SCRIPT
    if hidden_letters(raw):
        return "it holds invisible letters"
    if better.disguised >= DISGUISED:
        return "its words are disguised"
    if _BLOB.search(_LINK.sub(" ", plain)):
        return "a part of it is encoded"
    if better.misspelt >= max(3, _MISSPELT * len(WORDS.findall(better.text))):
        return "too many of its words are misspelt"
    changed = better.text.split() != plain.lower().split()
    text = _LINK.sub(" ", better.text if changed else _NAME.sub(" ", plain))
    if _strange(text, lexicon) or _unknown_run(text.lower(), lexicon) >= _LONG_UNKNOWN:
        return "it is encoded, or in a language that cannot be read here"
    said = WORDS.findall(plain.lower())
    return "" if any(lexicon.knows(w) or w in "ai" for w in said) else "it holds no words"


def _backwards(text: str) -> bool:
    """Whether the words stand in reversed order: pairs of small words tell."""
    words = WORDS.findall(text.lower())
    pairs = list(pairwise(words))
    return any((b, a) in _PAIRS for a, b in pairs) and not any(p in _PAIRS for p in pairs)


def _strange(text: str, lexicon: Lexicon) -> bool:
    """Whether most of it is in no known words; one rare name in a short question is not enough."""
    words = [w for w in WORDS.findall(text.lower()) if len(w) > 1]
    unknown = sum(not lexicon.knows(w) for w in words)
    return unknown >= _STRANGE * len(words) and lexicon.share(text) < LEAST_KNOWN


def _unknown_run(text: str, lexicon: Lexicon) -> int:
    """The most words in a row that are known to no dictionary."""
    longest = run = 0
    for word in WORDS.findall(text):
        run = 0 if lexicon.knows(word) else run + (len(word) > 1)
        longest = max(longest, run)
    return longest
