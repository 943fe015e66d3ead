"""A question in every way in which it can plausibly be read.

What was hidden from a filter (look-alike letters, signs for letters, letters apart, codes) is read
as a person or a language model would read it. What cannot be read has to be looked at by a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbot.steps.characters import fold, foreign_letters, named_pictures, turned_upright
from chatbot.steps.encodings import decoded, deciphered, unescaped
from chatbot.steps.spelling import WORDS, Lexicon, mended

LEAST_KNOWN = 0.55
"""Share of letters in known words below which a text counts as unreadable."""
_LONG_UNKNOWN = 4
"""Unknown words in a row from which a part of a text counts as unreadable."""
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:-[A-Z][a-z]+)*")


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
    """Every plausible reading of a question."""
    found: dict[str, None] = {}
    hidden: dict[str, None] = {}

    def add(text: str, how: str = "") -> None:
        if any(c.isalpha() for c in text):
            found.setdefault(text.strip())
            if how:
                hidden.setdefault(how)

    upright = turned_upright(raw)
    if upright is not None:
        add(mended(fold(upright), lexicon), "upside-down letters")
    plain = fold(unescaped(raw))
    add(plain)
    better = mended(plain, lexicon)
    if better != plain.lower() and better.split() != plain.lower().split():
        add(better)
    pictures = named_pictures(raw)
    if pictures != raw:
        add(fold(pictures))
    for text, how in decoded(plain, lexicon):
        add(fold(text), how)
    trouble = _unreadable(plain, better, lexicon)
    if trouble and not hidden:
        for text, how in deciphered(plain, lexicon):
            add(text, how)
    if hidden:
        trouble = f"it is written in {', '.join(hidden)}"
    return Readings(tuple(found), tuple(hidden), trouble)


def _unreadable(plain: str, better: str, lexicon: Lexicon) -> str:
    """Why a folded text cannot be read, or nothing."""
    if foreign_letters(plain):
        return "it is in a script that cannot be read here"
    text = (
        _LINK.sub(" ", _NAME.sub(" ", plain)) if better.split() == plain.lower().split() else better
    )
    if lexicon.share(text) < LEAST_KNOWN or _unknown_run(text.lower(), lexicon) >= _LONG_UNKNOWN:
        return "it is encoded, or in a language that cannot be read here"
    if not WORDS.search(plain.lower()):
        return "it holds no words"
    return ""


def _unknown_run(text: str, lexicon: Lexicon) -> int:
    """The most words in a row that are known to no dictionary."""
    longest = run = 0
    for word in WORDS.findall(text):
        run = 0 if lexicon.knows(word) else run + (len(word) > 1)
        longest = max(longest, run)
    return longest
