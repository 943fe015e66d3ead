"""Turns an HTML element tree into blocks; knows the furniture of DocBook and Sphinx."""

from __future__ import annotations

import re
from typing import Any

from ingest.document import Kind
from ingest.loaders.builder import Builder, lines, words


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
DROPPED = _names(
    """script style template noscript svg head nav select textarea iframe object canvas audio video
    annotation"""
)
BLOCKS = _names(
    """address article aside blockquote body caption center dd details dialog dir div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu ol p
    pre search section summary table tbody td tfoot th thead tr ul"""
)
LISTS = _names("ul ol menu dir")
ROLES = _names("navigation banner contentinfo search doc-toc doc-index doc-pagelist")
FURNITURE = _names(
    """navheader navfooter docnav toc list-of-tables list-of-figures list-of-examples indexdiv
    sphinxsidebar related headerlink id_link toctree-wrapper viewcode-link viewcode-back linenos
    linenodiv genindextable wy-nav-side wy-nav-top wy-breadcrumbs rst-footer-buttons rst-versions
    md-sidebar breadcrumb breadcrumbs skip-link skiplink"""
)
ASIDES = _names("note tip warning caution important danger hint admonition")
LEADS = _names("title admonition-title code-block-caption")
INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
GENERATED_ID = re.compile(r"id-?[\d.]+$|id[mpe]\d+$")
BREAK = "\x00"  # cannot occur in a parsed tree
MAX_DEPTH = 100  # a level takes up to four frames of Python's thousand; real pages stay under 40


class Walker:
    """Feeds a builder from an element tree, each word once and in order."""

    def __init__(self, out: Builder) -> None:
        self.out = out
        self._parts: list[str] = []
        self._lists = 0
        self._asides = 0
        self._depth = 0
        self._next_anchor: str | None = None

    def walk(self, root: Any) -> None:
        """Add what stands in `root`."""
        self._children(root)
        self._flush()

    def _children(self, node: Any) -> None:
        parts = self._parts
        if node.text:
            parts.append(node.text)
        for child in node:
            self._element(child)
            if child.tail:
                parts.append(child.tail)

    def _element(self, node: Any) -> None:
        tag = node.tag
        if not isinstance(tag, str) or tag in DROPPED or (node.attrib and _unseen(node)):
            return
        if self._depth > MAX_DEPTH:
            self._parts.append(visible(node))
        elif tag == "br":
            self._parts.append(BREAK)
        elif tag not in BLOCKS:
            self._mark(node)
            self._depth += 1
            self._children(node)
            self._depth -= 1
        else:
            self._block(node, tag)

    def _block(self, node: Any, tag: str) -> None:
        if tag in ("header", "footer") and node.getparent().tag == "body":
            return
        self._flush()
        self._mark(node)
        self._depth += 1
        classes = node.get("class", "").split()
        if tag in HEADINGS:
            self._heading(node, HEADINGS[tag])
        elif tag == "pre":
            self.out.add(lines(visible(node, "\n")), Kind.CODE)
        elif tag == "table" and not _is_layout(node, classes):
            self._table(node)
        elif tag in ("dt", "summary") or (tag in "p div" and not LEADS.isdisjoint(classes)):
            self._mark_first(node)
            self.out.lead(words(visible(node)))
        else:
            self._container(node, tag, classes)
        self._depth -= 1

    def _container(self, node: Any, tag: str, classes: list[str]) -> None:
        is_list = tag in LISTS
        is_aside = tag == "aside" or not ASIDES.isdisjoint(classes)
        self._lists += is_list
        self._asides += is_aside
        self._children(node)
        self._flush()
        self._lists -= is_list
        self._asides -= is_aside

    def _heading(self, node: Any, level: int) -> None:
        text = words(visible(node))
        self._mark_first(node)
        if self._asides:
            # "Note" above a box is no section: it belongs to the words in the box.
            self.out.lead(text)
        else:
            self.out.heading(1 if _names_manual_page(node) else level, text)

    def _table(self, node: Any) -> None:
        rows = [words(visible(caption)) for caption in node.iter("caption")]
        for row in node.iter("tr"):
            if not _unseen(row):
                cells = [words(visible(c)) for c in row if c.tag in ("td", "th") and not _unseen(c)]
                rows.append("\t".join(cells).rstrip())
        self.out.add("\n".join(row for row in rows if row.strip()), Kind.TABLE)

    def _flush(self) -> None:
        if self._parts:
            text = "".join(self._parts)
            self._parts.clear()
            if BREAK in text:
                text = "\n".join(filter(None, map(words, text.split(BREAK))))
            else:
                text = words(text)
            self.out.add(text, Kind.LIST if self._lists else Kind.TEXT)
        if self._next_anchor:
            self.out.anchor = self._next_anchor
            self._next_anchor = None

    def _mark(self, node: Any) -> None:
        name = _name(node) if node.attrib else None
        if name is None:
            return
        if any(not part.isspace() for part in self._parts):
            # In the middle of a paragraph: it is above the next block, not above this one.
            self._next_anchor = name
        else:
            self.out.anchor = name

    def _mark_first(self, node: Any) -> None:
        name = _name(node) or next(
            filter(None, map(_name, node.iterdescendants("a", "span"))), None
        )
        if name:
            self.out.anchor = name


def visible(node: Any, line_break: str = " ") -> str:
    """The words inside one element, blocks in it set apart."""
    parts: list[str] = []
    _gather(node, parts, line_break, 0)
    return "".join(parts)


def _gather(node: Any, parts: list[str], line_break: str, depth: int) -> None:
    if node.text:
        parts.append(node.text)
    for child in node:
        tag = child.tag
        if tag == "br":
            parts.append(line_break)
        elif isinstance(tag, str) and tag not in DROPPED and not (child.attrib and _unseen(child)):
            gap = line_break if tag in BLOCKS else ""
            parts.append(gap)
            if depth > MAX_DEPTH:
                parts.extend(child.itertext())
            else:
                _gather(child, parts, line_break, depth + 1)
            parts.append(gap)
        if child.tail:
            parts.append(child.tail)


def _unseen(node: Any) -> bool:
    get = node.get
    return bool(
        get("role") in ROLES
        or ((classes := get("class")) and not FURNITURE.isdisjoint(classes.split()))
        or get("aria-hidden") == "true"
        or get("hidden", "until-found") != "until-found"
        or ((style := get("style")) and INVISIBLE.search(style))
    )


def _name(node: Any) -> str | None:
    name: str | None = node.get("id") or (node.get("name") if node.tag == "a" else None)
    return None if name is None or GENERATED_ID.match(name) else name


def _names_manual_page(node: Any) -> bool:
    # DocBook gives a manual page's name the same level as the sections of the page.
    return any(child.get("class") == "refentrytitle" for child in node)


def _is_layout(table: Any, classes: list[str]) -> bool:
    if "highlighttable" in classes or table.get("role") in ("presentation", "none"):
        return True
    if next(table.iterdescendants("table", *HEADINGS), None) is not None:
        return True
    cells = table.iter("td", "th")
    return next(cells, None) is None or next(cells, None) is None
