"""The sidebar, the page before the first question, and the page without documents. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import quote as url_quote

from chatbot.domain import Document
from chatbot.web.icons import icon
from chatbot.web.markup import escape

_SHOWN_DOCUMENTS = 6


class Listed(Protocol):
    """A conversation, as far as a list needs it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...


def sidebar_html(
    conversations: Sequence[Listed], current: str, now: datetime, account: str | None = None
) -> str:
    """New conversation, then the earlier ones by day, newest first, and who is logged in."""
    groups: dict[str, list[str]] = {}
    for conversation in conversations:
        groups.setdefault(_age(conversation.updated_at, now), []).append(
            _entry(conversation, conversation.id == current)
        )
    drawn = "".join(
        f'<h3>{age}</h3><ul class="conversations">{"".join(entries)}</ul>'
        for age, entries in groups.items()
    )
    empty = '<p class="none-yet">Your conversations will be listed here.</p>'
    return (
        '<nav class="sidebar-inner" aria-label="Conversations">'
        f'<button type="button" class="new" data-act="new">{icon("plus")}New conversation</button>'
        f'<div class="scroll">{drawn or empty}</div>{_account(account)}</nav>'
    )


def _account(name: str | None) -> str:
    if name is None:
        return f'<p class="account"><a href="/login">{icon("person")}Log in</a></p>'
    return (
        f'<p class="account"><span title="{escape(name)}">{icon("person")}{escape(name)}</span>'
        '<button type="button" class="quiet" data-act="logout" aria-label="Log out" '
        f'title="Log out">{icon("leave")}</button></p>'
    )


def _entry(conversation: Listed, current: bool) -> str:
    title = escape(conversation.title.strip() or "Untitled")
    key = escape(conversation.id)
    mark = ' aria-current="page"' if current else ""
    return (
        f'<li data-id="{key}"><a href="/?c={url_quote(conversation.id)}" data-act="open" '
        f'data-id="{key}" title="{title}"{mark}>{title}</a><span class="tools">'
        f'<button type="button" class="quiet" data-act="rename" data-id="{key}" '
        f'aria-label="Rename “{title}”" title="Rename">{icon("edit")}</button>'
        f'<button type="button" class="quiet" data-act="delete" data-id="{key}" '
        f'aria-label="Delete “{title}”" title="Delete">{icon("trash")}</button></span></li>'
    )


def _age(then: datetime, now: datetime) -> str:
    if then.tzinfo is None:
        then = then.replace(tzinfo=now.tzinfo)
    days = (now.date() - then.astimezone(now.tzinfo).date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Last seven days" if days <= 7 else "Earlier"


def welcome_html(documents: Sequence[Document], examples: Sequence[str], note: str = "") -> str:
    """What stands where the conversation will be."""
    told = f'<p class="notice">{escape(note)}</p>' if note else ""
    inner = _start(documents, examples) if documents else _no_documents()
    return f'<div class="thread" data-conversation="" data-turns="0">{told}{inner}</div>'


def _start(documents: Sequence[Document], examples: Sequence[str]) -> str:
    cards = "".join(
        f'<li><button type="button" class="example" data-act="example">{escape(q)}</button></li>'
        for q in examples
    )
    tried = f'<h2>From your documents</h2><ul class="examples">{cards}</ul>' if examples else ""
    count = f"{len(documents)} documents are" if len(documents) != 1 else "One document is"
    return (
        '<div class="welcome"><h1>Ask the documents</h1>'
        f"<p>{count} indexed. Each sentence of an answer shows the passage that it came from, "
        f"and what cannot be checked is held for a person.</p>{tried}{_shelf(documents)}</div>"
    )


def _shelf(documents: Sequence[Document]) -> str:
    links = "".join(
        f'<li><a href="/documents/{url_quote(d.id, safe="")}">{icon("document")}'
        f"{escape(d.title)}</a></li>"
        for d in documents[:_SHOWN_DOCUMENTS]
    )
    rest = "".join(
        f'<li><a href="/documents/{url_quote(d.id, safe="")}">{icon("document")}'
        f"{escape(d.title)}</a></li>"
        for d in documents[_SHOWN_DOCUMENTS:]
    )
    more = (
        f'<details class="more"><summary>{len(documents) - _SHOWN_DOCUMENTS} more</summary>'
        f'<ul class="shelf">{rest}</ul></details>'
        if rest
        else ""
    )
    return f'<h2>Read them yourself</h2><ul class="shelf">{links}</ul>{more}'


def _no_documents() -> str:
    return (
        '<div class="welcome blank"><h1>No documents yet</h1>'
        "<p>Answers come from your own documents, and none are indexed so far. "
        "Put them in a folder and run:</p>"
        "<pre><code>ingest sync FOLDER</code></pre>"
        "<p>PDF, Word, HTML, Markdown and plain text are read. This page notices by itself when "
        "the first document is there.</p></div>"
    )
