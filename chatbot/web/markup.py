"""Text that others wrote → HTML that cannot do anything but be read. Pure.

Two paths, and no third. An answer is Markdown: markdown-it without raw HTML, links or images, then
nh3, and only then do markers become links, which are the one thing here that we write ourselves.
Everything else (questions, titles, passages, messages) is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape as _escape

import nh3
from markdown_it import MarkdownIt

from chatbot.domain import Citation, Passage

_MARKER = re.compile(r"[ \t]?\[(\d{1,2})\]")
_TAGS = {
    "p", "br", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr",
    "table", "thead", "tbody", "tr", "th", "td", "h3", "h4",
}  # fmt: skip
_HEADING = re.compile(r"(</?)h[1-6]\b")
# Bidirectional overrides can make a sentence read as something else than it says.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
# Markers stand between these while the text goes through Markdown; nobody else can write them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_STRONG = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
_HIDDEN_MARKER = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


def clean(text: str) -> str:
    """The text without characters that hide or reorder what is read."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace(_OPEN, "").replace(_CLOSE, ""))


def escape(text: str) -> str:
    """The text for use between tags and inside quoted attributes."""
    return _escape(clean(text), quote=True)


def answer_html(text: str, citations: Iterable[Citation], turn: int) -> str:
    """Released words as HTML. A marker that has a citation is a link to its source.

    Args:
        text: sentences that passed the gate, joined.
        citations: what the markers point at.
        turn: number of the turn on the page, part of each link's target.
    """
    named = sources(citations)

    def hide(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"{_OPEN}{number}{_CLOSE}" if number in named else match[0]

    def link(match: re.Match[str]) -> str:
        return marker_html(named[int(match[1])][0], turn)

    body = _markdown().render(_MARKER.sub(hide, clean(text)))
    body = nh3.clean(_HEADING.sub(r"\1h4", body), tags=_TAGS, attributes={}, url_schemes=set())
    return _HIDDEN_MARKER.sub(link, body)


def marker_html(citation: Citation, turn: int) -> str:
    """`[1]` as a link that opens its source; its accessible name says which source that is."""
    name = f"Source {citation.marker}: {source_name(citation)}"
    return (
        f'\u2060<a class="cite" href="#source-{turn}-{citation.marker}" data-turn="{turn}" '
        f'data-marker="{citation.marker}" role="button" aria-label="{escape(name)}" '
        f'title="{escape(source_name(citation))}">{citation.marker}</a>'
    )


def source_name(citation: Citation) -> str:
    """Title and place of a citation's passage, as plain text."""
    place = place_of(citation.passage)
    return f"{citation.passage.document.title}, {place}"


def headings_of(passage: Passage) -> tuple[str, ...]:
    """The headings above a passage, without one that only repeats the document's title."""
    heading = passage.locator.heading
    return heading[1:] if heading[:1] == (passage.document.title,) else heading


def place_of(passage: Passage) -> str:
    """Where in its document a passage stands, as plain text."""
    return str(replace(passage.locator, heading=headings_of(passage)))


def sources(citations: Iterable[Citation]) -> Mapping[int, Sequence[Citation]]:
    """Citations by marker. One passage can be quoted more than once under the same marker."""
    found: dict[int, list[Citation]] = {}
    for citation in citations:
        found.setdefault(citation.marker, []).append(citation)
    return dict(sorted(found.items()))


def plain_answer(text: str, citations: Iterable[Citation]) -> str:
    """The answer to paste elsewhere: its words, its markers, and the list of its sources."""
    lines = [
        f"[{marker}] {source_name(quoted[0])}: "
        + " … ".join(f"“{' '.join(c.quote.split())}”" for c in quoted)
        for marker, quoted in sources(citations).items()
    ]
    text = _STRONG.sub(r"\1", text)
    return clean("\n\n".join([text] + (["Sources\n" + "\n".join(lines)] if lines else [])))


def spans_of(text: str, quotes: Iterable[str]) -> list[tuple[int, int]]:
    """Where the quotes stand in the text, merged and in order. Blanks may differ in number."""
    found = []
    for quote in quotes:
        words = [re.escape(word) for word in quote.split()]
        match = re.search(r"\s+".join(words), text) if words else None
        if match:
            found.append(match.span())
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def passage_html(text: str, spans: Sequence[tuple[int, int]] = (), *, code: bool = False) -> str:
    """A passage as paragraphs and tables, with `spans` marked.

    Lines with tabs are rows of a table, which is how loaders write them.
    """
    if code:
        return f"<pre><code>{_marked(text, 0, len(text), spans)}</code></pre>"
    parts: list[str] = []
    start = 0
    rows: list[str] = []
    for line in text.splitlines(keepends=True):
        end = start + len(line.rstrip())
        if "\t" in line:
            rows.append(_row(text, start, end, spans))
        else:
            parts += _table(rows)
            rows = []
            if line.strip():
                parts.append(f"<p>{_marked(text, start, end, spans)}</p>")
        start += len(line)
    return "".join(parts + _table(rows))


def _table(rows: Sequence[str]) -> list[str]:
    return [f'<div class="table"><table>{"".join(rows)}</table></div>'] if rows else []


def _row(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    cells = []
    for cell in text[start:end].split("\t"):
        cells.append(f"<td>{_marked(text, start, start + len(cell), spans)}</td>")
        start += len(cell) + 1
    return f"<tr>{''.join(cells)}</tr>"


def _marked(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    html, at = "", start
    for first, last in spans:
        first, last = max(first, at), min(last, end)
        if first < last:
            html += escape(text[at:first]) + f"<mark>{escape(text[first:last])}</mark>"
            at = last
    return html + escape(text[at:end])


@cache
def _markdown() -> MarkdownIt:
    # "reference" and "link" off: a link would be an address that a document or a model chose.
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    return parser.enable("table").disable(
        ["link", "image", "autolink", "reference", "html_block", "html_inline", "code"]
    )
