"""A turn as the widget gets it: plain data, no markup. Pure.

Words go through `markup` as on the page, and then from its clean HTML into nested lists, `[tag,
child, …]`, with the few tags below. The widget makes elements of these and sets no attribute from
them, so that there is no markup left that a browser could read in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from chatbot.domain import Citation
from chatbot.web.held import SIGNED
from chatbot.web.markup import answer_html, clean, passage_html, place_of, sources, spans_of
from chatbot.web.render import kind_of
from chatbot.web.turns import Turn

TAGS = frozenset(
    {"p", "br", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "h4",
     "table", "thead", "tbody", "tr", "th", "td", "mark"}
)  # fmt: skip
_VOID = frozenset({"br", "hr"})
Node = str | list[Any]


def turn_data(turn: Turn) -> dict[str, Any]:
    """What the widget shows of a turn; all of it has been through the gate by now."""
    waits = turn.waiting
    return {
        "index": turn.index,
        "conversation": turn.conversation,
        "record": turn.record,
        "question": clean(turn.question),
        "phase": str(turn.phase),
        "ahead": turn.ahead,
        "kind": kind_of(turn) or "",
        "answer": tree(answer_html(turn.text, turn.citations, 0)) if turn.text else [],
        "sources": [_source(m, quoted) for m, quoted in sources(turn.citations).items()],
        "notices": [clean(n) for n in turn.notices if n != SIGNED],
        "signed": SIGNED in turn.notices,
        "message": clean(turn.message),
        "remedy": clean(turn.remedy),
        "helpline": clean(turn.helpline) if waits else "",
        "withdrawn": clean(turn.withdrawn),
        "rating": turn.rating,
        "state": str(waits.state) if waits else "",
        "open": bool(waits and waits.open),
        "reasons": [clean(r) for r in waits.reasons] if waits and waits.open else [],
        "minutes": max(1, round(waits.wait.total_seconds() / 60)) if waits else 0,
        "asked": clean(waits.asked) if waits else "",
    }


def _source(marker: int, quoted: Sequence[Citation]) -> dict[str, Any]:
    passage = quoted[0].passage
    spans = spans_of(passage.text, [c.quote for c in quoted])
    return {
        "marker": marker,
        "title": clean(passage.document.title),
        "place": clean(place_of(passage)),
        "passage": tree(passage_html(passage.text, spans, code=passage.kind == "code")),
    }


def tree(html: str) -> list[Node]:
    """Our own clean HTML as nested lists: text, `[tag, child, …]`, and `["cite", marker]`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: list[Node] = []
        self._open: list[tuple[str, list[Any]]] = [("", self.root)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marker = dict(attrs).get("data-marker") if tag == "a" else None
        node: list[Any] = ["cite", int(marker)] if marker else [tag]
        if marker or tag in TAGS:
            self._open[-1][1].append(node)
        else:
            node = self._open[-1][1]  # an element without meaning of its own
        if tag not in _VOID:
            self._open.append((tag, node))

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _ in self._open[1:]):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        tag, parent = self._open[-1]
        text = data.replace("\u2060", "")
        if tag != "a" and text.strip("\n"):  # between blocks, a new line says nothing
            parent.append(text)
