"""Words, their stems, and sentences with their places in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

WORD = re.compile(r"\w+(?:[-'’.]\w+)*", re.UNICODE)

# A sentence ends at . ! or ? with what closes it, then its markers, before white space and
# something that can begin a sentence; or at a line's end.
_END = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"'”’)\]]))(?:[ \t]*\[\d+(?:,\s*\d+)*\])*"
    r"(?=\s+(?:[\"'“‘(]?[A-Z0-9À-Þ*•-]|\[[A-Za-z]))|(?=\n)|(?<=[。！？؟])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|no|nos|fig|sec|art|para|p|pp|vol|dr|mr|mrs|ms|prof|st|inc|"
    r"ltd|co|dept|tel|min|max|u\.s|u\.k|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:ations?|ing|edly|ed|ies|es|s|ly|ment|ments|al)$")

STOP_WORDS = frozenset(
    "a about am an and any are as at be been being but by can could did do does for from get had "
    "has have how i if in into is it its itself me my of on or our shall should so some such than "
    "that the their them then there these they this those to was we were what when where which who "
    "whom whose why will with would you your".split()
)
"""English words that say nothing about a text's subject."""


@lru_cache(maxsize=32768)
def stem(word: str) -> str:
    """A crude stem: enough to tell `payments` from `claims`, not more."""
    lower = word.lower()
    short = _SUFFIX.sub("", lower)
    return short if len(short) >= 4 else lower.removesuffix("s") if len(lower) > 3 else lower


@lru_cache(maxsize=8192)
def content_stems(text: str) -> frozenset[str]:
    """Stems of the words that say what a text is about."""
    words = set(map(str.lower, WORD.findall(text)))
    return frozenset(map(stem, words - STOP_WORDS))


def coverage(question: str, text: str) -> float:
    """Share of the question's content words whose stem stands in the text, 0 to 1."""
    wanted = content_stems(question)
    return len(wanted & content_stems(text)) / len(wanted) if wanted else 0.0


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, white space around it left out; a line's end ends one."""
    spans, start = [], 0
    for found in _END.finditer(text):
        end = found.end()
        if end <= start or _ABBREVIATION.search(text, start, end):
            continue
        spans.append((start, end))
        start = end
    spans.append((start, len(text)))
    trimmed = (_trim(text, a, b) for a, b in spans)
    return [(a, b) for a, b in trimmed if a < b]


def sentences(text: str) -> list[str]:
    """The sentences of a text, word for word."""
    return [text[a:b] for a, b in sentence_spans(text)]


def complete_sentences(buffer: str) -> tuple[list[str], str]:
    """The sentences of a growing text that are surely complete, and the rest."""
    spans = sentence_spans(buffer)
    if len(spans) < 2:
        return [], buffer
    return [buffer[a:b] for a, b in spans[:-1]], buffer[spans[-1][0] :]


def sentence_stream(pieces: Iterator[str]) -> Iterator[str]:
    """Sentences of a text that arrives in pieces, each as soon as the next one begins."""
    buffer = ""
    for piece in pieces:
        done, buffer = complete_sentences(buffer + piece)
        yield from done
    yield from sentences(buffer)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
