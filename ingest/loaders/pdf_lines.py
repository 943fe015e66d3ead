"""The lines of a PDF page, with just enough geometry to tell headings, tables and paragraphs."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from pypdfium2 import raw

from ingest.loaders.builder import words

HYPHEN = "\ufffe"  # PDFium's sign for a hyphen at a line's end, after which it goes on unbroken
LINE_END = re.compile("\r\n|\r|\n|(?<=\ufffe)")
BULLET = re.compile(r"(?:[-*•‣◦▪–]|\(?(?:\d{1,3}|[a-zA-Z])[.)])$")
WIDE = 0.9  # gap between words, as a share of the line's height, from which it parts two cells
SMALL = 0.85
LONGEST_MARK = 4
FIXED_PITCH = 1
FIXED_NAMES = re.compile(b"mono|courier|consol|typewriter|fixed|cmtt|menlo", re.I)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of one line that stand close together."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line as printed, in points from the page's lower left corner.

    Attributes:
        fixed: it is set in a typewriter font, as code is.
    """

    cells: tuple[Cell, ...]
    bottom: float
    top: float
    fixed: bool

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.cells[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.cells[-1].right

    @property
    def height(self) -> float:
        """Size of its letters, line gap included."""
        return self.top - self.bottom


def page_lines(text_page: Any) -> list[Line]:
    """The page's lines in the order in which the file draws them."""
    text = text_page.get_text_range()
    index = _char_index(text, text_page)
    boxes = _boxes(text_page.raw, index)
    fixed = _fixed(text_page.raw, index)
    lines: list[Line] = []
    for start, end in _spans(text):
        line = _line(text, start, end, boxes, fixed)
        if line and lines and _is_raised(line, lines[-1]):
            lines[-1] = _with_mark(lines[-1], line)
        elif line:
            lines.append(line)
    return lines


def _is_raised(line: Line, before: Line) -> bool:
    """Whether a line is just a footnote mark at the end of the one before."""
    return (
        line.height < SMALL * before.height
        and before.bottom - 1 < line.bottom < before.top
        and line.left > before.right - 1
        and len(line.text) <= LONGEST_MARK
    )


def _with_mark(line: Line, mark: Line) -> Line:
    last = line.cells[-1]
    return replace(
        line, cells=(*line.cells[:-1], Cell(last.text + mark.text, last.left, mark.right))
    )


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in LINE_END.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _line(
    text: str, start: int, end: int, box: Callable[[int], Box], fixed: Callable[[int], bool]
) -> Line | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        return None
    first, last = box(start), box(end - 1)
    # Of two sizes the larger is the line's: the other is a footnote mark or a subscript.
    bottom, top = max((first[1::2], last[1::2]), key=lambda span: span[1] - span[0])
    wide = WIDE * (top - bottom)
    cells: list[Cell] = []
    left, cell_start = min(first[0], last[0]), start
    position = text.find(" ", start, end)
    while position >= 0:
        before, after = box(position - 1), box(position + 1)
        near_bullet = not cells and BULLET.match(text, start, position)
        if after[0] - before[2] > wide and not near_bullet:
            cells.append(Cell(_clean(text[cell_start:position]), left, before[2]))
            left, cell_start = after[0], position + 1
        position = text.find(" ", position + 1, end)
    cells.append(Cell(_clean(text[cell_start:end]), left, max(last[2], first[2])))
    shown = tuple(cell for cell in cells if cell.text)
    typed = all(map(fixed, ((start + end) // 2, start, end - 1)))
    return Line(shown, bottom, top, typed) if shown else None


def _clean(text: str) -> str:
    return words(text.replace(HYPHEN, "-"))


def _char_index(text: str, text_page: Any) -> Callable[[int], int]:
    """From a place in the text to PDFium's number for that character."""
    if len(text) == text_page.count_chars():
        return lambda place: place
    # PDFium counts UTF-16 units, and its text leaves out characters that have no Unicode value.
    units = list(accumulate((1 + (ord(c) > 0xFFFF) for c in text), initial=0))
    handle = text_page.raw
    return lambda place: int(raw.FPDFText_GetCharIndexFromTextIndex(handle, units[place]))


def _boxes(handle: Any, index: Callable[[int], int]) -> Callable[[int], Box]:
    rect = raw.FS_RECTF()
    reference = ctypes.byref(rect)
    measure = raw.FPDFText_GetLooseCharBox

    def box(place: int) -> Box:
        measure(handle, index(place), reference)
        return rect.left, rect.bottom, rect.right, rect.top

    return box


def _fixed(handle: Any, index: Callable[[int], int]) -> Callable[[int], bool]:
    name = ctypes.create_string_buffer(64)
    flags = ctypes.c_int()

    def fixed(place: int) -> bool:
        length = raw.FPDFText_GetFontInfo(handle, index(place), name, 64, ctypes.byref(flags))
        return bool(length and (flags.value & FIXED_PITCH or FIXED_NAMES.search(name.value)))

    return fixed
