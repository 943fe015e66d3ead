"""Passages made ready to be compared with: their sentences, what these state, their vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.domain import Passage
from chatbot.steps.facts import Facts, facts_of
from chatbot.steps.words import content_stems, sentence_spans

_YEAR = re.compile(r"(?:19|20)\d\d")
_LONGEST_QUOTE = 600


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a passage (a row of a table), word for word.

    Attributes:
        facts: what it states, where it stands: title, headings and table header included.
    """

    text: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Evidence:
    """One numbered passage, ready to be compared with.

    Attributes:
        vectors: unit vectors of the quotes, one a row.
        facts: what the whole passage states, its title and headings included.
        labels: stems of its title and headings.
        header: a table's header row, or nothing.
        score: how well retrieval found the passage among its candidates, 0 to 1.
    """

    marker: int
    passage: Passage
    quotes: tuple[Quote, ...]
    vectors: np.ndarray
    facts: Facts
    labels: frozenset[str]
    header: str = ""
    score: float = 1.0


def quotable(passage: Passage) -> tuple[str, ...]:
    """The sentences of a passage (rows of a table) that an answer may quote, word for word."""
    text = passage.text
    spans = [(a, min(b, a + _LONGEST_QUOTE)) for a, b in sentence_spans(text)]
    return tuple(text[a:b] for a, b in spans) or (text[:_LONGEST_QUOTE],)


def evidence_of(marker: int, passage: Passage, vectors: np.ndarray, score: float = 1.0) -> Evidence:
    """Evidence from a passage and the vectors of its `quotable` sentences."""
    label = " \n".join((passage.document.title, *passage.locator.heading))
    texts = quotable(passage)
    header = _header(passage, texts)
    where = f"{label}\n{header}" if header else label
    quotes = tuple(Quote(text, facts_of(f"{where}\n{text}")) for text in texts)
    whole = facts_of(f"{label}\n{passage.text}")
    return Evidence(marker, passage, quotes, vectors, whole, content_stems(label), header, score)


def _header(passage: Passage, rows: Sequence[str]) -> str:
    """A table's first row, unless it states figures: the later pieces of a cut table have none."""
    if passage.kind != "table" or any(not _YEAR.fullmatch(n) for n in facts_of(rows[0]).numbers):
        return ""
    return next((row for row in rows[:2] if "\t" in row), "")


def other_column(claim: str, facts: Facts, row: str, header: str) -> bool:
    """Whether the claim names columns, and a figure of it stands in none of these.

    "Fillings | 50% | 80%" under "Treatment | Basic | Plus" must not support "Basic pays 80%".
    """
    heads, cells = header.split("\t"), row.split("\t")
    if len(heads) != len(cells):
        return False
    stems = [content_stems(head) for head in heads]
    said = content_stems(claim)
    told = [s - frozenset().union(*stems[:i], *stems[i + 1 :]) for i, s in enumerate(stems)]
    named = {0} | {i for i, own in enumerate(told) if own & said}
    if named == {0}:
        return False
    stated = [facts_of(cell).numbers for cell in cells]
    places = ({i for i, numbers in enumerate(stated) if n in numbers} for n in facts.numbers)
    return any(at and not at & named for at in places)
