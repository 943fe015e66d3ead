"""What a loader makes of a file: a title and blocks in reading order. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """What a block is; tables and code are kept whole when passages are made."""

    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list item, table or code block.

    Attributes:
        text: the words as a reader sees them, none added. Table rows end in a newline, cells are
            set apart by a tab.
        heading: the headings above it, outermost first.
        page: page number from 1, or None where the format has no pages.
        anchor: id of the nearest element above it that a link can point at, or None.
    """

    text: str
    kind: Kind = Kind.TEXT
    heading: tuple[str, ...] = ()
    page: int | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's content, whatever its format was."""

    title: str
    media_type: str
    blocks: tuple[Block, ...]
    effective: date | None = None
    expires: date | None = None
