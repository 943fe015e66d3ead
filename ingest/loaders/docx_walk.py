"""Turns the body of a Word document into blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

from ingest.document import Kind
from ingest.loaders.builder import Builder, lines, words

PARAGRAPH, TABLE, ROW, CELL, BOX = map(qn, ("w:p", "w:tbl", "w:tr", "w:tc", "w:txbxContent"))
VALUE = qn("w:val")
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted revisions, field codes, properties, and what is there for programs older than Word 2010.
HIDDEN = frozenset(
    [*map(qn, ("w:del", "w:moveFrom", "w:instrText", "w:pPr", "w:rPr", "w:tblPr")), FALLBACK]
)
SIGNS = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
HEADING = re.compile(r"heading ([1-9])$")
CONTENTS = re.compile(r"toc (?:\d|heading)|contents heading|table of (?:figures|authorities)")
CODE = re.compile(r"\b(?:code|preformatted|source|listing|macro)\b")
BODY_LEVEL = 9
DEEPEST_STYLE = 12  # a style may be based on itself in a damaged file

Role = int | str  # a heading's level, or one of these:
LIST, CODE_LINE, CAPTION, CONTENTS_ENTRY, PLAIN = "list", "code", "caption", "contents", "plain"


def roles(styles: Any) -> dict[str, Role]:
    """What each paragraph style makes of its paragraphs, by the style's id."""
    known = {s.get(qn("w:styleId")): s for s in styles.findall(qn("w:style"))}
    return {name: _role(name, known) for name in known if name}


def _role(name: str | None, known: dict[str, Any]) -> Role:
    for _ in range(DEEPEST_STYLE):
        style = known.get(name or "")
        if style is None:
            return PLAIN
        # Built-in styles keep their English name here whatever language Word speaks.
        title = (_value(style, "w:name") or "").lower()
        level = _value(style, "w:pPr/w:outlineLvl")
        if CONTENTS.match(title):
            return CONTENTS_ENTRY
        if match := HEADING.match(title):
            return int(match[1])
        if title == "title":
            return 0
        if level is not None and int(level) < BODY_LEVEL:
            return int(level) + 1
        if title == "caption":
            return CAPTION
        if title.startswith("list") or _value(style, "w:pPr/w:numPr/w:numId"):
            return LIST
        if CODE.search(title):
            return CODE_LINE
        name = _value(style, "w:basedOn")
    return PLAIN


def _value(element: Any, path: str) -> str | None:
    found = element.find("/".join(map(qn, path.split("/"))))
    value: str | None = None if found is None else found.get(VALUE)
    return value


class Walker:
    """Feeds a builder from the body's paragraphs and tables in order."""

    def __init__(self, out: Builder, roles: dict[str, Role]) -> None:
        self._out = out
        self._roles = roles
        self._code: list[str] = []

    def walk(self, parent: Any) -> None:
        """Add what stands in `parent`."""
        for child in parent:
            if child.tag == PARAGRAPH:
                self._paragraph(child)
            elif child.tag == TABLE:
                self._close_code()
                self._table(child)
            elif isinstance(child.tag, str) and child.tag not in HIDDEN:
                self.walk(child)  # content controls, insertions and other wrappers
        self._close_code()

    def _paragraph(self, paragraph: Any) -> None:
        role = self._role(paragraph)
        boxes: list[Any] = []
        text = "".join(_shown(paragraph, boxes))
        if role == CODE_LINE:
            self._code.append(text)
        else:
            self._close_code()
            self._add("\n".join(filter(None, map(words, text.split("\n")))), role, paragraph)
        for box in boxes:
            self.walk(box)

    def _add(self, text: str, role: Role, paragraph: Any) -> None:
        follower = paragraph.getnext()
        if isinstance(role, int):
            self._out.heading(role, words(text))
        elif role == CAPTION and follower is not None and follower.tag == TABLE:
            self._out.lead(words(text))
        elif role != CONTENTS_ENTRY:
            self._out.add(text, Kind.LIST if role == LIST else Kind.TEXT)

    def _close_code(self) -> None:
        self._out.add(lines("\n".join(self._code)), Kind.CODE)
        self._code.clear()

    def _role(self, paragraph: Any) -> Role:
        level = _value(paragraph, "w:pPr/w:outlineLvl")
        if level is not None and int(level) < BODY_LEVEL:
            return int(level) + 1
        role = self._roles.get(_value(paragraph, "w:pPr/w:pStyle") or "", PLAIN)
        # Number 0 takes a paragraph out of the list that its style would put it in.
        number = _value(paragraph, "w:pPr/w:numPr/w:numId")
        if role in (PLAIN, LIST) and number is not None:
            return PLAIN if number == "0" else LIST
        return role

    def _table(self, table: Any) -> None:
        cells = [list(_within(row, CELL)) for row in _within(table, ROW) if not _is_deleted(row)]
        if len(cells) == 1 and len(cells[0]) == 1:
            self.walk(cells[0][0])  # a frame around text
            return
        shown = ("\t".join(map(_cell, row)).rstrip() for row in cells)
        self._out.add("\n".join(filter(str.strip, shown)), Kind.TABLE)


def _is_deleted(row: Any) -> bool:
    return row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None


def _within(parent: Any, tag: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, content controls around them or not."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag not in HIDDEN:
            yield from _within(child, tag)


def _cell(cell: Any) -> str:
    parts: list[str] = []
    for paragraph in cell.iter(PARAGRAPH):
        boxes: list[Any] = []
        parts.extend((*_shown(paragraph, boxes), " "))
    return words("".join(parts))


def _shown(element: Any, boxes: list[Any]) -> Iterator[str]:
    """The words of a paragraph; text boxes anchored in it are put aside."""
    for child in element:
        tag = child.tag
        if tag == qn("w:t"):
            yield child.text or ""
        elif tag in SIGNS:
            yield SIGNS[tag]
        elif tag == BOX:
            boxes.append(child)
        elif isinstance(tag, str) and tag not in HIDDEN and not _vanished(child):
            yield from _shown(child, boxes)


def _vanished(run: Any) -> bool:
    mark = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return mark is not None and mark.get(VALUE, "1") not in ("0", "false")
