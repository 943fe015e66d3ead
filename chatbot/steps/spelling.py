"""Words that are written so that a filter does not know them, put right."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WORDS = re.compile(r"[a-z]+(?:'[a-z]+)?")
_SHORT = frozenset(
    "ad ah am an as at ax be by do dr eh go ha he hi hm id if im in is it iv jr kg km ma me mg ml "
    "mm mr ms my no of oh ok on or ox pa pc ph pm pp re so st tv uk um un up us vs we yo yr".split()
)
_LEET = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b",
    "9": "g", "@": "a", "$": "s", "!": "i", "|": "il", "+": "t", "(": "c", "<": "c", "#": "h",
    "%": "x", "^": "a", "&": "a", "*": "aeiou",
}  # fmt: skip
_SIGNS = {
    "|_|": "u",
    "\\/": "v",
    "|-|": "h",
    "|<": "k",
    "()": "o",
    "[]": "o",
    "/\\": "a",
    "|3": "b",
    "ph": "f",
}
_LETTERS = {"1": "i", "4": "a"}
_LETTER_RUN = re.compile(r"(?<![^\W_])(?:[^\W_][\W_]{1,3}){3,}[^\W_](?![^\W_])")
_TRIPLE = re.compile(r"(.)\1{2,}")
_DOUBLE = re.compile(r"(.)\1+")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_MOST_WAYS = 64
_LONGEST_WORD = 20
_LONGEST_TOKEN = 200
"""Longer ones stay as they are, which leaves them unreadable: taking them apart takes seconds."""
_APART = 6
_SURELY_GLUED = 24
_WEIGHT = {"cut": 3, "leetspeak": 3, "repeated": 2}
DISGUISED = 6
"""Disguise from which a text counts as written to be misread; everyday slips stay below."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Known words, each with its rank: 0 is the most frequent."""

    rank: dict[str, int]

    def knows(self, word: str) -> bool:
        """Whether that is a word; short ones only from a list, since any two letters are some."""
        if len(word) < 3:
            return word in _SHORT
        base = word.removesuffix("'s").replace("'", "")
        return word in self.rank or base in self.rank

    def share(self, text: str) -> float:
        """Share of a text's letters that stand in known words; 1.0 without words to judge by."""
        words = [w for w in WORDS.findall(text.lower()) if len(w) > 1]
        letters = sum(map(len, words))
        return sum(len(w) for w in words if self.knows(w)) / letters if letters else 1.0

    def best(self, words: Iterator[str]) -> str | None:
        """The most frequent one among those that are known."""
        known = [w for w in words if len(w) > 2 and w in self.rank]
        return min(known, key=self.rank.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class Mended:
    """A text put right.

    Attributes:
        text: lower case; what fits no word stays as it was written.
        disguised: how much of it no slip of the hand explains: `m3d1cine`, `do-se`, `d o s e`.
        misspelt: words that are one slip away from a known one.
    """

    text: str
    disguised: int
    misspelt: int


def mended(text: str, lexicon: Lexicon) -> Mended:
    """The text with disguised and misspelt words put right."""
    lower = text.lower()
    joined = joined_letters(lower, lexicon)
    disguised = _APART if joined != lower else 0
    words: list[str] = []
    ways: Counter[str] = Counter()
    for token in joined.split():
        better, how = _mend(token, lexicon)
        words.append(better)
        ways[how] += 1
        disguised += _APART if how == "glued" and len(token) > _SURELY_GLUED else 0
    if ways["leetspeak"] > 1:
        words = [_number_word(w, lexicon) for w in words]
    disguised += sum(weight * ways[how] for how, weight in _WEIGHT.items())
    return Mended(" ".join(words), disguised, ways["misspelt"])


def joined_letters(text: str, lexicon: Lexicon) -> str:
    """The text with letters that stand apart (`s u i c i d e`, `d.o.s.e`) joined into words."""

    def join(found: re.Match[str]) -> str:
        letters = [c for c in found[0] if c.isalnum()]
        word = "".join(letters)
        if sum(c.isalpha() for c in letters) < 4:
            return found[0]
        whole = _unleet(word[:_LONGEST_TOKEN], lexicon) or word[:_LONGEST_TOKEN]
        return " ".join([*segments(whole, lexicon), word[_LONGEST_TOKEN:]]).strip()

    return _LETTER_RUN.sub(join, text)


def _mend(token: str, lexicon: Lexicon) -> tuple[str, str]:
    """A word put right, and how it had been written; as it is where nothing helps."""
    core = token.strip(".,;:?!\"'()[]{}…“”‘’")
    plain = core.replace("'", "").replace("-", "").isalpha()
    if not core or (plain and all(len(w) == 1 or lexicon.knows(w) for w in WORDS.findall(core))):
        return token, ""
    if len(core) > _LONGEST_TOKEN:
        return token, ""
    end = token[token.rfind(core) + len(core) :]
    for how, way in _WAYS.items():
        better = way(core, lexicon)
        if better:
            return better + end, how
    return token, ""


def _unpunctuated(word: str, lexicon: Lexicon) -> str | None:
    """`sui-ci.de` as one word."""
    parts = [p for p in re.split(r"[\W_]+", word) if p]
    if len(parts) < 2 or any(c.isdigit() for c in word):
        return None
    whole = "".join(parts)
    parted = all((len(p) > 1 and lexicon.knows(p)) or p in "ai" for p in parts)
    return whole if lexicon.knows(whole) and len(whole) > 3 and not parted else None


def _underscored(word: str, _: Lexicon) -> str | None:
    """`how_to_sue` as three words."""
    return " ".join(word.replace("_", " ").split()) if "_" in word.strip("_") else None


def _unleet(word: str, lexicon: Lexicon) -> str | None:
    for sign, letter in _SIGNS.items():
        word = word.replace(sign, letter) if sign != "ph" else word
    if not any(c.isalpha() for c in word) or word.isalpha():
        return word if lexicon.knows(word) else None
    return lexicon.best(_ways(word, lambda c: _LEET.get(c, c if c.isalpha() else ""))) or (
        _whole_leet(word, lexicon)
    )


def _whole_leet(word: str, lexicon: Lexicon) -> str | None:
    """Leetspeak with a misspelling in it, or with words glued together."""
    first = "".join(_LEET.get(c, c)[0] for c in word if c in _LEET or c.isalpha())
    if sum(c.isalpha() for c in word) * 2 < len(word) or len(first) < 5:
        return None
    return _unrepeated(first, lexicon) or _unglued(first, lexicon) or _corrected(first, lexicon)


def _number_word(token: str, lexicon: Lexicon) -> str:
    """A number in a text that is written in leetspeak: `70` is `to` there."""
    if not token.isdigit() or token in _LETTERS:
        return _LETTERS.get(token, token)
    return lexicon.best(_ways(token, lambda c: _LEET[c])) or (
        next((w for w in _ways(token, lambda c: _LEET[c]) if w in _SHORT), token)
    )


def _ways(word: str, letters: Callable[[str], str]) -> Iterator[str]:
    """The words that come out when each character stands for one of its letters."""
    choices = [letters(c) or "\0" for c in word]
    if math.prod(map(len, choices)) > _MOST_WAYS:
        choices = [c[0] for c in choices]
    for way in itertools.product(*choices):
        yield "".join(way).replace("\0", "")


def _unrepeated(word: str, lexicon: Lexicon) -> str | None:
    if not _DOUBLE.search(word):
        return None
    twice, once = _TRIPLE.sub(r"\1\1", word), _TRIPLE.sub(r"\1", word)
    return lexicon.best(iter((twice, once, _DOUBLE.sub(r"\1", word))))


def _unglued(word: str, lexicon: Lexicon) -> str | None:
    if len(word) < 9 or not word.isalpha():
        return None
    parts = segments(word, lexicon)
    long = sum(len(p) for p in parts if len(p) > 2 and lexicon.knows(p))
    likely = len(parts) > 1 and len(word) >= 3.2 * len(parts) and long * 10 >= len(word) * 7
    return " ".join(parts) if likely else None


def segments(word: str, lexicon: Lexicon) -> list[str]:
    """The likeliest words of a text written without spaces, by their frequency."""
    total = math.log(len(lexicon.rank) + 2)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(word) + 1):
        ways = (
            (best[start][0] + _cost(word[start:end], lexicon, total), start)
            for start in range(max(0, end - _LONGEST_WORD), end)
        )
        best.append(min(ways))
    parts, end = [], len(word)
    while end:
        parts.append(word[best[end][1] : end])
        end = best[end][1]
    return parts[::-1]


