"""What an entry of the FAQ rests on: words found in a passage, and nothing around them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chatbot.domain import Document, Passage
from chatbot.steps.evidence import Evidence, evidence_of
from chatbot.steps.verify import split_markers
from chatbot.steps.words import sentence_spans


@dataclass(frozen=True, slots=True)
class Place:
    """Where named words stand: the first and the last but one character in a passage's text."""

    passage: Passage
    start: int
    end: int


def place_of(quote: str, passages: Sequence[Passage]) -> Place | None:
    """The first passage that holds the quote, line breaks and tabs counting as blanks."""
    words = quote.split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = ((p, pattern.search(p.text)) for p in passages)
    return next((Place(p, m.start(), m.end()) for p, m in found if m), None)


def evidence_at(marker: int, place: Place, vectors: np.ndarray) -> Evidence:
    """Evidence of the named words alone: of the sentences that they stand in.

    Args:
        vectors: unit vectors of the passage's `quotable` sentences.
    """
    whole = evidence_of(marker, place.passage, vectors)
    spans = sentence_spans(place.passage.text) or [(0, len(place.passage.text))]
    kept = [n for n, (a, b) in enumerate(spans) if a < place.end and b > place.start]
    quotes = tuple(whole.quotes[n] for n in kept)
    return replace(whole, quotes=quotes, vectors=whole.vectors[kept])


def named(document: str, documents: Sequence[Document]) -> list[Document]:
    """Those that a name means: by the end of the path, or else by the title."""
    end = document.replace("\\", "/").strip("/")
    by_path = [d for d in documents if f"/{d.uri}".replace("\\", "/").endswith(f"/{end}")]
    return by_path or [d for d in documents if d.title.casefold() == document.casefold()]


def marked(sentence: str, markers: Sequence[int]) -> str:
    """The sentence, with all those markers where it has none of its own."""
    if split_markers(sentence)[1]:
        return sentence
    return f"{sentence} {''.join(f'[{m}]' for m in markers)}"
