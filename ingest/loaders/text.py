"""Plain text: paragraphs, underlined and numbered headings, lists, grid tables, indented code."""

from __future__ import annotations

import re
from itertools import pairwise

from ingest.document import Kind, Loaded
from ingest.loaders.builder import Builder, lines, words
from ingest.loaders.encoding import decode

MEDIA_TYPE = "text/plain"
UNDERLINE = re.compile(r"([=\-*~^\"'#+_`.:])\1{2,}\s*$")
NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3})*)\.?[ \t]{1,4}(?=\S)")
ITEM = re.compile(r"\s*(?:[-*•‣◦–+o]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+(?=\S)")
GRID = re.compile(r"\s*\+(?:[-=]+\+)+\s*$")
RULED = re.compile(r"\s*={2,}(?: +={2,})+\s*$")
LONGEST_TITLE = 100
MOSTLY_WORDS = 0.9
NARROWEST, WIDEST = 40, 80  # characters in a filled line


def load(data: bytes, name: str, stem: str) -> Loaded:
    """The blocks of a text file."""
    chunks = _chunks(decode(data, name))
    builder = Builder()
    reader = _Reader(builder, _section_numbers(chunks), _width(chunks))
    for chunk in chunks:
        reader.read(chunk)
    blocks = builder.finish()
    return Loaded(builder.first_heading or stem, MEDIA_TYPE, blocks)


def _chunks(text: str) -> list[list[str]]:
    """Runs of lines between blank ones. A form feed starts a page, so it ends a paragraph too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    chunks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            chunks[-1].append(line.expandtabs(8).rstrip())
        elif chunks[-1]:
            chunks.append([])
    return chunks if chunks[-1] else chunks[:-1]


def _width(chunks: list[list[str]]) -> int:
    """How wide the file's paragraphs are filled."""
    lengths = sorted(len(line) for chunk in chunks for line in chunk)
    usual = lengths[len(lengths) * 9 // 10] if lengths else 0
    return max(NARROWEST, min(usual, WIDEST))


def _section_numbers(chunks: list[list[str]]) -> frozenset[str]:
    """Numbers of lines that stand alone like "1.2 Scope" and belong to a tree of sections."""
    alone = [number for chunk in chunks if (number := _alone(chunk))]
    found = frozenset(alone)
    # "3." alone may be an item of a list; with a "3.1" somewhere it is a section.
    parents = {number.rpartition(".")[0] for number in found if "." in number}
    return frozenset(n for n in found if "." in n or n in parents)


def _alone(chunk: list[str]) -> str | None:
    line = chunk[0]
    match = NUMBERED.match(line)
    title = len(chunk) == 1 and len(line) <= LONGEST_TITLE and line[-1] not in ".,;:!?0123456789"
    return match[1] if match and title and line[match.end()].isupper() else None


class _Reader:
    """Feeds a builder from chunks of lines."""

    def __init__(self, out: Builder, numbers: frozenset[str], width: int) -> None:
        self._out = out
        self._numbers = numbers
        self._width = width
        self._underlines: list[str] = []
        self._depth = 0

    def read(self, chunk: list[str]) -> None:
        """Add the heading, if one opens the chunk, and what follows."""
        number = _alone(chunk)
        if number in self._numbers and number is not None:
            self._out.heading(self._depth + number.count(".") + 1, words(chunk[0]))
            return
        rest = self._underlined(chunk)
        if rest:
            self._block(rest)

    def _underlined(self, chunk: list[str]) -> list[str]:
        over = len(chunk) > 2 and _is_rule(chunk[0], chunk[1]) and _is_rule(chunk[2], chunk[1])
        if over:
            chunk = chunk[1:]
        if len(chunk) < 2 or not _is_rule(chunk[1], chunk[0]) or chunk[0][:1].isspace() > over:
            return chunk
        style = ("over" if over else "") + chunk[1].strip()[0]
        if style not in self._underlines:
            self._underlines.append(style)
        self._depth = self._underlines.index(style) + 1
        self._out.heading(self._depth, words(chunk[0]))
        return chunk[2:]

    def _block(self, chunk: list[str]) -> None:
        if GRID.match(chunk[0]) or RULED.match(chunk[0]) or all("|" in line for line in chunk[:3]):
            self._out.add(lines("\n".join(_dedented(chunk))), Kind.TABLE)
        elif ITEM.match(chunk[0]):
            for item in _items(chunk):
                self._out.add(_prose(item, self._width), Kind.LIST)
        elif chunk[0][0].isspace() and not _is_prose(chunk):
            self._out.add(lines("\n".join(_dedented(chunk))), Kind.CODE)
        else:
            self._out.add(_prose(chunk, self._width))


def _is_rule(line: str, title: str) -> bool:
    """Whether the line is there to underline the title."""
    match = UNDERLINE.match(line.strip())
    length = len(title.strip())
    return (
        match is not None
        and not UNDERLINE.match(title.strip())
        and length <= LONGEST_TITLE
        and len(line.strip()) >= min(length, max(3, length * 3 // 4))
        and any(character.isalnum() for character in title)
    )


def _dedented(chunk: list[str]) -> list[str]:
    margin = min(len(line) - len(line.lstrip()) for line in chunk)
    return [line[margin:] for line in chunk]


def _items(chunk: list[str]) -> list[list[str]]:
    """Lines of one list, item by item."""
    items: list[list[str]] = []
    for line in chunk:
        if not items or ITEM.match(line):
            items.append([line])
        else:
            items[-1].append(line)
    return items


def _is_prose(chunk: list[str]) -> bool:
    """Whether indented lines are words to read rather than code to copy."""
    if len({len(line) - len(line.lstrip()) for line in chunk[1:]}) > 1:
        return False
    text = "".join("".join(line.split()) for line in chunk)
    letters = sum(character.isalpha() for character in text)
    ends = text[-1] in '.:;,!?)"”’'
    return letters > len(text) * MOSTLY_WORDS or (ends and letters > len(text) * 0.8)


def _prose(chunk: list[str], width: int) -> str:
    """Lines as one paragraph; a break stays where the next word would have fitted before it."""
    width = max(width, *(len(line) for line in chunk))
    text = words(chunk[0])
    for line, following in pairwise(chunk):
        room = len(line) + 1 + len(following.split(None, 1)[0]) <= width
        text += ("\n" if room else " ") + words(following)
    return text