def _cost(part: str, lexicon: Lexicon, total: float) -> float:
    """How unlikely a word is: by Zipf's law, or by length for one that is none."""
    if part in ("a", "i") or (part in _SHORT and part not in ("ad", "ax", "eh", "un", "pa", "st")):
        return math.log(60) + 2.0
    if len(part) > 2 and part in lexicon.rank:
        return math.log(lexicon.rank[part] + 2) + math.log(total)
    return total + 6.0 * len(part)


def _corrected(word: str, lexicon: Lexicon) -> str | None:
    """The most frequent word that is one slip away."""
    if not 5 <= len(word) <= _LONGEST_WORD or not word.isascii() or not word.isalpha():
        return None
    return lexicon.best(_slips(word))


def _slips(word: str) -> Iterator[str]:
    for i in range(len(word)):
        head, tail = word[:i], word[i + 1 :]
        yield head + tail
        if tail:
            yield head + tail[0] + word[i] + tail[1:]
        for letter in _ALPHABET:
            yield head + letter + tail
            yield head + letter + word[i] + tail
    for letter in _ALPHABET:
        yield word + letter


_WAYS = {
    "underscored": _underscored,
    "cut": _unpunctuated,
    "leetspeak": _unleet,
    "repeated": _unrepeated,
    "glued": _unglued,
    "misspelt": _corrected,
}
