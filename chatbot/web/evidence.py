"""What the sources panel shows of a turn, and addresses in the reading page → HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote as url_quote
from urllib.parse import urlencode

from chatbot.domain import Citation, Document, Passage
from chatbot.web.icons import icon
from chatbot.web.markup import escape, passage_html, place_of, sources, spans_of
from chatbot.web.turns import Turn


def evidence_html(turn: Turn) -> str:
    """What the panel shows: each source with its quotes marked, then what was read besides."""
    cited = sources(turn.citations)
    used = {quoted[0].passage.id for quoted in cited.values()}
    cards = [_source(turn, str(n), quoted[0].passage, quoted) for n, quoted in cited.items()]
    others = [
        _source(turn, f"p{n}", p, ()) for n, p in enumerate(turn.passages) if p.id not in used
    ]
    if others and not turn.working:
        heading = "Also read, not quoted" if cited else "Closest passages"
        cards.append(f'<h3 class="others">{heading}</h3>{"".join(others)}')
    return "".join(cards)


def _source(turn: Turn, key: str, passage: Passage, quoted: Sequence[Citation]) -> str:
    quotes = [c.quote for c in quoted]
    text = passage_html(passage.text, spans_of(passage.text, quotes), code=passage.kind == "code")
    number = f'<span class="number">{key}</span>' if quoted else ""
    return (
        f'<details class="source" data-marker="{key}"><summary>{number}<span class="name">'
        f'<span class="title">{escape(passage.document.title)}</span>'
        f'<span class="where">{escape(place_of(passage))}</span></span></summary>'
        f'<div class="passage">{text}</div>{_source_foot(turn, passage, quotes)}</details>'
    )


def _source_foot(turn: Turn, passage: Passage, quotes: Sequence[str]) -> str:
    link = escape(document_url(passage, turn.conversation, quotes))
    return (
        f'<p class="source-foot"><a class="open-document" href="{link}">{icon("document")}'
        f"Open the document</a>{validity(passage.document)}</p>"
    )


def validity(document: Document) -> str:
    """From when to when a document counts, if it says so."""
    parts = []
    if document.effective:
        parts.append(f"In force since {document.effective.isoformat()}")
    if document.expires:
        parts.append(
            f"until {document.expires.isoformat()}"
            if parts
            else f"In force until {document.expires.isoformat()}"
        )
    return f'<span class="validity">{" ".join(parts)}</span>' if parts else ""


def document_url(passage: Passage, conversation: str = "", quotes: Sequence[str] = ()) -> str:
    """Address of the reading page, at this passage, with the quotes marked."""
    at = ",".join(f"{a}-{b}" for a, b in spans_of(passage.text, quotes))
    query = {"passage": passage.id, "at": at, "c": conversation}
    kept = urlencode({k: v for k, v in query.items() if v})
    return f"/documents/{url_quote(passage.document.id, safe='')}?{kept}#passage"
