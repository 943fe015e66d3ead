"""Takes running heads, page numbers and tables of contents off the pages of a PDF."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from ingest.loaders.pdf_lines import Line

EDGE_LINES = 2
MOST = 0.5
BAND = 3.0  # points; a running line stands at the same height on each page
NUMBER = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,]\d|\d)")
ROMAN = re.compile(r"[ivxlc]{1,6}")
PAGE_NUMBER = "\x00"  # stands for the page's number; no line has it
FEWEST_PAGES = 3  # on which a number at the end of a line can be told from a coincidence
ENTRY = re.compile(r"(?:\s?\.){4,}\s*(\d{1,4})$")
FEWEST_ENTRIES = 5

Edges = dict[int, tuple[int, str]]


def body_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without running lines and tables of contents; all of them if nothing else is left.

    A running line comes back, but for the page's number, on most pages, or it carries that number.
    """
    edges = [_edges(lines) for lines in pages]
    running = _running(edges, _first_number(edges))
    kept = [
        _without_contents(
            [line for place, line in enumerate(lines) if place not in dropped], len(pages)
        )
        for lines, dropped in zip(pages, running, strict=True)
    ]
    return kept if any(kept) else pages


def _edges(lines: list[Line]) -> Edges:
    """The top and bottom lines of a page by place: the band where each stands, and its words."""
    order = sorted(range(len(lines)), key=lambda place: lines[place].bottom)
    return {
        place: (round(lines[place].bottom / BAND), lines[place].text.casefold())
        for place in (*order[:EDGE_LINES], *order[-EDGE_LINES:])
    }


def _first_number(edges: list[Edges]) -> int | None:
    """What the first page is numbered, as numbers at the edges of most pages have it."""
    seen = Counter(
        first
        for number, page in enumerate(edges)
        for first in {int(n) - number for _, text in page.values() for n in NUMBER.findall(text)}
    )
    first, pages = max(seen.items(), key=lambda item: item[1], default=(0, 0))
    return first if pages >= max(2, MOST * len(edges)) else None


def _running(edges: list[Edges], first: int | None) -> list[set[int]]:
    """The places of the running lines on each page."""
    numbers = [None if first is None else str(first + n) for n in range(len(edges))]
    keys = [
        {place: (band, _without_number(text, number)) for place, (band, text) in page.items()}
        for page, number in zip(edges, numbers, strict=True)
    ]
    seen = Counter(key for page in keys for key in set(page.values()))
    # Chapter titles in the head change through a book; their place on the page does not.
    bands = Counter(band for page in keys for band in {k[0] for k in page.values() if seen[k] > 1})
    enough = max(2, MOST * len(edges))
    many = len(edges) >= FEWEST_PAGES
    return [
        {
            place
            for place, (band, text) in page.items()
            if (seen[band, text] > 1 and bands[band] >= enough)
            or (many and (text.startswith(PAGE_NUMBER) or text.endswith(PAGE_NUMBER)))
        }
        for page in keys
    ]


def _without_number(text: str, number: str | None) -> str:
    if ROMAN.fullmatch(text):
        return PAGE_NUMBER
    return NUMBER.sub(lambda match: PAGE_NUMBER if match[0] == number else match[0], text)


def _without_contents(lines: list[Line], pages: int) -> list[Line]:
    """The lines but for a table of contents: dotted entries with page numbers that go up."""
    entries = [
        (place, int(match[1]))
        for place, line in enumerate(lines)
        if (match := ENTRY.search(line.text))
    ]
    numbers = [number for _, number in entries]
    ascending = all(one <= two for one, two in pairwise(numbers))
    # A price list has dots too, but its numbers are no page numbers.
    if len(entries) < FEWEST_ENTRIES or not ascending or numbers[-1] > pages:
        return lines
    first, last = entries[0][0], entries[-1][0]
    if len(entries) < MOST * (last - first + 1):
        return lines
    return lines[:first] + lines[last + 1 :]
