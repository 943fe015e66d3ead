"""Finds the headings of a PDF: by its outline, or else by the size of the letters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.loaders.builder import words
from ingest.loaders.pdf_lines import Line

LARGER = 1.12
LONGEST = 150
MAX_LINES = 4
WORD = re.compile(r"[^\W\d_]{2,}")
# What a printed heading has before the title that its bookmark gives.
PREFIX = re.compile(r"(?:(?:chapter|appendix|part|section|annex)\w{0,12}|[a-z]?\d*|[ivxlc]{1,6})$")


@dataclass(frozen=True, slots=True)
class Mark:
    """An outline entry on its page; `top` is how high it points, where it says that."""

    level: int
    title: str
    top: float | None


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of a page under a heading; `level` 0 where no new heading opens them."""

    level: int
    title: str
    lines: list[Line]


def outline(document: Any) -> dict[int, list[Mark]]:
    """The outline's entries by the page that they point at, counted from 0."""
    marks: dict[int, list[Mark]] = defaultdict(list)
    for entry in document.get_toc():
        target = entry.get_dest()
        title = words(entry.get_title() or "")
        page = target.get_index() if target is not None else None
        if title and page is not None:
            _, view = target.get_view()
            marks[page].append(Mark(entry.level + 1, title, view[1] if len(view) > 1 else None))
    return dict(marks)


def by_outline(lines: list[Line], marks: list[Mark]) -> list[Section]:
    """A page's lines cut at the headings that the outline names."""
    sections = [Section(0, "", [])]
    done = 0
    for mark in marks:
        start, length = _find(lines, done, mark)
        sections[-1].lines.extend(lines[done:start])
        # As printed, with its number, rather than as bookmarked: these are the reader's words.
        printed = " ".join(line.text for line in lines[start : start + length])
        sections.append(Section(mark.level, printed or mark.title, []))
        done = start + length
    sections[-1].lines.extend(lines[done:])
    return sections


def _find(lines: list[Line], done: int, mark: Mark) -> tuple[int, int]:
    """First line and number of lines of a heading; no lines where only its place is known."""
    wanted = _bare(mark.title)
    for start in range(done, len(lines)):
        printed = ""
        for length, line in enumerate(lines[start : start + MAX_LINES], 1):
            printed += _bare(line.text)
            before = printed.removesuffix(wanted)
            if wanted and printed.endswith(wanted) and PREFIX.match(before):
                return start, length
    if mark.top is None:
        return done, 0
    below = (n for n in range(done, len(lines)) if lines[n].top <= mark.top + lines[n].height / 2)
    return next(below, len(lines)), 0


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def by_size(pages: list[list[Line]]) -> list[list[Section]]:
    """All pages' lines cut at lines that are larger than the body's."""
    sizes: Counter[float] = Counter()
    for line in (line for lines in pages for line in lines):
        sizes[_size(line)] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    large = sorted((size for size in sizes if size > body * LARGER), reverse=True)
    levels = {size: min(rank, 6) for rank, size in enumerate(large, 1)}
    return [list(_cut_by_size(lines, levels)) for lines in pages]


def _cut_by_size(lines: list[Line], levels: dict[float, int]) -> Iterator[Section]:
    section = Section(0, "", [])
    for number, line in enumerate(lines):
        level = levels.get(_size(line), 0)
        if not level or not _may_be_heading(line):
            section.lines.append(line)
        elif section.level == level and not section.lines and _goes_on(lines[number - 1], line):
            section = Section(level, f"{section.title} {line.text}", [])
        else:
            yield section
            section = Section(level, line.text, [])
    yield section


def _may_be_heading(line: Line) -> bool:
    text = line.text
    # Formulas are set in large signs too.
    return (
        not line.fixed
        and len(text) <= LONGEST
        and WORD.search(text) is not None
        and text[-1] not in ".,;=+("
        and (text[0].isalnum() or text[0] in "\"'“‘«„¿¡")
    )


def _goes_on(before: Line, line: Line) -> bool:
    """Whether a heading has a second line."""
    return 0 < before.bottom - line.bottom < 1.5 * line.height and not line.text[0].isdigit()


def _size(line: Line) -> float:
    return round(line.height * 2) / 2
