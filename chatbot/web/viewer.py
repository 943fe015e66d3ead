"""The reading page: the extracted text of one document, at the passage that was cited. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chatbot.domain import Document, Passage, Person
from chatbot.web.evidence import validity
from chatbot.web.icons import icon
from chatbot.web.markup import escape, headings_of, passage_html

_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")
_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{1,64}")


def may_read(person: Person | None, document: Document) -> bool:
    """Whether the document's text may be shown to this person."""
    if person is None:
        return False
    return person.collections is None or document.collection in person.collections


def document_page(
    site: str,
    document: Document,
    passages: Sequence[Passage],
    wanted: str = "",
    at: str = "",
    conversation: str = "",
) -> str:
    """The page.

    Args:
        site: name of the site, for the header.
        wanted: id of the passage to mark; nothing is marked if the document has none such.
        at: which characters of it to mark, as `12-80,95-120`; all that is amiss is passed over.
        conversation: where "back" leads.
    """
    kept = conversation if _CONVERSATION.fullmatch(conversation) else ""
    name = document.uri.replace("\\", "/").rsplit("/", 1)[-1]
    body = "".join(_body(passages, wanted, _spans(at)))
    jump = '<a class="skip" href="#passage">Skip to the cited passage</a>' if wanted else ""
    main = (
        f'<main class="document" id="text"><header><h1>{escape(document.title)}</h1>'
        f'<p class="meta"><span>{escape(name)}</span>{validity(document)}'
        f"<span>Extracted text</span></p></header>"
        f"{body or '<p>This document holds no text that could be read.</p>'}</main>"
    )
    return shell(site, document.title, jump + top_bar(site, kept) + main)


def not_found_page(site: str) -> str:
    """What stands where there is no such document, or none that this person may read."""
    main = (
        '<main class="document" id="text"><header><h1>This document is not here</h1></header>'
        "<p>It may have been removed or renamed since the answer was written, or it is not yours "
        'to read.</p><p><a class="open-document" href="/">Back to the conversation</a></p></main>'
    )
    return shell(site, "Not found", top_bar(site, "") + main)


def top_bar(site: str, conversation: str) -> str:
    """The bar above a document: back, and the site's name."""
    back = f"/?c={conversation}" if conversation else "/"
    return (
        f'<header class="bar"><a class="quiet back" href="{back}">{icon("back")}'
        f"<span>Back to the conversation</span></a>"
        f'<span class="brand">{escape(site)}</span></header>'
    )


def shell(site: str, title: str, body: str) -> str:
    """A whole page of ours, without Gradio."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {escape(site)}</title>"
        '<link rel="icon" href="/ui/favicon.svg" type="image/svg+xml">'
        '<script src="/ui/theme.js"></script>'
        '<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/viewer.css">'
        '<script type="module" src="/ui/viewer.js"></script>'
        f'</head><body class="reading">{body}</body></html>'
    )


def _body(
    passages: Sequence[Passage], wanted: str, spans: Sequence[tuple[int, int]]
) -> Iterator[str]:
    heading: tuple[str, ...] = ()
    page: int | None = None
    shown_to = 0
    target = next((p for p in passages if p.id == wanted), None)
    for passage in passages:
        if passage.locator.page not in (None, page):
            page = passage.locator.page
            yield f'<p class="page" role="separator">Page {page}</p>'
        yield from _headings(heading, headings_of(passage))
        heading = headings_of(passage)
        code = passage.kind == "code"
        if passage is target:
            text = passage_html(passage.text, spans, code=code)
            yield f'<section id="passage" class="hit" tabindex="-1">{text}</section>'
        else:
            start, end = _unseen(passage, shown_to, target)
            yield f"<section>{passage_html(passage.text[start:end], code=code)}</section>"
        shown_to = max(shown_to, passage.locator.end)


def _unseen(passage: Passage, shown_to: int, target: Passage | None) -> tuple[int, int]:
    """Which part of a passage to show: passages may overlap, and the cited one is shown whole."""
    where, start, end = passage.locator, 0, len(passage.text)
    if where.end - where.start != end:
        return 0, end
    start = min(max(shown_to - where.start, 0), end)
    if target and where.start < target.locator.start < where.end:
        end = target.locator.start - where.start
    return start, max(start, end)


def _headings(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    for depth in range(same, len(now)):
        level = min(depth + 2, 6)
        yield f"<h{level}>{escape(now[depth])}</h{level}>"


def _spans(at: str) -> list[tuple[int, int]]:
    found = [_SPAN.fullmatch(part) for part in at[:400].split(",")]
    return sorted((int(m[1]), int(m[2])) for m in found if m and int(m[1]) < int(m[2]))
