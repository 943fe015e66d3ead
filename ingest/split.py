"""Cuts a document's blocks into passages small enough for the embedding model. Pure.

The document's text is all blocks' texts joined by a blank line; each piece is one span of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.document import Block, Kind, Loaded

Count = Callable[[Sequence[str]], list[int]]

JOIN = "\n\n"
LEFTOVER = 25  # tokens; a passage smaller than this says too little to be found
LINE = re.compile(r"\n+")
CELL = re.compile(r"\t+")
SENTENCE = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+(?![a-z])|(?<=[。！？])""")
WORD = re.compile(r"\s+")
# Where to cut what is too long, best first.
CUTS = {
    Kind.TABLE: (LINE, CELL, SENTENCE, WORD),
    Kind.CODE: (LINE, WORD),
    Kind.TEXT: (LINE, SENTENCE, WORD),
    Kind.LIST: (LINE, SENTENCE, WORD),
}
# How far from the ideal place a better kind of cut may lie, as a share of a part.
REACH = 0.4


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage to be.

    Attributes:
        text: words of the document; like its span but for white space.
        start: first character in the document's text.
        end: one past the last character.
        context: words from elsewhere in the document (a table's caption and header row) that help
            to find the piece; never shown as part of it.
    """

    text: str
    heading: tuple[str, ...]
    page: int | None
    anchor: str | None
    start: int
    end: int
    kind: Kind
    context: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece with its size, and the number of its section (one heading path on one page)."""

    piece: Piece
    tokens: int
    section: int
    whole: bool = True


def document_text(loaded: Loaded) -> str:
    """The text that every `start` and `end` counts in."""
    return JOIN.join(block.text for block in loaded.blocks)


def split(loaded: Loaded, count: Count, target: int = 160, limit: int = 230) -> list[Piece]:
    """The document as passages, in order, none overlapping, no word lost.

    Args:
        count: token counts of many texts at once; called once, and again only for what is too long.
        target: small blocks of one section are put together up to about this many tokens.
        limit: no passage has more tokens, but one that is a single longer word.
    """
    if not loaded.blocks:
        return []
    counts = count([block.text for block in loaded.blocks])
    parts = _divide(list(_parts(loaded.blocks, counts)), count, target, limit)
    merged = _absorb(_merge(parts, target, limit), limit)
    return [part.piece for part in merged]


def _parts(blocks: Sequence[Block], counts: Sequence[int]) -> Iterator[_Part]:
    start = section = 0
    previous = blocks[0]
    for block, tokens in zip(blocks, counts, strict=True):
        section += (block.heading, block.page) != (previous.heading, previous.page)
        end = start + len(block.text)
        piece = Piece(block.text, block.heading, block.page, block.anchor, start, end, block.kind)
        yield _Part(piece, tokens, section)
        start, previous = end + len(JOIN), block


def _divide(parts: list[_Part], count: Count, target: int, limit: int) -> list[_Part]:
    """Cut what is over the limit, all of it together, until it fits or is one word."""
    while True:
        cut = [_cut(part, target) if part.tokens > limit else [part.piece] for part in parts]
        fresh = [piece.text for pieces in cut if len(pieces) > 1 for piece in pieces]
        if not fresh:
            return parts
        counts = iter(count(fresh))
        parts = [
            _Part(piece, next(counts), part.section, whole=False) if len(pieces) > 1 else part
            for part, pieces in zip(parts, cut, strict=True)
            for piece in pieces
        ]


def _cut(part: _Part, target: int) -> list[Piece]:
    piece = part.piece
    number = max(2, -(-part.tokens // target))
    context = piece.context or (_head(piece.text) if piece.kind is Kind.TABLE else "")
    edges = [0, *_places(piece.text, piece.kind, number), len(piece.text)]
    pieces = []
    for left, right in pairwise(edges):
        raw = piece.text[left:right]
        # The first line of code keeps its indentation.
        text = raw.strip("\n").rstrip() if piece.kind is Kind.CODE else raw.strip()
        if text:
            start = piece.start + left + raw.index(text)
            pieces.append(
                replace(
                    piece,
                    text=text,
                    start=start,
                    end=start + len(text),
                    context=context if left else piece.context,
                )
            )
    return pieces


def _places(text: str, kind: Kind, number: int) -> list[int]:
    """Where to cut a text into about this many parts of about the same length."""
    levels = [[m.end() for m in pattern.finditer(text)] for pattern in CUTS[kind]]
    size = len(text) / number
    chosen: list[int] = []
    for part in range(1, number):
        ideal = part * size
        for level in levels:
            best = min(level, key=lambda place: abs(place - ideal), default=None)
            usable = best is not None and (chosen[-1] if chosen else 0) < best < len(text)
            if (
                best is not None
                and usable
                and (abs(best - ideal) <= REACH * size or level is levels[-1])
            ):
                chosen.append(best)
                break
    return chosen


def _head(table: str) -> str:
    """A table's first lines down to the first that has cells: its caption and header row."""
    head: list[str] = []
    for line in table.split("\n")[:4]:
        head.append(line)
        if "\t" in line:
            return "\n".join(head)
    return ""


def _merge(parts: list[_Part], target: int, limit: int) -> list[_Part]:
    """Put small neighbours of one section together; tables stay alone."""
    merged: list[_Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and _may_join(last, part) and _fits(last.tokens, part.tokens, target, limit):
            merged[-1] = _join(last, part)
        else:
            merged.append(part)
    return merged


def _may_join(first: _Part, second: _Part) -> bool:
    kinds = (first.piece.kind, second.piece.kind)
    return first.section == second.section and Kind.TABLE not in kinds


def _fits(first: int, second: int, target: int, limit: int) -> bool:
    total = first + second + 1  # a line break may be a token
    return total <= target or (first < target // 2 and total <= limit)


def _absorb(parts: list[_Part], limit: int) -> list[_Part]:
    """Put a leftover with its neighbour in the same section, whatever kind that is."""
    kept: list[_Part] = []
    for part in parts:
        last = kept[-1] if kept else None
        if (
            last
            and last.section == part.section
            and min(last.tokens, part.tokens) < LEFTOVER
            and last.tokens + part.tokens < limit
        ):
            kept[-1] = _join(last, part)
        else:
            kept.append(part)
    return kept


def _join(first: _Part, second: _Part) -> _Part:
    one, two = first.piece, second.piece
    items = one.kind is two.kind and one.kind in (Kind.LIST, Kind.CODE)
    piece = replace(
        one,
        text=one.text + ("\n" if items else JOIN) + two.text,
        end=two.end,
        kind=one.kind if one.kind is two.kind else Kind.TEXT,
    )
    return _Part(piece, first.tokens + second.tokens + 1, first.section)
