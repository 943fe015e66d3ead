"""Puts the lines of a PDF page together: paragraphs, list items, tables, code."""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median_low

from ingest.document import Kind
from ingest.loaders.builder import Builder
from ingest.loaders.pdf_lines import BULLET, Cell, Line

LEADERS = re.compile(r"(?:\s?\.){4,}\s*\S{1,8}$")
SENTENCE_END = re.compile(r"[.!?:;…][\"'”’)\]]?$")
BROKEN_WORD = re.compile(r"\w-$")
USUAL_LEADING = 1.2
NEAR = 4.0  # points within which two edges count as aligned
MAX_ROW_LINES = 4
CODE_GAP = 3.5
BLANK_LINE = 1.8
MAX_INDENT = 80


def leading(pages: list[list[Line]]) -> float:
    """The usual distance from line to line, in line heights."""
    steps = [
        (one.bottom - two.bottom) / one.height
        for lines in pages
        for one, two in pairwise(lines)
        if one.height > 0 and 0.7 < (one.bottom - two.bottom) / one.height < 2
    ]
    # Of many steps most are inside paragraphs; the low side ignores the gaps between them.
    return median_low(sorted(steps)[: max(1, len(steps) * 2 // 3)]) if steps else USUAL_LEADING


def feed(out: Builder, lines: list[Line], usual: float) -> None:
    """Add the blocks that these lines of one page make."""
    edges = _right_edges(lines)
    start = 0
    while start < len(lines):
        line = lines[start]
        if line.fixed:
            end = _code_end(lines, start)
            out.add(_code(lines[start:end]), Kind.CODE)
        elif (end := _table_end(lines, start)) > start:
            out.add(_table(lines[start:end]), Kind.TABLE)
        else:
            end = _paragraph_end(lines, start, usual, edges)
            is_item = _is_item(line) or LEADERS.search(line.text)
            out.add(_paragraph(lines[start:end], edges), Kind.LIST if is_item else Kind.TEXT)
        start = end


def _right_edges(lines: list[Line]) -> dict[int, float]:
    """How far to the right the lines of each column go."""
    edges: dict[int, float] = {}
    for line in lines:
        column = _column(line)
        edges[column] = max(edges.get(column, 0.0), line.right)
    return edges


def _column(line: Line) -> int:
    return int(line.left // 54)


def _is_item(line: Line) -> bool:
    return BULLET.match(line.text.split(" ", 1)[0]) is not None


def _room(line: Line, following: Line, edges: dict[int, float]) -> bool:
    """Whether the next line's first word would have fitted: then the break was meant."""
    word = following.text.split(" ", 1)[0]
    width = (line.right - line.left) / max(1, len(line.text))
    return line.right + (len(word) + 1) * width * 1.1 < edges[_column(line)]


def _paragraph_end(lines: list[Line], start: int, usual: float, edges: dict[int, float]) -> int:
    first = lines[start]
    item = _is_item(first)
    end = start + 1
    while end < len(lines) and not LEADERS.search(lines[end - 1].text):
        line, before = lines[end], lines[end - 1]
        step = before.bottom - line.bottom
        indented = line.left - before.left > 0.8 * line.height and not item
        meant = SENTENCE_END.search(before.text) and (indented or _room(before, line, edges))
        if (
            line.fixed
            or _is_item(line)
            or abs(line.height - before.height) > 0.12 * before.height
            or not 0 < step <= usual * 1.15 * line.height
            or meant
            or (item and line.left < first.left - 1)
            or _table_end(lines, end) > end
        ):
            break
        end += 1
    return end


def _paragraph(lines: list[Line], edges: dict[int, float]) -> str:
    text = lines[0].text
    for before, line in pairwise(lines):
        if _room(before, line, edges):
            text += "\n"
        elif not (BROKEN_WORD.search(text) and line.text[0].isalpha()):
            text += " "
        text += line.text
    return text


def _code_end(lines: list[Line], start: int) -> int:
    end = start + 1
    while end < len(lines) and lines[end].fixed:
        if not 0 < lines[end - 1].bottom - lines[end].bottom < CODE_GAP * lines[end].height:
            break
        end += 1
    return end


def _code(lines: list[Line]) -> str:
    """Lines as they stand, indented by where they begin, blank ones where there is a gap."""
    margin = min(line.left for line in lines)
    letters = sum(len(line.text) for line in lines)
    width = sum(line.right - line.left for line in lines) / letters or 1.0
    text = ""
    for before, line in zip([lines[0], *lines], lines, strict=False):
        text += "\n\n" if before.bottom - line.bottom > BLANK_LINE * line.height else "\n"
        text += " " * min(MAX_INDENT, round((line.left - margin) / width)) + line.text
    return text.strip("\n")


def _table_end(lines: list[Line], start: int) -> int:
    """Where the table that begins here ends; `start` if none does."""
    if len(lines[start].cells) < 2:
        return start
    columns = list(lines[start].cells)
    last, rows = start, 1
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if line.fixed or number - last > MAX_ROW_LINES or _far(lines[number - 1], line):
            break
        if len(line.cells) > 1:
            if not any(_aligned(cell, column) for cell in line.cells[1:] for column in columns[1:]):
                break
            columns.extend(line.cells)
            last, rows = number, rows + 1
        elif not _in_column(line, columns):
            break
    if rows < 2:
        return start
    end = last + 1
    while end < len(lines) and _wraps(lines[end - 1], lines[end], columns):
        end += 1
    return end


def _far(before: Line, line: Line) -> bool:
    return abs(before.bottom - line.bottom) > 4 * line.height


def _aligned(cell: Cell, column: Cell) -> bool:
    return abs(cell.left - column.left) < NEAR or abs(cell.right - column.right) < NEAR


def _in_column(line: Line, columns: list[Cell]) -> bool:
    """Whether a line of one cell keeps within one column of the table."""
    if not any(abs(line.left - column.left) < NEAR for column in columns):
        return False
    right_of = [column.left for column in columns if column.left > line.left + NEAR]
    return line.right < min(right_of, default=float("inf"))


def _wraps(before: Line, line: Line, columns: list[Cell]) -> bool:
    """Whether a line after the last row is the rest of a cell that is not in the first column."""
    first = min(column.left for column in columns)
    close = 0 < before.bottom - line.bottom < 1.4 * line.height
    return (
        len(line.cells) == 1
        and not line.fixed
        and close
        and line.left > first + NEAR
        and _in_column(line, columns)
    )


def _table(lines: list[Line]) -> str:
    """Rows and cells in the file's own order, so that the words stay as any reader finds them."""
    cells = [(cell, line) for line in lines for cell in line.cells]
    margin = min(cell.left for cell, _ in cells) + NEAR
    text = cells[0][0].text
    for (before, upper), (cell, line), after in zip(
        cells, cells[1:], [*cells[2:], None], strict=False
    ):
        if cell.left > before.left + NEAR:
            same_row = line.bottom > upper.bottom - line.height / 2
            text += "\t" if same_row else "\n"
        else:
            text += " " if _goes_on(before, cell, line, after, margin) else "\n"
        text += cell.text
    return text


def _goes_on(
    before: Cell, cell: Cell, line: Line, after: tuple[Cell, Line] | None, margin: float
) -> bool:
    """Whether these words are the rest of the cell before rather than a new row."""
    if abs(cell.left - before.left) > NEAR:
        return False
    # In the first column only what comes next can tell: a neighbour that stands higher again.
    rises = (
        after is not None and after[0].left > cell.left + NEAR and after[1].bottom > line.bottom + 1
    )
    return rises or cell.left > margin
