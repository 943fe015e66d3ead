"""Collects blocks in reading order; every loader feeds one. Standard library only."""

from __future__ import annotations

import re

from ingest.document import Block, Kind

# Control characters, soft hyphen, byte order mark: in the file, but nothing that a reader sees.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\xad\ufeff\ufffe\uffff]")


def words(text: str) -> str:
    """The text with each run of whitespace made one space."""
    return " ".join(UNSEEN.sub("", text).split() if UNSEEN.search(text) else text.split())


def lines(text: str) -> str:
    """The text with its lines kept, without blank edges and trailing spaces."""
    kept = (line.rstrip() for line in text.expandtabs(8).split("\n"))
    return UNSEEN.sub("", "\n".join(kept)).strip("\n").rstrip()


class Builder:
    """Blocks so far, and where in the document the next one stands.

    Attributes:
        anchor: id of the nearest element above that a link can point at.
        page: number of the current page, or None.
    """

    def __init__(self, page: int | None = None) -> None:
        self.anchor: str | None = None
        self.page = page
        self._blocks: list[Block] = []
        self._stack: list[tuple[int, str]] = []
        self._path: tuple[str, ...] = ()
        self._bare: Block | None = None
        self._lead: list[str] = []
        self._lead_anchor: str | None = None

    def heading(self, level: int, text: str) -> None:
        """Open a section; it closes those at its level and below."""
        self._close_lead()
        if not text:
            return
        kept = [entry for entry in self._stack if entry[0] < level]
        if len(kept) < len(self._stack):
            self._keep_bare()
        self._stack = [*kept, (level, text)]
        outer = tuple(title for _, title in kept)
        self._path = (*outer, text)
        self._bare = Block(text, Kind.TEXT, outer, self.page, self.anchor)

    def lead(self, text: str) -> None:
        """Hold words (a term, a caption) back so that they open the next block."""
        if not text:
            return
        if not self._lead:
            self._lead_anchor = self.anchor
        self._lead.append(text)

    def add(self, text: str, kind: Kind = Kind.TEXT) -> None:
        """Add a block, if it has any words."""
        if not text or text.isspace():
            return
        anchor = self.anchor
        if self._lead:
            text = "\n".join([*self._lead, text])
            anchor = self._lead_anchor
            self._lead.clear()
        self._bare = None
        self._blocks.append(Block(text, kind, self._path, self.page, anchor))

    def finish(self) -> tuple[Block, ...]:
        """All blocks."""
        self._close_lead()
        self._keep_bare()
        return tuple(self._blocks)

    @property
    def first_heading(self) -> str | None:
        """The outermost heading of the first block that stands under one."""
        return next((b.heading[0] for b in self._blocks if b.heading), None)

    def _close_lead(self) -> None:
        if self._lead:
            text = "\n".join(self._lead)
            self._lead.clear()
            self._bare = None
            self._blocks.append(Block(text, Kind.TEXT, self._path, self.page, self._lead_anchor))

    def _keep_bare(self) -> None:
        # A heading with nothing under it is in no block's path: without this its words were lost.
        if self._bare is not None:
            self._blocks.append(self._bare)
            self._bare = None
