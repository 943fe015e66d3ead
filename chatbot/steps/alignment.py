"""Which words of two questions answer to each other, and what is left over on either side. Pure.

One vector of a whole question is mostly its subject. Whether the answer is the same hangs on the
words that the other question lacks: where nearly all the others are shared, a single one makes it
another question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from chatbot.steps.differences import said_in
from chatbot.steps.words import stem

_EMPTY = frozenset(
    "a an the is are was were be been being am do does did has have had i me my mine we us our you "
    "your it its it this that these those there please tell know like hello hi hey thanks thank "
    "want need just also can could may might must should would shall will possible possibly way "
    "ways mean help question quick and or of so then them they their such some any get got having "
    "as what which how to in on at for by about with if say explain someone somebody one s m d ve "
    "ll re act acting done doing understand known people person persons happen happens happened "
    "consider use used using take takes taken taking make makes give regarding concerning related "
    "thing things anything everything currently exactly really actually usually generally go going "
    "normally allowed permitted necessary required needed available much".split()
)
"""Words that change no question: how it is put, not what it is about."""
_TYPO = 0.84  # likeness of a misspelt word to the right one; 1 is the same
_NOUN = re.compile(r"(?:ations?|ions?|ments?|als?|ances?|ings?|ed|es?|s)$")
"""Endings of what is done, not of who does it: "employer" and "employee" stay apart."""
_TURNING = frozenset("of for by".split())
"""Words after which what a verb is done to stands behind or before it alike."""
_ENDINGS = (
    ("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""),
    ("ing", "e"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Known words, and which of them can mean the same.

    Attributes:
        meanings: of each word, in its base form or an irregular one, the numbers of its meanings.
    """

    known: frozenset[str]
    meanings: Mapping[str, frozenset[int]]

    def meanings_of(self, word: str) -> frozenset[int]:
        """All meanings that the word can have, whatever its ending."""
        bases = [word]
        bases += [word[: -len(e)] + i for e, i in _ENDINGS if word.endswith(e)]
        bare = word.removesuffix("ed").removesuffix("ing")
        if bare != word and len(bare) > 3 and bare[-1] == bare[-2]:
            bases.append(bare[:-1])
        return frozenset().union(*(self.meanings.get(base, ()) for base in bases))


@dataclass(frozen=True, slots=True)
class Sketch:
    """A question taken apart.

    Attributes:
        words: the words that say something, each stem once, in their order.
        stems: their stems.
        meanings: the meanings that each can have.
        unknown: whether each is in no list of words.
        roles: those stems in their order, with the asker's place among them.
        turning: a word says that the order means nothing.
    """

    words: tuple[str, ...]
    stems: tuple[str, ...]
    meanings: tuple[frozenset[int], ...]
    unknown: tuple[bool, ...]
    roles: tuple[str, ...]
    turning: bool


def sketch(question: str, lexicon: Lexicon) -> Sketch:
    """The question's parts."""
    said = said_in(question)
    by_stem: dict[str, str] = {}
    for word in [w for w in said if w not in _EMPTY] or said:
        by_stem.setdefault(stem(word), word)
    roles = ("i" if w in ("i", "me") else stem(w) for w in said)
    words = tuple(by_stem.values())
    return Sketch(
        words,
        tuple(by_stem),
        tuple(lexicon.meanings_of(w) for w in words),
        tuple(w not in lexicon.known for w in words),
        tuple(dict.fromkeys(r for r in roles if r == "i" or r in by_stem)),
        not _TURNING.isdisjoint(said),
    )


@dataclass(frozen=True, slots=True)
class Alignment:
    """What two questions share.

    Attributes:
        shared: how many words have a counterpart on the other side.
        rest: the words of each without one.
        exchanged: one question is the other but for a word that was put in, taken out or exchanged
            for one that does not mean the same, or but for the roles, which are turned round.
    """

    shared: int
    rest: tuple[tuple[str, ...], tuple[str, ...]]
    exchanged: bool


def align(a: Sketch, b: Sketch) -> Alignment:
    """Counterparts are the same stems, then words that can mean the same, then misspellings."""
    left, right = list(range(len(a.words))), list(range(len(b.words)))
    for alike in (_same_stem, _same_meaning, _misspelt):
        _pair(a, b, left, right, alike)
    shared = len(a.words) - len(left)
    rest = tuple(a.words[i] for i in left), tuple(b.words[j] for j in right)
    more = max(map(len, rest))
    return Alignment(shared, rest, _turned(a, b) if more == 0 else more == 1)


Alike = Callable[[Sketch, int, Sketch, int], bool]


def _pair(a: Sketch, b: Sketch, left: list[int], right: list[int], alike: Alike) -> None:
    for i in list(left):
        j = next((j for j in right if alike(a, i, b, j)), None)
        if j is not None:
            left.remove(i)
            right.remove(j)


def _same_stem(a: Sketch, i: int, b: Sketch, j: int) -> bool:
    return a.stems[i] == b.stems[j] or _root(a.words[i]) == _root(b.words[j])


def _root(word: str) -> str:
    """What "connect" and "connection" have in common."""
    short = _NOUN.sub("", word)
    return short if len(short) > 3 else word


def _same_meaning(a: Sketch, i: int, b: Sketch, j: int) -> bool:
    return not a.meanings[i].isdisjoint(b.meanings[j])


def _misspelt(a: Sketch, i: int, b: Sketch, j: int) -> bool:
    """One is no known word, the other is, and they look alike."""
    one, two = a.words[i], b.words[j]
    if a.unknown[i] == b.unknown[j] or one[0] != two[0] or min(len(one), len(two)) < 4:
        return False
    return SequenceMatcher(None, one, two).ratio() >= _TYPO


def _turned(a: Sketch, b: Sketch) -> bool:
    if a.turning != b.turning or _named(a) != _named(b):
        return False
    places = [b.roles.index(s) for s in a.roles if s in b.roles]
    return places != sorted(places)


def _named(question: Sketch) -> int:
    """How many of its words name what is done, as "treatment" and "opening" do."""
    return sum(w.endswith(("tion", "ment", "al", "ing", "sion")) for w in question.words)


def as_text(rest: Sequence[str]) -> str:
    """The words of one side without a counterpart, to be read by themselves."""
    return " ".join(rest)
